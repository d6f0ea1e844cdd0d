/**
 * Numbers as Go reads and prints them.
 *
 * Source: Go strconv.ParseInt, ParseUint, ParseFloat, ParseBool and FormatFloat.
 */

export const MIN_INT = -(2n ** 63n);
export const MAX_INT = 2n ** 63n - 1n;
export const MAX_UINT = 2n ** 64n - 1n;

/** strconv.ParseInt(text, 10, 64); undefined where it fails. */
export function parseInt64(text: string): bigint | undefined {
  const magnitude = parseUint64(text.replace(/^[+-]/, ''));
  if (magnitude === undefined) return undefined;
  const value = text.startsWith('-') ? -magnitude : magnitude;
  return value < MIN_INT || value > MAX_INT ? undefined : value;
}

/** strconv.ParseUint(text, 10, 64); undefined where it fails. */
export function parseUint64(text: string): bigint | undefined {
  // Twenty digits are enough for any: what is longer is not converted only to be found too great.
  const digits = /^0*(\d{0,20})$/.exec(text)?.[1];
  if (digits === undefined || text === '') return undefined;
  const value = BigInt(digits);
  return value > MAX_UINT ? undefined : value;
}

/** strconv.ParseBool; undefined where it fails. */
export function parseBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  return undefined;
}

/** strconv.ParseFloat(text, 64); undefined where it fails, also beyond the range of doubles. */
export function parseDouble(text: string): number | undefined {
  if (/^nan$/i.test(text)) return Number.NaN;
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity;
  const value = /^[+-]?0x/i.test(text) ? parseHexadecimal(text) : parseDecimal(text);
  return value === undefined || !Number.isFinite(value) ? undefined : value;
}

function parseDecimal(text: string): number | undefined {
  const digits = String.raw`\d+(?:_\d+)*`;
  const decimal = new RegExp(`^[+-]?(?:${digits}(?:\\.(?:${digits})?)?|\\.${digits})(?:[eE][+-]?${digits})?$`);
  return decimal.test(text) ? Number(text.replaceAll('_', '')) : undefined;
}

function parseHexadecimal(text: string): number | undefined {
  const digits = '[0-9a-f]+(?:_[0-9a-f]+)*';
  const hexadecimal = new RegExp(`^([+-]?)0x_?(?:(${digits})(?:\\.(${digits})?)?|\\.(${digits}))p([+-]?\\d+)$`, 'i');
  const match = hexadecimal.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction1, fraction2, exponent = '0'] = match;
  const fraction = (fraction1 ?? fraction2 ?? '').replaceAll('_', '');
  const mantissa = Number(BigInt(`0x${whole.replaceAll('_', '')}${fraction}`));
  const value = mantissa * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -value : value;
}

/** fmt.Sprintf("%g", value): the fewest digits that give the value back, an exponent below 1e-4 and from 1e6. */
export function formatGeneral(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return formatPlain(value);
  const sign = exponent < 0 ? '-' : '+';
  return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** strconv.FormatFloat(value, 'f', -1, 64): never an exponent. */
export function formatPlain(value: number): string {
  if (!Number.isFinite(value)) return formatGeneral(value);
  const text = String(value);
  if (Object.is(value, -0)) return '-0';
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = '', first = '', rest = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  const digits = first + rest;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return sign + digits + '0'.repeat(exponent - rest.length);
}
