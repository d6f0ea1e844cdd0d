import { isContainer, type JsonValue } from './json-value.ts';
import { isRawNumber, numberText } from './raw-number.ts';

/**
 * Length of the JSON text of `value` in characters, escapes in strings not counted. Stops counting once the length has
 * reached `limit`, so that a large value costs no more than the answer is worth.
 */
export function serializedSize(value: JsonValue, limit = Infinity): number {
  let size = 0;
  const pending: JsonValue[] = [value];
  while (size < limit) {
    const next = pending.pop();
    if (next === undefined) {
      break;
    }
    if (typeof next === 'string') {
      size += next.length + 2;
    } else if (typeof next === 'number' || isRawNumber(next)) {
      size += numberText(next).length;
    } else if (!isContainer(next)) {
      size += String(next).length;
    } else if (Array.isArray(next)) {
      size += brackets(next.length);
      for (let index = 0; size < limit && index < next.length; index++) {
        pending.push(next[index] ?? null);
      }
    } else {
      const keys = Object.keys(next);
      size += brackets(keys.length);
      for (const key of keys) {
        size += key.length + 3;
        pending.push(next[key] ?? null);
      }
    }
  }
  return size;
}

/** Two brackets, and a comma between any two members. */
function brackets(members: number): number {
  return 2 + Math.max(0, members - 1);
}
