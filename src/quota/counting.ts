import type { KubernetesObject } from '../api/object-meta.ts';
import type { Pod } from '../api/generated/core.v1.ts';
import type { DeviceClass, ResourceClaim } from '../api/generated/resource.v1.ts';
import type { Evaluator } from '../usage/evaluator.ts';
import { evaluatorFor } from '../usage/evaluators.ts';
import type { GroupResource, ResourceList } from '../usage/index.ts';
import { scopeRequirements } from '../usage/quota-scopes.ts';
import type { GlobalQuota } from './global-quota.ts';

/** Objects that the usage of others depends on. */
export interface CountingContext {
  readonly deviceClasses: () => readonly DeviceClass[];
  readonly podsOf: (namespace: string) => readonly Pod[];
  readonly resourceClaimsOf: (namespace: string) => readonly ResourceClaim[];
}

/** What one object uses, and the quotas that count it. */
export interface CountedObject {
  readonly usage: ResourceList;
  readonly quotas: readonly GlobalQuota[];
}

/** The evaluator of a resource at a moment, milliseconds since the epoch; undefined for those that quota ignores. */
export function evaluatorAt(
  resource: GroupResource,
  namespace: string,
  now: number,
  context: CountingContext,
): Evaluator | undefined {
  if (resource.resource !== 'resourceclaims') return evaluatorFor(resource, { now });
  return evaluatorFor(resource, {
    now,
    deviceClasses: context.deviceClasses(),
    pods: context.podsOf(namespace),
    resourceClaims: context.resourceClaimsOf(namespace),
  });
}

/**
 * What an object counts against those of the given quotas that count it. Throws {@link QuotaScopeError} and
 * {@link UncountableObjectError}.
 */
export function count(evaluator: Evaluator, object: KubernetesObject, quotas: readonly GlobalQuota[]): CountedObject {
  const counting = quotas.filter((quota) => isCounted(quota, evaluator, object));
  return { quotas: counting, usage: counting.length === 0 ? new Map() : evaluator.usage(object) };
}

/** Go: k8s.io/apiserver v0.37.2 pkg/quota/v1/generic/evaluator.go, Matches. */
function isCounted(quota: GlobalQuota, evaluator: Evaluator, object: object): boolean {
  return (
    evaluator.matchingResources([...quota.hard.keys()]).length > 0 &&
    scopeRequirements(quota.scopes).every((requirement) => evaluator.matchesScope(requirement, object))
  );
}
