/**
 * Values at run time. Each CEL type has one TypeScript representation, told apart by `typeof` and `instanceof`:
 *
 * | CEL | TypeScript |
 * |---|---|
 * | null, bool, string | `null`, `boolean`, `string` |
 * | int | `bigint` |
 * | double | `number` |
 * | uint | {@link Uint} |
 * | bytes | {@link Bytes} |
 * | duration, timestamp | {@link Duration}, {@link Timestamp}, in nanoseconds |
 * | list, map | {@link ListValue}, {@link MapValue} |
 * | optional_type | {@link OptionalValue} |
 * | type | {@link Type} |
 * | types of libraries | subclasses of {@link OpaqueValue} |
 *
 * Errors of an evaluation are values too ({@link EvaluationError}), because `||`, `&&` and the comprehensions may
 * swallow them. JSON becomes CEL one field at a time, when an expression reaches it (see json.ts).
 *
 * Source: cel-go v0.29.2 common/types.
 */
import type { Type } from './types.ts';

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint
  | Bytes
  | Duration
  | Timestamp
  | ListValue
  | MapValue
  | OptionalValue
  | Type
  | OpaqueValue;

/** What evaluating an expression or calling a function gives. */
export type Result = Value | EvaluationError;

/** `bytes`. */
export type Bytes = Uint8Array;

/** An evaluation failed. A value, not an exception: it is created often and may be swallowed. */
export class EvaluationError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** The error of a function whose argument has a type it does not know. cel-go: types.MaybeNoSuchOverloadErr. */
export function noSuchOverload(): EvaluationError {
  return new EvaluationError('no such overload');
}

/** `uint`, 0 to 2^64-1. */
export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** `google.protobuf.Duration`: a signed count of nanoseconds within int64, as Go's time.Duration. */
export class Duration {
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

/**
 * `google.protobuf.Timestamp`: a moment between the years 1 and 9999.
 *
 * `offsetSeconds` is the zone it was written in (east positive): it does not count in comparisons, only `string()`
 * prints it, as Go's time.Time does.
 */
export class Timestamp {
  /** Seconds since 1970-01-01T00:00:00Z, negative before; an integer that is exact as a number. */
  readonly seconds: number;
  /** 0 to 999,999,999, always forward from `seconds`. */
  readonly nanoseconds: number;
  readonly offsetSeconds: number;

  constructor(seconds: number, nanoseconds: number, offsetSeconds = 0) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
    this.offsetSeconds = offsetSeconds;
  }
}

/** `list`. Elements are made when asked for. */
export abstract class ListValue implements Iterable<Value> {
  abstract readonly size: number;
  /** The element at `index`, which must be an integer from 0 to `size - 1`. */
  abstract at(index: number): Value;

  *[Symbol.iterator](): IterableIterator<Value> {
    for (let index = 0; index < this.size; index++) yield this.at(index);
  }
}

/** `map`. Keys are bool, int, uint or string; numeric keys are found across int, uint and double. */
export abstract class MapValue {
  abstract readonly size: number;
  /** The value at `key`, or undefined if there is none (also when `key` cannot be a key). */
  abstract get(key: Value): Value | undefined;
  abstract keys(): Iterable<Value>;
}

/** `optional_type(T)`: `value` is undefined for `optional.none()`. */
export class OptionalValue {
  readonly value: Value | undefined;

  constructor(value: Value | undefined) {
    this.value = value;
  }
}

/**
 * Base of the values that libraries bring: a quantity, a URL, an authorizer. It shows CEL nothing but its type, its
 * equality and the functions that take it.
 */
export abstract class OpaqueValue {
  abstract readonly type: Type;

  /** Bytes counted by the cost of calls that walk their argument; undefined counts as 1. cel-go: traits.Sizer. */
  readonly size: number | undefined = undefined;

  /** `this == other`, where `other` may be of any type but null. cel-go: ref.Val.Equal. */
  abstract equals(other: Value): boolean | EvaluationError;
}
