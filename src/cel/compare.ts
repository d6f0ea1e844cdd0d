/**
 * Equality and order of values.
 *
 * Source: cel-go v0.29.2 common/types: Equal and Compare of each type, compare.go, util.go.
 */
import { Type } from './types.ts';
import {
  Duration,
  EvaluationError,
  ListValue,
  MapValue,
  OptionalValue,
  Timestamp,
  Uint,
  noSuchOverload,
} from './values.ts';
import type { Value } from './values.ts';
import { ConcatList } from './list.ts';

/**
 * `a == b`. Numbers are equal across int, uint and double; values of different other types are unequal.
 * An error comes only from values of libraries (`OpaqueValue.equals`).
 */
export function equals(a: Value, b: Value): boolean | EvaluationError {
  switch (typeof a) {
    case 'string':
    case 'boolean':
      return a === b;
    case 'bigint':
      if (typeof b === 'bigint') return a === b;
      return isNumeric(b) && compareNumbers(a, b) === 0;
    case 'number':
      if (typeof b === 'number') return a === b;
      return isNumeric(b) && compareNumbers(a, b) === 0;
    default:
      break;
  }
  if (a === null || b === null) return a === b;
  if (a instanceof Uint) return isNumeric(b) && compareNumbers(a, b) === 0;
  if (a instanceof ListValue) return b instanceof ListValue && listsEqual(a, b);
  if (a instanceof MapValue) return b instanceof MapValue && mapsEqual(a, b);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof Duration) return b instanceof Duration && a.nanoseconds === b.nanoseconds;
  if (a instanceof Timestamp) {
    return b instanceof Timestamp && a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
  }
  if (a instanceof OptionalValue) {
    if (!(b instanceof OptionalValue)) return false;
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equals(a.value, b.value);
  }
  if (a instanceof Type) return b instanceof Type && a.name === b.name;
  return a.equals(b);
}

/**
 * -1, 0 or 1 as `a` is less than, equal to or greater than `b`; an error when the two have no order: different types
 * (numbers compare across types), NaN, or a type without order.
 */
export function compare(a: Value, b: Value): -1 | 0 | 1 | EvaluationError {
  if (typeof a === 'bigint' && typeof b === 'bigint') return order(a, b);
  if (typeof a === 'string') return typeof b === 'string' ? compareStrings(a, b) : noSuchOverload();
  if (isNumeric(a)) {
    if (Number.isNaN(a)) return new EvaluationError('NaN values cannot be ordered');
    if (!isNumeric(b)) return noSuchOverload();
    return compareNumbers(a, b) ?? new EvaluationError('NaN values cannot be ordered');
  }
  if (typeof a === 'boolean') return typeof b === 'boolean' ? order(Number(a), Number(b)) : noSuchOverload();
  if (a instanceof Timestamp) {
    if (!(b instanceof Timestamp)) return noSuchOverload();
    return a.seconds === b.seconds ? order(a.nanoseconds, b.nanoseconds) : order(a.seconds, b.seconds);
  }
  if (a instanceof Duration) {
    return b instanceof Duration ? order(a.nanoseconds, b.nanoseconds) : noSuchOverload();
  }
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? order(Buffer.compare(a, b), 0) : noSuchOverload();
  return noSuchOverload();
}

/** -1, 0 or 1 by code point, which is the order of Go's strings (bytes of UTF-8). */
export function compareStrings(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) {
    const unitA = a.charCodeAt(index);
    const unitB = b.charCodeAt(index);
    if (unitA === unitB) continue;
    // Surrogates stand for code points above U+FFFF but sort below U+E000..U+FFFF as code units.
    const surrogateA = unitA >= 0xd800 && unitA <= 0xdfff;
    const surrogateB = unitB >= 0xd800 && unitB <= 0xdfff;
    if (surrogateA !== surrogateB) return surrogateA ? 1 : -1;
    return unitA < unitB ? -1 : 1;
  }
  return order(a.length, b.length);
}

type Numeric = bigint | number | Uint;

function isNumeric(value: Value): value is Numeric {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;
}

/** undefined when `a` or `b` is NaN, which is neither equal to nor ordered with anything. */
function compareNumbers(a: Numeric, b: Numeric): -1 | 0 | 1 | undefined {
  if (typeof a === 'number') {
    if (typeof b === 'number') return Number.isNaN(a) || Number.isNaN(b) ? undefined : order(a, b);
    return compareWithInteger(a, b);
  }
  if (typeof b === 'number') {
    const reversed = compareWithInteger(b, a);
    return reversed === undefined ? undefined : order(0, reversed);
  }
  return order(integerOf(a), integerOf(b));
}

/** As cel-go does: out of the integer's range by sign, else both as doubles (which loses digits above 2^53). */
function compareWithInteger(double: number, integer: bigint | Uint): -1 | 0 | 1 | undefined {
  if (Number.isNaN(double)) return undefined;
  const [minimum, maximum] = integer instanceof Uint ? [0, 2 ** 64] : [-(2 ** 63), 2 ** 63];
  if (double < minimum) return -1;
  if (double > maximum) return 1;
  return order(double, Number(integerOf(integer)));
}

function integerOf(value: bigint | Uint): bigint {
  return value instanceof Uint ? value.value : value;
}

function order<T extends bigint | number>(a: T, b: T): -1 | 0 | 1 {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

function listsEqual(a: ListValue, b: ListValue): boolean | EvaluationError {
  if (a.size !== b.size) return false;
  let failed: EvaluationError | undefined;
  for (let index = 0; index < a.size; index++) {
    const equal = equals(a.at(index), b.at(index));
    if (equal === false) return false;
    if (equal instanceof EvaluationError) failed ??= equal;
  }
  // cel-go's plain list takes an element that cannot be compared for equal; its concatenation reports the error.
  return failed !== undefined && a instanceof ConcatList ? failed : true;
}

function mapsEqual(a: MapValue, b: MapValue): boolean {
  if (a.size !== b.size) return false;
  for (const key of a.keys()) {
    const valueA = a.get(key);
    const valueB = b.get(key);
    if (valueA === undefined || valueB === undefined || equals(valueA, valueB) === false) return false;
  }
  return true;
}
