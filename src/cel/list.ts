/** Lists made by evaluation. For lists that come from JSON see json.ts. */
import { ListValue } from './values.ts';
import type { Value } from './values.ts';

/** A list over an array, which must not change afterwards. */
export class ArrayList extends ListValue {
  readonly #elements: readonly Value[];

  constructor(elements: readonly Value[]) {
    super();
    this.#elements = elements;
  }

  override get size(): number {
    return this.#elements.length;
  }

  override at(index: number): Value {
    return this.#elements[index] ?? null;
  }

  override [Symbol.iterator](): IterableIterator<Value> {
    return this.#elements[Symbol.iterator]();
  }
}

/** `first + second` without copying. */
export class ConcatList extends ListValue {
  readonly #first: ListValue;
  readonly #second: ListValue;
  override readonly size: number;

  constructor(first: ListValue, second: ListValue) {
    super();
    this.#first = first;
    this.#second = second;
    this.size = first.size + second.size;
  }

  override at(index: number): Value {
    return index < this.#first.size ? this.#first.at(index) : this.#second.at(index - this.#first.size);
  }
}

/**
 * The list that a comprehension builds: appending changes it. It exists only while the comprehension runs, as the
 * value of a variable that expressions cannot name. cel-go: types.NewMutableList.
 */
export class MutableList extends ListValue {
  readonly #elements: Value[] = [];

  override get size(): number {
    return this.#elements.length;
  }

  override at(index: number): Value {
    return this.#elements[index] ?? null;
  }

  /** Appends the elements of `list` and gives this list back. */
  append(list: ListValue): this {
    for (const element of list) this.#elements.push(element);
    return this;
  }

  /** The list as it is now, which will not change any more. */
  toImmutable(): ListValue {
    return new ArrayList(this.#elements);
  }
}

/** `a + b`. */
export function concatenate(a: ListValue, b: ListValue): ListValue {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  return new ConcatList(a, b);
}
