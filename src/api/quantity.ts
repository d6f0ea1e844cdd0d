import { SallyportError } from '../errors.ts';
import { isRawNumber, numberText } from '../json/raw-number.ts';

/** The three ways a quantity is written: `12M`, `12Mi`, `12e6`. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** Why a text is no quantity. `format` and `suffix` are the Go library's reasons; `size` is ours, see {@link Quantity.parse}. */
export type QuantityProblem = 'format' | 'suffix' | 'size';

/** The text is no quantity. The message is word for word what the API server puts into its answers. */
export class QuantityError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_QUANTITY';
  readonly text: string;
  readonly problem: QuantityProblem;

  constructor(text: string, problem: QuantityProblem) {
    super(problemMessages[problem]);
    this.text = text;
    this.problem = problem;
  }
}

/**
 * An amount as Kubernetes counts it: `500m`, `1.5Gi`, `2`, `1e3`. Exact decimal arithmetic, no floating point.
 *
 * Immutable. A class, not plain data, because the fields depend on each other: a value can be held in several ways, and
 * what `isInteger`, `toString` and the float tell depends on which, as in the Go library whose every quirk is visible to
 * users through CEL and through messages. Quirks worth knowing:
 *
 * - what was parsed is printed as it was written where the library takes its short way: `1.500`, `5.`, `+1` stay so
 *   until a computation touches them;
 * - a sum has the format of its left side, unless that is zero: `100M + 1Ki` and `1Ki + 100M` print differently;
 * - 10^21 and more (2^70 for BinarySI) has no suffix and prints without it: `1000E` prints as `1`;
 * - BinarySI texts are capped at 2^63-1 when they are parsed, the other formats are not, and sums never are.
 *
 * Held against the library by test/golden/quantity.json.
 * Source: k8s.io/apimachinery v0.37.2 pkg/api/resource/{quantity,amount,math,suffix}.go.
 */
export class Quantity {
  readonly format: QuantityFormat;
  readonly #amount: Amount;
  /** What `toString` repeats instead of computing the canonical text. */
  readonly #text: string | undefined;
  #nano: bigint | undefined;

  private constructor(amount: Amount, format: QuantityFormat, text?: string) {
    this.#amount = amount;
    this.format = format;
    this.#text = text;
  }

  static readonly zero = new Quantity({ unscaled: 0n, scale: 0, big: false }, 'DecimalSI', '0');
  static readonly one = new Quantity({ unscaled: 1n, scale: 0, big: false }, 'DecimalSI');

  /**
   * Digits beyond 10^-9 are rounded away from zero: who asks for something gets something.
   *
   * Throws {@link QuantityError}, with the problem `size` where the library would accept more than
   * {@link maxDecimalPlaces} digits or an exponent beyond that, and then spend seconds or memory without end on it.
   */
  static parse(text: string): Quantity {
    if (text === '0') return Quantity.zero;
    const match = quantityPattern.exec(text);
    if (text === '' || match === null) throw new QuantityError(text, 'format');
    const [, sign, digits = '', fraction = '', suffixText = ''] = match;
    const suffix = parseSuffix(suffixText);
    if (suffix === undefined) throw new QuantityError(text, 'suffix');
    if (digits.length + fraction.length + Math.abs(suffix.exponent) > maxDecimalPlaces) {
      throw new QuantityError(text, 'size');
    }
    const number = { negative: sign === '-', integer: digits.replace(/^0+/, '') || '0', fraction };
    return Quantity.#parseShort(text, number, suffix) ?? Quantity.#parseLong(number, suffix);
  }

  /**
   * A quantity as an object's JSON carries it: a text with or without spaces around it, a number, or null for zero.
   *
   * A number that has lost its text loses the format too: `1e3` comes out as `1k`. Throws {@link QuantityError}, for
   * anything else too.
   */
  static fromJson(value: unknown): Quantity {
    if (value === null) return Quantity.zero;
    if (typeof value === 'string') return Quantity.parse(value.trim());
    if (typeof value === 'number' || isRawNumber(value)) return Quantity.parse(numberText(value));
    throw new QuantityError(JSON.stringify(value) ?? typeof value, 'format');
  }

