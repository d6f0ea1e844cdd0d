/**
 * `text` as a double-quoted Go literal: what `%q` prints in the API server's messages.
 *
 * Half of a surrogate pair prints as U+FFFD, which it becomes when JSON is read by Go. A character assigned after
 * Unicode 15 is printed as it is, where Go 1.26 still escapes it.
 *
 * Source: Go 1.26 strconv.Quote, strconv.IsPrint.
 */
export function quote(text: string): string {
  // The usual text needs no look at each character.
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  return `"${Array.from(text.toWellFormed(), quoteCharacter).join('')}"`;
}

const printable = /^[ \p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

function quoteCharacter(character: string): string {
  switch (character) {
    case '"':
    case '\\':
      return `\\${character}`;
    case '\x07':
      return '\\a';
    case '\b':
      return '\\b';
    case '\f':
      return '\\f';
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    case '\v':
      return '\\v';
  }
  if (printable.test(character)) return character;
  const codePoint = character.codePointAt(0) ?? 0;
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${hex(codePoint, 2)}`;
  return codePoint < 0x10000 ? `\\u${hex(codePoint, 4)}` : `\\U${hex(codePoint, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
