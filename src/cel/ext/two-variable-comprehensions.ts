/**
 * Comprehensions with two variables: index and element of a list, key and value of a map.
 *
 * Source: cel-go v0.29.2 ext/comprehensions.go.
 */
import type { Library } from '../environment.ts';
import { globalOverload } from '../function.ts';
import { entriesOf, insert } from '../map.ts';
import type { Expression } from '../syntax/ast.ts';
import { MacroError } from '../syntax/macro.ts';
import type { ExpressionFactory, Macro } from '../syntax/macro.ts';
import * as operators from '../syntax/operators.ts';
import { all, appendToAccumulator, exists, existsOne, iterationVariable } from '../syntax/standard-macros.ts';
import type { Fold } from '../syntax/standard-macros.ts';
import { mapType, typeParameter } from '../types.ts';
import { formatValue } from '../value-text.ts';
import { EvaluationError } from '../values.ts';
import type { MapValue, Result, Value } from '../values.ts';

const MAP_INSERT = 'cel.@mapInsert';
const K = typeParameter('K');
const V = typeParameter('V');
const mapOfKV = mapType(K, V);

export const twoVariableComprehensionsLibrary: Library = {
  name: 'cel.lib.ext.comprev2',
  macros: [
    quantifier('all', all),
    quantifier('exists', exists),
    quantifier('existsOne', existsOne),
    quantifier('exists_one', existsOne),
    ...transformation('transformList', (factory, _key, transform, filter) => {
      const loopStep = appendToAccumulator(factory, transform, filter);
      return withoutEarlyEnd(factory, factory.list(), loopStep);
    }),
    ...transformation('transformMap', (factory, key, transform, filter) => {
      const inserted = factory.call(MAP_INSERT, factory.accumulator(), factory.identifier(key), transform);
      return withoutEarlyEnd(factory, ...mapParts(factory, inserted, filter));
    }),
    ...transformation('transformMapEntry', (factory, _key, transform, filter) => {
      const inserted = factory.call(MAP_INSERT, factory.accumulator(), transform);
      return withoutEarlyEnd(factory, ...mapParts(factory, inserted, filter));
    }),
  ],
  functions: [
    {
      name: MAP_INSERT,
      overloads: [
        globalOverload('@mapInsert_map_key_value', [mapOfKV, K, V], mapOfKV, insertEntry),
        globalOverload('@mapInsert_map_map', [mapOfKV, mapOfKV], mapOfKV, insertAll),
      ],
    },
  ],
};

function insertEntry(map: MapValue, key: Value, value: Value): MapValue | EvaluationError {
  return insert(map, key, value) ?? new EvaluationError(`insert failed: key ${formatValue(key)} already exists`);
}

function insertAll(map: MapValue, entries: MapValue): Result {
  let merged = map;
  for (const [key, value] of entriesOf(entries)) {
    const next = insertEntry(merged, key, value);
    if (next instanceof EvaluationError) return next;
    merged = next;
  }
  return merged;
}

function quantifier(name: string, fold: (factory: ExpressionFactory, predicate: Expression) => Fold): Macro {
  return {
    name,
    member: true,
    argumentCount: 3,
    expand: (factory, range, [first, second, predicate]) => {
      if (range === undefined || predicate === undefined) return undefined;
      const variables = iterationVariables(factory, first, second);
      return variables instanceof MacroError
        ? variables
        : factory.comprehension({ range, ...variables, ...fold(factory, predicate) });
    },
  };
}

/** A macro with and without a filter before its last argument. */
function transformation(
  name: string,
  fold: (factory: ExpressionFactory, key: string, transform: Expression, filter: Expression | undefined) => Fold,
): Macro[] {
  const expand: Macro['expand'] = (factory, range, [first, second, ...rest]) => {
    const transform = rest.at(-1);
    if (range === undefined || transform === undefined) return undefined;
    const variables = iterationVariables(factory, first, second);
    if (variables instanceof MacroError) return variables;
    const filter = rest.length === 2 ? rest[0] : undefined;
    return factory.comprehension({
      range,
      ...variables,
      ...fold(factory, variables.iterationVariable, transform, filter),
    });
  };
  return [3, 4].map((argumentCount) => ({ name, member: true, argumentCount, expand }));
}

function iterationVariables(
  factory: ExpressionFactory,
  first: Expression | undefined,
  second: Expression | undefined,
): { iterationVariable: string; iterationVariable2: string } | MacroError {
  if (first?.kind !== 'identifier') return new MacroError('argument must be a simple name', first);
  if (second?.kind !== 'identifier') return new MacroError('argument must be a simple name', second);
  if (first.name === second.name) return new MacroError(`duplicate variable name: ${first.name}`, second);
  const names = [first, second].map((variable) =>
    iterationVariable(factory, variable, 'argument must be a simple name'),
  );
  const error = names.find((name) => name instanceof MacroError);
  return error ?? { iterationVariable: first.name, iterationVariable2: second.name };
}

function mapParts(
  factory: ExpressionFactory,
  inserted: Expression,
  filter: Expression | undefined,
): readonly [accumulatorInit: Expression, loopStep: Expression] {
  const loopStep =
    filter === undefined ? inserted : factory.call(operators.CONDITIONAL, filter, inserted, factory.accumulator());
  return [factory.emptyMap(), loopStep];
}

function withoutEarlyEnd(factory: ExpressionFactory, accumulatorInit: Expression, loopStep: Expression): Fold {
  return { accumulatorInit, loopCondition: factory.literal(true), loopStep, result: factory.accumulator() };
}
