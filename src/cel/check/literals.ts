/**
 * What a well-typed expression must also be: lists and maps of one type, durations, timestamps and patterns that can
 * be read, format strings that fit their arguments.
 *
 * Source: cel-go v0.29.2 cel/validator.go, in the order of k8s.io/apiserver v0.37.2 pkg/cel/environment/base.go.
 */
import { checkFormatCall } from '../ext/format-check.ts';
import { Panic } from '../evaluate/panic.ts';
import { compileRegex } from '../regex.ts';
import { toDuration, toTimestamp } from '../standard/conversions.ts';
import type { CallExpression, Expression, ListExpression, MapExpression } from '../syntax/ast.ts';
import type { CompileIssue } from '../syntax/source.ts';
import { DynType, isEquivalentType } from '../types.ts';
import type { Type } from '../types.ts';
import { EvaluationError } from '../values.ts';
import type { Value } from '../values.ts';
import type { CheckedExpression } from './checker.ts';
import { formatType } from './format-type.ts';

/** The function whose arguments may be lists and maps of several types. */
const HETEROGENEOUS_ARGUMENTS = 'format';

/** What is wrong with literals in `checked`; nothing if the list is empty. */
export function checkLiterals(checked: CheckedExpression): CompileIssue[] {
  const nodes = [...postOrder(checked.root, false)];
  const issues: CompileIssue[] = [];
  const report: Report = (id, message) => issues.push(checked.source.issue(message, checked.ids.offsetOf(id)));
  for (const { expression, exempt } of nodes) {
    if (expression.kind === 'list' && !exempt) checkList(expression, checked, report);
  }
  for (const { expression, exempt } of nodes) {
    if (expression.kind === 'map' && !exempt) checkMap(expression, checked, report);
  }
  const calls = nodes.flatMap(({ expression }) => (expression.kind === 'call' ? [expression] : []));
  checkArgument('duration', (value) => toDuration(value) instanceof EvaluationError, calls, report);
  checkArgument('timestamp', (value) => toTimestamp(value) instanceof EvaluationError, calls, report);
  checkArgument('matches', isNoPattern, calls, report);
  for (const call of calls) checkFormatCall(call, checked, report);
  return issues;
}

/** Notes an issue at the node `id`. */
export type Report = (id: number, message: string) => void;

interface Visited {
  readonly expression: Expression;
  /** Is it, at any depth, an argument or target of {@link HETEROGENEOUS_ARGUMENTS}? */
  readonly exempt: boolean;
}

function* postOrder(expression: Expression, exempt: boolean): Generator<Visited> {
  const inner = exempt || (expression.kind === 'call' && expression.function === HETEROGENEOUS_ARGUMENTS);
  for (const child of childrenOf(expression)) yield* postOrder(child, inner);
  yield { expression, exempt };
}

function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'identifier':
      return [];
    case 'select':
      return [expression.operand];
    case 'call':
      return expression.target === undefined ? expression.args : [expression.target, ...expression.args];
    case 'list':
      return expression.elements;
    case 'map':
      return expression.entries.flatMap(({ key, value }) => [key, value]);
    case 'object':
      return expression.fields.map(({ value }) => value);
    case 'comprehension': {
      const { range, accumulatorInit, loopCondition, loopStep, result } = expression;
      return [range, accumulatorInit, loopCondition, loopStep, result];
    }
  }
}

function checkList({ elements, optionalIndexes }: ListExpression, checked: CheckedExpression, report: Report): void {
  const optionals = new Set(optionalIndexes);
  let first: Type | undefined;
  for (const [index, element] of elements.entries()) {
    const type = entryType(element, optionals.has(index), checked);
    first ??= type;
    if (isEquivalentType(first, type)) continue;
    report(element.id, mismatch(first, type));
    return;
  }
}

function checkMap({ entries }: MapExpression, checked: CheckedExpression, report: Report): void {
  let first: { readonly key: Type; readonly value: Type } | undefined;
  for (const { key, value, optional } of entries) {
    const types = { key: entryType(key, false, checked), value: entryType(value, optional, checked) };
    first ??= types;
    if (!isEquivalentType(first.key, types.key)) report(key.id, mismatch(first.key, types.key));
    if (!isEquivalentType(first.value, types.value)) report(value.id, mismatch(first.value, types.value));
  }
}

function entryType(expression: Expression, optional: boolean, checked: CheckedExpression): Type {
  const type = checked.types.get(expression.id) ?? DynType;
  if (!optional) return type;
  const [held] = type.parameters;
  // cel-go takes the first parameter of a type that has none: an optional element of dynamic type.
  if (held === undefined) throw new Panic('runtime error: index out of range [0] with length 0');
  return held;
}

function mismatch(expected: Type, actual: Type): string {
  return `expected type '${formatType(expected)}' but found '${formatType(actual)}'`;
}

/**
 * Looks at the first argument, without the target, of all calls of `name`. For the global form of matches() that is
 * the text and not the pattern: the API server reads it as a pattern all the same.
 */
function checkArgument(
  name: string,
  isWrong: (literal: Value) => boolean,
  calls: readonly CallExpression[],
  report: Report,
): void {
  for (const call of calls) {
    const [argument] = call.args;
    if (call.function !== name || argument?.kind !== 'literal') continue;
    if (isWrong(argument.value)) report(argument.id, `invalid ${name} argument`);
  }
}

function isNoPattern(value: Value): boolean {
  return typeof value === 'string' && compileRegex(value) instanceof EvaluationError;
}
