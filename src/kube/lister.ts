import type { LabelMatcher } from '../api/label-selector.ts';
import type { KubernetesObject } from '../api/object-meta.ts';

export interface ListerQuery {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  /** Default: all labels; see `parseLabelSelector` of api. */
  readonly labels?: LabelMatcher | undefined;
}

/**
 * Reads from a cache: never a call to the API server. What was written a moment ago may not be there yet. The objects
 * are shared and must not be changed.
 */
export interface Lister<T extends KubernetesObject> {
  /** `namespace` is left out for cluster-scoped objects. */
  get(name: string, namespace?: string): T | undefined;
  list(query?: ListerQuery): T[];
  /** The objects that an index of the informer filed under `value`. Throws a RangeError when there is no such index. */
  byIndex(index: string, value: string): T[];
}
