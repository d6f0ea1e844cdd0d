/**
 * `value in list` for a list of the object, asked again and again: `object.a.all(x, x in object.b)`.
 *
 * Looking through the list each time is what cel-go does, and does not charge for. Two lists of a hundred thousand
 * elements, which fit in one object, would take minutes. So the second question about a long list makes an index of it.
 */
import type { JsonArray } from '../../json/index.ts';
import type { JsonList } from '../json.ts';
import { entriesOf } from '../map.ts';
import { ListValue, MapValue, Uint } from '../values.ts';
import type { Value } from '../values.ts';

/** Lists shorter than this are looked through. */
const MIN_INDEXED_SIZE = 100;
/** Values that nest deeper have no key. */
const MAX_KEY_DEPTH = 100;

/** The lists one evaluation has asked about. */
export class Memberships {
  /** Undefined: asked about once. Null: an element has no key, so there is no index. */
  readonly #indexes = new Map<JsonArray, ReadonlySet<string> | undefined | null>();

  /** Is `value` an element? Undefined if the list has to be looked through. */
  contains(list: JsonList, value: Value): boolean | undefined {
    if (list.size < MIN_INDEXED_SIZE) return undefined;
    const { elements } = list;
    let index = this.#indexes.get(elements);
    if (index === undefined) {
      index = this.#indexes.has(elements) ? indexOf(list) : undefined;
      this.#indexes.set(elements, index);
    }
    if (index === undefined || index === null) return undefined;
    const key = memberKey(value, 0);
    return key === undefined ? undefined : index.has(key);
  }
}

function indexOf(list: JsonList): ReadonlySet<string> | null {
  const keys = new Set<string>();
  for (const element of list) {
    const key = memberKey(element, 0);
    if (key === undefined) return null;
    keys.add(key);
  }
  return keys;
}

/** A text that two values share if they are equal, and only then; undefined for values that have none. */
function memberKey(value: Value, depth: number): string | undefined {
  if (depth > MAX_KEY_DEPTH) return undefined;
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return `s${value.length}:${value}`;
  if (typeof value === 'bigint') return `#${value};`;
  if (value instanceof Uint) return `#${value.value};`;
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return undefined;
    return `#${Number.isInteger(value) ? BigInt(value) : value};`;
  }
  if (value instanceof ListValue)
    return keyOfParts(
      'l',
      Array.from(value, (element) => memberKey(element, depth + 1)),
    );
  if (!(value instanceof MapValue)) return undefined;
  const entries = Array.from(entriesOf(value), ([key, member]) => {
    const parts = [memberKey(key, depth + 1), memberKey(member, depth + 1)];
    return parts.includes(undefined) ? undefined : parts.join('');
  });
  return keyOfParts('m', entries.sort());
}

/** No key is the beginning of another, so keys one after the other can be told apart. */
function keyOfParts(kind: string, parts: readonly (string | undefined)[]): string | undefined {
  return parts.includes(undefined) ? undefined : `${kind}${parts.length}(${parts.join('')}`;
}
