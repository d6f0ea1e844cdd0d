import { ImpreciseLiterals, type NumberPlace } from './imprecise-literals.ts';
import type { JsonObject, JsonValue } from './json-value.ts';
import { parseJson } from './parse-json.ts';
import { numberText, rawNumber } from './raw-number.ts';

/**
 * Reads JSON for work on its values: numbers are doubles, as `JSON.parse` has it. `literals` keeps the text of those
 * that a double does not hold, so that `writeJson` writes them as they came wherever they were not touched. How a
 * number was written, `1.0` or `1e3`, is not kept: see {@link readExactJson}. A number beyond every double, `1e400`, is
 * Infinity: `writeJson` writes it back, `diff` refuses to carry it in a patch.
 *
 * Accepts what `JSON.parse` accepts, at any depth. Throws `JsonSyntaxError`. Costs a fifth more than `JSON.parse` when
 * there is no such number, three times as much when there may be one.
 */
export function readJson(text: string): { value: JsonValue; literals: ImpreciseLiterals } {
  const value = parseNatively(text);
  if (value === undefined || mayHoldImpreciseNumber(text)) {
    const places: NumberPlace[] = [];
    const read = parseJson(text, (literal, holder, key) => {
      const value = Number(literal);
      places.push({ literal, value, isExact: isExact(literal, value), holder, key });
      return value;
    });
    return { value: read, literals: new ImpreciseLiterals(places) };
  }
  return { value, literals: noLiterals };
}

/**
 * Reads JSON for passing it on letter by letter: a number that JavaScript would print differently, such as `1.0`,
 * `1e3`, `-0` or 9007199254740993, becomes a raw number, which `JSON.stringify` writes as it came. `isRawNumber` tells
 * it from the other values, `numberText` gives its text.
 *
 * Accepts what `JSON.parse` accepts, at any depth. Throws `JsonSyntaxError`. Costs a quarter more than `JSON.parse` when
 * every number is a plain one, three times as much when there may be another.
 */
export function readExactJson(text: string): JsonValue {
  const value = parseNatively(text);
  if (value === undefined || mayHoldUnusualNumber.test(text)) {
    return parseJson(text, (literal) => {
      const value = Number(literal);
      // Cast: a raw number travels as a leaf, see RawNumber.
      return numberText(value) === literal ? value : (rawNumber(literal) as unknown as JsonObject);
    });
  }
  return value;
}

/** Shared by all texts without such numbers: it never changes, and the weak map in each would cost the collector dearly. */
const noLiterals = new ImpreciseLiterals();

/** Undefined when `text` is not JSON. V8's own error is not kept: its message quotes the text, Secrets and all. */
function parseNatively(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Whether there may be a number literal that a double does not hold: one of 16 or more characters, since up to 15 digits
 * always survive, or with an exponent of three digits, which may overflow or vanish. May also be met inside a string,
 * which costs time only.
 */
function mayHoldImpreciseNumber(text: string): boolean {
  return (hasLongNumber(text) || longExponent.test(text)) && impreciseNumber.test(text);
}

/** Looks at one character of each sixteen: a run of sixteen cannot hide between them. */
function hasLongNumber(text: string): boolean {
  for (let index = longNumber - 1; index < text.length; index += longNumber) {
    if (!isPartOfNumber(text.charCodeAt(index))) {
      continue;
    }
    let start = index;
    while (start > 0 && isPartOfNumber(text.charCodeAt(start - 1))) {
      start -= 1;
    }
    let end = index + 1;
    while (end - start < longNumber && end < text.length && isPartOfNumber(text.charCodeAt(end))) {
      end += 1;
    }
    if (end - start >= longNumber) {
      return true;
    }
  }
  return false;
}

const longNumber = 16;

/** `0` to `9`, `+`, `-`, `.`, `e` or `E`. */
function isPartOfNumber(code: number): boolean {
  return code < 0x3a ? code >= 0x2b && code !== 0x2c && code !== 0x2f : code === 0x65 || code === 0x45;
}

const longExponent = /[0-9.][eE][+-]?[0-9]{3}/;
const impreciseNumber = /(?:^|[[:,])\s*-?[0-9](?:[0-9.eE+-]{15,}|[0-9.]*[eE][+-]?[0-9]{3,})\s*(?:$|[,\]}])/;

/** A number literal that JavaScript may print differently: with fraction or exponent, 16 or more digits, or `-0`. */
const mayHoldUnusualNumber = /(?:^|[[:,])\s*(?:-0|-?[0-9]+[.eE][0-9.eE+-]*|-?[0-9]{16,})\s*(?:$|[,\]}])/;

/** Whether `value`, the double nearest to the literal, prints as the same number, however written. */
function isExact(literal: string, value: number): boolean {
  const text = numberText(value);
  return text === literal || (Number.isFinite(value) && decimal(text) === decimal(literal));
}

/** A number literal as `<sign><digits>e<exponent>`, the digits without zeros at either end; the same for equal numbers. */
function decimal(literal: string): string {
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(literal);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match ?? [];
  const digits = whole + fraction;
  let start = 0;
  while (digits[start] === '0') {
    start += 1;
  }
  let end = digits.length;
  while (end > start && digits[end - 1] === '0') {
    end -= 1;
  }
  return start === end ? '0' : `${sign}${digits.slice(start, end)}e${Number(exponent) + whole.length - start}`;
}
