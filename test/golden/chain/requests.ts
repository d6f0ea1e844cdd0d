import type { Operation } from '../../../src/api/admission-review.ts';
import type { GroupVersionKind, GroupVersionResource } from '../../../src/api/resource.ts';
import type { Attributes } from '../../../src/chain/index.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../src/json/json-value.ts';
import { defaultUser, type RequestSpec } from './scenario.ts';

/** What the API server gives its admission chain for a request, `before` being the stored object when it came. */
export function attributesOf(
  spec: RequestSpec,
  before: JsonObject | undefined,
  kindFor: (resource: GroupVersionResource, subresource: string) => GroupVersionKind | undefined,
): Attributes {
  const { resource, subresource = '', namespace = '', objectName = '', dryRun = false, user = defaultUser } = spec;
  const kind = kindFor(resource, subresource);
  if (kind === undefined) throw new Error(`${spec.name}: ${resource.resource}/${subresource} is not served`);
  const operation = operationOf(spec, before);
  const object = objectOf(spec, before, operation);
  const isNamespace = resource.group === '' && resource.resource === 'namespaces';
  const bodyName = metadataOf(object)['name'];
  const name = objectName !== '' ? objectName : operation === 'CREATE' && typeof bodyName === 'string' ? bodyName : '';
  return {
    operation,
    kind,
    resource,
    subresource,
    name,
    namespace: isNamespace ? name : namespace,
    object: object === null || operation === 'CONNECT' ? object : decoded(object, namespace),
    oldObject: operation === 'UPDATE' || operation === 'DELETE' ? (before ?? null) : null,
    options: optionsOf(spec, operation),
    dryRun,
    userInfo: user,
  };
}

function operationOf({ verb }: RequestSpec, before: JsonObject | undefined): Operation {
  switch (verb) {
    case 'create':
      return 'CREATE';
    case 'update':
    case 'patch':
      return 'UPDATE';
    case 'apply':
      return before === undefined ? 'CREATE' : 'UPDATE';
    case 'delete':
    case 'deletecollection':
      return 'DELETE';
    case 'connect':
      return 'CONNECT';
  }
}

function objectOf(
  { verb, body = {} }: RequestSpec,
  before: JsonObject | undefined,
  operation: Operation,
): JsonObject | null {
  if (operation === 'DELETE') return null;
  // A merge patch, and an apply that owns the fields it sends, give the stored object with the body laid over it.
  return before !== undefined && (verb === 'patch' || verb === 'apply') ? mergePatch(before, body) : body;
}

function optionsOf({ verb, dryRun = false, query = {}, body }: RequestSpec, operation: Operation): JsonObject | null {
  const kinds = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const;
  if (operation === 'CONNECT') return null;
  const { fieldManager, fieldValidation, propagationPolicy } = query;
  return {
    kind: kinds[operation],
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(fieldManager === undefined ? {} : { fieldManager }),
    ...(fieldValidation === undefined ? {} : { fieldValidation }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(verb === 'delete' && body !== undefined ? { ...body, apiVersion: 'meta.k8s.io/v1' } : {}),
  };
}

/** Of the metadata of a custom resource, what is empty is gone once it has been decoded. */
function decoded(object: JsonObject, namespace: string): JsonObject {
  const kept = Object.entries(metadataOf(object)).filter(
    ([, value]) => !isJsonObject(value) || Object.keys(value).length > 0,
  );
  return { ...object, metadata: { ...Object.fromEntries(kept), ...(namespace === '' ? {} : { namespace }) } };
}

function metadataOf(object: JsonObject | null): JsonObject {
  const metadata = object?.['metadata'];
  return isJsonObject(metadata) ? metadata : {};
}

/** RFC 7386. */
function mergePatch(target: JsonValue, patch: JsonObject): JsonObject {
  const merged: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = isJsonObject(value) ? mergePatch(merged[key] ?? null, value) : value;
  }
  return merged;
}
