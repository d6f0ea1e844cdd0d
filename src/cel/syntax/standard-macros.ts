/**
 * The macros of the language: has, all, exists, exists_one, map, filter. existsOne with one variable is none of
 * the environment's.
 *
 * Source: cel-go v0.29.2 parser/macro.go; cel/macro.go, StandardMacros.
 */
import type { Expression } from './ast.ts';
import { MacroError } from './macro.ts';
import type { ExpressionFactory, Macro } from './macro.ts';
import * as operators from './operators.ts';

export const standardMacros: readonly Macro[] = [
  { name: 'has', member: false, argumentCount: 1, expand: expandHas },
  { name: 'all', member: true, argumentCount: 2, expand: quantifier(all) },
  { name: 'exists', member: true, argumentCount: 2, expand: quantifier(exists) },
  { name: 'exists_one', member: true, argumentCount: 2, expand: quantifier(existsOne) },
  { name: 'map', member: true, argumentCount: 2, expand: expandMap },
  { name: 'map', member: true, argumentCount: 3, expand: expandMap },
  { name: 'filter', member: true, argumentCount: 2, expand: expandFilter },
];

/** A quantifier as the four expressions of its fold. */
export interface Fold {
  readonly accumulatorInit: Expression;
  readonly loopCondition: Expression;
  readonly loopStep: Expression;
  readonly result: Expression;
}

/** True unless the predicate is false somewhere; stops at the first false. */
export function all(factory: ExpressionFactory, predicate: Expression): Fold {
  const accumulatorInit = factory.literal(true);
  const loopCondition = callOfAccumulator(factory, operators.NOT_STRICTLY_FALSE);
  const loopStep = callOfAccumulator(factory, operators.LOGICAL_AND, predicate);
  return { accumulatorInit, loopCondition, loopStep, result: factory.accumulator() };
}

/** True if the predicate is true somewhere; stops at the first true. */
export function exists(factory: ExpressionFactory, predicate: Expression): Fold {
  const accumulatorInit = factory.literal(false);
  const notFound = callOfAccumulator(factory, operators.LOGICAL_NOT);
  const loopCondition = factory.call(operators.NOT_STRICTLY_FALSE, notFound);
  const loopStep = callOfAccumulator(factory, operators.LOGICAL_OR, predicate);
  return { accumulatorInit, loopCondition, loopStep, result: factory.accumulator() };
}

/** True if the predicate is true exactly once; never stops early. */
export function existsOne(factory: ExpressionFactory, predicate: Expression): Fold {
  const accumulatorInit = factory.literal(0n);
  const loopCondition = factory.literal(true);
  const before = factory.accumulator();
  const incremented = factory.call(operators.ADD, before, factory.literal(1n));
  const loopStep = factory.call(operators.CONDITIONAL, predicate, incremented, factory.accumulator());
  const count = factory.accumulator();
  return {
    accumulatorInit,
    loopCondition,
    loopStep,
    result: factory.call(operators.EQUALS, count, factory.literal(1n)),
  };
}

/** The name of a comprehension variable, or why `expression` cannot be one. */
export function iterationVariable(
  factory: ExpressionFactory,
  expression: Expression,
  notAName: string,
): string | MacroError {
  if (expression.kind !== 'identifier') return new MacroError(notAName, expression);
  // `__result__` was the accumulator's name before it became unspeakable.
  if (expression.name === factory.accumulatorName || expression.name === '__result__') {
    return new MacroError('iteration variable overwrites accumulator variable', expression);
  }
  return expression.name;
}

/** `accumulator + [element]`, or that only where `filter` holds. */
export function appendToAccumulator(
  factory: ExpressionFactory,
  element: Expression,
  filter: Expression | undefined,
): Expression {
  const accumulator = factory.accumulator();
  const appended = factory.call(operators.ADD, accumulator, factory.list(element));
  if (filter === undefined) return appended;
  return factory.call(operators.CONDITIONAL, filter, appended, factory.accumulator());
}

function callOfAccumulator(factory: ExpressionFactory, name: string, ...args: readonly Expression[]): Expression {
  return factory.call(name, factory.accumulator(), ...args);
}

function expandHas(factory: ExpressionFactory, _target: Expression | undefined, args: readonly Expression[]) {
  const [argument] = args;
  if (argument?.kind !== 'select') return new MacroError('invalid argument to has() macro', argument);
  return factory.presenceTest(argument.operand, argument.field);
}

function quantifier(fold: (factory: ExpressionFactory, predicate: Expression) => Fold): Macro['expand'] {
  return (factory, range, [variable, predicate]) => {
    if (range === undefined || variable === undefined || predicate === undefined) return undefined;
    const name = iterationVariable(factory, variable, 'argument must be a simple name');
    if (name instanceof MacroError) return name;
    return factory.comprehension({ range, iterationVariable: name, ...fold(factory, predicate) });
  };
}

function expandMap(factory: ExpressionFactory, range: Expression | undefined, args: readonly Expression[]) {
  const [variable, ...rest] = args;
  const filter = rest.length === 2 ? rest[0] : undefined;
  const element = rest.at(-1);
  if (range === undefined || variable === undefined || element === undefined) return undefined;
  return listComprehension(factory, range, variable, element, filter);
}

function expandFilter(factory: ExpressionFactory, range: Expression | undefined, args: readonly Expression[]) {
  const [variable, filter] = args;
  if (range === undefined || variable === undefined || filter === undefined) return undefined;
  return listComprehension(factory, range, variable, variable, filter);
}

/** `range.map(variable, filter, element)`. Also the inside of sortBy. */
export function listComprehension(
  factory: ExpressionFactory,
  range: Expression,
  variable: Expression,
  element: Expression,
  filter: Expression | undefined,
): Expression | MacroError {
  const name = iterationVariable(factory, variable, 'argument is not an identifier');
  if (name instanceof MacroError) return name;
  const accumulatorInit = factory.list();
  const loopCondition = factory.literal(true);
  const loopStep = appendToAccumulator(factory, element, filter);
  const result = factory.accumulator();
  return factory.comprehension({ range, iterationVariable: name, accumulatorInit, loopCondition, loopStep, result });
}
