/**
 * `text`, which is valid JSON, without blanks and with Go's escapes added: what json.Marshal makes of a json.RawMessage.
 * Escapes that are there stay as they are, and so do numbers.
 *
 * Source: Go 1.26 src/encoding/json/indent.go, appendCompact with escape.
 */
export function compactGoJson(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|[ \t\r\n]+/g, (part) => (part.startsWith('"') ? escapeForHtml(part) : ''));
}

/** A string, number, boolean or null as Go's encoding/json writes it. Source: src/encoding/json/encode.go. */
export function goStringText(text: string): string {
  return escapeForHtml(JSON.stringify(text.toWellFormed()));
}

export function escapeForHtml(quoted: string): string {
  return quoted.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Order of the UTF-8 bytes, in which Go sorts the keys of a map; that of UTF-16 units differs above U+D7FF. */
export function compareGoStrings(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
