import type { MatchCondition, RuleWithOperations } from '../api/webhook-configuration.ts';
import { formatGroupResource } from '../api/resource.ts';
import type { GroupResource } from '../usage/index.ts';
import type { GlobalQuota } from './global-quota.ts';
import { resourcesCounted } from './hard-names.ts';

/**
 * Which writes the API server asks about: those that can raise what one of these quotas counts, and no others.
 *
 * Objects come in the version their usage is known in; those that are only counted in any version. Deletions are never
 * asked about. Source: which operations an evaluator handles, k8s.io/kubernetes v1.37.2 pkg/quota/v1/evaluator/core.
 */
export function quotaRules(quotas: readonly GlobalQuota[]): RuleWithOperations[] {
  return countedResources(quotas).flatMap(rulesFor);
}

/** The resources whose objects these quotas count, sorted. */
export function countedResources(quotas: readonly GlobalQuota[]): GroupResource[] {
  const names = new Set(quotas.flatMap(({ hard }) => [...hard.keys()]));
  return resourcesCounted([...names]).sort((left, right) =>
    formatGroupResource(left) < formatGroupResource(right) ? -1 : 1,
  );
}

function rulesFor({ group, resource }: GroupResource): RuleWithOperations[] {
  const rule = (
    operations: RuleWithOperations['operations'],
    resources: string[],
    version = 'v1',
  ): RuleWithOperations => ({
    operations,
    apiGroups: [group],
    apiVersions: [version],
    resources,
    scope: 'Namespaced',
  });
  switch (formatGroupResource({ group, resource })) {
    case 'pods':
      return [rule(['CREATE', 'UPDATE'], ['pods']), rule(['UPDATE'], ['pods/resize'])];
    case 'persistentvolumeclaims':
      return [rule(['CREATE', 'UPDATE'], [resource]), rule(['UPDATE'], [`${resource}/status`])];
    case 'services':
    case 'resourceclaims.resource.k8s.io':
      return [rule(['CREATE', 'UPDATE'], [resource])];
    default:
      return [rule(['CREATE'], [resource], '*')];
  }
}

/**
 * Keeps away what no rule can tell from what counts: most updates of a Pod are the kubelet's and the scheduler's, and
 * change no usage unless the deadline is set or taken away. Leases and Events have no rule.
 */
export const quotaMatchConditions: readonly MatchCondition[] = [
  {
    name: 'changes-usage',
    expression: [
      "request.resource.group != '' || request.resource.resource != 'pods'",
      "request.operation != 'UPDATE' || request.subResource == 'resize'",
      'has(object.spec.activeDeadlineSeconds) != has(oldObject.spec.activeDeadlineSeconds)',
    ].join(' || '),
  },
];
