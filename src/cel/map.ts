/** Maps made by evaluation. For maps that come from JSON see json.ts. */
import { Duration, MapValue, Timestamp, Uint } from './values.ts';
import type { Value } from './values.ts';

/** A map of entries given by an expression. */
export class EntryMap extends MapValue {
  /** By {@link identityOf} the key. */
  readonly #entries = new Map<unknown, readonly [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    super();
    for (const [key, value] of entries) this.set(key, value);
  }

  override get size(): number {
    return this.#entries.size;
  }

  override get(key: Value): Value | undefined {
    for (const candidate of keysEqualTo(key)) {
      const entry = this.#entries.get(identityOf(candidate));
      if (entry !== undefined) return entry[1];
    }
    return undefined;
  }

  override *keys(): IterableIterator<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }

  /** Adds or replaces an entry; only for maps nobody else has seen yet. */
  protected set(key: Value, value: Value): void {
    this.#entries.set(identityOf(key), [key, value]);
  }
}

/** The map that a comprehension builds: inserting changes it. cel-go: types.NewMutableMap. */
export class MutableMap extends EntryMap {
  /** Adds an entry; only for keys that are not there. */
  insert(key: Value, value: Value): this {
    this.set(key, value);
    return this;
  }

  /** The map as it is now, which will not change any more. */
  toImmutable(): MapValue {
    return new EntryMap(entriesOf(this));
  }
}

/** A map with one entry more, undefined if the key is there already. Changes `map` if it is mutable. */
export function insert(map: MapValue, key: Value, value: Value): MapValue | undefined {
  if (map.get(key) !== undefined) return undefined;
  if (map instanceof MutableMap) return map.insert(key, value);
  return new EntryMap([[key, value], ...entriesOf(map)]);
}

/** Keys and values of `map`. */
export function* entriesOf(map: MapValue): IterableIterator<readonly [Value, Value]> {
  for (const key of map.keys()) yield [key, map.get(key) ?? null];
}

/** `key`, and the same number as int and uint, which find each other as keys. */
function* keysEqualTo(key: Value): IterableIterator<Value> {
  yield key;
  if (typeof key === 'bigint' && key >= 0n) yield new Uint(key);
  else if (key instanceof Uint && key.value === BigInt.asIntN(64, key.value)) yield key.value;
  else if (typeof key === 'number' && Number.isInteger(key)) {
    const integer = BigInt(key);
    if (integer === BigInt.asIntN(64, integer) && key > -(2 ** 63)) yield integer;
    if (integer === BigInt.asUintN(64, integer)) yield new Uint(integer);
  }
}

/** What makes two keys the same: a primitive, or for the values that are objects a text. */
function identityOf(key: Value): unknown {
  if (key instanceof Uint) return `uint:${key.value}`;
  if (key instanceof Duration) return `duration:${key.nanoseconds}`;
  if (key instanceof Timestamp) return `timestamp:${key.seconds}.${key.nanoseconds}`;
  return typeof key === 'string' ? `string:${key}` : key;
}
