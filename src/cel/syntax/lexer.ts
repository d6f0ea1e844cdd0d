/**
 * Splits an expression into tokens.
 *
 * Source: cel-go v0.29.2 parser/gen/CEL.g4, section lexer.
 */

/** Punctuation and keywords are their own kind; the other kinds are named as in the grammar. */
export type TokenKind =
  | '=='
  | '!='
  | 'in'
  | '<'
  | '<='
  | '>='
  | '>'
  | '&&'
  | '||'
  | '['
  | ']'
  | '{'
  | '}'
  | '('
  | ')'
  | '.'
  | ','
  | '-'
  | '!'
  | '?'
  | ':'
  | '+'
  | '*'
  | '/'
  | '%'
  | 'true'
  | 'false'
  | 'null'
  | 'NUM_FLOAT'
  | 'NUM_INT'
  | 'NUM_UINT'
  | 'STRING'
  | 'BYTES'
  | 'IDENTIFIER'
  | 'ESC_IDENTIFIER'
  | 'EOF';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** UTF-16 offset of the first character. */
  readonly offset: number;
}

/** Characters that begin no token. */
export interface LexicalError {
  readonly text: string;
  readonly offset: number;
}

const ESCAPE = String.raw`\\(?:[abfnrtv"'\\?${'`'}]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`;
const STRING = [
  `[rR]"""[^]*?"""`,
  `[rR]'''[^]*?'''`,
  `"""(?:${ESCAPE}|[^\\\\])*?"""`,
  `'''(?:${ESCAPE}|[^\\\\])*?'''`,
  `[rR]"[^"\\n\\r]*"`,
  `[rR]'[^'\\n\\r]*'`,
  `"(?:${ESCAPE}|[^\\\\"\\n\\r])*"`,
  `'(?:${ESCAPE}|[^\\\\'\\n\\r])*'`,
].join('|');

/** In the order that makes the first match the longest one. */
const TOKEN = new RegExp(
  [
    String.raw`(?<hidden>[\t \r\n\f]+|//[^\n]*)`,
    `(?<BYTES>[bB](?:${STRING}))`,
    `(?<STRING>${STRING})`,
    String.raw`(?<NUM_FLOAT>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)`,
    String.raw`(?<NUM_UINT>0x[0-9a-fA-F]+[uU]|\d+[uU])`,
    String.raw`(?<NUM_INT>0x[0-9a-fA-F]+|\d+)`,
    String.raw`(?<IDENTIFIER>[A-Za-z_][A-Za-z0-9_]*)`,
    '(?<ESC_IDENTIFIER>`[A-Za-z0-9_.\\-/ ]+`)',
    String.raw`(?<punctuation>==|!=|<=|>=|&&|\|\||[[\]{}().,\-!?:+*/%<>])`,
  ].join('|'),
  'y',
);

/** The beginning of a token that is not one: an open string or escaped identifier, half an operator. */
const UNFINISHED = new RegExp(
  [`^"(?:${ESCAPE}|[^\\\\"\\n\\r])*`, `^'(?:${ESCAPE}|[^\\\\'\\n\\r])*`]
    .map((open) => `${open}(?:\\\\(?:[0-3][0-7]?|[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?)?`)
    .concat('^`[A-Za-z0-9_.\\-/ ]*', '^[&|=]')
    .join('|'),
);

/** How deep one rule of the grammar may nest in itself, and the parse tree as a whole. cel-go: maxRecursionDepth. */
export const MAX_DEPTH = 250;

/** Words that the language keeps for itself; they may be field names, but not variables or functions. */
export const RESERVED: ReadonlySet<string> = new Set(
  'as break const continue else false for function if import in let loop package namespace null return true var void while'.split(
    ' ',
  ),
);

const KEYWORDS: ReadonlySet<string> = new Set(['in', 'true', 'false', 'null']);

/**
 * The tokens of `text`, the last being EOF, and what could not be read as one.
 * After an error reading goes on behind it, as ANTLR's lexers do.
 */
export function tokenize(text: string): {
  readonly tokens: readonly Token[];
  readonly errors: readonly LexicalError[];
} {
  const tokens: Token[] = [];
  const errors: LexicalError[] = [];
  // A regular expression remembers its position: each call has its own.
  const pattern = new RegExp(TOKEN);
  let offset = 0;
  while (offset < text.length) {
    pattern.lastIndex = offset;
    const match = pattern.exec(text);
    if (match === null) {
      const end = endOfUnreadable(text, offset);
      errors.push({ text: text.slice(offset, end), offset });
      offset = end;
      continue;
    }
    const matched = match[0];
    const kind = kindOf(match);
    if (kind !== undefined) tokens.push({ kind, text: matched, offset });
    offset += matched.length;
  }
  tokens.push({ kind: 'EOF', text: '<EOF>', offset: text.length });
  return { tokens, errors };
}

function kindOf(match: RegExpExecArray): TokenKind | undefined {
  const groups = match.groups ?? {};
  if (groups['hidden'] !== undefined) return undefined;
  // The cast is true by construction of TOKEN: punctuation and keywords are their own kind.
  if (groups['punctuation'] !== undefined || KEYWORDS.has(match[0])) return match[0] as TokenKind;
  return Object.keys(groups).find((name) => groups[name] !== undefined) as TokenKind;
}

/**
 * End of the characters that ANTLR gives up on together: as far as some token could still have been, and the
 * character that ruled it out.
 */
function endOfUnreadable(text: string, start: number): number {
  const possible = UNFINISHED.exec(text.slice(start))?.[0].length ?? 0;
  const reached = start + possible;
  const ruledOut = text.codePointAt(reached);
  return ruledOut === undefined ? reached : reached + String.fromCodePoint(ruledOut).length;
}
