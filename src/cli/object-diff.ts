import { styleText } from 'node:util';
import {
  apply,
  diff,
  parsePointer,
  PatchApplyError,
  resolvePointer,
  type JsonValue,
  type PatchOperation,
} from '../json/index.ts';

/** What turns `before` into `after`, a line for what went and a line for what came, by field. */
export function objectDiff(before: JsonValue, after: JsonValue): string[] {
  return patchLines(before, [...diff(before, after)]).lines;
}

/**
 * The same for a patch, its operations in order, with what it makes of `before`. A patch that only the API server's more
 * lenient library takes is shown as it is, and nothing is known of what it makes.
 */
export function patchLines(
  before: JsonValue,
  patch: JsonValue | PatchOperation[],
): { lines: string[]; after: JsonValue } {
  const lines: string[] = [];
  let current = before;
  try {
    // PatchApplyError below is the check that these are operations.
    for (const operation of patch as PatchOperation[]) {
      const next = apply(current, [operation]);
      lines.push(...operationLines(current, operation));
      current = next;
    }
    return { lines, after: current };
  } catch (error) {
    if (!(error instanceof PatchApplyError)) throw error;
    return { lines: [`patch ${JSON.stringify(patch)}`], after: before };
  }
}

function operationLines(before: JsonValue, operation: PatchOperation): string[] {
  const removed = (pointer: string): string =>
    styleText('red', `- ${fieldOf(pointer)}: ${show(resolvePointer(before, pointer))}`);
  const added = (value: JsonValue | undefined): string =>
    styleText('green', `+ ${fieldOf(operation.path)}: ${show(value)}`);
  switch (operation.op) {
    case 'add':
      return [added(operation.value)];
    case 'remove':
      return [removed(operation.path)];
    case 'replace':
      return [removed(operation.path), added(operation.value)];
    case 'move':
      return [removed(operation.from), added(resolvePointer(before, operation.from))];
    case 'copy':
      return [added(resolvePointer(before, operation.from))];
    case 'test':
      return [];
  }
}

/** `/spec/containers/0/image` as people write it: `spec.containers[0].image`. */
function fieldOf(pointer: string): string {
  return parsePointer(pointer)
    .map((token) => {
      if (/^(?:\d+|-)$/.test(token)) return `[${token}]`;
      return /^[\w-]+$/.test(token) ? `.${token}` : `[${JSON.stringify(token)}]`;
    })
    .join('')
    .replace(/^\./, '');
}

function show(value: JsonValue | undefined): string {
  return value === undefined ? '(nothing)' : JSON.stringify(value);
}
