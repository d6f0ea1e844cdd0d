/**
 * A number that is kept as the text it had: what `JSON.rawJSON(literal)` returns. `JSON.stringify` writes the text
 * back letter by letter.
 *
 * A raw number travels inside a JsonValue as a leaf. To the type system it passes for a JsonObject, so that the code
 * that never meets one, all but the exact mode, need not think of it.
 */
export interface RawNumber {
  readonly rawJSON: string;
}

/** The part of ECMAScript's "JSON.parse source text access" that TypeScript 6 does not declare yet. */
interface RawJson {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}
const json = JSON as typeof JSON & RawJson;

/** Keeps the number literal `literal`, which is written by JSON's grammar, as its text. */
export function rawNumber(literal: string): RawNumber {
  return json.rawJSON(literal);
}

/** Whether `value` is a number kept as text. An object that only looks like one, `{"rawJSON": "1"}`, is not. */
export function isRawNumber(value: unknown): value is RawNumber {
  return json.isRawJSON(value);
}

/** The text JSON has for this number: the kept one of a raw number, else what JavaScript prints. */
export function numberText(value: number | RawNumber): string {
  return typeof value === 'number' ? JSON.stringify(value) : value.rawJSON;
}
