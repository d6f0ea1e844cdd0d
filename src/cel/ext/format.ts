/**
 * `template.format([…])` at run time.
 *
 * Source: cel-go v0.29.2 ext/formatting.go, stringFormatter, with the locale en_US.
 */
import { compareStrings } from '../compare.ts';
import { parseDouble } from '../standard/number-text.ts';
import { toString as toText } from '../standard/conversions.ts';
import { typeOf } from '../type-of.ts';
import { Type } from '../types.ts';
import { Duration, EvaluationError, ListValue, MapValue, Timestamp, Uint } from '../values.ts';
import type { Result, Value } from '../values.ts';
import { formatFixed, toScientific } from './decimal-text.ts';
import { FormatError, interpolate } from './format-string.ts';
import type { Clause } from './format-string.ts';
import { goQuote } from './go-quote.ts';
import { entriesOf } from '../map.ts';

const DEFAULT_PRECISION = 6;

/** `template.format(args)`. */
export function format(template: string, args: ListValue): Result {
  const formatted = interpolate(template, {
    size: args.size,
    checksArgumentFirst: true,
    format: (clause, index) => formatClause(clause, args.at(index)),
  });
  return formatted instanceof FormatError ? new EvaluationError(formatted.message) : formatted.text;
}

/** What is said when a value of type `typeName` is given for `verb`. Also at compile time. */
export function wrongType(verb: Clause['verb'], typeName: string, nodeId?: number): FormatError {
  return new FormatError(`${EXPECTED[verb]}, was given ${typeName}`, nodeId);
}

const EXPECTED: Readonly<Record<Clause['verb'], string>> = {
  s: 'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  d: 'decimal clause can only be used on integers',
  f: 'fixed-point clause can only be used on doubles',
  e: 'scientific clause can only be used on doubles',
  b: 'only integers and bools can be formatted as binary',
  x: 'only integers, byte buffers, and strings can be formatted as hex',
  X: 'only integers, byte buffers, and strings can be formatted as hex',
  o: 'octal clause can only be used on integers',
};

function formatClause({ verb, precision }: Clause, value: Value): string | FormatError {
  switch (verb) {
    case 's':
      return formatString(value);
    case 'd':
      return formatInteger(value, 10) ?? unfit(verb, value);
    case 'o':
      return formatInteger(value, 8) ?? unfit(verb, value);
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      return formatInteger(value, 2) ?? unfit(verb, value);
    case 'x':
      return formatHexadecimal(value) ?? unfit(verb, value);
    case 'X':
      return formatHexadecimal(value)?.toUpperCase() ?? unfit(verb, value);
    case 'f':
    case 'e': {
      const double = asDouble(value);
      if (double === undefined) return unfit(verb, value);
      return verb === 'f' ? formatFixedPoint(double, precision) : formatScientific(double, precision);
    }
  }
}

function unfit(verb: Clause['verb'], value: Value): FormatError {
  return wrongType(verb, typeOf(value).name);
}

function formatInteger(value: Value, radix: number): string | undefined {
  if (typeof value === 'bigint') return value.toString(radix);
  return value instanceof Uint ? value.value.toString(radix) : undefined;
}

function formatHexadecimal(value: Value): string | undefined {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : formatInteger(value, 16);
}

function asDouble(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  const isName = value === 'NaN' || value === 'Infinity' || value === '-Infinity';
  return isName ? parseDouble(value) : undefined;
}

/** As golang.org/x/text prints it for en-US: thousands grouped; it keeps the precision in a byte. */
function formatFixedPoint(value: number, precision: bigint | undefined): string {
  if (!Number.isFinite(value)) return notFinite(value);
  const decimals = precision === undefined ? DEFAULT_PRECISION : Number(precision % 256n);
  // A negative zero loses its sign there.
  const [whole = '', fraction] = formatFixed(value === 0 ? 0 : value, decimals).split('.');
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** cel-go hands the precision over as the width (kept in two bytes), so that six decimals are printed whatever it says. */
function formatScientific(value: number, precision: bigint | undefined): string {
  const width = precision === undefined ? DEFAULT_PRECISION : Number(precision % 65_536n);
  if (!Number.isFinite(value)) return notFinite(value).padStart(width);
  const { coefficient, exponent } = toScientific(value === 0 ? 0 : value, DEFAULT_PRECISION);
  const digits = String(Math.abs(exponent)).padStart(2, '0');
  const superscript = Array.from(digits, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit))).join('');
  return `${coefficient}×10${exponent < 0 ? '⁻' : ''}${superscript}`.padStart(width);
}

function notFinite(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '∞' : '-∞';
}

function formatString(value: Value): string | FormatError {
  if (value === null) return 'null';
  if (value instanceof ListValue) return formatList(value);
  if (value instanceof MapValue) return formatMap(value);
  const text = toText(value);
  if (typeof text === 'string') return text;
  if (!(value instanceof Uint8Array) || !(text instanceof EvaluationError)) return unfit('s', value);
  return new FormatError(`could not convert argument ${goQuote(text.message)} to string`);
}

function formatList(list: ListValue): string | FormatError {
  const texts: string[] = [];
  for (const element of list) {
    const text = formatLiteral(element);
    if (text instanceof FormatError) return text;
    texts.push(text);
  }
  return `[${texts.join(', ')}]`;
}

function formatMap(map: MapValue): string | FormatError {
  const entries: (readonly [string, string])[] = [];
  for (const [key, value] of entriesOf(map)) {
    const isKey = ['string', 'boolean', 'bigint'].includes(typeof key) || key instanceof Uint;
    if (!isKey) return new FormatError(`no formatting function for map key of type ${typeOf(key).name}`);
    const keyText = formatLiteral(key);
    if (keyText instanceof FormatError) return keyText;
    const valueText = formatLiteral(value);
    if (valueText instanceof FormatError) return valueText;
    entries.push([keyText, valueText]);
  }
  entries.sort(([a], [b]) => compareStrings(a, b));
  return `{${entries.map(([key, value]) => `${key}:${value}`).join(', ')}}`;
}

/** A value inside a list or map, written as CEL would write it. */
function formatLiteral(value: Value): string | FormatError {
  if (typeof value === 'number') return formatDouble(value);
  if (value instanceof Timestamp || value instanceof Duration) {
    const text = toText(value);
    if (typeof text === 'string') return `${value instanceof Timestamp ? 'timestamp' : 'duration'}(${goQuote(text)})`;
  }
  const isKnown =
    value === null ||
    typeof value !== 'object' ||
    value instanceof Uint ||
    value instanceof Uint8Array ||
    value instanceof ListValue ||
    value instanceof MapValue ||
    value instanceof Type;
  if (!isKnown) return new FormatError(`no formatting function for ${typeOf(value).name}`);
  const text = formatString(value);
  if (text instanceof FormatError) return text;
  if (typeof value === 'string') return goQuote(text);
  return value instanceof Uint8Array ? `b${goQuote(text)}` : text;
}

function formatDouble(value: number): string {
  if (Number.isFinite(value)) return formatFixed(value, DEFAULT_PRECISION);
  if (Number.isNaN(value)) return '"NaN"';
  return value > 0 ? '"+Inf"' : '"-Inf"';
}
