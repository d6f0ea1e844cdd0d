import type { Operation } from '../api/admission-review.ts';
import type { ScopedResourceSelectorRequirement } from '../api/generated/core.v1.ts';
import type { ResourceList } from './resource-list.ts';

/** A group and the plural of a resource in it, without its version: quota does not care for versions. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** A write as evaluators look at it. */
export interface EvaluatedRequest {
  readonly operation: Operation;
  /** `''` for the main resource. */
  readonly subresource: string;
  readonly object: object | null;
  readonly oldObject: object | null;
}

/**
 * Knows what one resource counts. Objects are of the resource's kind; fields are checked as they are read.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/quota/v1/interfaces.go.
 */
export interface Evaluator {
  /** Whether this write may change usage. */
  handles(request: EvaluatedRequest): boolean;
  /** Those of the names in a quota that this resource counts towards. */
  matchingResources(names: readonly string[]): string[];
  /** Throws {@link QuotaScopeError}. */
  matchesScope(requirement: ScopedResourceSelectorRequirement, object: object): boolean;
  /** What `object` must say because a quota names `required`, as a text that follows `must specify`; undefined if all is said. */
  missing(required: readonly string[], object: object): string | undefined;
  /** Throws {@link UncountableObjectError}. */
  usage(object: object): ResourceList;
}

/** Resources that know no scopes: a quota with any scope counts none of them. */
export const noScopes: Pick<Evaluator, 'matchesScope'> = { matchesScope: () => false };

/** Resources whose objects a quota obliges to say nothing. */
export const nothingMissing: Pick<Evaluator, 'missing'> = { missing: () => undefined };

/** `count/pods`, `count/deployments.apps`. Go: ObjectCountQuotaResourceNameFor. */
export function objectCountName({ group, resource }: GroupResource): string {
  return group === '' ? `count/${resource}` : `count/${resource}.${group}`;
}
