import type { JsonArray, JsonObject } from './json-value.ts';

/** A number in a text: the literal as it stood there, the double it became, and where that double is now. */
export interface NumberPlace {
  readonly literal: string;
  readonly value: number;
  /** Whether the double is the very number that the literal writes. */
  readonly isExact: boolean;
  /** Undefined when the number is the whole document. */
  readonly holder: JsonArray | JsonObject | undefined;
  readonly key: string | number;
}

/**
 * The literals of those numbers in one JSON text that a double does not hold exactly, such as 9007199254740993.
 * `readJson` fills it, `writeJson` asks it.
 *
 * A number is known by its double. Only where two literals share one double does the place decide: the object or list
 * that holds the number, or a copy of it made by `clone`. At a place that is not known, such as a fresh object built
 * by spread, the double then gets the literal that came first in the text.
 */
export class ImpreciseLiterals {
  readonly #byValue = new Map<number, string>();
  /** Filled only for doubles that two literals share. */
  readonly #byPlace = new WeakMap<object, Map<string | number, NumberPlace>>();
  #hasPlaces = false;

  /** `places` are all numbers of the text, in its order. */
  constructor(places: readonly NumberPlace[] = []) {
    const imprecise = new Set(places.filter(({ isExact }) => !isExact).map(({ value }) => value));
    // An exact number has a part in it when its double is also that of another literal: 9007199254740992 beside …993.
    const affected = places.filter(({ value }) => imprecise.has(value));
    const shared = new Set<number>();
    for (const { value, literal } of affected) {
      const first = this.#byValue.get(value);
      if (first === undefined) {
        this.#byValue.set(value, literal);
      } else if (first !== literal) {
        shared.add(value);
      }
    }
    for (const place of affected) {
      if (place.holder !== undefined && shared.has(place.value)) {
        this.#hasPlaces = true;
        const known = this.#byPlace.get(place.holder) ?? new Map<string | number, NumberPlace>();
        this.#byPlace.set(place.holder, known.set(place.key, place));
      }
    }
  }

  /** How many different doubles stand for a literal that they do not hold. */
  get size(): number {
    return this.#byValue.size;
  }

  /** The literal to write for `value`, which stands at `key` of `holder`; undefined when the text of `value` will do. */
  textOf(value: number, holder: JsonArray | JsonObject | undefined, key: string | number): string | undefined {
    const place = holder === undefined ? undefined : this.#byPlace.get(holder)?.get(key);
    return place?.value === value ? place.literal : this.#byValue.get(value);
  }

  /** `copy` has become a copy of `original`: its numbers come from the same literals. */
  carryOver(original: JsonArray | JsonObject, copy: JsonArray | JsonObject): void {
    const places = this.#hasPlaces ? this.#byPlace.get(original) : undefined;
    if (places !== undefined) {
      this.#byPlace.set(copy, places);
    }
  }
}
