/**
 * The string functions. Positions count code points.
 *
 * Source: cel-go v0.29.2 ext/strings.go, version 2 (without reverse); costs from k8s.io/apiserver v0.37.2
 * pkg/cel/library/cost.go.
 */
import { codePointLength, utf16Offset } from '../code-points.ts';
import { STRING_TRAVERSAL_COST_FACTOR, actualSize, scanCost, traversalCost } from '../cost.ts';
import type { Library } from '../environment.ts';
import { globalOverload, memberOverload } from '../function.ts';
import { ArrayList } from '../list.ts';
import { MAX_STRING_LENGTH, stringTooLong } from '../string-limit.ts';
import * as search from '../text-search.ts';
import { DynType, IntType, StringType, listType } from '../types.ts';
import { formatValue } from '../value-text.ts';
import { EvaluationError } from '../values.ts';
import type { ListValue, Result } from '../values.ts';
import { format } from './format.ts';
import { LETTER_ESCAPES } from './go-quote.ts';

const listOfStrings = listType(StringType);

export const stringsLibrary: Library = {
  name: 'cel.lib.ext.strings',
  functions: [
    { name: 'charAt', overloads: [memberOverload('string_char_at_int', [StringType, IntType], StringType, charAt)] },
    {
      name: 'indexOf',
      cost: (_, [text = null]) => traversalCost(text),
      overloads: [
        memberOverload('string_index_of_string', [StringType, StringType], IntType, (text, part) =>
          indexOf(text, part, 0n),
        ),
        memberOverload('string_index_of_string_int', [StringType, StringType, IntType], IntType, indexOf),
      ],
    },
    {
      name: 'lastIndexOf',
      cost: (_, [text = null]) => traversalCost(text),
      overloads: [
        memberOverload('string_last_index_of_string', [StringType, StringType], IntType, (text, part) => {
          const last = BigInt(codePointLength(text)) - (part === '' ? 0n : 1n);
          return last < 0n ? -1n : lastIndexOf(text, part, last);
        }),
        memberOverload('string_last_index_of_string_int', [StringType, StringType, IntType], IntType, lastIndexOf),
      ],
    },
    {
      name: 'lowerAscii',
      cost: (_, [text]) => scanCost(text),
      overloads: [memberOverload('string_lower_ascii', [StringType], StringType, lowerAscii)],
    },
    {
      name: 'upperAscii',
      cost: (_, [text]) => scanCost(text),
      overloads: [memberOverload('string_upper_ascii', [StringType], StringType, upperAscii)],
    },
    {
      name: 'replace',
      cost: (_, [text]) => scanCost(text, 2),
      overloads: [
        memberOverload(
          'string_replace_string_string',
          [StringType, StringType, StringType],
          StringType,
          (text, old, replacement) => replace(text, old, replacement, -1n),
        ),
        memberOverload(
          'string_replace_string_string_int',
          [StringType, StringType, StringType, IntType],
          StringType,
          replace,
        ),
      ],
    },
    {
      name: 'split',
      cost: (_, [text]) => scanCost(text, 2),
      overloads: [
        memberOverload('string_split_string', [StringType, StringType], listOfStrings, (text, separator) =>
          split(text, separator, -1n),
        ),
        memberOverload('string_split_string_int', [StringType, StringType, IntType], listOfStrings, split),
      ],
    },
    {
      name: 'join',
      cost: (_, _args, result) => Math.ceil(actualSize(result) * 2 * STRING_TRAVERSAL_COST_FACTOR),
      overloads: [
        memberOverload('list_join', [listOfStrings], StringType, (list) => join(list, '')),
        memberOverload('list_join_string', [listOfStrings, StringType], StringType, join),
      ],
    },
    {
      name: 'substring',
      cost: (_, [text]) => scanCost(text),
      overloads: [
        memberOverload('string_substring_int', [StringType, IntType], StringType, (text, start) => {
          return substring(text, start, BigInt(codePointLength(text)));
        }),
        memberOverload('string_substring_int_int', [StringType, IntType, IntType], StringType, (text, start, end) =>
          start > end
            ? new EvaluationError(`invalid substring range. start: ${start}, end: ${end}`)
            : substring(text, start, end),
        ),
      ],
    },
    {
      name: 'trim',
      cost: (_, [text]) => scanCost(text),
      overloads: [memberOverload('string_trim', [StringType], StringType, trim)],
    },
    {
      name: 'format',
      overloads: [
        { ...memberOverload('string_format', [StringType, listType(DynType)], StringType, format), variadic: true },
      ],
    },
    { name: 'strings.quote', overloads: [globalOverload('strings_quote', [StringType], StringType, quote)] },
  ],
};

