import { isContainer, isJsonObject, setMember, type JsonObject, type JsonValue } from '../../json/json-value.ts';
import { isRawNumber, numberText } from '../../json/raw-number.ts';
import { goNumber } from './number.ts';

/** A Go type that JSON is decoded into; `name` is how Go prints it in errors: `string`, `types.UID`, `v1.Status`. */
export type GoType =
  | { readonly kind: 'string' | 'bool' | 'bytes'; readonly name: string }
  | GoInteger
  | { readonly kind: 'any' }
  | { readonly kind: 'slice' | 'map'; readonly name: string; readonly element: GoType }
  | GoStruct;

export interface GoInteger {
  readonly kind: 'int32' | 'int64';
  readonly name: string;
}

export interface GoStruct {
  readonly kind: 'struct';
  readonly name: string;
  /** Go has no name to tell in the paths of its fields. */
  readonly isAnonymous?: boolean;
  readonly fields: { readonly [key: string]: GoType };
}

export type Decoded = { readonly value: JsonValue } | { readonly problem: string };

/**
 * `json` as Go would hold it after decoding into `type`: fields the type does not have are dropped, null leaves a field
 * out, and the first value of a wrong type is told in Go's words. Keys are case-sensitive.
 *
 * Source: sigs.k8s.io/json v0.0.0-20250730193827 internal/golang/encoding/json/decode.go.
 */
export function decodeGoJson(type: GoType, json: JsonValue): Decoded {
  const decoder = new Decoder();
  const value = decoder.decode(type, json);
  return decoder.problem === undefined ? { value: value ?? null } : { problem: decoder.problem };
}

/** Goes on after a problem, as Go does, and keeps the first. */
class Decoder {
  problem: string | undefined;
  /** The struct we are in, and the fields that lead to it. Indexes of lists and keys of maps are not told. */
  #struct = '';
  #fields: string[] = [];

  /** Undefined for null, which leaves every Go value as it was. */
  decode(type: GoType, json: JsonValue): JsonValue | undefined {
    if (json === null) return undefined;
    switch (type.kind) {
      case 'any':
        return json;
      case 'string':
        return typeof json === 'string' ? json : this.#mismatch(json, type.name);
      case 'bool':
        return typeof json === 'boolean' ? json : this.#mismatch(json, type.name);
      case 'int32':
      case 'int64':
        return this.#integer(type, json);
      case 'bytes':
        return this.#bytes(type.name, json);
      case 'slice':
        if (!Array.isArray(json)) return this.#mismatch(json, type.name);
        return json.map((element) => this.decode(type.element, element) ?? zeroOf(type.element));
      case 'map':
        return isJsonObject(json) ? this.#map(type.element, json) : this.#mismatch(json, type.name);
      case 'struct':
        return isJsonObject(json) ? this.#members(type, json) : this.#mismatch(json, type.name);
    }
  }

  #members(type: GoStruct, json: JsonObject): JsonObject {
    const decoded: JsonObject = {};
    const outer = { struct: this.#struct, fields: this.#fields };
    for (const [key, member] of Object.entries(json)) {
      const field = Object.hasOwn(type.fields, key) ? type.fields[key] : undefined;
      if (field === undefined) continue;
      this.#struct = type.isAnonymous === true ? '' : type.name.slice(type.name.indexOf('.') + 1);
      this.#fields = [...outer.fields, key];
      const value = this.decode(field, member);
      if (value !== undefined) setMember(decoded, key, value);
      this.#struct = outer.struct;
      this.#fields = outer.fields;
    }
    return decoded;
  }

  #map(element: GoType, json: JsonObject): JsonObject {
    const decoded: JsonObject = {};
    for (const [key, member] of Object.entries(json)) {
      setMember(decoded, key, this.decode(element, member) ?? zeroOf(element));
    }
    return decoded;
  }

  #integer(type: GoInteger, json: JsonValue): JsonValue | undefined {
    if (typeof json !== 'number' && !isRawNumber(json)) return this.#mismatch(json, type.name);
    const number = goNumber(json);
    const bits = type.kind === 'int32' ? 32 : 64;
    if (number.kind === 'int64' && BigInt.asIntN(bits, number.value) === number.value) return json;
    return this.#save(`number ${numberText(json)}`, type.name);
  }

  /** Base64 or a list of small numbers; the decoded form is base64 again. */
  #bytes(name: string, json: JsonValue): JsonValue | undefined {
    if (typeof json === 'string') {
      const position = illegalBase64At(json);
      if (position === undefined) return json.replace(/[\r\n]/g, '');
      this.problem ??= `illegal base64 data at input byte ${position}`;
      return undefined;
    }
    if (!Array.isArray(json)) return this.#mismatch(json, name);
    const bytes = json.map((element) => this.#byte(element));
    return Buffer.from(bytes).toString('base64');
  }

  #byte(json: JsonValue): number {
    if (json === null) return 0;
    if (typeof json !== 'number' && !isRawNumber(json)) this.#mismatch(json, 'uint8');
    else if (/^(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])$/.test(numberText(json)))
      return Number(numberText(json));
    else this.#save(`number ${numberText(json)}`, 'uint8');
    return 0;
  }

  #mismatch(json: JsonValue, name: string): undefined {
    return this.#save(goTypeName(json), name);
  }

  #save(found: string, name: string): undefined {
    const target =
      this.#fields.length === 0
        ? `Go value of type ${name}`
        : `Go struct field ${this.#struct}.${this.#fields.join('.')} of type ${name}`;
    this.problem ??= `json: cannot unmarshal ${found} into ${target}`;
  }
}

/** What Go calls a JSON value that does not fit. */
function goTypeName(json: JsonValue): string {
  if (Array.isArray(json)) return 'array';
  if (isContainer(json)) return 'object';
  if (typeof json === 'boolean') return 'bool';
  return typeof json === 'string' ? 'string' : 'number';
}

/** What stands in a list or map of this type where the JSON has null. */
function zeroOf(type: GoType): JsonValue {
  switch (type.kind) {
    case 'string':
    case 'bytes':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
      return 0;
    case 'struct':
      return {};
    case 'any':
    case 'slice':
    case 'map':
      return null;
  }
}

/**
 * Where standard base64 with padding goes wrong; line breaks are allowed anywhere. Undefined when it does not.
 *
 * Source: Go 1.26 src/encoding/base64/base64.go, decodeQuantum.
 */
function illegalBase64At(text: string): number | undefined {
  const bytes = Buffer.from(text);
  const isBreak = (at: number): boolean => bytes[at] === 0x0a || bytes[at] === 0x0d;
  const skipBreaks = (at: number): number => {
    let next = at;
    while (isBreak(next)) next += 1;
    return next;
  };
  let at = 0;
  for (;;) {
    let digits = 0;
    while (digits < 4) {
      if (at === bytes.length) return digits === 0 ? undefined : at - digits;
      const byte = bytes[at] ?? 0;
      at += 1;
      if (isBase64Digit(byte)) {
        digits += 1;
        continue;
      }
      if (byte === 0x0a || byte === 0x0d) continue;
      if (byte !== padding || digits < 2) return at - 1;
      if (digits === 2) {
        at = skipBreaks(at);
        if (at === bytes.length) return bytes.length;
        if (bytes[at] !== padding) return at - 1;
        at += 1;
      }
      at = skipBreaks(at);
      return at < bytes.length ? at : undefined;
    }
  }
}

const padding = 0x3d;

function isBase64Digit(byte: number): boolean {
  return (
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x2f
  );
}
