import { isJsonObject, type JsonObject, type JsonValue } from '../../json/json-value.ts';
import { decodeGoJson, type GoStruct } from './decode.ts';

/** What an object says it is; `""` where it says nothing. */
export interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * The `apiVersion` and `kind` of what Kubernetes is about to decode. This step is done by encoding/json itself, to which
 * the case of keys is all one. `problem` is its text.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/runtime/serializer/json/meta.go, Interpret.
 */
export function interpretTypeMeta(json: JsonValue): { readonly value: TypeMeta } | { readonly problem: string } {
  const decoded = decodeGoJson(typeMetaType, isJsonObject(json) ? typeMetaMembers(json) : json);
  if ('problem' in decoded) return { problem: `couldn't get version/kind; json parse error: ${decoded.problem}` };
  // decodeGoJson has given every field the type the struct declares; null is an object without fields.
  const { apiVersion = '', kind = '' } = (decoded.value ?? {}) as Partial<TypeMeta>;
  const isGroupVersion = apiVersion.split('/').length <= 2;
  return isGroupVersion
    ? { value: { apiVersion, kind } }
    : { problem: `unexpected GroupVersion string: ${apiVersion}` };
}

const typeMetaType: GoStruct = {
  kind: 'struct',
  name: 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }',
  isAnonymous: true,
  fields: { apiVersion: { kind: 'string', name: 'string' }, kind: { kind: 'string', name: 'string' } },
};

function typeMetaMembers(json: JsonObject): JsonObject {
  const members: JsonObject = {};
  for (const [key, member] of Object.entries(json)) {
    const field = typeMetaFields.get(key.toLowerCase());
    if (field !== undefined) members[field] = member;
  }
  return members;
}

const typeMetaFields: ReadonlyMap<string, string> = new Map([
  ['apiversion', 'apiVersion'],
  ['kind', 'kind'],
]);
