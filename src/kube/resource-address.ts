import type { GroupVersionResource } from '../api/resource.ts';

/** All objects of one resource: of one namespace, or, without `namespace`, of the whole cluster. */
export interface CollectionAddress extends GroupVersionResource {
  readonly namespace?: string | undefined;
}

/** One object, or one of its subresources (`status`, `scale`, `eviction`, …). */
export interface ObjectAddress extends CollectionAddress {
  readonly name: string;
  readonly subresource?: string | undefined;
}

/**
 * URL path of a collection, an object or a subresource.
 *
 *     resourcePath({ group: 'apps', version: 'v1', resource: 'deployments', namespace: 'web', name: 'front', subresource: 'scale' })
 *     // '/apis/apps/v1/namespaces/web/deployments/front/scale'
 */
export function resourcePath(address: CollectionAddress | ObjectAddress): string {
  const { group, version, resource, namespace } = address;
  const segments = group === '' ? ['api', version] : ['apis', group, version];
  if (namespace !== undefined) segments.push('namespaces', namespace);
  segments.push(resource);
  if ('name' in address) {
    segments.push(address.name);
    if (address.subresource !== undefined) segments.push(...address.subresource.split('/'));
  }
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
}
