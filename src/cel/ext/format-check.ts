/**
 * `"template".format([…])` at compile time: are there as many arguments as clauses, and of the right types?
 *
 * Source: cel-go v0.29.2 ext/formatting.go, stringFormatValidator and stringFormatChecker.
 */
import type { CheckedExpression } from '../check/checker.ts';
import type { Report } from '../check/literals.ts';
import type { CallExpression, Expression } from '../syntax/ast.ts';
import { DynType } from '../types.ts';
import type { Kind, Type } from '../types.ts';
import { wrongType } from './format.ts';
import { FormatError, interpolate } from './format-string.ts';
import type { Clause } from './format-string.ts';

/** Kinds of values that a clause takes; a string may stand for a double that has no literal, such as "NaN". */
const KINDS: Readonly<Record<Clause['verb'], readonly Kind[]>> = {
  s: ['list', 'map', 'int', 'uint', 'double', 'bool', 'string', 'timestamp', 'bytes', 'duration', 'type', 'null'],
  d: ['int', 'uint'],
  f: ['double', 'string'],
  e: ['double', 'string'],
  b: ['int', 'uint', 'bool'],
  x: ['int', 'uint', 'string', 'bytes'],
  X: ['int', 'uint', 'string', 'bytes'],
  o: ['int', 'uint'],
};

/** Reports what is wrong with `call` if it formats a literal with a list literal. */
export function checkFormatCall(call: CallExpression, checked: CheckedExpression, report: Report): void {
  const { target, args } = call;
  const [list] = args;
  if (call.function !== 'format' || target?.kind !== 'literal' || typeof target.value !== 'string') return;
  if (args.length !== 1 || list?.kind !== 'list') return;
  const { elements } = list;
  const checkedFormat = interpolate(target.value, {
    size: elements.length,
    checksArgumentFirst: false,
    format: (clause, index) => checkArgument(clause.verb, elements[index], checked) ?? '',
  });
  if (checkedFormat instanceof FormatError) {
    report(checkedFormat.nodeId ?? call.id, checkedFormat.message);
  } else if (elements.length > checkedFormat.used) {
    const counts = `(expected ${checkedFormat.used}, got ${elements.length})`;
    report(call.id, `too many arguments supplied to string.format ${counts}`);
  }
}

function checkArgument(
  verb: Clause['verb'],
  argument: Expression | undefined,
  checked: CheckedExpression,
): FormatError | undefined {
  if (argument === undefined) return undefined;
  const type = typeOfNode(argument, checked);
  if (type.kind !== 'dyn' && !KINDS[verb].includes(type.kind)) return wrongType(verb, type.name, argument.id);
  if (verb !== 's') return undefined;
  for (const child of literalChildren(argument)) {
    const error = checkArgument(verb, child, checked);
    if (error !== undefined) return error;
  }
  return undefined;
}

function literalChildren(expression: Expression): readonly Expression[] {
  if (expression.kind === 'list') return expression.elements;
  return expression.kind === 'map' ? expression.entries.flatMap(({ key, value }) => [key, value]) : [];
}

function typeOfNode(expression: Expression, checked: CheckedExpression): Type {
  return checked.types.get(expression.id) ?? DynType;
}
