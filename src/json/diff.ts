import { asJson } from './as-json.ts';
import { changedContainers } from './changes.ts';
import { equal } from './equal.ts';
import type { JsonArray, JsonObject, JsonValue } from './json-value.ts';
import { alignByPosition, alignLists } from './list-alignment.ts';
import { shiftElements } from './list-shift.ts';
import { PatchWriter, type Place } from './patch-writer.ts';
import type { PatchOperation } from './patch.ts';
import { isRawNumber } from './raw-number.ts';

/**
 * JSON Patch that turns `before` into `after`, in the form the API server accepts in `response.patch`.
 *
 * Returns [] when they are equal. Otherwise the operations are few: elements of lists are matched by the keys Kubernetes
 * has for them, else by value, so that an element put in front is one `add`; an element that only changed place is one
 * `move`. A list for which many operations would be longer than the list is replaced as a whole.
 *
 * `before` is a JSON value. In `after` a member that is `undefined` counts as absent; throws NotJsonError naming the
 * pointer of the first value JSON cannot carry. Neither is changed. The values in the operations are parts of `after`,
 * not copies: serialize them before `after` is changed again.
 *
 * Takes no stack: nesting of any depth is compared. No `test` operations are made.
 *
 * Source: RFC 6902 sections 4.1 to 4.4; pointers escaped by RFC 6901 section 3.
 */
export function diff(before: JsonValue, after: JsonValue): PatchOperation[] {
  const changed = changedContainers(before, after);
  return new Comparison(changed).run(before, changed === undefined ? asJson(after) : after);
}

/** Two lists or two objects, raw numbers among them, in the same place that remain to be compared. */
interface Pair {
  readonly kind: 'pair';
  readonly before: JsonArray | JsonObject;
  readonly after: JsonArray | JsonObject;
  readonly place: Place | undefined;
  /** Whether each stands where the other one does, all the way from the root. */
  readonly isInPlace: boolean;
  /** How many lists there are around them. */
  readonly listDepth: number;
  /**
   * For two elements that have no more in common than their place: how many operations the one is worth before the other
   * replaces it whole.
   */
  readonly maxOperations: number | undefined;
}

/** The point where everything inside `place` has been compared; the operations there are those from number `mark` on. */
interface Completion {
  readonly kind: 'completion';
  readonly after: JsonValue;
  readonly place: Place | undefined;
  readonly mark: number;
  readonly maxOperations: number;
}

/**
 * In lists deeper than this elements are matched by position alone. Matching looks at whole elements, and would look at
 * a nest of n lists n times; Kubernetes nests its lists less than ten deep.
 */
const maxMatchedListDepth = 32;

/**
 * Compares depth first. The operations of a container on its own members come before those inside the members, so a
 * place is always named as it stands in `after`: every shift of a list around it has already happened.
 */
class Comparison {
  readonly #changed: ReadonlySet<unknown> | undefined;
  readonly #patch = new PatchWriter();
  /** What is left to do, the next one last. */
  readonly #pending: (Pair | Completion)[] = [];

  /** `changed`: see {@link changedContainers}; others in their place need not be looked at again. */
  constructor(changed: ReadonlySet<unknown> | undefined) {
    this.#changed = changed;
  }

  run(before: JsonValue, after: JsonValue): PatchOperation[] {
    this.#compare(before, after, undefined, true, 0);
    for (let task = this.#pending.pop(); task !== undefined; task = this.#pending.pop()) {
      if (task.kind === 'completion') {
        this.#patch.replaceIfShorter(task.mark, task.place, task.after, task.maxOperations);
      } else {
        this.#compareInside(task);
      }
    }
    return this.#patch.operations;
  }

  #compareInside(pair: Pair): void {
    const { before, after, place, isInPlace, listDepth, maxOperations } = pair;
    if (maxOperations !== undefined || (Array.isArray(after) && listDepth < maxMatchedListDepth)) {
      const mark = this.#patch.operations.length;
      this.#pending.push({ kind: 'completion', after, place, mark, maxOperations: maxOperations ?? Infinity });
    }
    const firstInside = this.#pending.length;
    if (Array.isArray(before) && Array.isArray(after)) {
      this.#compareLists(before, after, place, isInPlace, listDepth);
    } else {
      // Cast: #compare() puts off two lists or two objects, nothing mixed.
      this.#compareObjects(before as JsonObject, after as JsonObject, place, isInPlace, listDepth);
    }
    // The last one put off is the next one done: turned round, so that operations come in document order.
    reverseBetween(this.#pending, firstInside, this.#pending.length - 1);
  }

