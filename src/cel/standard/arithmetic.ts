/**
 * The arithmetic operators.
 *
 * Source: cel-go v0.29.2 common/types: Add, Subtract, Multiply, Divide, Modulo and Negate of each type, overflow.go.
 */
import { MutableList, concatenate } from '../list.ts';
import { MAX_STRING_LENGTH, stringTooLong } from '../string-limit.ts';
import { Duration, EvaluationError, ListValue, Timestamp, Uint, noSuchOverload } from '../values.ts';
import type { Bytes, Result, Value } from '../values.ts';
import { MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from './time-text.ts';

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** `a + b`. */
export function add(a: Value, b: Value): Result {
  if (typeof a === 'bigint') return typeof b === 'bigint' ? int(a + b) : noSuchOverload();
  if (typeof a === 'string') return typeof b === 'string' ? addStrings(a, b) : noSuchOverload();
  if (typeof a === 'number') return typeof b === 'number' ? a + b : noSuchOverload();
  if (a instanceof ListValue) {
    if (!(b instanceof ListValue)) return noSuchOverload();
    return a instanceof MutableList ? a.append(b) : concatenate(a, b);
  }
  if (a instanceof Uint) return b instanceof Uint ? uint(a.value + b.value) : noSuchOverload();
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? addBytes(a, b) : noSuchOverload();
  if (a instanceof Duration) {
    if (b instanceof Duration) return duration(a.nanoseconds + b.nanoseconds);
    return b instanceof Timestamp ? addDuration(b, a.nanoseconds) : noSuchOverload();
  }
  if (a instanceof Timestamp) return b instanceof Duration ? addDuration(a, b.nanoseconds) : noSuchOverload();
  return withoutOperator('_+_', a);
}

function addStrings(a: string, b: string): Result {
  return a.length + b.length > MAX_STRING_LENGTH ? stringTooLong() : a + b;
}

function addBytes(a: Bytes, b: Bytes): Result {
  return a.length + b.length > MAX_STRING_LENGTH ? stringTooLong() : Buffer.concat([a, b]);
}

/** `a - b`. */
export function subtract(a: Value, b: Value): Result {
  if (typeof a === 'bigint') return typeof b === 'bigint' ? int(a - b) : noSuchOverload();
  if (typeof a === 'number') return typeof b === 'number' ? a - b : noSuchOverload();
  if (a instanceof Uint) return b instanceof Uint ? uint(a.value - b.value) : noSuchOverload();
  if (a instanceof Duration) return b instanceof Duration ? duration(a.nanoseconds - b.nanoseconds) : noSuchOverload();
  if (a instanceof Timestamp) {
    if (b instanceof Timestamp) return duration(nanosecondsOf(a) - nanosecondsOf(b));
    if (!(b instanceof Duration)) return noSuchOverload();
    const negated = duration(-b.nanoseconds);
    return negated instanceof EvaluationError ? negated : addDuration(a, negated.nanoseconds);
  }
  return withoutOperator('_-_', a);
}

/** `a * b`. */
export function multiply(a: Value, b: Value): Result {
  if (typeof a === 'bigint') return typeof b === 'bigint' ? int(a * b) : noSuchOverload();
  if (typeof a === 'number') return typeof b === 'number' ? a * b : noSuchOverload();
  if (a instanceof Uint) return b instanceof Uint ? uint(a.value * b.value) : noSuchOverload();
  return withoutOperator('_*_', a);
}

/** `a / b`; integers towards zero. */
export function divide(a: Value, b: Value): Result {
  const byZero = () => new EvaluationError('division by zero');
  if (typeof a === 'bigint') {
    if (typeof b !== 'bigint') return noSuchOverload();
    return b === 0n ? byZero() : int(a / b);
  }
  if (typeof a === 'number') return typeof b === 'number' ? a / b : noSuchOverload();
  if (a instanceof Uint) {
    if (!(b instanceof Uint)) return noSuchOverload();
    return b.value === 0n ? byZero() : uint(a.value / b.value);
  }
  return withoutOperator('_/_', a);
}

/** `a % b`, with the sign of `a`. */
export function modulo(a: Value, b: Value): Result {
  const byZero = () => new EvaluationError('modulus by zero');
  if (typeof a === 'bigint') {
    if (typeof b !== 'bigint') return noSuchOverload();
    if (b === 0n) return byZero();
    // The remainder of the least int by -1 is 0, but Go's check refuses it together with the quotient.
    return int(a / b) instanceof EvaluationError ? new EvaluationError('integer overflow') : a % b;
  }
  if (a instanceof Uint) {
    if (!(b instanceof Uint)) return noSuchOverload();
    return b.value === 0n ? byZero() : uint(a.value % b.value);
  }
  return withoutOperator('_%_', a);
}

/** `-a`. */
export function negate(a: Value): Result {
  if (typeof a === 'bigint') return int(-a);
  if (typeof a === 'number') return -a;
  if (typeof a === 'boolean') return noSuchOverload();
  if (a instanceof Duration) return duration(-a.nanoseconds);
  return withoutOperator('-_', a);
}

/**
 * The error of an operator or method whose first operand has no such operator. Strings, durations and timestamps
 * word it differently because cel-go asks them for a method of that name first.
 */
export function withoutOperator(name: string, operand: Value): EvaluationError {
  const isReceiver = typeof operand === 'string' || operand instanceof Duration || operand instanceof Timestamp;
  return isReceiver ? noSuchOverload() : new EvaluationError(`no such overload: ${name}`);
}

function int(value: bigint): bigint | EvaluationError {
  return value === BigInt.asIntN(64, value) ? value : new EvaluationError('integer overflow');
}

function uint(value: bigint): Uint | EvaluationError {
  return value === BigInt.asUintN(64, value) ? new Uint(value) : new EvaluationError('unsigned integer overflow');
}

/** A duration of so many nanoseconds, an error beyond int64. */
function duration(nanoseconds: bigint): Duration | EvaluationError {
  const checked = int(nanoseconds);
  return checked instanceof EvaluationError ? checked : new Duration(checked);
}

function nanosecondsOf({ seconds, nanoseconds }: Timestamp): bigint {
  return BigInt(seconds) * NANOSECONDS_PER_SECOND + BigInt(nanoseconds);
}

function addDuration(timestamp: Timestamp, nanoseconds: bigint): Timestamp | EvaluationError {
  const total = nanosecondsOf(timestamp) + nanoseconds;
  const fraction = ((total % NANOSECONDS_PER_SECOND) + NANOSECONDS_PER_SECOND) % NANOSECONDS_PER_SECOND;
  const seconds = Number((total - fraction) / NANOSECONDS_PER_SECOND);
  if (seconds < MIN_TIMESTAMP_SECONDS || seconds > MAX_TIMESTAMP_SECONDS)
    return new EvaluationError('timestamp overflow');
  return new Timestamp(seconds, Number(fraction), timestamp.offsetSeconds);
}
