import { asJson } from './as-json.ts';
import { isContainer, type JsonArray, type JsonObject, type JsonValue } from './json-value.ts';
import { alignByPosition, alignLists, type ListAlignment } from './list-alignment.ts';
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
  return new Comparison().run(before, asJson(after));
}

/** Two lists or two objects in the same place that remain to be compared. */
interface Pair {
  readonly kind: 'pair';
  readonly before: JsonArray | JsonObject;
  readonly after: JsonArray | JsonObject;
  readonly place: Place | undefined;
  /** How many lists there are around them. */
  readonly listDepth: number;
  /** Whether the two have no more in common than their place, so that the one may as well replace the other whole. */
  readonly substituted: boolean;
}

/** The point where everything inside `place` has been compared; the operations there are those from number `mark` on. */
interface Completion {
  readonly kind: 'completion';
  readonly after: JsonValue;
  readonly place: Place | undefined;
  readonly mark: number;
}

/**
 * In lists deeper than this elements are matched by position alone. Matching looks at whole elements, and would look at
 * a nest of n lists n times; Kubernetes nests its lists less than ten deep.
 */
const maxMatchedListDepth = 32;

/** Moving one element is a search through its list. With more work than this the list is replaced instead. */
const maxMoveSteps = 2 ** 24;

/**
 * Compares depth first. The operations of a container on its own members come before those inside the members, so a
 * place is always named as it stands in `after`: every shift of a list around it has already happened.
 */
class Comparison {
  readonly #patch = new PatchWriter();
  /** What is left to do, the next one last. */
  readonly #pending: (Pair | Completion)[] = [];

  run(before: JsonValue, after: JsonValue): PatchOperation[] {
    this.#compare(before, after, undefined, 0);
    for (let task = this.#pending.pop(); task !== undefined; task = this.#pending.pop()) {
      if (task.kind === 'completion') {
        this.#patch.replaceIfShorter(task.mark, task.place, task.after);
      } else {
        this.#compareInside(task);
      }
    }
    return this.#patch.operations;
  }

  #compareInside(pair: Pair): void {
    const { before, after, place, listDepth, substituted } = pair;
    if (substituted || (Array.isArray(after) && listDepth < maxMatchedListDepth)) {
      this.#pending.push({ kind: 'completion', after, place, mark: this.#patch.operations.length });
    }
    const firstInside = this.#pending.length;
    if (Array.isArray(before) && Array.isArray(after)) {
      this.#compareLists(before, after, place, listDepth);
    } else {
      // Cast: #compare() puts off two lists or two objects, nothing mixed.
      this.#compareObjects(before as JsonObject, after as JsonObject, place, listDepth);
    }
    // The last one put off is the next one done: turned round, so that operations come in document order.
    reverseFrom(this.#pending, firstInside);
  }

  #compare(
    before: JsonValue,
    after: JsonValue,
    place: Place | undefined,
    listDepth: number,
    substituted = false,
  ): void {
    if (before === after) {
      return;
    }
    if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
      this.#pending.push({ kind: 'pair', before, after, place, listDepth, substituted });
    } else if (!isRawNumber(before) || !isRawNumber(after) || before.rawJSON !== after.rawJSON) {
      this.#patch.replace(place, after);
    }
  }

  #compareObjects(before: JsonObject, after: JsonObject, place: Place | undefined, listDepth: number): void {
    const beforeKeys = Object.keys(before);
    const afterKeys = Object.keys(after);
    let shared = 0;
    for (const [position, key] of beforeKeys.entries()) {
      // The same key in the same position is the common case, and is an own member for certain.
      if (afterKeys[position] === key || Object.hasOwn(after, key)) {
        shared += 1;
        this.#compareMember(before[key], after[key], place, key, listDepth);
      } else {
        this.#patch.remove({ parent: place, token: key });
      }
    }
    if (shared === afterKeys.length) {
      return;
    }
    for (const [position, key] of afterKeys.entries()) {
      if (beforeKeys[position] !== key && !Object.hasOwn(before, key)) {
        this.#patch.add({ parent: place, token: key }, after[key] ?? null);
      }
    }
  }

  #compareLists(before: JsonArray, after: JsonArray, place: Place | undefined, listDepth: number): void {
    const alignment =
      listDepth < maxMatchedListDepth ? alignLists(before, after) : alignByPosition(before.length, after.length);
    if (alignment === 'unchanged') {
      return;
    }
    if (!this.#shiftElements(alignment, after, place)) {
      this.#patch.replace(place, after);
      return;
    }
    const { start, source, substituted, beforeCount, keyed } = alignment;
    const compareElements = (from: number, to: number, isSubstituted?: boolean): void => {
      this.#compareMember(before[from], after[to], place, to, listDepth + 1, isSubstituted);
    };
    for (let index = 0; keyed && index < start; index++) {
      compareElements(index, index);
    }
    for (const [position, from] of source.entries()) {
      const isSubstituted = substituted[position] === true;
      if (from !== -1 && (keyed || isSubstituted)) {
        compareElements(start + from, start + position, isSubstituted);
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
    listDepth: number,
    substituted = false,
  ): void {
    if (before !== after) {
      this.#compare(before, after, { parent, token }, listDepth, substituted);
    }
  }

  /**
   * Removes, adds and moves elements until each is in the place it has in `after`, whatever is inside it. False, and
   * nothing done, when that would take too long.
   */
  #shiftElements(alignment: ListAlignment, after: JsonArray, list: Place | undefined): boolean {
    const { start, beforeCount, source, moved } = alignment;
    const at = (position: number): Place => ({ parent: list, token: start + position });
    const moves = moved.filter(Boolean).length;
    if (moves * beforeCount > maxMoveSteps) {
      return false;
    }

    const kept = new Set(source);
    for (let position = beforeCount - 1; position >= 0; position--) {
      if (!kept.has(position)) {
        this.#patch.remove(at(position));
      }
    }
    if (moves === 0) {
      for (const [position, from] of source.entries()) {
        if (from === -1) {
          this.#patch.add(at(position), after[start + position] ?? null);
        }
      }
      return true;
    }

    // The list as it stands, by the sources of its elements. Those before `end` are in their order of `after`, with only
    // elements between them that have yet to move away.
    const current = [...Array(beforeCount).keys()].filter((position) => kept.has(position));
    let end = 0;
    for (const [position, from] of source.entries()) {
      if (from === -1) {
        this.#patch.add(at(end), after[start + position] ?? null);
        current.splice(end, 0, from);
      } else if (moved[position] === true) {
        const origin = current.indexOf(from);
        current.splice(origin, 1);
        end -= origin < end ? 1 : 0;
        current.splice(end, 0, from);
        if (origin !== end) {
          this.#patch.move(at(origin), at(end));
        }
      } else {
        end = current.indexOf(from, end);
      }
      end += 1;
    }
    return true;
  }
}

function reverseFrom<T>(list: T[], start: number): void {
  list.push(...list.splice(start).reverse());
}
