/**
 * The list functions of cel-go; the API server's own are in library/lists.ts.
 *
 * Source: cel-go v0.29.2 ext/lists.go, version 3.
 */
import { compare, equals } from '../compare.ts';
import { LIST_CREATE_BASE_COST, STRING_TRAVERSAL_COST_FACTOR, actualSize } from '../cost.ts';
import type { Library } from '../environment.ts';
import { globalOverload, memberOverload } from '../function.ts';
import { ArrayList } from '../list.ts';
import { Panic } from '../evaluate/panic.ts';
import { withoutOperator } from '../standard/arithmetic.ts';
import type { Expression } from '../syntax/ast.ts';
import { MacroError } from '../syntax/macro.ts';
import type { ExpressionFactory } from '../syntax/macro.ts';
import { listComprehension } from '../syntax/standard-macros.ts';
import { typeOf } from '../type-of.ts';
import {
  BoolType,
  BytesType,
  DoubleType,
  DurationType,
  DynType,
  IntType,
  StringType,
  TimestampType,
  UintType,
  listType,
  typeParameter,
} from '../types.ts';
import { goTypeName } from '../value-text.ts';
import { EvaluationError, ListValue } from '../values.ts';
import type { Result, Value } from '../values.ts';

/** Go types with a method Add, the first that lists have. */
const HAVE_ADDITION = /^types\.(?:Int|Uint|Double|String|Bytes|Duration|Timestamp)$/;

const listOfT = listType(typeParameter('T'));
const comparableTypes = [IntType, UintType, DoubleType, BoolType, DurationType, TimestampType, StringType, BytesType];

/** cel-go: listsLib.maxRangeSize. */
const MAX_RANGE_SIZE = 1_000_000n;

export const listsLibrary: Library = {
  name: 'cel.lib.ext.lists',
  macros: [{ name: 'sortBy', member: true, argumentCount: 2, expand: expandSortBy }],
  functions: [
    {
      name: 'slice',
      overloads: [memberOverload('list_slice', [listOfT, IntType, IntType], listOfT, slice, resultSizeCost)],
    },
    {
      name: 'flatten',
      unguarded: true,
      overloads: [
        memberOverload('list_flatten', [listType(listOfT)], listOfT, (list) => flatten(list), flattenCost),
        memberOverload('list_flatten_int', [listType(DynType), IntType], listType(DynType), flatten, flattenCost),
      ],
    },
    {
      name: 'sort',
      unguarded: true,
      overloads: comparableTypes.map((type) => ({
        ...memberOverload(`list_${type.name}_sort`, [listType(type)], listType(type), sort, ([list]) =>
          selfComparisonCost(list),
        ),
        chargedBefore: true,
      })),
    },
    {
      name: '@sortByAssociatedKeys',
      unguarded: true,
      overloads: comparableTypes.map((type) => ({
        ...memberOverload(
          `list_${type.name}_sortByAssociatedKeys`,
          [listOfT, listType(type)],
          listOfT,
          sortByKeys,
          ([, keys]) => selfComparisonCost(keys),
        ),
        chargedBefore: true,
      })),
    },
    {
      name: 'lists.range',
      overloads: [globalOverload('lists_range', [IntType], listType(IntType), range, resultSizeCost)],
    },
    { name: 'reverse', overloads: [memberOverload('list_reverse', [listOfT], listOfT, reverse, resultSizeCost)] },
    {
      name: 'distinct',
      overloads: [
        {
          ...memberOverload('list_distinct', [listOfT], listOfT, distinct, ([list]) => selfComparisonCost(list)),
          chargedBefore: true,
        },
      ],
    },
  ],
};

/** 0 to `size` - 1. */
class RangeList extends ListValue {
  override readonly size: number;

  constructor(size: number) {
    super();
    this.size = size;
  }

  override at(index: number): Value {
    return BigInt(index);
  }
}

function slice(list: ListValue, start: bigint, end: bigint): Result {
  const failed = (reason: string) => new EvaluationError(`cannot slice(${start}, ${end}), ${reason}`);
  if (start < 0n || end < 0n) return failed('negative indexes not supported');
  if (start > end) return failed('start index must be less than or equal to end index');
  if (BigInt(list.size) < end) return failed(`list is length ${list.size}`);
  return new ArrayList([...list].slice(Number(start), Number(end)));
}

function flatten(list: Value, depth?: Value): Result {
  const noOverload = (argument: string) =>
    new EvaluationError(`no such overload: ${typeOf(list).toString()}.flatten(${argument})`);
  if (!(list instanceof ListValue)) return noOverload(depth === undefined ? '' : typeOf(depth).toString());
  if (depth !== undefined && typeof depth !== 'bigint') return noOverload(typeOf(depth).toString());
  const levels = depth ?? 1n;
  if (levels < 0n) return new EvaluationError('level must be non-negative');
  return new ArrayList([...flattened(list, levels)]);
}

