import { SallyportError } from '../errors.ts';
import { setMember, type JsonArray, type JsonObject, type JsonValue } from './json-value.ts';

/** A text that is not JSON. Says where, and what was expected there; never what the text contains. */
export class JsonSyntaxError extends SallyportError {
  readonly code = 'SALLYPORT_JSON_SYNTAX';
  /** Counted from 1. Lines end at a line feed. */
  readonly line: number;
  /** Counted from 1, in UTF-16 code units. */
  readonly column: number;
  readonly expected: string;

  constructor(text: string, offset: number, expected: string) {
    const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
    const line = text.slice(0, lineStart).split('\n').length;
    const column = offset - lineStart + 1;
    const end = offset >= text.length ? ', but the text ends there' : '';
    super(`not JSON: line ${line}, column ${column}: expected ${expected}${end}`);
    this.line = line;
    this.column = column;
    this.expected = expected;
  }
}

/**
 * What to put for a number. `holder` and `key` say where it goes; `holder` is undefined when the number is the whole
 * document.
 */
export type NumberReader = (
  literal: string,
  holder: JsonArray | JsonObject | undefined,
  key: string | number,
) => JsonValue;

/**
 * Reads JSON as `JSON.parse` does, with two differences: it shows every number's literal to `readNumber`, and it throws
 * {@link JsonSyntaxError}. Some three times slower than `JSON.parse`, so called only where that one does not do. A reviver
 * with `context.source` would also show the literals; but it recurses, and overflows the stack on nesting that
 * Kubernetes accepts.
 *
 * Source: RFC 8259 sections 2 to 7. Of repeated names the last one counts.
 */
export function parseJson(text: string, readNumber: NumberReader): JsonValue {
  const scanner = new Scanner(text);
  /** The containers that are open, outermost first, and the place in the innermost that the next value goes to. */
  const open: (JsonArray | JsonObject)[] = [];
  let holder: JsonArray | JsonObject | undefined;
  let key: string | number = '';
  let root: JsonValue = null;

  for (;;) {
    let value: JsonValue;
    const start = scanner.skipSpace();
    if (start === '{' || start === '[') {
      scanner.offset += 1;
      value = start === '{' ? {} : [];
    } else if (start === '"') {
      value = scanner.readString();
    } else {
      const constant = scanner.readKeyword();
      value = constant === undefined ? readNumber(scanner.readNumberLiteral(), holder, key) : constant;
    }

    if (holder === undefined) {
      root = value;
    } else if (Array.isArray(holder)) {
      holder.push(value);
    } else {
      setMember(holder, key as string, value);
    }

    if (start === '{' || start === '[') {
      // Cast: made a few lines above.
      holder = value as JsonArray | JsonObject;
      open.push(holder);
      const isEmpty = scanner.takeIf(start === '{' ? '}' : ']');
      if (!isEmpty) {
        key = start === '{' ? scanner.readKey('a member name or "}"') : 0;
        continue;
      }
      open.pop();
      holder = open.at(-1);
    }

    // A value is complete: go on to the next one of its holder, closing the holders that end here.
    for (;;) {
      if (holder === undefined) {
        scanner.expectEnd();
        return root;
      }
      const isList = Array.isArray(holder);
      if (scanner.takeIf(',')) {
        key = isList ? (holder as JsonArray).length : scanner.readKey('a member name');
        break;
      }
      scanner.take(isList ? ']' : '}', isList ? '"," or "]"' : '"," or "}"');
      open.pop();
      holder = open.at(-1);
    }
  }
}

class Scanner {
  readonly text: string;
  offset = 0;
  readonly #numberLiteral = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
  /** What may follow a backslash. */
  readonly #escapeRest = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;

  constructor(text: string) {
    this.text = text;
  }

  /** The first character that is no white space, without taking it; '' at the end. */
  skipSpace(): string {
    for (;;) {
      const character = this.text.charAt(this.offset);
      if (character !== ' ' && character !== '\n' && character !== '\r' && character !== '\t') {
        return character;
      }
      this.offset += 1;
    }
  }

  takeIf(character: string): boolean {
    if (this.skipSpace() !== character) {
      return false;
    }
    this.offset += 1;
    return true;
  }

  take(character: string, expected: string): void {
    if (!this.takeIf(character)) {
      this.fail(expected);
    }
  }

  expectEnd(): void {
    if (this.skipSpace() !== '') {
      this.fail('nothing more');
    }
  }

  readKey(expected: string): string {
    if (this.skipSpace() !== '"') {
      this.fail(expected);
    }
    const key = this.readString();
    this.take(':', '":"');
    return key;
  }

  readString(): string {
    const start = this.offset;
    this.offset += 1;
    let isPlain = true;
    for (;;) {
      const code = this.text.charCodeAt(this.offset);
      if (code === quotationMark) {
        break;
      }
      if (Number.isNaN(code)) {
        this.fail('the end of the string');
      }
      if (code < space) {
        this.fail('no control character in a string');
      }
      if (code === backslash) {
        isPlain = false;
        this.offset += 1;
        this.#match(this.#escapeRest, 'an escape sequence');
      } else {
        this.offset += 1;
      }
    }
    this.offset += 1;
    // Cast: the slice is a JSON string; the loop above has checked it.
    return isPlain
      ? this.text.slice(start + 1, this.offset - 1)
      : (JSON.parse(this.text.slice(start, this.offset)) as string);
  }

  /** `true`, `false` or `null`; undefined, and nothing taken, when none of them begins here. */
  readKeyword(): boolean | null | undefined {
    for (const [keyword, value] of keywords) {
      if (this.text.startsWith(keyword, this.offset)) {
        this.offset += keyword.length;
        return value;
      }
    }
    return undefined;
  }

  readNumberLiteral(): string {
    return this.#match(this.#numberLiteral, 'a value');
  }

  /** Throws the error for this place. Returns `never`, which TypeScript uses only when it is said here. */
  fail(expected: string): never {
    throw new JsonSyntaxError(this.text, this.offset, expected);
  }

  #match(sticky: RegExp, expected: string): string {
    sticky.lastIndex = this.offset;
    const match = sticky.exec(this.text)?.[0];
    if (match === undefined) {
      return this.fail(expected);
    }
    this.offset += match.length;
    return match;
  }
}

const quotationMark = 0x22;
const backslash = 0x5c;
const space = 0x20;
const keywords = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;
