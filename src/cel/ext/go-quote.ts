/**
 * Go's %q.
 *
 * Source: Go strconv.Quote.
 */

/** Characters that Go writes with a letter behind the backslash. */
export const LETTER_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\x07', String.raw`\a`],
  ['\b', String.raw`\b`],
  ['\f', String.raw`\f`],
  ['\n', String.raw`\n`],
  ['\r', String.raw`\r`],
  ['\t', String.raw`\t`],
  ['\v', String.raw`\v`],
  ['\\', String.raw`\\`],
  ['"', String.raw`\"`],
]);

/** `text` between double quotes, with everything unprintable escaped. */
export function goQuote(text: string): string {
  return `"${Array.from(text, quoteCharacter).join('')}"`;
}

function quoteCharacter(character: string): string {
  const escape = LETTER_ESCAPES.get(character);
  if (escape !== undefined) return escape;
  // unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space.
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return character;
  const code = (character.codePointAt(0) ?? 0).toString(16);
  if (code.length <= 2 && Number.parseInt(code, 16) < 0x80) return `\\x${code.padStart(2, '0')}`;
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`;
}
