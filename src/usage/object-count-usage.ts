import { Quantity } from '../api/quantity.ts';
import { noScopes, nothingMissing, objectCountName, type Evaluator, type GroupResource } from './evaluator.ts';
import type { ResourceList } from './resource-list.ts';

/**
 * One object of a resource that counts nothing but itself: `count/<plural>[.<group>]`, and the old short name for the few
 * resources that have one.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/quota/v1/generic/evaluator.go; k8s.io/kubernetes v1.37.2
 * pkg/quota/v1/evaluator/core/registry.go, legacyObjectCountAliases.
 */
export function objectCountUsage(resource: GroupResource): ResourceList {
  return new Map(countNames(resource).map((name) => [name, Quantity.one]));
}

export function objectCountEvaluator(resource: GroupResource): Evaluator {
  const own = new Set(countNames(resource));
  return {
    ...noScopes,
    ...nothingMissing,
    handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',
    matchingResources: (names) => names.filter((name) => own.has(name)),
    usage: () => objectCountUsage(resource),
  };
}

const shortNames: ReadonlySet<string> = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets']);

function countNames(resource: GroupResource): string[] {
  const name = objectCountName(resource);
  return resource.group === '' && shortNames.has(resource.resource) ? [name, resource.resource] : [name];
}
