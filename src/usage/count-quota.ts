import type { ResourceQuotaSpec } from '../api/generated/core.v1.ts';
import { Quantity } from '../api/quantity.ts';
import { matchesScopes } from './evaluate-quota.ts';
import type { GroupResource } from './evaluator.ts';
import { evaluatorFor, type EvaluationContext } from './evaluators.ts';
import { addInto, formatResourceList, maskList, parseResourceList, type ResourceListBody } from './resource-list.ts';

/** One stored object and the resource it is of. */
export interface StoredObject {
  readonly resource: GroupResource;
  readonly object: object;
}

/**
 * `status.used` of a quota when these are all the objects of its namespace, as the quota controller counts them: an entry
 * for each name in `hard` that something counts towards, zero where nothing does.
 *
 * Throws {@link QuotaScopeError}, {@link UncountableObjectError}. Source: k8s.io/apiserver v0.37.2 pkg/quota/v1/resources.go,
 * CalculateUsage; the controller there stops counting at a scope it cannot understand.
 */
export function countQuota(
  spec: ResourceQuotaSpec,
  objects: Iterable<StoredObject>,
  context: EvaluationContext,
): ResourceListBody {
  const stored = [...objects];
  const names = [...parseResourceList(spec.hard, 'spec.hard').keys()];
  const used = new Map<string, Quantity>();
  for (const resource of [...countedByName, ...stored.map((each) => each.resource)]) {
    for (const name of evaluatorFor(resource, context)?.matchingResources(names) ?? []) used.set(name, Quantity.zero);
  }
  // Any resource may have its objects counted, also one of which there is no object now.
  for (const name of names) if (name.startsWith('count/')) used.set(name, Quantity.zero);
  for (const { resource, object } of stored) {
    const evaluator = evaluatorFor(resource, context);
    if (evaluator === undefined || !matchesScopes(spec, resource, object)) continue;
    addInto(used, maskList(evaluator.usage(object), used.keys()));
  }
  return formatResourceList(used);
}

/** Resources that count towards more than `count/…`. */
const countedByName: readonly GroupResource[] = [
  ...[
    'pods',
    'services',
    'persistentvolumeclaims',
    'configmaps',
    'secrets',
    'resourcequotas',
    'replicationcontrollers',
  ].map((resource) => ({ group: '', resource })),
  { group: 'resource.k8s.io', resource: 'resourceclaims' },
];
