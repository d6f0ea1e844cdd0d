import type { Pod } from '../api/generated/core.v1.ts';
import { Quantity } from '../api/quantity.ts';
import type { Evaluator } from './evaluator.ts';
import { integerAt, listAt } from './object-fields.ts';
import {
  isPodLevelResourcesSet,
  podLevelResources,
  podResources,
  readRequirements,
  type PodResources,
} from './pod-resources.ts';
import { isTerminating, podMatchesScope } from './quota-scopes.ts';
import { sortedNames, type ResourceList } from './resource-list.ts';
import {
  hugePagesPrefix,
  isExtendedResource,
  isExtendedResourceForQuota,
  isHugePages,
  requestsPrefix,
} from './resource-names.ts';

/**
 * What a Pod counts: `count/pods` always; `pods` and its resources until it is at its end, which is when its phase is
 * Succeeded or Failed, or its grace period after deletion is over. So a Pod may stop to count by time alone.
 *
 * `now` is in milliseconds since the epoch. Expects a defaulted Pod: one from a manifest must go through
 * {@link defaultPodRequests} and, when it is created, {@link defaultPodLevelResources}.
 *
 * Throws {@link UncountableObjectError}. Source: k8s.io/kubernetes v1.37.2 pkg/quota/v1/evaluator/core/pods.go,
 * PodUsageFunc.
 */
export function podUsage(pod: Pod, { now }: { readonly now: number }): ResourceList {
  const count: [string, Quantity] = ['count/pods', Quantity.one];
  return isAtItsEnd(pod, now) ? new Map([count]) : new Map([count, ...computeUsage(podResources(pod))]);
}

export function podEvaluator({ now }: { readonly now: number }): Evaluator {
  return {
    handles({ operation, subresource, object, oldObject }) {
      if (subresource === 'resize') return operation === 'UPDATE';
      if (subresource !== '') return false;
      if (operation !== 'UPDATE') return operation === 'CREATE';
      // A deadline set or taken away moves the Pod between quotas.
      return object !== null && oldObject !== null && isTerminating(object) !== isTerminating(oldObject);
    },
    matchingResources: (names) =>
      names.filter(
        (name) =>
          podResourceNames.has(name) ||
          isHugePages(name) ||
          name.startsWith(requestsPrefix + hugePagesPrefix) ||
          isExtendedResourceForQuota(name),
      ),
    matchesScope: podMatchesScope,
    missing: missingRequirements,
    usage: (pod) => podUsage(pod, { now }),
  };
}

const podResourceNames: ReadonlySet<string> = new Set([
  'count/pods',
  'pods',
  ...['cpu', 'memory', 'ephemeral-storage'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);

/** The upstream comment calls it a mistake that a quota on these makes every container name them. */
const compulsory: ReadonlySet<string> = new Set(
  ['cpu', 'memory'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
);

/** Go: QuotaV1Pod. */
function isAtItsEnd(pod: Pod, now: number): boolean {
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return true;
  const { deletionTimestamp } = pod.metadata ?? {};
  const field = 'metadata.deletionGracePeriodSeconds';
  const graceSeconds = integerAt(pod.metadata?.deletionGracePeriodSeconds, field);
  if (deletionTimestamp === undefined || deletionTimestamp === null || graceSeconds === undefined) return false;
  return now > Date.parse(deletionTimestamp) + Number(graceSeconds) * 1000;
}

/** Go: podComputeUsageHelper. */
function computeUsage({ requests, limits }: PodResources): Map<string, Quantity> {
  const usage = new Map([['pods', Quantity.one]]);
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const [request, limit] = [requests.get(name), limits.get(name)];
    if (request !== undefined) usage.set(name, request).set(requestsPrefix + name, request);
    if (limit !== undefined) usage.set(`limits.${name}`, limit);
  }
  for (const [name, request] of requests) {
    if (isHugePages(name)) usage.set(name, request).set(requestsPrefix + name, request);
    if (isExtendedResource(name)) usage.set(requestsPrefix + name, request);
  }
  return usage;
}

/** Go: podEvaluator.Constraints. */
function missingRequirements(required: readonly string[], pod: Pod): string | undefined {
  if (isPodLevelResourcesSet(podLevelResources(pod))) return undefined;
  const compulsoryHere = required.filter((name) => compulsory.has(name));
  const containersMissing = new Map<string, Set<string>>();
  for (const list of ['containers', 'initContainers'] as const) {
    listAt(pod.spec?.[list], `spec.${list}`).forEach(({ name, resources }, index) => {
      const said = computeUsage(readRequirements(resources, `spec.${list}[${index}].resources`));
      for (const resource of compulsoryHere) {
        if (said.has(resource)) continue;
        containersMissing.set(resource, (containersMissing.get(resource) ?? new Set()).add(name));
      }
    });
  }
  if (containersMissing.size === 0) return undefined;
  return sortedNames(containersMissing.keys())
    .map((resource) => `${resource} for: ${[...(containersMissing.get(resource) ?? [])].sort().join(',')}`)
    .join('; ');
}
