/** Types as the specification's vectors write them. */
import { Type_PrimitiveType as Primitive, Type_WellKnownType as WellKnown } from '@bufbuild/cel-spec/cel/expr/checked_pb.js';
import type { Type as SpecType } from '@bufbuild/cel-spec/cel/expr/checked_pb.js';
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
  UintType,
  listType,
  mapType,
  typeParameter,
} from '../../../src/cel/index.ts';
import { ForeignToKubernetes } from './foreign-to-kubernetes.ts';

const primitives = new Map<Primitive, Type>([
  [Primitive.BOOL, BoolType],
  [Primitive.INT64, IntType],
  [Primitive.UINT64, UintType],
  [Primitive.DOUBLE, DoubleType],
  [Primitive.STRING, StringType],
  [Primitive.BYTES, BytesType],
]);

const wellKnown = new Map<WellKnown, Type>([
  [WellKnown.TIMESTAMP, TimestampType],
  [WellKnown.DURATION, DurationType],
]);

/** The type that `spec` says. Throws {@link ForeignToKubernetes} for types of protocol buffers. */
export function toType(spec: SpecType | undefined): Type {
  if (spec === undefined) return DynType;
  const kind = spec.typeKind;
  switch (kind.case) {
    case undefined:
    case 'dyn':
      return DynType;
    case 'null':
      return NullType;
    case 'primitive':
      return known(primitives.get(kind.value));
    case 'wellKnown':
      return known(wellKnown.get(kind.value));
    case 'listType':
      return listType(toType(kind.value.elemType));
    case 'mapType':
      return mapType(toType(kind.value.keyType), toType(kind.value.valueType));
    case 'typeParam':
      return typeParameter(kind.value);
    case 'abstractType':
      return new Type('opaque', kind.value.name, kind.value.parameterTypes.map(toType));
    default:
      throw new ForeignToKubernetes(kind.case);
  }
}

function known(type: Type | undefined): Type {
  if (type === undefined) throw new ForeignToKubernetes('a well-known type');
  return type;
}
