import { numberText, type RawNumber } from '../../json/raw-number.ts';

/**
 * A number as Kubernetes holds it in an object without a Go type: int64 where the literal is a whole number that fits,
 * float64 otherwise. `1` and `1.0` are different values to it.
 *
 * Source: sigs.k8s.io/json v0.0.0-20250730193827 json.go, UnmarshalCaseSensitivePreserveInts.
 */
export type GoNumber =
  { readonly kind: 'int64'; readonly value: bigint } | { readonly kind: 'float64'; readonly value: number };

export function goNumber(number: number | RawNumber): GoNumber {
  const text = numberText(number);
  // 19 digits are the longest int64; a longer literal need not be read to know that it is none.
  if (/^-?[0-9]{1,19}$/.test(text)) {
    const value = BigInt(text);
    if (BigInt.asIntN(64, value) === value) return { kind: 'int64', value };
  }
  return { kind: 'float64', value: Number(text) };
}

/** The literal that Go's encoding/json writes for a number it has read. JavaScript prints floats alike, but for -0. */
export function goNumberText(number: number | RawNumber): string {
  // The usual number needs no look at its text.
  if (typeof number === 'number' && Number.isSafeInteger(number) && !Object.is(number, -0)) return String(number);
  const { value } = goNumber(number);
  return Object.is(value, -0) ? '-0' : String(value);
}

export function equalGoNumbers(left: number | RawNumber, right: number | RawNumber): boolean {
  const [a, b] = [goNumber(left), goNumber(right)];
  return a.kind === b.kind && a.value === b.value;
}
