import type { KubernetesResources, ResourceName } from '../api/resource-name.ts';
import { HandlerFaultError } from './errors.ts';

/**
 * Reads objects of one resource from a cache that a watch keeps fresh: never a call to the API server. What was written
 * a moment ago may not be there yet.
 */
export interface ObjectLister<T> {
  /** All objects, or those of one namespace. The caller must not change them. */
  list(options?: { readonly namespace?: string }): readonly T[];
  /** One object; `namespace` is left out for cluster-scoped ones. */
  get(name: string, namespace?: string): T | undefined;
}

/** Gives a handler the listers that its webhook declared in `reads`, typed by resource name. */
export type ListerOf = <R extends ResourceName>(resource: R) => ObjectLister<KubernetesResources[R]>;

/**
 * Where listers come from: informers in a gate, plain objects in a test. Returns undefined while the cache is not
 * filled yet; the request is then answered as a fault.
 */
export type ListerSource = (resource: string) => ObjectLister<unknown> | undefined;

/** What a handler may ask: only what its webhook declared, since RBAC and readiness are made from that. */
export function listersFor(webhook: string, reads: readonly string[], source: ListerSource | undefined): ListerOf {
  return <R extends ResourceName>(resource: R) => {
    if (!reads.includes(resource)) {
      throw new HandlerFaultError(webhook, `the handler asked for ${resource}; add it to "reads" of the webhook`);
    }
    const lister = source?.(resource);
    if (lister === undefined)
      throw new HandlerFaultError(webhook, `${resource} cannot be read yet: its cache is not filled`);
    // The source gives objects of the resource that was asked for.
    return lister as ObjectLister<KubernetesResources[R]>;
  };
}
