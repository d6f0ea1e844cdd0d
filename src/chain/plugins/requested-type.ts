import type { Attributes } from '../attributes.ts';

/** Whether the request is on this resource, in whatever version, or on one of its subresources. */
export function isForResource({ resource: requested }: Attributes, resource: string, group = ''): boolean {
  return requested.resource === resource && requested.group === group;
}

/** Whether the object of the request is of this kind, in whatever version. */
export function isForKind({ kind: requested }: Attributes, kind: string, group = ''): boolean {
  return requested.kind === kind && requested.group === group;
}
