import { encodeUtf8, utf8Sequences } from './byte-string.ts';
import type { ByteString } from './byte-string.ts';

/**
 * `text` as a double-quoted Go literal: what `%q` prints in the error texts of the libraries.
 *
 * Go 1.26 knows the characters of Unicode 15, Node those of a later version: one assigned since is printed here where
 * Go writes its escape.
 *
 * Source: Go 1.26, strconv.Quote and strconv.IsPrint.
 */
export function quote(text: string): string {
  return quoteBytes(encodeUtf8(text));
}

/** Like {@link quote}, for bytes that may be cut inside a character; such bytes are written `\xe6`. */
export function quoteBytes(bytes: ByteString): string {
  let quoted = '"';
  for (const { character, byte } of utf8Sequences(bytes)) {
    quoted += character === undefined ? `\\x${hex(byte, 2)}` : quoteCharacter(character);
  }
  return `${quoted}"`;
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
]);

function quoteCharacter(character: string): string {
  const short = SHORT_ESCAPES.get(character);
  if (short !== undefined) return short;
  if (/^[ \p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)) return character;
  const codePoint = character.codePointAt(0) ?? 0;
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${hex(codePoint, 2)}`;
  return codePoint < 0x10000 ? `\\u${hex(codePoint, 4)}` : `\\U${hex(codePoint, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
