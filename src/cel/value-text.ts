/**
 * Values inside error texts, as Go's %v and %T print cel-go's types.
 *
 * Source: cel-go v0.29.2 common/types: String and format of each type; Go fmt.
 */
import { JsonList, JsonMap } from './json.ts';
import { MutableList } from './list.ts';
import { MutableMap, entriesOf } from './map.ts';
import { formatGeneral } from './standard/number-text.ts';
import { formatTimestamp } from './standard/time-text.ts';
import { typeOf } from './type-of.ts';
import { Type } from './types.ts';
import {
  Duration,
  EvaluationError,
  ListValue,
  MapValue,
  OpaqueValue,
  OptionalValue,
  Timestamp,
  Uint,
} from './values.ts';
import type { Result, Value } from './values.ts';

/** `%v`. */
export function formatValue(value: Value): string {
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
  // types.Null is an enum without a text of its own.
  if (value === null) return '0';
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return `[${[...value].join(' ')}]`;
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof Timestamp) return formatTime(value);
  if (value instanceof ListValue) return `[${[...value].map(formatValue).join(', ')}]`;
  if (value instanceof MapValue) {
    return `{${[...entriesOf(value)].map(([key, entry]) => `${formatValue(key)}: ${formatValue(entry)}`).join(', ')}}`;
  }
  if (value instanceof OptionalValue) {
    return value.value === undefined ? 'optional.none()' : `optional(${formatValue(value.value)})`;
  }
  return value instanceof Type ? value.toString() : value.type.name;
}

/** `%T`, as far as it is known for values of libraries. */
export function goTypeName(value: Result): string {
  if (value instanceof EvaluationError) return '*types.Err';
  if (value === null) return 'types.Null';
  if (value instanceof JsonList) return '[]interface {}';
  if (value instanceof JsonMap) return 'map[string]interface {}';
  if (value instanceof MutableList) return '*types.mutableList';
  if (value instanceof MutableMap) return '*types.mutableMap';
  if (value instanceof ListValue) return '*types.baseList';
  if (value instanceof MapValue) return '*types.baseMap';
  if (value instanceof OptionalValue) return '*types.Optional';
  if (value instanceof Type) return '*types.Type';
  if (value instanceof OpaqueValue) return value.type.name;
  if (value instanceof Duration) return 'types.Duration';
  if (value instanceof Timestamp) return 'types.Timestamp';
  const { name } = typeOf(value);
  return `types.${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** time.Duration.String(): `1h0m0.5s`, `1.5ms`. */
function formatDuration({ nanoseconds }: Duration): string {
  const sign = nanoseconds < 0n ? '-' : '';
  const total = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (total === 0n) return '0s';
  const scaled = (unit: bigint, digits: number) => {
    const fraction = String(total % unit)
      .padStart(digits, '0')
      .replace(/0+$/, '');
    return `${total / unit}${fraction === '' ? '' : `.${fraction}`}`;
  };
  if (total < 1_000n) return `${sign}${total}ns`;
  if (total < 1_000_000n) return `${sign}${scaled(1_000n, 3)}\u00b5s`;
  if (total < 1_000_000_000n) return `${sign}${scaled(1_000_000n, 6)}ms`;
  const minutes = total / 60_000_000_000n;
  const rest = total % 60_000_000_000n;
  const fraction = String(rest % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const seconds = `${rest / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}s`;
  if (minutes === 0n) return sign + seconds;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** time.Time.String(): `2020-01-01 00:00:00 +0000 UTC`. */
function formatTime(timestamp: Timestamp): string {
  const [, date = '', time = '', zone = ''] = /^(.+)T([\d:.]+)(.+)$/.exec(formatTimestamp(timestamp)) ?? [];
  const offset = zone.replace(':', '');
  return `${date} ${time} ${zone === 'Z' ? '+0000 UTC' : `${offset} ${offset}`}`;
}
