/**
 * The functions of the language itself: operators, conversions, string tests, clock getters.
 *
 * Logical operators, equality and indexing are declared here for the checker; the evaluator carries them out itself.
 *
 * Source: cel-go v0.29.2 common/stdlib/standard.go, with cross-type numeric comparisons.
 */
import { compare, equals } from '../compare.ts';
import { codePointLength } from '../code-points.ts';
import type { Library } from '../environment.ts';
import { globalOverload, memberOverload } from '../function.ts';
import type { FunctionDeclaration, Implementation, Overload } from '../function.ts';
import { compileRegex } from '../regex.ts';
import { indexOf } from '../text-search.ts';
import { standardMacros } from '../syntax/standard-macros.ts';
import * as operators from '../syntax/operators.ts';
import { ListType, MapType, typeOf } from '../type-of.ts';
import {
  BoolType,
  BytesType,
  DoubleType,
  DurationType,
  DynType,
  IntType,
  NullType,
  StringType,
  TimestampType,
  TypeType,
  UintType,
  listType,
  mapType,
  typeOfType,
  typeParameter,
} from '../types.ts';
import type { Type } from '../types.ts';
import { EvaluationError, ListValue, MapValue, noSuchOverload } from '../values.ts';
import type { Duration, Result, Timestamp, Value } from '../values.ts';
import { add, divide, modulo, multiply, negate, subtract, withoutOperator } from './arithmetic.ts';
import { toBool, toBytes, toDouble, toDuration, toInt, toString, toTimestamp, toUint } from './conversions.ts';
import { inTimeZone } from './time-zone.ts';

const A = typeParameter('A');
const B = typeParameter('B');
const listOfA = listType(A);
const mapOfAB = mapType(A, B);

/** An overload without a name of its own: id, parameters, result. */
type Signature = readonly [id: string, parameters: readonly Type[], result: Type];

const comparable: readonly (readonly [string, Type, string, Type])[] = [
  ['bool', BoolType, '', BoolType],
  ['int64', IntType, '', IntType],
  ['int64', IntType, '_double', DoubleType],
  ['int64', IntType, '_uint64', UintType],
  ['uint64', UintType, '', UintType],
  ['uint64', UintType, '_double', DoubleType],
  ['uint64', UintType, '_int64', IntType],
  ['double', DoubleType, '', DoubleType],
  ['double', DoubleType, '_int64', IntType],
  ['double', DoubleType, '_uint64', UintType],
  ['string', StringType, '', StringType],
  ['bytes', BytesType, '', BytesType],
  ['timestamp', TimestampType, '', TimestampType],
  ['duration', DurationType, '', DurationType],
];

