import { quote } from '../../api/go-quote.ts';

/**
 * A string as Go sees it: every character is one byte (U+0000–U+00FF) of UTF-8.
 *
 * Go's parsers cut strings between bytes, also inside a character, and quote what they cut; a percent-encoded URL part
 * may hold bytes that are no UTF-8 at all. Code copied from such a parser works on this form and is exact.
 */
export type ByteString = string;

/** The UTF-8 bytes of `text`. A lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The text of `bytes`. As in Go, each byte that belongs to no UTF-8 sequence becomes one U+FFFD. */
export function decodeUtf8(bytes: ByteString): string {
  return decodeWellFormed(bytes) ?? Array.from(utf8Sequences(bytes), ({ character }) => character ?? '\uFFFD').join('');
}

/** `bytes` as a double-quoted Go literal; a byte that belongs to no UTF-8 sequence is written `\xe6`. Go: strconv.Quote. */
export function quoteBytes(bytes: ByteString): string {
  const text = decodeWellFormed(bytes);
  if (text !== undefined) return quote(text);
  const quoted = Array.from(utf8Sequences(bytes), (sequence) =>
    sequence.character === undefined ? `\\x${sequence.byte.toString(16)}` : quote(sequence.character).slice(1, -1),
  );
  return `"${quoted.join('')}"`;
}

/** undefined when something in `bytes` is no UTF-8; also, needlessly, when they spell U+FFFD. */
function decodeWellFormed(bytes: ByteString): string | undefined {
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  return text.includes('\uFFFD') ? undefined : text;
}

type Utf8Sequence =
  | { readonly character: string }
  | { /** It belongs to no UTF-8 sequence. */ readonly character: undefined; readonly byte: number };

function* utf8Sequences(bytes: ByteString): Generator<Utf8Sequence> {
  for (const [sequence] of bytes.matchAll(UTF8_SEQUENCE)) {
    if (sequence.length === 1 && sequence > '\x7f') yield { character: undefined, byte: sequence.charCodeAt(0) };
    else yield { character: Buffer.from(sequence, 'latin1').toString('utf8') };
  }
}

// The well-formed sequences of RFC 3629 section 4, else one byte alone.
const UTF8_SEQUENCE =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|[^]/g;
