/** The run-time type of a value. */
import {
  BoolType,
  BytesType,
  DoubleType,
  DurationType,
  DynType,
  IntType,
  NullType,
  StringType,
  TimestampType,
  Type,
  TypeType,
  UintType,
  listType,
  mapType,
  optionalType,
} from './types.ts';
import { Duration, ListValue, MapValue, OptionalValue, Timestamp, Uint } from './values.ts';
import type { Value } from './values.ts';

/** `list(dyn)`: what element type a list has is not known at run time. */
export const ListType = listType(DynType);
/** `map(dyn, dyn)`. */
export const MapType = mapType(DynType, DynType);
/** `optional_type(dyn)`. */
export const OptionalType = optionalType(DynType);

/** The type `type(value)` gives; parameters of lists, maps and optionals are erased to dyn. */
export function typeOf(value: Value): Type {
  switch (typeof value) {
    case 'string':
      return StringType;
    case 'boolean':
      return BoolType;
    case 'bigint':
      return IntType;
    case 'number':
      return DoubleType;
    default:
      break;
  }
  if (value === null) return NullType;
  if (value instanceof MapValue) return MapType;
  if (value instanceof ListValue) return ListType;
  if (value instanceof Uint) return UintType;
  if (value instanceof Uint8Array) return BytesType;
  if (value instanceof Duration) return DurationType;
  if (value instanceof Timestamp) return TimestampType;
  if (value instanceof OptionalValue) return OptionalType;
  if (value instanceof Type) return TypeType;
  return value.type;
}
