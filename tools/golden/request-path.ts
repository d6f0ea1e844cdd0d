import type { GroupVersionResource } from '../../src/api/resource.ts';
import type { RequestSpec } from '../../test/golden/chain/scenario.ts';
import type { ApiRequest } from './api-session.ts';

/** How each verb of a scenario goes over HTTP. */
export function methodOf({ verb }: RequestSpec): ApiRequest['method'] {
  switch (verb) {
    case 'create':
    case 'connect':
      return 'POST';
    case 'update':
      return 'PUT';
    case 'patch':
    case 'apply':
      return 'PATCH';
    case 'delete':
    case 'deletecollection':
      return 'DELETE';
  }
}

export function contentTypeOf({ verb }: RequestSpec): string {
  if (verb === 'patch') return 'application/merge-patch+json';
  return verb === 'apply' ? 'application/apply-patch+yaml' : 'application/json';
}

export function queryOf({ dryRun = false, query = {} }: RequestSpec): { readonly [name: string]: string } {
  return { ...query, ...(dryRun ? { dryRun: 'All' } : {}) };
}

export function requestPath(request: RequestSpec): string {
  const subresource = request.subresource === undefined ? '' : `/${request.subresource}`;
  const name = request.objectName === undefined ? '' : `/${request.objectName}`;
  return `${collectionPath(request.resource, request.namespace)}${name}${subresource}`;
}

/** Where the object of the request is read; a scale is an object of its own, other subresources show the whole object. */
export function objectPath(request: RequestSpec): string {
  const { subresource, ...main } = request;
  return requestPath(subresource === 'scale' ? request : main);
}

export function collectionPath({ group, version, resource }: GroupVersionResource, namespace?: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === undefined ? `${root}/${resource}` : `${root}/namespaces/${namespace}/${resource}`;
}
