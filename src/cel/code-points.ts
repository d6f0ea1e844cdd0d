/**
 * Strings by code point, the unit of positions and sizes in CEL. JavaScript counts UTF-16 units, two for a character
 * beyond U+FFFF; for a string without such characters, which one native search tells, both are the same.
 */

const SURROGATE = /[\ud800-\udfff]/;

/** Number of code points. */
export function codePointLength(text: string): number {
  return SURROGATE.test(text) ? codePointsBefore(text, text.length) : text.length;
}

/** The UTF-16 offset at which code point `index` starts, `text.length` for the end; undefined beyond, or below 0. */
export function utf16Offset(text: string, index: bigint): number | undefined {
  if (index < 0n || index > BigInt(text.length)) return undefined;
  if (!SURROGATE.test(text)) return Number(index);
  let offset = 0;
  for (let rest = Number(index); rest > 0; rest--) {
    if (offset >= text.length) return undefined;
    offset += isPair(text, offset) ? 2 : 1;
  }
  return offset;
}

/** Number of code points before the UTF-16 offset `offset`. */
export function codePointsBefore(text: string, offset: number): number {
  let count = 0;
  for (let index = 0; index < offset; index += isPair(text, index) ? 2 : 1) count++;
  return count;
}

function isPair(text: string, offset: number): boolean {
  const high = text.charCodeAt(offset);
  if (high < 0xd800 || high > 0xdbff) return false;
  const low = text.charCodeAt(offset + 1);
  return low >= 0xdc00 && low <= 0xdfff;
}
