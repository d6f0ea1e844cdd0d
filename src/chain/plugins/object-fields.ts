import { isJsonObject, type JsonObject, type JsonValue } from '../../json/json-value.ts';
import { isRawNumber, numberText } from '../../json/raw-number.ts';

/*
 * Reading and changing objects as users wrote them. The API server has decoded an object into a Go type before its
 * plug-ins see it: null is absent there, and what is of a wrong type never comes so far. Here both count as absent.
 */

/** A member that is an object. */
export function objectAt(parent: JsonObject | null | undefined, key: string): JsonObject | undefined {
  const value = memberOf(parent, key);
  return isJsonObject(value) ? value : undefined;
}

/** A member that is a text; `''` when it is absent, as in Go. */
export function textAt(parent: JsonObject | null | undefined, key: string): string {
  const value = memberOf(parent, key);
  return typeof value === 'string' ? value : '';
}

/** A member that is true or false. */
export function booleanAt(parent: JsonObject | null | undefined, key: string): boolean | undefined {
  const value = memberOf(parent, key);
  return typeof value === 'boolean' ? value : undefined;
}

/** A member that is an integer which fits a double, as all int32 do. */
export function integerAt(parent: JsonObject | null | undefined, key: string): number | undefined {
  const value = memberOf(parent, key);
  if (typeof value !== 'number' && !isRawNumber(value)) return undefined;
  const number = Number(numberText(value));
  return Number.isSafeInteger(number) ? number : undefined;
}

/** The elements of a list of objects, each at its place: what is no object is an empty one. */
export function objectsAt(parent: JsonObject | null | undefined, key: string): readonly JsonObject[] {
  const value = memberOf(parent, key);
  return Array.isArray(value) ? value.map(asObject) : [];
}

/** A copy of `parent` with one member set. */
export function withMember(parent: JsonObject | null | undefined, key: string, value: JsonValue): JsonObject {
  return { ...parent, [key]: value };
}

/** `parent` with `change` done to each element of a list; `parent` itself when there is none. */
export function withEach(parent: JsonObject, key: string, change: (element: JsonObject) => JsonObject): JsonObject {
  const elements = objectsAt(parent, key);
  const changed = elements.map(change);
  return changed.some((each, index) => each !== elements[index]) ? withMember(parent, key, changed) : parent;
}

/** `metadata.<key>` of an object, when it is a text. */
export function metadataText(object: JsonObject | null | undefined, key: string): string {
  return textAt(objectAt(object, 'metadata'), key);
}

function memberOf(parent: JsonObject | null | undefined, key: string): JsonValue | undefined {
  return parent !== null && parent !== undefined && Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function asObject(value: JsonValue): JsonObject {
  return isJsonObject(value) ? value : {};
}
