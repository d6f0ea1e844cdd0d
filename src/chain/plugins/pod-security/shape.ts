import type { KubernetesObject } from '../../../api/object-meta.ts';
import { isJsonObject, type JsonValue } from '../../../json/json-value.ts';
import { isRawNumber, numberText } from '../../../json/raw-number.ts';

/**
 * Reads one JSON value as Go's decoder fills a field of a struct: null is the same as absent and gives the type's zero
 * value, members that nobody asks for are ignored. A value of another type gives the zero value too and is told in
 * `problems`.
 */
export type Shape<Value> = (value: JsonValue | undefined, path: string, problems: string[]) => Value;

/** What a shape reads. */
export type Shaped<S> = S extends Shape<infer Value> ? Value : never;

/** A `string`: `""` when absent. */
export const text: Shape<string> = (value, path, problems) => {
  if (isAbsent(value)) return '';
  return typeof value === 'string' ? value : mismatch('a string', path, problems, '');
};

/** A `bool`: false when absent. */
export const flag: Shape<boolean> = (value, path, problems) => {
  if (isAbsent(value)) return false;
  return typeof value === 'boolean' ? value : mismatch('a boolean', path, problems, false);
};

/** An integer of up to 64 bits: 0 when absent. */
export const integer: Shape<bigint> = (value, path, problems) => {
  if (isAbsent(value)) return 0n;
  const digits = typeof value === 'number' || isRawNumber(value) ? numberText(value) : '';
  return /^-?[0-9]{1,20}$/.test(digits) ? BigInt(digits) : mismatch('an integer', path, problems, 0n);
};

/** A pointer to a struct of which only matters whether it is nil. */
export const isPresent: Shape<boolean> = (value, path, problems) => {
  if (isAbsent(value)) return false;
  return isJsonObject(value) ? true : mismatch('an object', path, problems, false);
};

/** A `map[string]string`: empty when absent. */
export const textMap: Shape<ReadonlyMap<string, string>> = (value, path, problems) => {
  const members = membersOf(value, path, problems);
  return new Map(Object.entries(members).map(([key, member]) => [key, text(member, `${path}[${key}]`, problems)]));
};

/** A pointer: undefined when absent. */
export function optional<Value>(shape: Shape<Value>): Shape<Value | undefined> {
  return (value, path, problems) => (isAbsent(value) ? undefined : shape(value, path, problems));
}

/** A slice: empty when absent. A null element is an element with its zero value. */
export function list<Value>(shape: Shape<Value>): Shape<readonly Value[]> {
  return (value, path, problems) => {
    if (isAbsent(value)) return [];
    if (!Array.isArray(value)) return mismatch('a list', path, problems, []);
    return value.map((element, index) => shape(element, `${path}[${index}]`, problems));
  };
}

/** A struct with the fields that matter: each has its zero value when the struct is absent. */
export function struct<Fields extends { readonly [field: string]: Shape<unknown> }>(
  fields: Fields,
): Shape<{ readonly [Field in keyof Fields]: Shaped<Fields[Field]> }> {
  const shapes = Object.entries(fields);
  return (value, path, problems) => {
    const members = membersOf(value, path, problems);
    const prefix = path === '' ? '' : `${path}.`;
    return Object.fromEntries(
      shapes.map(([field, shape]) => [field, shape(members[field], `${prefix}${field}`, problems)]),
      // Built field by field from `fields`; Object.fromEntries forgets which name went with which type.
    ) as { readonly [Field in keyof Fields]: Shaped<Fields[Field]> };
  };
}

/** A value that was read, or what is wrong with it. */
export type Decoded<Value> = { readonly value: Value } | { readonly problem: string };

/** Reads a whole object; every mismatch makes it undecodable, as the API server would have refused to store it. */
export function decode<Value>(shape: Shape<Value>, object: JsonValue | KubernetesObject): Decoded<Value> {
  const problems: string[] = [];
  // The cluster's objects are JSON as well; that they have the fields of their kind is what is found out here.
  const value = shape(object as JsonValue, '', problems);
  return problems.length === 0 ? { value } : { problem: problems.join(', ') };
}

function isAbsent(value: JsonValue | undefined): value is null | undefined {
  return value === null || value === undefined;
}

function membersOf(
  value: JsonValue | undefined,
  path: string,
  problems: string[],
): { readonly [field: string]: JsonValue } {
  if (isAbsent(value)) return {};
  return isJsonObject(value) ? value : mismatch('an object', path, problems, {});
}

function mismatch<Value>(expected: string, path: string, problems: string[], zero: Value): Value {
  problems.push(`${path === '' ? 'the object' : path} must be ${expected}`);
  return zero;
}
