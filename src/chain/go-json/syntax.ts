/**
 * What Go's encoding/json would complain about in `bytes`, in its words: `invalid character 'x' looking for beginning of
 * value`, `unexpected end of JSON input`. Undefined when they are one JSON value.
 *
 * Go reads bytes, so a character outside ASCII is named by its first byte. Invalid UTF-8 inside a string is no error.
 *
 * Source: Go 1.26 src/encoding/json/scanner.go.
 */
export function goJsonSyntaxError(bytes: Uint8Array): string | undefined {
  if (bytes.length <= 2 * maxNestingDepth && isJson(bytes)) return undefined;
  const scan = new Scan(bytes);
  try {
    scan.topLevel();
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxMismatch) return error.message;
    throw error;
  }
}

/** Go's limit on nesting; source as above, maxNestingDepth. Each level takes two bytes. */
const maxNestingDepth = 10_000;

/** What JavaScript reads, Go reads too, nesting apart; its reader is many times quicker than the scan below. */
function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

/** Carries the text out of the scan; never leaves this file. */
class SyntaxMismatch extends Error {}

const endOfInput = -1;
const byte = (character: string): number => character.charCodeAt(0);
const quotationMark = byte('"');
const backslash = byte('\\');

/** A cursor over the bytes; every method either moves on or throws what Go says at that byte. */
class Scan {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** The closing bracket of every object and array we are in. */
  readonly #open: number[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  topLevel(): void {
    this.#value('looking for beginning of value');
    while (this.#open.length > 0) this.#afterValue();
    this.#skipSpace();
    if (this.#current !== endOfInput) this.#fail('after top-level value');
  }

  get #current(): number {
    return this.#bytes[this.#at] ?? endOfInput;
  }

  /** Reads a scalar, or the opening of an object or array up to its first member's value. */
  #value(context: string): void {
    for (;;) {
      this.#skipSpace();
      const first = this.#current;
      if (first === byte('{')) {
        this.#push('}');
        this.#skipSpace();
        if (this.#current === byte('}')) return this.#close();
        this.#key();
      } else if (first === byte('[')) {
        this.#push(']');
        this.#skipSpace();
        if (this.#current === byte(']')) return this.#close();
      } else if (first === quotationMark) {
        return this.#string();
      } else if (first === byte('-') || isDigit(first)) {
        return this.#number();
      } else if (first === byte('t')) {
        return this.#literal('true');
      } else if (first === byte('f')) {
        return this.#literal('false');
      } else if (first === byte('n')) {
        return this.#literal('null');
      } else {
        this.#fail(context);
      }
    }
  }

  /** After a member: a comma and the next one, or the closing bracket. */
  #afterValue(): void {
    this.#skipSpace();
    const closing = this.#open.at(-1);
    const inObject = closing === byte('}');
    if (this.#current === closing) return this.#close();
    if (this.#current !== byte(',')) this.#fail(inObject ? 'after object key:value pair' : 'after array element');
    this.#at++;
    if (inObject) this.#key();
    this.#value('looking for beginning of value');
  }

  #key(): void {
    this.#skipSpace();
    if (this.#current !== quotationMark) this.#fail('looking for beginning of object key string');
    this.#string();
    this.#skipSpace();
    if (this.#current !== byte(':')) this.#fail('after object key');
    this.#at++;
  }

  #push(closing: string): void {
    if (this.#open.length === maxNestingDepth) this.#fail('exceeded max depth');
    this.#open.push(byte(closing));
    this.#at++;
  }

  #close(): void {
    this.#open.pop();
    this.#at++;
  }

  #string(): void {
    this.#at++;
    while (this.#current !== quotationMark) {
      if (this.#current === backslash) this.#escape();
      else if (this.#current < 0x20) this.#fail('in string literal');
      else this.#at++;
    }
    this.#at++;
  }

  #escape(): void {
    this.#at++;
    if (this.#current === byte('u')) {
      this.#at++;
      for (let digit = 0; digit < 4; digit++) {
        if (!isHexDigit(this.#current)) this.#failInToken('in \\u hexadecimal character escape');
        this.#at++;
      }
      return;
    }
    if (!'bfnrt\\/"'.includes(String.fromCharCode(this.#current))) this.#failInToken('in string escape code');
    this.#at++;
  }

  #number(): void {
    if (this.#current === byte('-')) {
      this.#at++;
      if (!isDigit(this.#current)) this.#failInToken('in numeric literal');
    }
    if (this.#current === byte('0')) this.#at++;
    else this.#digits();
    if (this.#current === byte('.')) {
      this.#at++;
      if (!isDigit(this.#current)) this.#failInToken('after decimal point in numeric literal');
      this.#digits();
    }
    if (this.#current === byte('e') || this.#current === byte('E')) {
      this.#at++;
      if (this.#current === byte('+') || this.#current === byte('-')) this.#at++;
      if (!isDigit(this.#current)) this.#failInToken('in exponent of numeric literal');
      this.#digits();
    }
  }

  #digits(): void {
    while (isDigit(this.#current)) this.#at++;
  }

  #literal(text: string): void {
    for (const character of text) {
      if (this.#current !== byte(character)) this.#failInToken(`in literal ${text} (expecting '${character}')`);
      this.#at++;
    }
  }

  #skipSpace(): void {
    while (isSpace(this.#current)) this.#at++;
  }

  #fail(context: string): never {
    if (this.#current === endOfInput) throw new SyntaxMismatch('unexpected end of JSON input');
    throw new SyntaxMismatch(`invalid character ${quoteByte(this.#current)} ${context}`);
  }

  /** Go tries the end of input as a space; where no space may stand, it is the space that is wrong. */
  #failInToken(context: string): never {
    const current = this.#current === endOfInput ? byte(' ') : this.#current;
    throw new SyntaxMismatch(`invalid character ${quoteByte(current)} ${context}`);
  }
}

/** Source: scanner.go, quoteChar; a byte is shown as the code point of that number. */
function quoteByte(value: number): string {
  const character = String.fromCharCode(value);
  if (character === "'") return `'\\''`;
  if (character === '"') return `'"'`;
  const named = namedEscapes.get(character);
  if (named !== undefined) return `'${named}'`;
  if (value < 0x20 || value === 0x7f) return `'\\x${value.toString(16).padStart(2, '0')}'`;
  // U+0080–U+00A0 and the soft hyphen are what strconv.IsPrint refuses among the first 256 code points.
  if ((value >= 0x80 && value <= 0xa0) || value === 0xad) return `'\\u${value.toString(16).padStart(4, '0')}'`;
  return `'${character}'`;
}

const namedEscapes: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
]);

function isSpace(value: number): boolean {
  return value === 0x20 || value === 0x09 || value === 0x0a || value === 0x0d;
}

function isDigit(value: number): boolean {
  return value >= 0x30 && value <= 0x39;
}

function isHexDigit(value: number): boolean {
  return isDigit(value) || (value >= 0x41 && value <= 0x46) || (value >= 0x61 && value <= 0x66);
}
