/**
 * The syntax of format strings: `%s`, `%.2f` and so on.
 *
 * Source: cel-go v0.29.2 ext/formatting.go, parseFormatString.
 */
import { goQuote } from './go-quote.ts';

/** A clause of a format string. */
export interface Clause {
  readonly verb: 's' | 'd' | 'f' | 'e' | 'b' | 'x' | 'X' | 'o';
  /** The number behind the point; undefined if there is none. */
  readonly precision: bigint | undefined;
}

/** Why a format string, or an argument of it, cannot be formatted. */
export class FormatError {
  readonly message: string;
  /** Id of the syntax tree node that is at fault, if one is. */
  readonly nodeId: number | undefined;

  constructor(message: string, nodeId?: number) {
    this.message = message;
    this.nodeId = nodeId;
  }
}

/** What to do with the clauses of a format string. */
export interface ClauseFormatter {
  /** How many arguments there are. */
  readonly size: number;
  /** Is a missing argument found when its clause begins? Otherwise the clause is looked at first. */
  readonly checksArgumentFirst: boolean;
  /** The text of the argument `index`. */
  format(clause: Clause, index: number): string | FormatError;
}

/** Puts texts for the clauses of `template`; `used` says how many arguments that took. */
export function interpolate(
  template: string,
  formatter: ClauseFormatter,
): { readonly text: string; readonly used: number } | FormatError {
  // Go reads bytes: a character beyond ASCII behind a percent sign shows its first byte only.
  const bytes = Buffer.from(template).toString('latin1');
  const outOfRange = (index: number) => new FormatError(`index ${index} out of range`);
  let text = '';
  let used = 0;
  let offset = 0;
  while (offset < bytes.length) {
    const percent = bytes.indexOf('%', offset);
    if (percent === -1) break;
    text += bytes.slice(offset, percent);
    if (bytes[percent + 1] === '%') {
      text += '%';
      offset = percent + 2;
      continue;
    }
    if (formatter.checksArgumentFirst && used >= formatter.size) return outOfRange(used);
    if (percent + 1 >= bytes.length) return new FormatError('unexpected end of string');
    if (used >= formatter.size) return outOfRange(used);
    const parsed = parseClause(bytes, percent + 1);
    if (parsed instanceof FormatError) return new FormatError(`could not parse formatting clause: ${parsed.message}`);
    const formatted = formatter.format(parsed.clause, used);
    if (formatted instanceof FormatError) {
      return new FormatError(`error during formatting: ${formatted.message}`, formatted.nodeId);
    }
    text += Buffer.from(formatted).toString('latin1');
    used++;
    offset = parsed.end;
  }
  text += bytes.slice(offset);
  return { text: Buffer.from(text, 'latin1').toString(), used };
}

/** The clause that begins behind the percent sign. */
function parseClause(bytes: string, start: number): { readonly clause: Clause; readonly end: number } | FormatError {
  let offset = start;
  let precision: bigint | undefined;
  if (bytes[offset] === '.') {
    const digits = /^\d*/.exec(bytes.slice(offset + 1))?.[0] ?? '';
    offset += 1 + digits.length;
    const failed = (reason: string) => new FormatError(`error while parsing precision: ${reason}`);
    if (offset >= bytes.length) return failed('could not find end of precision specifier');
    const numberError = atoiError(digits);
    if (numberError !== undefined) return failed(`error while converting precision to integer: ${numberError}`);
    precision = BigInt(digits);
  }
  const verb = bytes.charAt(offset);
  if (!isVerb(verb)) return new FormatError(`unrecognized formatting clause "${verb}"`);
  return { clause: { verb, precision }, end: offset + 1 };
}

function isVerb(text: string): text is Clause['verb'] {
  return /^[sdfebxXo]$/.test(text);
}

/** Why strconv.Atoi refuses `digits`, if it does. */
function atoiError(digits: string): string | undefined {
  if (digits === '') return 'strconv.Atoi: parsing "": invalid syntax';
  if (BigInt(digits) < 2n ** 63n) return undefined;
  return `strconv.Atoi: parsing ${goQuote(digits)}: value out of range`;
}