function outOfRange(index: bigint): EvaluationError {
  return new EvaluationError(`index out of range: ${index}`);
}

function charAt(text: string, index: bigint): Result {
  const offset = utf16Offset(text, index);
  if (offset === undefined) return outOfRange(index);
  const codePoint = text.codePointAt(offset);
  return codePoint === undefined ? '' : String.fromCodePoint(codePoint);
}

function indexOf(text: string, part: string, start: bigint): Result {
  return place(text, part, start, (offset) => search.indexOf(text, part, offset));
}

function lastIndexOf(text: string, part: string, start: bigint): Result {
  return place(text, part, start, (offset) => search.lastIndexOf(text, part, offset));
}

/** Where `find` finds `part` from code point `start` on; -1 if it does not, or if `start` is beyond the end. */
function place(text: string, part: string, start: bigint, find: (offset: number) => number): Result {
  if (start < 0n) return outOfRange(start);
  const offset = utf16Offset(text, start);
  if (part === '') return offset === undefined ? BigInt(codePointLength(text)) : start;
  if (offset === undefined || offset === text.length) return -1n;
  const found = find(offset);
  return found === -1 ? -1n : BigInt(codePointLength(text.slice(0, found)));
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** Replaces the first `count` occurrences, all if it is negative. An empty `old` is found around each character. */
function replace(text: string, old: string, replacement: string, count: bigint): Result {
  const parts = old === '' ? ['', ...text, ''] : search.split(text, old);
  const times = count < 0n ? parts.length - 1 : Math.min(Number(count), parts.length - 1);
  if (text.length + times * (replacement.length - old.length) > MAX_STRING_LENGTH) return stringTooLong();
  const replaced = parts.slice(0, times).map((part) => part + replacement);
  return replaced.join('') + parts.slice(times).join(old);
}

/** At most `count` parts, any number if it is negative; the last part is the rest. */
function split(text: string, separator: string, count: bigint): Result {
  if (count === 0n) return new ArrayList([]);
  const parts = separator === '' ? Array.from(text) : search.split(text, separator);
  if (count < 0n || count >= BigInt(parts.length)) return new ArrayList(parts);
  const last = Number(count) - 1;
  return new ArrayList([...parts.slice(0, last), parts.slice(last).join(separator)]);
}

function join(list: ListValue, separator: string): Result {
  const parts: string[] = [];
  let length = 0;
  for (const element of list) {
    if (typeof element !== 'string') return new EvaluationError(`join: invalid input: ${formatValue(element)}`);
    length += element.length + separator.length;
    if (length > MAX_STRING_LENGTH) return stringTooLong();
    parts.push(element);
  }
  return parts.join(separator);
}

function substring(text: string, start: bigint, end: bigint): Result {
  const from = utf16Offset(text, start);
  if (from === undefined) return outOfRange(start);
  const to = utf16Offset(text, end);
  return to === undefined ? outOfRange(end) : text.slice(from, to);
}

/** strings.TrimSpace: Unicode's White_Space. */
function trim(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text.charAt(start))) start++;
  while (end > start && isSpace(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(character: string): boolean {
  return /\p{White_Space}/u.test(character);
}

function quote(text: string): string {
  return `"${Array.from(text, (character) => LETTER_ESCAPES.get(character) ?? character).join('')}"`;
}