  #compare(
    before: JsonValue,
    after: JsonValue,
    place: Place | undefined,
    isInPlace: boolean,
    listDepth: number,
    maxOperations?: number,
  ): void {
    if (before === after || (isInPlace && this.#isUnchanged(after))) {
      return;
    }
    if (
      typeof before === 'object' &&
      typeof after === 'object' &&
      before !== null &&
      after !== null &&
      Array.isArray(before) === Array.isArray(after)
    ) {
      this.#pending.push({ kind: 'pair', before, after, place, isInPlace, listDepth, maxOperations });
    } else {
      this.#patch.replace(place, after);
    }
  }

  #isUnchanged(after: JsonValue): boolean {
    return this.#changed !== undefined && typeof after === 'object' && after !== null && !this.#changed.has(after);
  }

  #compareObjects(
    before: JsonObject,
    after: JsonObject,
    place: Place | undefined,
    isInPlace: boolean,
    listDepth: number,
  ): void {
    const beforeKeys = Object.keys(before);
    const afterKeys = Object.keys(after);
    // A raw number shows its text as its only member. Asking of every object would cost as much as comparing it.
    const mayBeRaw = beforeKeys[0] === 'rawJSON' || afterKeys[0] === 'rawJSON';
    if (mayBeRaw && (isRawNumber(before) || isRawNumber(after))) {
      if (!equal(before, after)) {
        this.#patch.replace(place, after);
      }
      return;
    }
    let position = 0;
    let shared = 0;
    for (const key of beforeKeys) {
      // The same key in the same position is the common case, and is an own member for certain.
      if (afterKeys[position++] === key || Object.hasOwn(after, key)) {
        shared += 1;
        if (before[key] !== after[key]) this.#compareMember(before[key], after[key], place, key, isInPlace, listDepth);
      } else {
        this.#patch.remove({ parent: place, token: key });
      }
    }
    if (shared === afterKeys.length) {
      return;
    }
    for (const key of afterKeys) {
      if (!Object.hasOwn(before, key)) {
        this.#patch.add({ parent: place, token: key }, after[key] ?? null);
      }
    }
  }

  #compareLists(
    before: JsonArray,
    after: JsonArray,
    place: Place | undefined,
    isInPlace: boolean,
    listDepth: number,
  ): void {
    const alignment =
      listDepth < maxMatchedListDepth ? alignLists(before, after) : alignByPosition(before.length, after.length);
    if (alignment === 'unchanged') {
      return;
    }
    const { start, source, substituted, beforeCount, keyed } = alignment;
    const isShifted = beforeCount > 0 || source.length > 0;
    if (isShifted && !shiftElements(alignment, after, place, this.#patch)) {
      this.#patch.replace(place, after);
      return;
    }
    const compareElements = (from: number, to: number, maxOperations?: number): void => {
      const isElementInPlace = isInPlace && from === to;
      this.#compareMember(before[from], after[to], place, to, isElementInPlace, listDepth + 1, maxOperations);
    };
    // Under another key it is another element; to tell it from inside is worth no more than to remove one and add one.
    const maxSubstitution = keyed ? 2 : Infinity;
    for (let index = 0; keyed && index < start; index++) {
      compareElements(index, index);
    }
    for (const [position, from] of source.entries()) {
      const isSubstituted = substituted[position] === true;
      if (from !== -1 && (keyed || isSubstituted)) {
        compareElements(start + from, start + position, isSubstituted ? maxSubstitution : undefined);
      }
    }
    for (let index = start + source.length; keyed && index < after.length; index++) {
      compareElements(index - source.length + beforeCount, index);
    }
  }

  /** As #compare, with no allocation for members that are the same. Both are there: the caller has looked. */
  #compareMember(
    before: JsonValue = null,
    after: JsonValue = null,
    parent: Place | undefined,
    token: string | number,
    isInPlace: boolean,
    listDepth: number,
    maxOperations?: number,
  ): void {
    if (before !== after && !(isInPlace && this.#isUnchanged(after))) {
      this.#compare(before, after, { parent, token }, isInPlace, listDepth, maxOperations);
    }
  }
}

/** Turns round, in place, the elements from `first` to `last`. */
function reverseBetween<T>(list: T[], first: number, last: number): void {
  for (let low = first, high = last; low < high; low++, high--) {
    // Casts: both indexes are inside the list, and T may include undefined.
    const element = list[low] as T;
    list[low] = list[high] as T;
    list[high] = element;
  }
}