/** Always part of an environment. */
export const standardLibrary: Library = {
  name: 'cel.lib.std',
  macros: standardMacros,
  types: [
    BoolType,
    BytesType,
    DoubleType,
    DurationType,
    IntType,
    ListType,
    MapType,
    NullType,
    StringType,
    TimestampType,
    TypeType,
    UintType,
  ],
  functions: [
    operator(operators.CONDITIONAL, noSuchOverload, [['conditional', [BoolType, A, A], A]]),
    operator(operators.LOGICAL_AND, noSuchOverload, [['logical_and', [BoolType, BoolType], BoolType]]),
    operator(operators.LOGICAL_OR, noSuchOverload, [['logical_or', [BoolType, BoolType], BoolType]]),
    operator(operators.LOGICAL_NOT, not, [['logical_not', [BoolType], BoolType]]),
    operator(operators.NOT_STRICTLY_FALSE, noSuchOverload, [['not_strictly_false', [BoolType], BoolType]]),
    operator(operators.EQUALS, equals, [['equals', [A, A], BoolType]]),
    operator(operators.NOT_EQUALS, (a, b) => equals(a, b) !== true, [['not_equals', [A, A], BoolType]]),
    operator(operators.ADD, add, [
      ['add_bytes', [BytesType, BytesType], BytesType],
      ['add_double', [DoubleType, DoubleType], DoubleType],
      ['add_duration_duration', [DurationType, DurationType], DurationType],
      ['add_duration_timestamp', [DurationType, TimestampType], TimestampType],
      ['add_timestamp_duration', [TimestampType, DurationType], TimestampType],
      ['add_int64', [IntType, IntType], IntType],
      ['add_list', [listOfA, listOfA], listOfA],
      ['add_string', [StringType, StringType], StringType],
      ['add_uint64', [UintType, UintType], UintType],
    ]),
    operator(operators.DIVIDE, divide, [
      ['divide_double', [DoubleType, DoubleType], DoubleType],
      ['divide_int64', [IntType, IntType], IntType],
      ['divide_uint64', [UintType, UintType], UintType],
    ]),
    operator(operators.MODULO, modulo, [
      ['modulo_int64', [IntType, IntType], IntType],
      ['modulo_uint64', [UintType, UintType], UintType],
    ]),
    operator(operators.MULTIPLY, multiply, [
      ['multiply_double', [DoubleType, DoubleType], DoubleType],
      ['multiply_int64', [IntType, IntType], IntType],
      ['multiply_uint64', [UintType, UintType], UintType],
    ]),
    operator(operators.NEGATE, negate, [
      ['negate_double', [DoubleType], DoubleType],
      ['negate_int64', [IntType], IntType],
    ]),
    operator(operators.SUBTRACT, subtract, [
      ['subtract_double', [DoubleType, DoubleType], DoubleType],
      ['subtract_duration_duration', [DurationType, DurationType], DurationType],
      ['subtract_int64', [IntType, IntType], IntType],
      ['subtract_timestamp_duration', [TimestampType, DurationType], TimestampType],
      ['subtract_timestamp_timestamp', [TimestampType, TimestampType], DurationType],
      ['subtract_uint64', [UintType, UintType], UintType],
    ]),
    comparison(operators.LESS, 'less', (order) => order < 0),
    comparison(operators.LESS_EQUALS, 'less_equals', (order) => order <= 0),
    comparison(operators.GREATER, 'greater', (order) => order > 0),
    comparison(operators.GREATER_EQUALS, 'greater_equals', (order) => order >= 0),
    operator(operators.INDEX, noSuchOverload, [
      ['index_list', [listOfA, IntType], A],
      ['index_map', [mapOfAB, A], B],
    ]),
    operator(operators.IN, isIn, [
      ['in_list', [A, listOfA], BoolType],
      ['in_map', [A, mapOfAB], BoolType],
    ]),
    {
      name: 'size',
      unguarded: true,
      overloads: [
        globalOverload('size_bytes', [BytesType], IntType, size),
        memberOverload('bytes_size', [BytesType], IntType, size),
        globalOverload('size_list', [listOfA], IntType, size),
        memberOverload('list_size', [listOfA], IntType, size),
        globalOverload('size_map', [mapOfAB], IntType, size),
        memberOverload('map_size', [mapOfAB], IntType, size),
        globalOverload('size_string', [StringType], IntType, size),
        memberOverload('string_size', [StringType], IntType, size),
      ],
    },
    operator('type', typeOf, [['type', [A], typeOfType(A)]]),
    operator('dyn', (value) => value, [['to_dyn', [A], DynType]]),
    conversion('bool', BoolType, toBool, [
      ['bool_to_bool', BoolType],
      ['string_to_bool', StringType],
    ]),
    conversion('bytes', BytesType, toBytes, [
      ['bytes_to_bytes', BytesType],
      ['string_to_bytes', StringType],
    ]),
    conversion('double', DoubleType, toDouble, [
      ['double_to_double', DoubleType],
      ['int64_to_double', IntType],
      ['string_to_double', StringType],
      ['uint64_to_double', UintType],
    ]),
    conversion('duration', DurationType, toDuration, [
      ['duration_to_duration', DurationType],
      ['string_to_duration', StringType],
    ]),
    conversion('int', IntType, toInt, [
      ['int64_to_int64', IntType],
      ['double_to_int64', DoubleType],
      ['duration_to_int64', DurationType],
      ['string_to_int64', StringType],
      ['timestamp_to_int64', TimestampType],
      ['uint64_to_int64', UintType],
    ]),
    conversion('string', StringType, toString, [
      ['string_to_string', StringType],
      ['bool_to_string', BoolType],
      ['bytes_to_string', BytesType],
      ['double_to_string', DoubleType],
      ['duration_to_string', DurationType],
      ['int64_to_string', IntType],
      ['timestamp_to_string', TimestampType],
      ['uint64_to_string', UintType],
    ]),
    conversion('timestamp', TimestampType, toTimestamp, [
      ['timestamp_to_timestamp', TimestampType],
      ['int64_to_timestamp', IntType],
      ['string_to_timestamp', StringType],
    ]),
    conversion('uint', UintType, toUint, [
      ['uint64_to_uint64', UintType],
      ['double_to_uint64', DoubleType],
      ['int64_to_uint64', IntType],
      ['string_to_uint64', StringType],
    ]),
    stringTest('contains', 'contains_string', (text, part) => indexOf(text, part) !== -1),
    stringTest('endsWith', 'ends_with_string', (text, suffix) => text.endsWith(suffix)),
    stringTest('startsWith', 'starts_with_string', (text, prefix) => text.startsWith(prefix)),
    {
      name: 'matches',
      unguarded: true,
      overloads: [
        { ...globalOverload('matches', [StringType, StringType], BoolType, matches), chargedBefore: true },
        { ...memberOverload('matches_string', [StringType, StringType], BoolType, matches), chargedBefore: true },
      ],
      constantArgument: { index: 1, bind: bindPattern },
    },
    clockGetter('getFullYear', 'timestamp_to_year', (clock) => clock.getUTCFullYear()),
    clockGetter('getMonth', 'timestamp_to_month', (clock) => clock.getUTCMonth()),
    clockGetter('getDayOfYear', 'timestamp_to_day_of_year', dayOfYear),
    clockGetter('getDayOfMonth', 'timestamp_to_day_of_month', (clock) => clock.getUTCDate() - 1),
    clockGetter('getDate', 'timestamp_to_day_of_month_1_based', (clock) => clock.getUTCDate()),
    clockGetter('getDayOfWeek', 'timestamp_to_day_of_week', (clock) => clock.getUTCDay()),
    clockGetter('getHours', 'timestamp_to_hours', (clock) => clock.getUTCHours(), 3_600_000_000_000n),
    clockGetter('getMinutes', 'timestamp_to_minutes', (clock) => clock.getUTCMinutes(), 60_000_000_000n),
    clockGetter('getSeconds', 'timestamp_to_seconds', (clock) => clock.getUTCSeconds(), 1_000_000_000n),
    clockGetter('getMilliseconds', 'timestamp_to_milliseconds', (clock) => clock.getUTCMilliseconds(), 1_000_000n),
  ],
};

