import type { JsonArray, JsonObject, JsonValue } from './json-value.ts';
import { isRawNumber } from './raw-number.ts';

/**
 * Whether two JSON values are equal as RFC 6902 section 4.6 has it: objects whatever the order of their members, lists
 * element by element, numbers by value (`-0` equals `0`).
 *
 * Raw numbers are compared by their text, so `1.0` and `1` differ. The API server does the same: its `test` operation
 * compares the bytes of the two literals (gopkg.in/evanphx/json-patch.v4 v4.13.0 patch.go, lazyNode.equal).
 *
 * Takes time linear in the smaller value, and no stack: nesting of any depth is compared.
 */
export function equal(left: JsonValue, right: JsonValue): boolean {
  // Pairs still to compare, flat: left, right, left, right, …
  const pending: (JsonArray | JsonObject)[] = [];
  if (!settle(left, right, pending)) {
    return false;
  }
  for (;;) {
    const b = pending.pop();
    const a = pending.pop();
    if (a === undefined || b === undefined) {
      return true;
    }
    if (!sameInside(a, b, pending)) {
      return false;
    }
  }
}

/** False when the two differ for certain. Two lists, objects or raw numbers are put off to `pending`. */
function settle(a: JsonValue | undefined, b: JsonValue | undefined, pending: (JsonArray | JsonObject)[]): boolean {
  if (a === b) {
    return true;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return false;
  }
  pending.push(a, b);
  return true;
}

function sameInside(
  a: JsonArray | JsonObject,
  b: JsonArray | JsonObject,
  pending: (JsonArray | JsonObject)[],
): boolean {
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) {
      return false;
    }
    for (let index = 0; index < a.length; index++) {
      if (!settle(a[index], b[index], pending)) {
        return false;
      }
    }
    return true;
  }
  const keys = Object.keys(a);
  const otherKeys = Object.keys(b);
  if (keys.length !== otherKeys.length) {
    return false;
  }
  // A raw number shows its text as its one member, so two of them compare as objects do. Asked this late because asking
  // of every object costs as much as comparing it.
  if (keys[0] === 'rawJSON' && isRawNumber(a) !== isRawNumber(b)) {
    return false;
  }
  let position = 0;
  for (const key of keys) {
    // Members mostly come in the same order; only out of order does the inherited `constructor` have to be ruled out.
    if (key !== otherKeys[position++] && !Object.hasOwn(b, key)) {
      return false;
    }
    if (!settle(a[key], b[key], pending)) {
      return false;
    }
  }
  return true;
}
