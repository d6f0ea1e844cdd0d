/**
 * The text of an expression, and where in it something went wrong.
 *
 * Source: cel-go v0.29.2 common/source.go, common/error.go, common/errors.go.
 */

/** Why an expression does not compile, and where. */
export interface CompileIssue {
  /** From 1; -1 when the issue has no place. */
  readonly line: number;
  /** From 1, in code points; 0 when the issue has no place. */
  readonly column: number;
  readonly message: string;
}

/** Longest line, in bytes, that is shown under an issue. */
const MAX_SNIPPET_BYTES = 16_384;
/** Issues beyond this many are counted, not listed. */
const MAX_ISSUES = 100;

/** An expression's text, addressed by UTF-16 offset. */
export class Source {
  readonly text: string;
  /** Code points before each offset of the text, made when first needed. */
  #codePoints: Uint32Array | undefined;
  /** Offsets at which lines start. */
  #lineStarts: readonly number[] | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** The issue `message` at `offset`, or without a place. */
  issue(message: string, offset: number | undefined): CompileIssue {
    if (offset === undefined) return { line: -1, column: 0, message };
    this.#codePoints ??= countCodePoints(this.text);
    this.#lineStarts ??= [0, ...Array.from(this.text.matchAll(/\n/g), ({ index }) => index + 1)];
    const line = this.#lineStarts.findLastIndex((start) => start <= offset);
    const before = (place: number) => this.#codePoints?.[place] ?? 0;
    return { line: line + 1, column: before(offset) - before(this.#lineStarts[line] ?? 0) + 1, message };
  }

  /** All issues as cel-go prints them: in order of place, each with its line and a caret under the column. */
  display(issues: readonly CompileIssue[]): string {
    const shown = issues
      .slice(0, MAX_ISSUES)
      .sort((a, b) => a.line - b.line || a.column - b.column)
      .map((issue) => this.#displayIssue(issue));
    if (issues.length > MAX_ISSUES) shown.push(`${issues.length - MAX_ISSUES} more errors were truncated`);
    return shown.join('\n');
  }

  #displayIssue({ line, column, message }: CompileIssue): string {
    const head = `ERROR: <input>:${line}:${column}: ${message}`;
    const snippet = this.text === '' || line < 1 ? undefined : this.text.split('\n')[line - 1];
    if (snippet === undefined || Buffer.byteLength(snippet) > MAX_SNIPPET_BYTES) return head;
    const characters = [...snippet.replaceAll('\t', ' ')];
    const isWide = (character: string | undefined) => character !== undefined && character > '\x7f';
    const dots = characters.slice(0, column - 1).map((character) => (isWide(character) ? '\uff0e' : '.'));
    const caret = isWide(characters[column - 1]) ? '\uff3e' : '^';
    return `${head}\n | ${characters.join('')}\n | ${dots.join('')}${caret}`;
  }
}

function countCodePoints(text: string): Uint32Array {
  const counts = new Uint32Array(text.length + 1);
  let count = 0;
  for (let offset = 0; offset < text.length; offset++) {
    const isSecondOfPair = offset > 0 && (text.codePointAt(offset - 1) ?? 0) > 0xffff;
    if (!isSecondOfPair) count++;
    counts[offset + 1] = count;
  }
  return counts;
}
