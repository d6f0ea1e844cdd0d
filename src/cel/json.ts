/**
 * JSON as CEL sees it. Nothing is converted before an expression reaches it.
 *
 * Numbers follow the API server's decoder: an integer that fits int64 is an int, anything else a double. A literal that
 * JavaScript would print differently (`1.0`, `1e3`, 9007199254740993) must come as `JSON.rawJSON` value to be told from the number it
 * rounds to; the exact parser of src/json makes such values.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/util/json.
 */
import { isRawNumber } from '../json/index.ts';
import type { JsonArray, JsonObject, JsonValue } from '../json/index.ts';
import { ListValue, MapValue } from './values.ts';
import type { Value } from './values.ts';

/** A JSON value as CEL value; arrays and objects become views. */
export function fromJson(json: JsonValue): Value {
  switch (typeof json) {
    case 'number':
      return isInt64(json) ? BigInt(json) : json;
    case 'object':
      if (json === null) return null;
      if (Array.isArray(json)) return new JsonList(json);
      if (isRawNumber(json)) return fromNumberLiteral(json.rawJSON);
      return new JsonMap(json);
    default:
      return json;
  }
}

/** A view of a JSON array. */
export class JsonList extends ListValue {
  readonly elements: JsonArray;

  constructor(elements: JsonArray) {
    super();
    this.elements = elements;
  }

  override get size(): number {
    return this.elements.length;
  }

  override at(index: number): Value {
    return fromJson(this.elements[index] ?? null);
  }
}

/** A view of a JSON object. Only strings are keys of it. */
export class JsonMap extends MapValue {
  readonly #object: JsonObject;

  constructor(object: JsonObject) {
    super();
    this.#object = object;
  }

  override get size(): number {
    return Object.keys(this.#object).length;
  }

  override get(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined;
    // Inherited names such as `constructor` are no keys.
    if (!Object.hasOwn(this.#object, key)) return undefined;
    const value = this.#object[key];
    return value === undefined ? undefined : fromJson(value);
  }

  override keys(): Iterable<string> {
    return Object.keys(this.#object);
  }
}

function fromNumberLiteral(literal: string): bigint | number {
  if (/^-?\d+$/.test(literal)) {
    const integer = BigInt(literal);
    if (integer === BigInt.asIntN(64, integer)) return integer;
  }
  return Number(literal);
}

function isInt64(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
}