  /** A whole number. Go: NewQuantity. */
  static of(value: bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(amountOf(value, 0), format);
  }

  /** So many 10^-9, the inverse of {@link nano}. */
  static ofNano(nano: bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(amountOf(nano, nanoScale), format);
  }

  /** Numbers that fit an int64 are kept as they were written. */
  static #parseShort(text: string, number: ParsedNumber, suffix: Suffix): Quantity | undefined {
    const places = number.integer.length + number.fraction.length;
    const digits = number.integer + number.fraction;
    let unscaled = BigInt(digits);
    let canonical: boolean;
    let scale = 0;
    if (suffix.base === 10) {
      scale = suffix.exponent - number.fraction.length;
      if (places > maxInt64Places || scale < nanoScale) return undefined;
      canonical = scale % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0');
    } else {
      // 2^exponent has about exponent * 3/10 decimal places.
      const room = 15 - number.integer.length - Math.trunc((suffix.exponent * 3) / 10) - 1;
      if (number.fraction !== '' || room < 0) return undefined;
      canonical = (unscaled & 7n) !== 0n;
      unscaled <<= BigInt(suffix.exponent);
      if (!isInt64(unscaled)) return undefined;
    }
    const amount = { unscaled: number.negative ? -unscaled : unscaled, scale, big: false };
    return new Quantity(amount, suffix.format, canonical ? text : undefined);
  }

  static #parseLong(number: ParsedNumber, suffix: Suffix): Quantity {
    let amount: Amount = {
      unscaled: BigInt(number.integer + number.fraction),
      scale: -number.fraction.length,
      big: true,
    };
    let format = suffix.format;
    if (suffix.base === 10) amount = { ...amount, scale: amount.scale + suffix.exponent };
    else amount = { ...amount, unscaled: amount.unscaled << BigInt(suffix.exponent) };
    if (amount.unscaled !== 0n) amount = rescale(amount, nanoScale);
    if (format === 'BinarySI') {
      if (compareAmounts(amount, maxBinaryAmount) > 0) amount = maxBinaryAmount;
      if (amount.unscaled !== 0n && compareAmounts(amount, amountOf(1n, 0)) < 0) format = 'DecimalSI';
    }
    return new Quantity(number.negative ? { ...amount, unscaled: -amount.unscaled } : amount, format);
  }

  add(other: Quantity): Quantity {
    return new Quantity(addAmounts(this.#amount, other.#amount), this.isZero() ? other.format : this.format);
  }

  subtract(other: Quantity): Quantity {
    const { unscaled, scale, big } = other.#amount;
    const sum = addAmounts(this.#amount, { unscaled: -unscaled, scale, big });
    return new Quantity(sum, this.isZero() ? other.format : this.format);
  }

  negate(): Quantity {
    return new Quantity({ ...this.#amount, unscaled: -this.#amount.unscaled }, this.format);
  }

  /** Negative, zero or positive as this is less than, equal to or greater than `other`; formats do not matter. */
  compare(other: Quantity): -1 | 0 | 1 {
    return compareAmounts(this.#amount, other.#amount);
  }

  sign(): -1 | 0 | 1 {
    return signOf(this.#amount.unscaled);
  }

  isZero(): boolean {
    return this.#amount.unscaled === 0n;
  }

  /**
   * The value as a multiple of 10^`scale`, rounded away from zero: `roundUp(0)` gives whole units, `roundUp(-3)` milli
   * units, which is what defaulting does to every resource list of the core group. Go: RoundUp.
   */
  roundUp(scale: number): Quantity {
    const { big } = this.#amount;
    if (!big && this.#amount.scale >= scale) return this;
    return new Quantity(rescale(this.#amount, scale), this.format);
  }

  /**
   * The integer, if the library can tell it without computing: `1k` is 1000n, but `1000m`, `1.0` and numbers of 19 digits
   * give undefined. This is what CEL's `isInteger` and `asInteger` go by. Go: AsInt64.
   */
  asInteger(): bigint | undefined {
    const { unscaled, scale, big } = this.#amount;
    if (big || scale < 0) return undefined;
    const integer = unscaled * 10n ** BigInt(scale);
    return isInt64(integer) ? integer : undefined;
  }

  isInteger(): boolean {
    return this.asInteger() !== undefined;
  }

  /**
   * `ceil(this / 10^scale)`, away from zero for negatives too: `scaledValue(0)` is Go's Value, `scaledValue(-3)`
   * MilliValue, without their wrapping beyond int64.
   */
  scaledValue(scale: number): bigint {
    return rescale(this.#amount, scale).unscaled;
  }

  /** The exact number of 10^-9, the finest step a quantity has. */
  nano(): bigint {
    return (this.#nano ??= this.scaledValue(nanoScale));
  }

  /** The nearest double or one beside it; infinite where no double is large enough. Go: AsApproximateFloat64. */
  asApproximateFloat(): number {
    const { unscaled, scale } = this.#amount;
    return scale === 0 ? Number(unscaled) : Number(unscaled) * pow10(scale);
  }

  /** The text the API server prints and stores. Go: String, CanonicalizeBytes. */
  toString(): string {
    if (this.isZero()) return '0';
    return this.#text ?? canonicalText(this.#amount, this.format);
  }

  /** A quantity is a text in JSON. */
  toJSON(): string {
    return this.toString();
  }
}

/** Digits before and after the point plus the exponent, together. No amount that means something comes near. */
export const maxDecimalPlaces = 10_000;

/**
 * `unscaled * 10^scale`. `big` is false where the Go library holds an int64Amount and true where it has gone over to
 * inf.Dec, from which it never returns.
 */
interface Amount {
  readonly unscaled: bigint;
  readonly scale: number;
  readonly big: boolean;
}

interface ParsedNumber {
  readonly negative: boolean;
  /** Without leading zeros, at least one digit. */
  readonly integer: string;
  readonly fraction: string;
}

interface Suffix {
  readonly base: 2 | 10;
  readonly exponent: number;
  readonly format: QuantityFormat;
}

/**
 * What the library's scanner accepts: more than the expression in its error message says (no digit is needed) and less
 * (one point at most). Signs and letters end the digits, so that matching takes linear time.
 */
const quantityPattern = /^([+-]?)([0-9]*)(?:\.([0-9]*))?((?:[eEinumkKMGTP]+[-+]?[0-9]*|[-+][0-9]*)?)$/;
const publishedPattern = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$';

const problemMessages: { readonly [Problem in QuantityProblem]: string } = {
  format: `quantities must match the regular expression '${publishedPattern}'`,
  suffix: "unable to parse quantity's suffix",
  size: `quantities must not span more than ${maxDecimalPlaces} decimal places`,
};

const nanoScale = -9;
/** Decimal digits that always fit an int64. */
const maxInt64Places = 18;
const maxInt64 = 2n ** 63n - 1n;
const maxBinaryAmount: Amount = { unscaled: maxInt64, scale: 0, big: true };

/** Indexed by a third of the exponent, from 10^-9. */
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
/** Indexed by the exponent of 1024. */
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

function parseSuffix(text: string): Suffix | undefined {
  const decimal = decimalSuffixes.indexOf(text);
  if (decimal !== -1) return { base: 10, exponent: decimal * 3 + nanoScale, format: 'DecimalSI' };
  const binary = binarySuffixes.indexOf(text);
  if (binary !== -1) return { base: 2, exponent: binary * 10, format: 'BinarySI' };
  const exponent = /^[eE]([+-]?[0-9]+)$/.exec(text)?.[1];
  if (exponent === undefined) return undefined;
  const parsed = exponent.length > maxDecimalPlaces ? undefined : BigInt(exponent.replace(/^\+/, ''));
  if (parsed === undefined || !isInt64(parsed)) return undefined;
  // The library keeps the lower 32 bits of the exponent: 1e4294967296 is 1.
  return { base: 10, exponent: Number(BigInt.asIntN(32, parsed)), format: 'DecimalExponent' };
}

function amountOf(unscaled: bigint, scale: number): Amount {
  return { unscaled, scale, big: !isInt64(unscaled) };
}

function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

function signOf(value: bigint): -1 | 0 | 1 {
  return value === 0n ? 0 : value < 0n ? -1 : 1;
}

/** Go: int64Amount.Add, and inf.Dec's where one side is big or int64 is not enough. */
function addAmounts(a: Amount, b: Amount): Amount {
  const big = a.big || b.big;
  if (!big && b.unscaled === 0n) return a;
  if (!big && a.unscaled === 0n) return b;
  const scale = Math.min(a.scale, b.scale);
  const [left, right] = [upscale(a, scale), upscale(b, scale)];
  return { unscaled: left + right, scale, big: big || ![left, right, left + right].every(isInt64) };
}

function compareAmounts(a: Amount, b: Amount): -1 | 0 | 1 {
  if (a.scale === b.scale) return signOf(a.unscaled - b.unscaled);
  const [left, right] = [signOf(a.unscaled), signOf(b.unscaled)];
  if (left !== right) return left < right ? -1 : 1;
  const scale = Math.min(a.scale, b.scale);
  return signOf(upscale(a, scale) - upscale(b, scale));
}

/** The number of 10^`scale`, where `scale` is not above the amount's. */
function upscale({ unscaled, scale: from }: Amount, scale: number): bigint {
  return from === scale ? unscaled : unscaled * 10n ** BigInt(from - scale);
}

/** The amount at exactly this scale, rounded away from zero. */
function rescale(amount: Amount, scale: number): Amount {
  const { unscaled, big } = amount;
  if (amount.scale >= scale) return { unscaled: upscale(amount, scale), scale, big };
  const divisor = 10n ** BigInt(scale - amount.scale);
  const quotient = unscaled / divisor;
  return { unscaled: unscaled % divisor === 0n ? quotient : quotient + BigInt(signOf(unscaled)), scale, big };
}

function canonicalText(amount: Amount, format: QuantityFormat): string {
  if (format === 'BinarySI') {
    const units = rescale(amount, 0);
    const isFraction = compareAmounts(units, amount) !== 0;
    // Below 1Ki, and where precision would be lost, DecimalSI says it better.
    if (!isFraction && (units.unscaled >= 1024n || units.unscaled <= -1024n)) {
      const { mantissa, exponent } = takeFactors(units.unscaled, 1024n);
      return `${mantissa}${binarySuffixes[exponent] ?? ''}`;
    }
  }
  let { mantissa, exponent } = takeFactors(amount.unscaled, 10n);
  exponent += amount.scale;
  for (; exponent % 3 !== 0; exponent--) mantissa *= 10n;
  if (format === 'DecimalExponent') return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
  return `${mantissa}${decimalSuffixes[(exponent - nanoScale) / 3] ?? ''}`;
}

/** `value = mantissa * factor^exponent` with the largest exponent; `value` is not zero. */
function takeFactors(value: bigint, factor: bigint): { mantissa: bigint; exponent: number } {
  let mantissa = value;
  let exponent = 0;
  for (; mantissa % factor === 0n; exponent++) mantissa /= factor;
  return { mantissa, exponent };
}

/** 10^`exponent` from the same products as Go's math.Pow10, so that the last bit of a float agrees. */
function pow10(exponent: number): number {
  const places = Math.abs(exponent);
  const [coarse, fine] = [places - (places % 32), places % 32];
  if (exponent > 308) return Infinity;
  if (exponent < -323) return 0;
  return exponent >= 0 ? Number(`1e${coarse}`) * Number(`1e${fine}`) : Number(`1e-${coarse}`) / Number(`1e${fine}`);
}
