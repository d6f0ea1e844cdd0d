import type { Operation, UserInfo } from '../api/admission-review.ts';
import type { GroupVersionKind, GroupVersionResource } from '../api/resource.ts';
import type { JsonObject } from '../json/json-value.ts';

/**
 * What an admission plug-in knows of one request.
 *
 * Immutable, all the way down: whoever changes the object builds a new one and passes on {@link withObject}. The objects
 * are JSON as src/json reads it, so numbers keep their text.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/attributes.go.
 */
export interface Attributes {
  readonly operation: Operation;
  /** Kind of `object`; on a subresource the subresource's own kind (`Scale`, `Eviction`, `PodExecOptions`). */
  readonly kind: GroupVersionKind;
  /** The main resource, also for a request on one of its subresources. */
  readonly resource: GroupVersionResource;
  /** `""` for the main resource. */
  readonly subresource: string;
  /** `""` when the server shall generate the name, and on deletion of a collection. */
  readonly name: string;
  /** `""` for cluster-scoped resources; the namespace's own name for `namespaces`. */
  readonly namespace: string;
  /** CREATE and UPDATE: the object to be stored. CONNECT: the connect options. DELETE: null. */
  readonly object: JsonObject | null;
  /** UPDATE and DELETE: the object as it is stored; otherwise null. */
  readonly oldObject: JsonObject | null;
  /** CreateOptions, UpdateOptions or DeleteOptions with their apiVersion and kind; null for CONNECT. */
  readonly options: JsonObject | null;
  readonly dryRun: boolean;
  readonly userInfo: UserInfo;
}

/** The same request with another object; the same `Attributes` when it is the same object. */
export function withObject(attributes: Attributes, object: JsonObject | null): Attributes {
  return object === attributes.object ? attributes : { ...attributes, object };
}
