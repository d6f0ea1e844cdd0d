/**
 * The conversions between types: int(), string() and so on.
 *
 * Source: cel-go v0.29.2 common/types: ConvertToType of each type.
 */
import { typeOf } from '../type-of.ts';
import { Type } from '../types.ts';
import { Duration, EvaluationError, Timestamp, Uint } from '../values.ts';
import type { Result, Value } from '../values.ts';
import {
  MAX_INT,
  MAX_UINT,
  formatGeneral,
  formatPlain,
  parseBoolean,
  parseDouble,
  parseInt64,
  parseUint64,
} from './number-text.ts';
import {
  MAX_TIMESTAMP_SECONDS,
  MIN_TIMESTAMP_SECONDS,
  formatTimestamp,
  parseDuration,
  parseTimestamp,
} from './time-text.ts';

/** `bool(value)`. */
export function toBool(value: Value): Result {
  if (typeof value === 'boolean') return value;
  return (typeof value === 'string' ? parseBoolean(value) : undefined) ?? noConversion(value, 'bool');
}

/** `bytes(value)`. */
export function toBytes(value: Value): Result {
  if (value instanceof Uint8Array) return value;
  return typeof value === 'string' ? Buffer.from(value) : noConversion(value, 'bytes');
}

/** `double(value)`. */
export function toDouble(value: Value): Result {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint) return Number(value.value);
  return (typeof value === 'string' ? parseDouble(value) : undefined) ?? noConversion(value, 'double');
}

/** `duration(value)`. */
export function toDuration(value: Value): Result {
  if (value instanceof Duration) return value;
  return (
    (typeof value === 'string' ? parseDuration(value) : undefined) ?? noConversion(value, 'google.protobuf.Duration')
  );
}

/** `int(value)`: doubles are cut, durations are nanoseconds, timestamps seconds since 1970. */
export function toInt(value: Value): Result {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') {
    // The least int itself is refused as well: cel-go compares with <= on both sides.
    if (!(value > -(2 ** 63) && value < 2 ** 63)) return new EvaluationError('integer overflow');
    return BigInt(Math.trunc(value));
  }
  if (value instanceof Uint) return value.value > MAX_INT ? new EvaluationError('integer overflow') : value.value;
  if (value instanceof Duration) return value.nanoseconds;
  if (value instanceof Timestamp) return BigInt(value.seconds);
  return (typeof value === 'string' ? parseInt64(value) : undefined) ?? noConversion(value, 'int');
}

/** `uint(value)`: doubles are cut. */
export function toUint(value: Value): Result {
  if (value instanceof Uint) return value;
  if (typeof value === 'number') {
    if (!(value >= 0 && value < 2 ** 64)) return new EvaluationError('unsigned integer overflow');
    return new Uint(BigInt(Math.trunc(value)));
  }
  if (typeof value === 'bigint') {
    return value < 0n || value > MAX_UINT ? new EvaluationError('unsigned integer overflow') : new Uint(value);
  }
  const parsed = typeof value === 'string' ? parseUint64(value) : undefined;
  return parsed === undefined ? noConversion(value, 'uint') : new Uint(parsed);
}

/** `timestamp(value)`. */
export function toTimestamp(value: Value): Result {
  if (value instanceof Timestamp) return value;
  if (typeof value === 'bigint') {
    return isTimestampSeconds(Number(value))
      ? new Timestamp(Number(value), 0)
      : new EvaluationError('timestamp overflow');
  }
  const parsed = typeof value === 'string' ? parseTimestamp(value) : undefined;
  if (parsed === undefined) return noConversion(value, 'google.protobuf.Timestamp');
  return isTimestampSeconds(parsed.seconds) ? parsed : new EvaluationError('timestamp overflow');
}

/** `string(value)`. */
export function toString(value: Value): Result {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'number':
      return formatGeneral(value);
    default:
      break;
  }
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Duration) return `${formatPlain(secondsOf(value))}s`;
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Type) return value.name;
  if (!(value instanceof Uint8Array)) return noConversion(value, 'string');
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(value);
  // Decoding replaces what is not UTF-8, so that the text encodes to other bytes.
  const valid = Buffer.compare(Buffer.from(text), value) === 0;
  return valid ? text : new EvaluationError('invalid UTF-8 in bytes, cannot convert to string');
}

/** Seconds as Go's Duration.Seconds(): whole seconds and the fraction, added as doubles. */
export function secondsOf({ nanoseconds }: Duration): number {
  return Number(nanoseconds / 1_000_000_000n) + Number(nanoseconds % 1_000_000_000n) / 1e9;
}

function isTimestampSeconds(seconds: number): boolean {
  return seconds >= MIN_TIMESTAMP_SECONDS && seconds <= MAX_TIMESTAMP_SECONDS;
}

function noConversion(value: Value, target: string): EvaluationError {
  return new EvaluationError(`type conversion error from '${typeOf(value).toString()}' to '${target}'`);
}
