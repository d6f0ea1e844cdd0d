import { clone } from '../json/clone.ts';
import { isJsonObject, setMember, type JsonObject, type JsonValue } from '../json/json-value.ts';

/** The part of a CustomResourceDefinition's schema that defaulting reads. */
export interface StructuralSchema {
  readonly default?: JsonValue;
  readonly nullable?: boolean;
  readonly properties?: { readonly [name: string]: StructuralSchema };
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
}

/**
 * `object` with the defaults of its schema filled in: where a property is absent, or null without being nullable. The
 * argument is not changed; it is returned itself when nothing is to be filled in.
 *
 * Source: k8s.io/apiextensions-apiserver v0.37.2 pkg/apiserver/schema/defaulting/algorithm.go, Default.
 */
export function fillDefaults(object: JsonObject, schema: StructuralSchema): JsonObject {
  if (!hasDefaults(schema)) return object;
  const filled = clone(object);
  fill(filled, schema);
  return filled;
}

function hasDefaults(schema: StructuralSchema): boolean {
  return (
    schema.default !== undefined ||
    Object.values(schema.properties ?? {}).some(hasDefaults) ||
    (typeof schema.additionalProperties === 'object' && hasDefaults(schema.additionalProperties)) ||
    (schema.items !== undefined && hasDefaults(schema.items))
  );
}

function fill(value: JsonValue, schema: StructuralSchema | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    value.forEach((element, index) => {
      value[index] = orDefault(element, schema.items) ?? element;
      fill(value[index] ?? null, schema.items);
    });
  } else if (isJsonObject(value)) {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (!Object.hasOwn(value, name) && property.default !== undefined)
        setMember(value, name, clone(property.default));
    }
    const others = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
    for (const [name, member] of Object.entries(value)) {
      const own = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : others;
      const next = orDefault(member, own) ?? member;
      setMember(value, name, next);
      fill(next, own);
    }
  }
}

/** The default that takes the place of a null that may not be; undefined when the value stays. */
function orDefault(value: JsonValue, schema: StructuralSchema | undefined): JsonValue | undefined {
  if (value !== null || schema?.nullable === true || schema?.default === undefined) return undefined;
  return clone(schema.default);
}