function* flattened(list: ListValue, levels: bigint): Generator<Value> {
  for (const element of list) {
    if (element instanceof ListValue && levels > 0n) yield* flattened(element, levels - 1n);
    else yield element;
  }
}

function sort(list: Value): Result {
  return list instanceof ListValue ? sortByKeys(list, list) : withoutOperator('sort', list);
}

/**
 * `list` in the order of `keys`, which belong to its elements one by one.
 *
 * Not copied: Go's sort leaves equal keys in no particular order once there are more than 12; here they keep theirs.
 */
function sortByKeys(list: Value, keys: Value): Result {
  if (!(list instanceof ListValue) || !(keys instanceof ListValue))
    return withoutOperator('@sortByAssociatedKeys', list);
  if (list.size !== keys.size) {
    const sizes = `but got ${list.size} and ${keys.size} elements respectively`;
    return new EvaluationError(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, ${sizes}`,
    );
  }
  if (list.size === 0) return list;
  const keyed = Array.from(list, (element, index) => ({ element, key: keys.at(index) }));
  const [first] = keyed;
  const keyType = typeOf(first?.key ?? null);
  if (!comparableTypes.some((type) => type.kind === keyType.kind)) {
    return new EvaluationError('list elements must be comparable');
  }
  if (keyed.some(({ key }) => typeOf(key) !== keyType)) {
    return new EvaluationError('list elements must have the same type');
  }
  keyed.sort((a, b) => {
    const order = compare(a.key, b.key);
    return order instanceof EvaluationError ? 0 : order;
  });
  return new ArrayList(keyed.map(({ element }) => element));
}

function range(size: bigint): Result {
  if (size < 0n) return new EvaluationError(`lists.range: size must be non-negative, got ${size}`);
  if (size > MAX_RANGE_SIZE) {
    return new EvaluationError(`lists.range: size ${size} exceeds maximum allowed (${MAX_RANGE_SIZE})`);
  }
  return new RangeList(Number(size));
}

function reverse(list: ListValue): Result {
  return new ArrayList([...list].reverse());
}

function distinct(list: ListValue): Result {
  const found: Value[] = [];
  for (const element of list) {
    if (!found.some((other) => equals(element, other) === true)) found.push(element);
  }
  return new ArrayList(found);
}

/** `list.sortBy(e, key)`: binds the list to a variable and sorts it by the list of its keys. */
function expandSortBy(
  factory: ExpressionFactory,
  target: Expression | undefined,
  [variable, key]: readonly Expression[],
): Expression | MacroError | undefined {
  if (target === undefined || variable === undefined || key === undefined) return undefined;
  const name = '@__sortBy_input__';
  const loopStep = factory.identifier(name);
  if (!['list', 'select', 'identifier', 'comprehension', 'call'].includes(target.kind)) {
    const message = 'sortBy can only be applied to a list, identifier, comprehension, call or select expression';
    return new MacroError(message, target);
  }
  const keys = listComprehension(factory, factory.copy(loopStep), variable, key, undefined);
  if (keys instanceof MacroError) return keys;
  const result = factory.memberCall('@sortByAssociatedKeys', factory.copy(loopStep), keys);
  return factory.comprehension({
    range: factory.list(),
    iterationVariable: '#unused',
    accumulatorVariable: name,
    accumulatorInit: target,
    loopCondition: factory.literal(false),
    loopStep,
    result,
  });
}

function allocationCost(factor: number, size: number): number {
  return Math.trunc(size * factor) + 1 + LIST_CREATE_BASE_COST;
}

function resultSizeCost(_args: readonly Value[], result: Result): number {
  return allocationCost(1, actualSize(result));
}

/** cel-go's cost of flatten() panics if the depth turns out to be no int. */
function flattenCost([list = null, depth]: readonly Result[]): number {
  if (depth !== undefined && typeof depth !== 'bigint') {
    throw new Panic(`interface conversion: ref.Val is ${goTypeName(depth)}, not types.Int`);
  }
  const factor = typeof depth === 'bigint' ? Number(depth) : 1;
  return allocationCost(factor < 0 ? 1 : factor, actualSize(list));
}

/**
 * As if each element were compared with each other one, both ways. cel-go's panics if the list turns out to be none,
 * so that the API server tells of the panic instead of the error.
 */
function selfComparisonCost(list: Result = null): number {
  if (!(list instanceof ListValue)) {
    const missing = HAVE_ADDITION.test(goTypeName(list)) ? 'Contains' : 'Add';
    throw new Panic(`interface conversion: ${goTypeName(list)} is not traits.Lister: missing method ${missing}`);
  }
  if (list.size === 0) return allocationCost(2, 0);
  const first = list.at(0);
  const isText = typeof first === 'string' || first instanceof Uint8Array;
  return allocationCost(isText ? 2 + STRING_TRAVERSAL_COST_FACTOR : 2, list.size * list.size);
}
