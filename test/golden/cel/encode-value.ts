import {
  Duration,
  ListValue,
  MapValue,
  OpaqueValue,
  OptionalValue,
  Timestamp,
  Type,
  Uint,
} from '../../../src/cel/index.ts';
import type { Value } from '../../../src/cel/index.ts';
import type { EncodedValue } from './recorded.ts';

/** A value as golden-cel writes it. */
export function encodeValue(value: Value): EncodedValue {
  switch (typeof value) {
    case 'boolean':
      return { type: 'bool', value: String(value) };
    case 'bigint':
      return { type: 'int', value: String(value) };
    case 'number':
      return { type: 'double', value: formatDouble(value) };
    case 'string':
      return { type: 'string', value };
    default:
      break;
  }
  if (value === null) return { type: 'null_type' };
  if (value instanceof OpaqueValue) return { type: value.type.name };
  if (value instanceof Type) return { type: 'type', value: value.name };
  if (value instanceof Uint) return { type: 'uint', value: String(value.value) };
  if (value instanceof Uint8Array) return { type: 'bytes', value: Buffer.from(value).toString('hex') };
  if (value instanceof Duration) return { type: 'google.protobuf.Duration', value: String(value.nanoseconds) };
  if (value instanceof Timestamp) return { type: 'google.protobuf.Timestamp', value: formatTimestamp(value) };
  if (value instanceof ListValue) return { type: 'list', value: Array.from(value, encodeValue) };
  if (value instanceof MapValue) return { type: 'map', value: encodeEntries(value) };
  if (!(value instanceof OptionalValue)) throw new TypeError('a value of another kind');
  return { type: 'optional_type', ...(value.value === undefined ? {} : { value: encodeValue(value.value) }) };
}

function encodeEntries(map: MapValue): (readonly [EncodedValue, EncodedValue])[] {
  const entries = Array.from(map.keys(), (key) => [encodeValue(key), encodeValue(map.get(key) ?? null)] as const);
  const sortKey = ({ type, value }: EncodedValue) => `${type} ${String(value)}`;
  return entries.sort(([a], [b]) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

/** Go: strconv.FormatFloat(value, 'g', -1, 64). */
function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  if (value === 0 || (Number(exponent) >= -4 && Number(exponent) < 6)) return String(value);
  return `${digits}e${exponent.replace(/^([+-])([0-9])$/, '$10$2')}`;
}

/** Go: time.RFC3339Nano. */
function formatTimestamp({ seconds, nanoseconds, offsetSeconds }: Timestamp): string {
  const [local = ''] = new Date((seconds + offsetSeconds) * 1000).toISOString().split('.');
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`;
  if (offsetSeconds === 0) return `${local}${fraction}Z`;
  const zone = new Date(Math.abs(offsetSeconds) * 1000).toISOString().slice(11, 16);
  return `${local}${fraction}${offsetSeconds < 0 ? '-' : '+'}${zone}`;
}
