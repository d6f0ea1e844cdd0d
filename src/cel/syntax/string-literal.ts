/**
 * The value of a string or bytes literal.
 *
 * Source: cel-go v0.29.2 parser/unescape.go.
 */

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['`', '`'],
  ['?', '?'],
]);

/** Why a literal has no value. */
export class LiteralError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** The string that the token `literal` stands for: quotes off, escapes resolved, newlines normalised to `\n`. */
export function unescapeString(literal: string): string | LiteralError {
  const { body, raw } = unquote(literal);
  if (raw || !body.includes('\\')) return body;
  let value = '';
  for (const part of escapeSequences(body)) {
    if (part.codePoint === undefined) value += part.text;
    else if (!isUnicodeScalar(part.codePoint)) return new LiteralError('invalid unicode code point');
    else value += String.fromCodePoint(part.codePoint);
  }
  return value;
}

/** The bytes that the token `literal` (with its leading b) stands for: `\x` and octal escapes are bytes, text is UTF-8. */
export function unescapeBytes(literal: string): Uint8Array | LiteralError {
  const { body, raw } = unquote(literal.slice(1));
  if (raw || !body.includes('\\')) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for (const part of escapeSequences(body)) {
    if (part.codePoint === undefined) chunks.push(Buffer.from(part.text));
    else if (part.unicode) return new LiteralError('unable to unescape string');
    else chunks.push(Uint8Array.of(part.codePoint));
  }
  return Buffer.concat(chunks);
}

function unquote(literal: string): { body: string; raw: boolean } {
  const text = literal.replace(/\r\n?/g, '\n');
  const raw = text.startsWith('r') || text.startsWith('R');
  const quoted = raw ? text.slice(1) : text;
  const quotes = quoted.length >= 6 && (quoted.startsWith('"""') || quoted.startsWith("'''")) ? 3 : 1;
  return { body: quoted.slice(quotes, quoted.length - quotes), raw };
}

/** Plain text, or one escape: its number, and whether it was written with `\u` or `\U`. */
interface Part {
  readonly text: string;
  readonly codePoint: number | undefined;
  readonly unicode: boolean;
}

function* escapeSequences(body: string): Generator<Part> {
  // The lexer let only these escapes through.
  for (const match of body.matchAll(/\\(?:[xX](.{2})|u(.{4})|U(.{8})|([0-3][0-7]{2})|(.))|[^\\]+/gs)) {
    const [text, byte, short, long, octal, simple] = match;
    const unicode = short ?? long;
    if (unicode !== undefined) yield { text, codePoint: Number.parseInt(unicode, 16), unicode: true };
    else if (byte !== undefined) yield { text, codePoint: Number.parseInt(byte, 16), unicode: false };
    else if (octal !== undefined) yield { text, codePoint: Number.parseInt(octal, 8), unicode: false };
    else
      yield {
        text: simple === undefined ? text : (SIMPLE_ESCAPES.get(simple) ?? simple),
        codePoint: undefined,
        unicode: false,
      };
  }
}

function isUnicodeScalar(codePoint: number): boolean {
  return codePoint <= 0x10ffff && (codePoint < 0xd800 || codePoint > 0xdfff);
}