/** A global function with one implementation for all its overloads, which tells the types apart by itself. */
function operator(name: string, implementation: Implementation, signatures: readonly Signature[]): FunctionDeclaration {
  const overloads = signatures.map(([id, parameters, result]) =>
    globalOverload(id, parameters, result, implementation),
  );
  return { name, overloads, unguarded: true };
}

function comparison(name: string, prefix: string, holds: (order: number) => boolean): FunctionDeclaration {
  const compareValues: Implementation = (a, b) => {
    if (a === undefined || b === undefined) return noSuchOverload();
    if (!hasOrder(a)) return withoutOperator(name, a);
    const order = compare(a, b);
    return order instanceof EvaluationError ? order : holds(order);
  };
  const signatures = comparable.map(([left, leftType, right, rightType]): Signature => [
    `${prefix}_${left}${right}`,
    [leftType, rightType],
    BoolType,
  ]);
  return operator(name, compareValues, signatures);
}

/** Types whose values have an order: cel-go's traits.ComparerType. */
const ORDERED: ReadonlySet<Type> = new Set(comparable.map(([, type]) => type));

function hasOrder(value: Value): boolean {
  return ORDERED.has(typeOf(value));
}

function conversion(
  name: string,
  result: Type,
  convert: (value: Value) => Result,
  sources: readonly (readonly [id: string, parameter: Type])[],
): FunctionDeclaration {
  return { name, overloads: sources.map(([id, parameter]) => globalOverload(id, [parameter], result, convert)) };
}

function stringTest(name: string, id: string, test: (text: string, part: string) => boolean): FunctionDeclaration {
  const testStrings = (text: Value, part: Value): Result =>
    typeof text === 'string' && typeof part === 'string' ? test(text, part) : noSuchOverload();
  const overload = memberOverload(id, [StringType, StringType], BoolType, testStrings);
  return { name, unguarded: true, overloads: [{ ...overload, chargedBefore: true }] };
}

/** A getter of timestamps, in UTC or in a zone, and of durations if it has a `unit` in nanoseconds. */
function clockGetter(name: string, id: string, read: (clock: Date) => number, unit?: bigint): FunctionDeclaration {
  const readIn = (timestamp: Timestamp, zone: string): Result => {
    const clock = inTimeZone(timestamp, zone);
    return clock instanceof EvaluationError ? clock : BigInt(read(clock));
  };
  const overloads: Overload[] = [
    memberOverload(id, [TimestampType], IntType, (timestamp) => readIn(timestamp, 'UTC')),
    memberOverload(`${id}_with_tz`, [TimestampType, StringType], IntType, readIn),
  ];
  if (unit !== undefined) {
    const convert = ({ nanoseconds }: Duration) => nanoseconds / unit;
    overloads.push(memberOverload(id.replace('timestamp', 'duration'), [DurationType], IntType, convert));
  }
  return { name, overloads };
}

function dayOfYear(clock: Date): number {
  const newYear = new Date(0);
  newYear.setUTCFullYear(clock.getUTCFullYear(), 0, 1);
  return Math.floor((clock.getTime() - newYear.getTime()) / 86_400_000);
}

function not(value: Value): Result {
  return typeof value === 'boolean' ? !value : noSuchOverload();
}

function isIn(value: Value, container: Value): Result {
  if (container instanceof MapValue) return container.get(value) !== undefined;
  if (!(container instanceof ListValue)) return noSuchOverload();
  for (const element of container) {
    if (equals(value, element) === true) return true;
  }
  return false;
}

function size(value: Value): Result {
  if (typeof value === 'string') return BigInt(codePointLength(value));
  if (value instanceof ListValue || value instanceof MapValue) return BigInt(value.size);
  if (value instanceof Uint8Array) return BigInt(value.length);
  return withoutOperator('size', value);
}

function matches(text: Value, pattern: Value): Result {
  if (typeof text !== 'string') return withoutOperator('matches', text);
  if (typeof pattern !== 'string') return noSuchOverload();
  const regex = compileRegex(pattern);
  return regex instanceof EvaluationError ? regex : regex.test(text);
}

function bindPattern(pattern: string): Implementation | EvaluationError {
  const regex = compileRegex(pattern);
  if (regex instanceof EvaluationError) return regex;
  return (text) => (typeof text === 'string' ? regex.test(text) : noSuchOverload());
}
