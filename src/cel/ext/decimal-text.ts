/**
 * Doubles with a given number of decimals, rounded from their exact value, ties to even.
 *
 * Source: Go strconv.FormatFloat, formats f and e.
 */

/** `value` (finite) with `decimals` digits after the point, without exponent: fmt's %.Nf. */
export function formatFixed(value: number, decimals: number): string {
  const { negative, mantissa, exponent } = decompose(value);
  const digits = String(roundedScale(mantissa, exponent, decimals)).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = decimals === 0 ? '' : `.${digits.slice(digits.length - decimals)}`;
  return `${negative ? '-' : ''}${whole}${fraction}`;
}

/** `value` (finite) as one digit, `decimals` more behind the point, and a power of ten. */
export function toScientific(
  value: number,
  decimals: number,
): { readonly coefficient: string; readonly exponent: number } {
  if (value === 0) return { coefficient: formatFixed(0, decimals), exponent: 0 };
  const { negative, mantissa, exponent } = decompose(value);
  let power = Number(value.toExponential().split('e')[1]);
  let digits = String(roundedScale(mantissa, exponent, decimals - power));
  if (digits.length > decimals + 1) {
    // Rounding carried into a new digit: 9.9999999 is 1.0 of the next power.
    power += 1;
    digits = String(roundedScale(mantissa, exponent, decimals - power));
  }
  const fraction = decimals === 0 ? '' : `.${digits.slice(1)}`;
  return { coefficient: `${negative ? '-' : ''}${digits.charAt(0)}${fraction}`, exponent: power };
}

/** `value` as mantissa * 2^exponent. */
function decompose(value: number): { negative: boolean; mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const biased = Number((bits >> 52n) & 0x7ffn);
  const negative = bits >> 63n === 1n;
  if (biased === 0) return { negative, mantissa: fraction, exponent: -1074 };
  return { negative, mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

/** mantissa * 2^exponent * 10^scale as an integer, ties to even. */
function roundedScale(mantissa: bigint, exponent: number, scale: number): bigint {
  let numerator = mantissa;
  let denominator = 1n;
  if (scale >= 0) numerator *= 10n ** BigInt(scale);
  else denominator *= 10n ** BigInt(-scale);
  if (exponent >= 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  const quotient = numerator / denominator;
  const twiceRest = (numerator % denominator) * 2n;
  const roundsUp = twiceRest > denominator || (twiceRest === denominator && quotient % 2n === 1n);
  return roundsUp ? quotient + 1n : quotient;
}
