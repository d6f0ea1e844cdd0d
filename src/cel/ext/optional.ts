/**
 * Optional values.
 *
 * Selection and indexing with `?`, or() and orValue() are declared here for the checker; the evaluator carries them
 * out itself.
 *
 * Source: cel-go v0.29.2 cel/library.go, optionalLib at its latest version.
 */
import type { Library } from '../environment.ts';
import { globalOverload, memberOverload } from '../function.ts';
import type { Implementation } from '../function.ts';
import { ArrayList } from '../list.ts';
import { MIN_TIMESTAMP_SECONDS } from '../standard/time-text.ts';
import type { Expression } from '../syntax/ast.ts';
import { MacroError } from '../syntax/macro.ts';
import type { ExpressionFactory, Macro } from '../syntax/macro.ts';
import * as operators from '../syntax/operators.ts';
import { OptionalType } from '../type-of.ts';
import { BoolType, IntType, listType, mapType, optionalType, typeParameter } from '../types.ts';
import { formatValue } from '../value-text.ts';
import {
  Duration,
  EvaluationError,
  ListValue,
  MapValue,
  OptionalValue,
  Timestamp,
  Uint,
  noSuchOverload,
} from '../values.ts';
import type { Result, Value } from '../values.ts';

const K = typeParameter('K');
const V = typeParameter('V');
const optionalV = optionalType(V);
const listOfV = listType(V);
const mapOfKV = mapType(K, V);

/** Never called: the evaluator knows these functions. */
const evaluatedElsewhere: Implementation = noSuchOverload;

export const optionalLibrary: Library = {
  name: 'cel.lib.optional',
  types: [OptionalType],
  macros: [optionalMacro('optMap', true), optionalMacro('optFlatMap', false)],
  functions: [
    {
      name: 'optional.of',
      overloads: [globalOverload('optional_of', [V], optionalV, (value) => new OptionalValue(value))],
    },
    {
      name: 'optional.ofNonZeroValue',
      overloads: [
        globalOverload(
          'optional_ofNonZeroValue',
          [V],
          optionalV,
          (value) => new OptionalValue(isZero(value) ? undefined : value),
        ),
      ],
    },
    {
      name: 'optional.none',
      overloads: [globalOverload('optional_none', [], optionalV, () => new OptionalValue(undefined))],
    },
    { name: 'value', overloads: [memberOverload('optional_value', [optionalV], V, dereference)] },
    {
      name: 'hasValue',
      overloads: [memberOverload('optional_hasValue', [optionalV], BoolType, ({ value }) => value !== undefined)],
    },
    {
      name: 'or',
      overloads: [memberOverload('optional_or_optional', [optionalV, optionalV], optionalV, evaluatedElsewhere)],
    },
    { name: 'orValue', overloads: [memberOverload('optional_orValue_value', [optionalV, V], V, evaluatedElsewhere)] },
    {
      name: operators.OPTIONAL_INDEX,
      overloads: [
        globalOverload('list_optindex_optional_int', [listOfV, IntType], optionalV, evaluatedElsewhere),
        globalOverload(
          'optional_list_optindex_optional_int',
          [optionalType(listOfV), IntType],
          optionalV,
          evaluatedElsewhere,
        ),
        globalOverload('map_optindex_optional_value', [mapOfKV, K], optionalV, evaluatedElsewhere),
        globalOverload(
          'optional_map_optindex_optional_value',
          [optionalType(mapOfKV), K],
          optionalV,
          evaluatedElsewhere,
        ),
      ],
    },
    {
      name: operators.INDEX,
      overloads: [
        globalOverload('optional_list_index_int', [optionalType(listOfV), IntType], optionalV, evaluatedElsewhere),
        globalOverload('optional_map_index_value', [optionalType(mapOfKV), K], optionalV, evaluatedElsewhere),
      ],
    },
    {
      name: 'first',
      overloads: [memberOverload('list_first', [listOfV], optionalV, (list) => elementAt(list, 0))],
    },
    {
      name: 'last',
      overloads: [memberOverload('list_last', [listOfV], optionalV, (list) => elementAt(list, list.size - 1))],
    },
    { name: 'optional.unwrap', overloads: [globalOverload('optional_unwrap', [listType(optionalV)], listOfV, unwrap)] },
    { name: 'unwrapOpt', overloads: [memberOverload('optional_unwrapOpt', [listType(optionalV)], listOfV, unwrap)] },
  ],
};

function dereference({ value }: OptionalValue): Result {
  return value === undefined ? new EvaluationError('optional.none() dereference') : value;
}

function elementAt(list: ListValue, index: number): OptionalValue {
  return new OptionalValue(list.size === 0 ? undefined : list.at(index));
}

function unwrap(list: ListValue): Result {
  const values: Value[] = [];
  for (const element of list) {
    if (!(element instanceof OptionalValue))
      return new EvaluationError(`value ${formatValue(element)} is not optional`);
    if (element.value !== undefined) values.push(element.value);
  }
  return new ArrayList(values);
}

/** cel-go: traits.Zeroer; types without a zero are never zero. */
function isZero(value: Value): boolean {
  if (value === null) return true;
  if (typeof value !== 'object') return value === '' || value === false || value === 0n || value === 0;
  if (value instanceof ListValue || value instanceof MapValue) return value.size === 0;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof Duration) return value.nanoseconds === 0n;
  return value instanceof Timestamp && value.seconds === MIN_TIMESTAMP_SECONDS && value.nanoseconds === 0;
}

/** `optional.optMap(v, e)`: `e` with `v` bound to what the optional holds, wrapped again if `wraps`. */
function optionalMacro(name: string, wraps: boolean): Macro {
  return {
    name,
    member: true,
    argumentCount: 2,
    expand: (factory, target, [variable, transform]) => {
      if (target === undefined || variable === undefined || transform === undefined) return undefined;
      if (variable.kind !== 'identifier') {
        return new MacroError(`${name}() variable name must be a simple identifier`, variable);
      }
      const hasValue = factory.memberCall('hasValue', target);
      const bound = bind(factory, variable.name, target, transform);
      const mapped = wraps ? factory.call('optional.of', bound) : bound;
      return factory.call(operators.CONDITIONAL, hasValue, mapped, factory.call('optional.none'));
    },
  };
}

/** `transform` with the variable `name` bound to the value of the optional `target`: a comprehension over nothing. */
function bind(factory: ExpressionFactory, name: string, target: Expression, transform: Expression): Expression {
  return factory.comprehension({
    range: factory.list(),
    iterationVariable: '#unused',
    accumulatorVariable: name,
    accumulatorInit: factory.memberCall('value', factory.copy(target)),
    loopCondition: factory.literal(false),
    loopStep: factory.identifier(name),
    result: transform,
  });
}
