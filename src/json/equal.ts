import { isContainer, type JsonValue } from './json-value.ts';
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
  const pending: JsonValue[] = [];
  if (!settle(left, right, pending)) {
    return false;
  }
  for (;;) {
    const b = pending.pop();
    const a = pending.pop();
    if (a === undefined || b === undefined) {
      return true;
    }
    if (!sameContainer(a, b, pending)) {
      return false;
    }
  }
}

/** False when the two differ for certain. Two containers are put off to `pending`. */
function settle(a: JsonValue | undefined, b: JsonValue | undefined, pending: JsonValue[]): boolean {
  if (a === b) {
    return true;
  }
  if (isContainer(a) && isContainer(b)) {
    pending.push(a, b);
    return true;
  }
  return isRawNumber(a) && isRawNumber(b) && a.rawJSON === b.rawJSON;
}

function sameContainer(a: JsonValue, b: JsonValue, pending: JsonValue[]): boolean {
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
  if (!isContainer(a) || !isContainer(b)) {
    return false;
  }
  const keys = Object.keys(a);
  const otherKeys = Object.keys(b);
  if (keys.length !== otherKeys.length) {
    return false;
  }
  for (const [position, key] of keys.entries()) {
    // Members mostly come in the same order; only out of order does the inherited `constructor` have to be ruled out.
    if (key !== otherKeys[position] && !Object.hasOwn(b, key)) {
      return false;
    }
    if (!settle(a[key], b[key], pending)) {
      return false;
    }
  }
  return true;
}
