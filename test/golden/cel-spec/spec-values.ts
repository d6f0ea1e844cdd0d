/** Values as the specification's vectors write them. */
import type { Value as SpecValue } from '@bufbuild/cel-spec/cel/expr/value_pb.js';
import {
  BoolType,
  BytesType,
  DoubleType,
  Duration,
  DurationType,
  IntType,
  ListValue,
  MapValue,
  NullType,
  StringType,
  Timestamp,
  TimestampType,
  Type,
  TypeType,
  Uint,
  UintType,
} from '../../../src/cel/index.ts';
import type { Value } from '../../../src/cel/index.ts';
import { ForeignToKubernetes } from './foreign-to-kubernetes.ts';

class SpecList extends ListValue {
  readonly #elements: readonly Value[];

  constructor(elements: readonly Value[]) {
    super();
    this.#elements = elements;
  }

  override get size(): number {
    return this.#elements.length;
  }

  override at(index: number): Value {
    return this.#elements[index] ?? null;
  }
}

/** Only to be compared and read by keys of the type they were written with. */
class SpecMap extends MapValue {
  readonly #entries: ReadonlyMap<Value, Value>;
  readonly #uints: ReadonlyMap<bigint, Uint>;

  constructor(entries: ReadonlyMap<Value, Value>) {
    super();
    this.#entries = entries;
    this.#uints = new Map([...entries.keys()].filter((key) => key instanceof Uint).map((key) => [key.value, key]));
  }

  override get size(): number {
    return this.#entries.size;
  }

  override get(key: Value): Value | undefined {
    return this.#entries.get(key instanceof Uint ? (this.#uints.get(key.value) ?? key) : key);
  }

  override keys(): Iterable<Value> {
    return this.#entries.keys();
  }
}

const namedTypes = [
  BoolType,
  BytesType,
  DoubleType,
  DurationType,
  IntType,
  NullType,
  StringType,
  TimestampType,
  TypeType,
  UintType,
];

/** The value that `spec` says. Throws {@link ForeignToKubernetes} for messages and enums of protocol buffers. */
export function toValue({ kind }: SpecValue): Value {
  switch (kind.case) {
    case 'nullValue':
      return null;
    case 'boolValue':
    case 'doubleValue':
    case 'stringValue':
    case 'bytesValue':
      return kind.value;
    case 'int64Value':
      return BigInt(kind.value);
    case 'uint64Value':
      return new Uint(BigInt(kind.value));
    case 'listValue':
      return new SpecList(kind.value.values.map(toValue));
    case 'mapValue':
      return new SpecMap(new Map(kind.value.entries.map(({ key, value }) => [entryPart(key), entryPart(value)])));
    case 'typeValue':
      return namedTypes.find(({ name }) => name === kind.value) ?? new Type('opaque', kind.value);
    case 'objectValue':
      return unpack(kind.value);
    default:
      throw new ForeignToKubernetes(kind.case);
  }
}

function entryPart(value: SpecValue | undefined): Value {
  if (value === undefined) throw new ForeignToKubernetes('an entry without key or value');
  return toValue(value);
}

/** The two messages CEL has as types of its own. */
function unpack({ typeUrl, value }: { readonly typeUrl: string; readonly value: Uint8Array }): Value {
  const [seconds = 0n, nanoseconds = 0n] = readIntegerFields(value);
  switch (typeUrl) {
    case 'type.googleapis.com/google.protobuf.Duration':
      return new Duration(seconds * 1_000_000_000n + nanoseconds);
    case 'type.googleapis.com/google.protobuf.Timestamp':
      return new Timestamp(Number(seconds), Number(nanoseconds));
    default:
      throw new ForeignToKubernetes(typeUrl);
  }
}

/** The int64 and int32 fields of a protocol buffer, by number from 1. */
function readIntegerFields(bytes: Uint8Array): bigint[] {
  const fields: bigint[] = [];
  let varint = 0n;
  let shift = 0n;
  let field: number | undefined;
  for (const byte of bytes) {
    varint |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    if (field === undefined) field = Number(varint >> 3n);
    else {
      fields[field - 1] = BigInt.asIntN(64, varint);
      field = undefined;
    }
    varint = 0n;
    shift = 0n;
  }
  return fields;
}
