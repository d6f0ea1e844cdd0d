import { equal } from './equal.ts';
import type { JsonArray } from './json-value.ts';
import { listKeys, type ElementKey } from './list-keys.ts';
import { serialize } from './serialize.ts';

/**
 * How one version of a list became the next one. Elements before `start`, and the same number at the end of both, are in
 * their old places; the arrays speak of the elements of `after` between, by position from `start`.
 */
export interface ListAlignment {
  /** Whether elements were matched by something other than their whole value, and so may differ inside though matched. */
  readonly keyed: boolean;
  readonly start: number;
  /** How many elements of `before` lie between the two unmoved ends. */
  readonly beforeCount: number;
  /** For each element of `after`: the element of `before` it was, by position from `start`, or -1 when it is new. */
  readonly source: readonly number[];
  /** Whether the element has to leave its place among the others. */
  readonly moved: readonly boolean[];
  /** Whether the element was matched only for standing where another one had stood. */
  readonly substituted: readonly boolean[];
}

/**
 * Matches the elements of two versions of a list: by a key where both have one, else by value, and what is then left over
 * in the same place one by one. `unchanged` when the lists are equal.
 *
 * Takes time and memory linear in the lists, times the logarithm of their length for elements out of order, and a table
 * of at most {@link maxTableCells} cells.
 */
export function alignLists(before: JsonArray, after: JsonArray): 'unchanged' | ListAlignment {
  const keys = listKeys(before, after);
  const isSame = keys
    ? (i: number, j: number) => keys.before[i] === keys.after[j]
    : (i: number, j: number) => equal(before[i] ?? null, after[j] ?? null);

  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isSame(start, start)) {
    start += 1;
  }
  if (start === before.length && start === after.length) {
    return keys ? alignByPosition(start, start) : 'unchanged';
  }
  let end = 0;
  while (end < shorter - start && isSame(before.length - 1 - end, after.length - 1 - end)) {
    end += 1;
  }

  const between = <T>(list: readonly T[]): T[] => list.slice(start, list.length - end);
  return {
    keyed: keys !== undefined,
    start,
    beforeCount: before.length - end - start,
    ...(keys
      ? alignUnique(between(keys.before), between(keys.after))
      : alignRepeated(between(before).map(identify), between(after).map(identify))),
  };
}

/** The alignment that takes each element for the one with the same index, whatever it holds. */
export function alignByPosition(beforeLength: number, afterLength: number): ListAlignment {
  const start = Math.min(beforeLength, afterLength);
  const source = afterLength === start ? [] : new Array<number>(afterLength - start).fill(-1);
  const none = source.map(() => false);
  return { keyed: true, start, beforeCount: beforeLength - start, source, moved: none, substituted: none };
}

type Matching = Pick<ListAlignment, 'source' | 'moved' | 'substituted'>;

/** Equal for equal values, and only for those. */
function identify(element: JsonArray[number]): string {
  return serialize(element, { sortKeys: true });
}

function alignUnique(before: readonly ElementKey[], after: readonly ElementKey[]): Matching {
  const source = new Array<number>(after.length).fill(-1);
  matchEqual(before, after, source);
  return arrange(before.length, source);
}

function alignRepeated(before: readonly ElementKey[], after: readonly ElementKey[]): Matching {
  const source = new Array<number>(after.length).fill(-1);
  if ((before.length + 1) * (after.length + 1) <= maxTableCells) {
    matchLongestCommonSubsequence(before, after, source);
  }
  matchEqual(before, after, source);
  return arrange(before.length, source);
}

/** 512 changed elements on either side: half a megabyte and about a millisecond. Beyond, matching is no longer minimal. */
const maxTableCells = 512 * 512;

/** Textbook dynamic programming; `lengths[i][j]` is that of the suffixes from `i` and `j`, row by row. */
function matchLongestCommonSubsequence(
  before: readonly ElementKey[],
  after: readonly ElementKey[],
  source: number[],
): void {
  const width = after.length + 1;
  const lengths = new Uint16Array((before.length + 1) * width);
  const length = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        before[i] === after[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1));
    }
  }
  for (let i = 0, j = 0; i < before.length && j < after.length;) {
    if (before[i] === after[j]) {
      source[j++] = i++;
    } else if (length(i + 1, j) >= length(i, j + 1)) {
      i += 1;
    } else {
      j += 1;
    }
  }
}

/** Matches equal elements that are not matched yet, the first of the one list with the first of the other. */
function matchEqual(before: readonly ElementKey[], after: readonly ElementKey[], source: number[]): void {
  const taken = new Set(source);
  /** The first free element of `before` with a key, and behind each the next one with the same key. */
  const first = new Map<ElementKey, number>();
  const next = new Array<number | undefined>(before.length);
  for (let i = before.length - 1; i >= 0; i--) {
    const key = before[i];
    if (key !== undefined && !taken.has(i)) {
      next[i] = first.get(key);
      first.set(key, i);
    }
  }
  for (const [j, key] of after.entries()) {
    const i = source[j] === -1 ? first.get(key) : undefined;
    if (i !== undefined) {
      source[j] = i;
      const following = next[i];
      if (following === undefined) {
        first.delete(key);
      } else {
        first.set(key, following);
      }
    }
  }
}

/**
 * Says which matched elements move, as few as possible, and matches what is left over: where elements of `before` went
 * and others of `after` came between the same two unmoved neighbours, the one counts as the other, changed.
 */
function arrange(beforeCount: number, source: number[]): Matching {
  const stays = longestIncreasing(source);
  const moved = source.map((from, j) => from !== -1 && stays[j] !== true);
  const substituted = source.map(() => false);

  const matched = new Set(source);
  let gapStart = 0;
  let newcomers: number[] = [];
  for (let j = 0; j <= source.length; j++) {
    if (j < source.length && stays[j] !== true) {
      if (source[j] === -1) {
        newcomers.push(j);
      }
      continue;
    }
    const gapEnd = j < source.length ? (source[j] ?? beforeCount) : beforeCount;
    let taken = 0;
    for (let i = gapStart; i < gapEnd; i++) {
      const newcomer = matched.has(i) ? undefined : newcomers[taken++];
      if (newcomer !== undefined) {
        source[newcomer] = i;
        substituted[newcomer] = true;
      }
    }
    gapStart = gapEnd + 1;
    newcomers = [];
  }
  return { source, moved, substituted };
}

/** For each position, whether it belongs to one longest increasing subsequence of the matched sources (patience sorting). */
function longestIncreasing(source: readonly number[]): boolean[] {
  /** For each length, the position at which a subsequence of that length ends with the smallest source. */
  const tails: number[] = [];
  const previous = new Array<number | undefined>(source.length);
  for (const [j, from] of source.entries()) {
    if (from === -1) {
      continue;
    }
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((source[tails[middle] ?? 0] ?? 0) < from) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    previous[j] = low === 0 ? undefined : tails[low - 1];
    tails[low] = j;
  }
  const belongs = source.map(() => false);
  for (let j = tails.at(-1); j !== undefined; j = previous[j]) {
    belongs[j] = true;
  }
  return belongs;
}
