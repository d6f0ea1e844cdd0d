import { isRawNumber } from './raw-number.ts';

/** Any value JSON can carry. Never `undefined`, never a cycle. */
export type JsonValue = null | boolean | number | string | JsonArray | JsonObject;
export type JsonArray = JsonValue[];
export interface JsonObject {
  [key: string]: JsonValue;
}

/** A value with members or elements. A raw number is none, though JavaScript sees an object there. */
export function isContainer(value: unknown): value is JsonArray | JsonObject {
  return typeof value === 'object' && value !== null && !isRawNumber(value);
}

/** A JSON object: neither null nor an array nor a raw number. */
export function isJsonObject(value: unknown): value is JsonObject {
  return isContainer(value) && !Array.isArray(value);
}

/**
 * Writes an own member of `object`. A plain assignment to `__proto__` would call the setter inherited from
 * Object.prototype and exchange the prototype instead.
 */
export function setMember(object: JsonObject, key: string, value: JsonValue): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[key] = value;
  }
}

/**
 * One level of `container` copied, its members shared. Own members stay own members whatever their names: spread
 * defines properties, it does not assign them.
 */
export function shallowCopy<T extends JsonArray | JsonObject>(container: T): T;
export function shallowCopy(container: JsonArray | JsonObject): JsonArray | JsonObject {
  return Array.isArray(container) ? container.slice() : { ...container };
}
