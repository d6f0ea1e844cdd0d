import type { KubernetesObject } from '../../../../src/api/object-meta.ts';
import type { GroupVersionResource } from '../../../../src/api/resource.ts';
import type { JsonObject } from '../../../../src/json/json-value.ts';
import type { RequestSpec } from '../../chain/scenario.ts';

/** Words from which the worlds are built. */

export const pods: GroupVersionResource = { group: '', version: 'v1', resource: 'pods' };
export const configMaps: GroupVersionResource = { group: '', version: 'v1', resource: 'configmaps' };
export const namespaces: GroupVersionResource = { group: '', version: 'v1', resource: 'namespaces' };

export function namespace(name: string, over: JsonObject = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, ...over };
}

export function configMap(name: string, namespaceName?: string): JsonObject {
  const metadata = { name, ...(namespaceName === undefined ? {} : { namespace: namespaceName }) };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'b' } };
}

export function container(name: string, over: JsonObject = {}): JsonObject {
  return { name, image: `registry.example.com/${name}:1`, ...over };
}

/** A Pod with one container, as somebody might write it. */
export function pod(name: string, spec: JsonObject = {}, annotations?: JsonObject): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
    spec: { containers: [container('main')], ...spec },
  };
}

/** Creation of an object; the request is called as the object unless it has a name of its own. */
export function create(
  resource: GroupVersionResource,
  namespaceName: string | undefined,
  body: JsonObject,
  over: Partial<RequestSpec> = {},
): RequestSpec {
  return {
    name: nameOf(body),
    verb: 'create',
    resource,
    ...(namespaceName === undefined ? {} : { namespace: namespaceName }),
    body,
    ...over,
  };
}

/** A merge patch of an object that is there. */
export function patch(
  resource: GroupVersionResource,
  namespaceName: string | undefined,
  existing: JsonObject,
  body: JsonObject,
  over: Partial<RequestSpec> = {},
): RequestSpec {
  const objectName = nameOf(existing);
  return { ...create(resource, namespaceName, body), name: objectName, verb: 'patch', objectName, existing, ...over };
}

export function remove(
  resource: GroupVersionResource,
  namespaceName: string | undefined,
  objectName: string,
  over: Partial<RequestSpec> = {},
): RequestSpec {
  return {
    name: `delete-${objectName}`,
    verb: 'delete',
    resource,
    ...(namespaceName === undefined ? {} : { namespace: namespaceName }),
    objectName,
    ...over,
  };
}

function nameOf({ metadata }: JsonObject): string {
  return (metadata as KubernetesObject['metadata'])?.name ?? '';
}
