import { claimEvaluator } from './claim-usage.ts';
import type { Evaluator, GroupResource } from './evaluator.ts';
import { objectCountEvaluator } from './object-count-usage.ts';
import { podEvaluator } from './pod-usage.ts';
import { resourceClaimEvaluator, type ResourceClaimContext } from './resource-claim-usage.ts';
import { serviceEvaluator } from './service-usage.ts';

/** What counting may need to know besides the object. */
export type EvaluationContext = Pick<ResourceClaimContext, 'now'> & Partial<ResourceClaimContext>;

/**
 * The evaluator of a resource; undefined for those that quota ignores. Every resource not known here is counted.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/quota/v1/evaluator/core/registry.go, pkg/quota/v1/install/registry.go.
 */
export function evaluatorFor(resource: GroupResource, context: EvaluationContext): Evaluator | undefined {
  const name = `${resource.resource}.${resource.group}`;
  if (ignored.has(name)) return undefined;
  switch (name) {
    case 'pods.':
      return podEvaluator(context);
    case 'services.':
      return serviceEvaluator;
    case 'persistentvolumeclaims.':
      return claimEvaluator;
    case 'resourceclaims.resource.k8s.io':
      return resourceClaimEvaluator({ deviceClasses: [], pods: [], resourceClaims: [], ...context });
    default:
      return objectCountEvaluator(resource);
  }
}

/** Not stored, or too many to count: events. */
const ignored: ReadonlySet<string> = new Set([
  'bindings.',
  'componentstatuses.',
  'tokenreviews.authentication.k8s.io',
  'selfsubjectreviews.authentication.k8s.io',
  'subjectaccessreviews.authorization.k8s.io',
  'selfsubjectaccessreviews.authorization.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io',
  'events.',
  'events.events.k8s.io',
]);
