/**
 * The static types of CEL, as the checker sees them. A type is also a value: `type(1) == int`.
 *
 * Source: cel-go v0.29.2 common/types/types.go.
 */
import type {
  Bytes,
  Duration,
  ListValue,
  MapValue,
  OpaqueValue,
  OptionalValue,
  Timestamp,
  Uint,
  Value,
} from './values.ts';

/** What a {@link Type} is, before its name and parameters. */
export type Kind =
  | 'dyn'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'duration'
  | 'timestamp'
  | 'type'
  | 'list'
  | 'map'
  | 'opaque'
  | 'object'
  | 'parameter'
  | 'error';

/**
 * A CEL type: kind, name and type parameters.
 *
 * `V` is the TypeScript type of the values that belong to it; it lets {@link ./function.ts} give an implementation
 * arguments of the right type. It exists at compile time only.
 */
export class Type<out V = Value> {
  declare readonly valueType: V;
  readonly kind: Kind;
  /** The name an expression uses and error texts print, for example `list` or `google.protobuf.Duration`. */
  readonly name: string;
  readonly parameters: readonly Type[];
  /** Declared fields of an object type; no other type has any. */
  readonly fields: ReadonlyMap<string, Type> | undefined;

  constructor(kind: Kind, name: string, parameters: readonly Type[] = [], fields?: ReadonlyMap<string, Type>) {
    this.kind = kind;
    this.name = name;
    this.parameters = parameters;
    this.fields = fields;
  }

  /** As cel-go prints it in compile errors: `map(string, dyn)`, `<A>` for a type parameter. */
  toString(): string {
    if (this.kind === 'parameter') return `<${this.name}>`;
    if (this.parameters.length === 0) return this.name;
    return `${this.name}(${this.parameters.join(', ')})`;
  }
}

export const DynType = new Type<Value>('dyn', 'dyn');
export const BoolType = new Type<boolean>('bool', 'bool');
export const IntType = new Type<bigint>('int', 'int');
export const UintType = new Type<Uint>('uint', 'uint');
export const DoubleType = new Type<number>('double', 'double');
export const StringType = new Type<string>('string', 'string');
export const BytesType = new Type<Bytes>('bytes', 'bytes');
export const NullType = new Type<null>('null', 'null_type');
export const DurationType = new Type<Duration>('duration', 'google.protobuf.Duration');
export const TimestampType = new Type<Timestamp>('timestamp', 'google.protobuf.Timestamp');
export const TypeType = new Type<Type>('type', 'type');
/** What the checker gives an expression it could not type; never the type of a value. */
export const ErrorType = new Type<never>('error', '*error*');

/** `list(element)`. */
export function listType(element: Type): Type<ListValue> {
  return new Type('list', 'list', [element]);
}

/** `map(key, value)`. */
export function mapType(key: Type, value: Type): Type<MapValue> {
  return new Type('map', 'map', [key, value]);
}

/** `optional_type(value)`. */
export function optionalType(value: Type): Type<OptionalValue> {
  return new Type('opaque', 'optional_type', [value]);
}

/** `type(of)`: the type of the type identifier `of`. */
export function typeOfType(of: Type): Type<Type> {
  return new Type('type', 'type', [of]);
}

/** A type parameter such as `A` in `list(A)`: each name stands for one type within one overload. */
export function typeParameter(name: string): Type<Value> {
  return new Type('parameter', name);
}

/**
 * A type with functions but without fields, for example `net.IP`.
 * Name `V` to tell which class its values have: `opaqueType<IpValue>('net.IP')`.
 */
export function opaqueType<V extends OpaqueValue = OpaqueValue>(name: string): Type<V> {
  return new Type('opaque', name);
}

/**
 * A structured type with declared fields, for example `kubernetes.AdmissionRequest`. Selecting an undeclared field is a
 * compile error. Values of a type with fields are maps at run time (absent fields are missing keys); the Kubernetes
 * libraries also declare object types without fields, whose values are {@link OpaqueValue}s: name their class as `V`.
 */
export function objectType<V = MapValue>(name: string, fields: Readonly<Record<string, Type>> = {}): Type<V> {
  return new Type<V>('object', name, [], new Map(Object.entries(fields)));
}

/** Is the type decided only at run time? */
export function isDynamic(type: Type): boolean {
  return type.kind === 'dyn' || type.kind === 'parameter';
}

/** Same kind, name and parameters; names of type parameters count. cel-go: Type.IsExactType. */
export function isExactType(a: Type, b: Type): boolean {
  return isSameType(a, b, true);
}

/** Same kind, name and parameters, whatever type parameters are called. cel-go: Type.IsEquivalentType. */
export function isEquivalentType(a: Type, b: Type): boolean {
  return isSameType(a, b, false);
}

function isSameType(a: Type, b: Type, compareParameterNames: boolean): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.parameters.length !== b.parameters.length) return false;
  if ((compareParameterNames || a.kind !== 'parameter') && a.name !== b.name) return false;
  return a.parameters.every((parameter, index) => {
    const other = b.parameters[index];
    return other !== undefined && isSameType(parameter, other, compareParameterNames);
  });
}
