import { styleText } from 'node:util';
import {
  apply,
  diff,
  isJsonObject,
  parsePointer,
  PatchApplyError,
  resolvePointer,
  type JsonValue,
  type PatchOperation,
} from '../json/index.ts';

/** Whether what an object holds must not be shown. */
export function isSecret(object: JsonValue | undefined): boolean {
  return isJsonObject(object) && object['kind'] === 'Secret' && object['apiVersion'] === 'v1';
}

/** What turns `before` into `after`, a line for what went and a line for what came, by field. Of a Secret no value. */
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
    return { lines: [`patch ${isSecret(before) ? hidden : JSON.stringify(patch)}`], after: before };
  }
}

/** In the place of what a Secret holds. */
export const hidden = '(not shown: Secret)';

function operationLines(before: JsonValue, operation: PatchOperation): string[] {
  const show = (pointer: string, value: JsonValue | undefined): string =>
    isSecret(before) && !pointer.startsWith('/metadata/') ? hidden : shown(value);
  const removed = (pointer: string): string =>
    styleText('red', `- ${fieldOf(pointer)}: ${show(pointer, resolvePointer(before, pointer))}`);
  const added = (value: JsonValue | undefined): string =>
    styleText('green', `+ ${fieldOf(operation.path)}: ${show(operation.path, value)}`);
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

function shown(value: JsonValue | undefined): string {
  return value === undefined ? '(nothing)' : JSON.stringify(value);
}
