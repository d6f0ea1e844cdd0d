import type {
  PersistentVolumeClaim,
  Pod,
  ResourceQuotaSpec,
  ScopedResourceSelectorRequirement,
} from '../api/generated/core.v1.ts';
import type { PodAffinityTerm } from '../api/generated/core.v1.ts';
import { quote } from '../api/go-quote.ts';
import { labelRequirement, LabelSelectorError, type LabelMatcher } from '../api/label-selector.ts';
import { QuotaScopeError } from './errors.ts';
import { integerAt, listAt } from './object-fields.ts';
import { podQosClass } from './pod-qos.ts';

/** The scopes of a quota as they are written in its spec. */
export type QuotaScopes = Pick<ResourceQuotaSpec, 'scopes' | 'scopeSelector'>;

/**
 * `scopes` and `scopeSelector` as one list; all of its members must match. Source: k8s.io/apiserver v0.37.2
 * pkg/quota/v1/generic/evaluator.go, getScopeSelectorsFromQuota.
 */
export function scopeRequirements({ scopes, scopeSelector }: QuotaScopes): ScopedResourceSelectorRequirement[] {
  return [
    ...listAt(scopes, 'spec.scopes').map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...listAt(scopeSelector?.matchExpressions, 'spec.scopeSelector.matchExpressions'),
  ];
}

/**
 * Throws {@link QuotaScopeError}; a scope that no Pod has matches none.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/quota/v1/evaluator/core/pods.go, podMatchesScopeFunc.
 */
export function podMatchesScope(requirement: ScopedResourceSelectorRequirement, pod: Pod): boolean {
  switch (requirement.scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return podQosClass(pod) === 'BestEffort';
    case 'NotBestEffort':
      return podQosClass(pod) !== 'BestEffort';
    case 'PriorityClass': {
      const name = pod.spec?.priorityClassName ?? '';
      if (requirement.operator === 'Exists') return name !== '';
      return scopeMatcher(requirement).matches(name === '' ? {} : { PriorityClass: name });
    }
    case 'CrossNamespacePodAffinity':
      return usesCrossNamespacePodAffinity(pod);
    default:
      return false;
  }
}

/**
 * Of the names a claim refers to (wanted, in force, on the way) one that passes is enough, also for `NotIn`.
 *
 * Throws {@link QuotaScopeError}. Source: persistent_volume_claims.go there, pvcMatchesScopeFunc.
 */
export function claimMatchesScope(
  requirement: ScopedResourceSelectorRequirement,
  { spec, status }: PersistentVolumeClaim,
): boolean {
  if (requirement.scopeName !== 'VolumeAttributesClass') return false;
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].flatMap((name) => (name ? [name] : []));
  if (requirement.operator === 'Exists') return names.length > 0;
  const matcher = scopeMatcher(requirement);
  if (names.length === 0) return matcher.matches({});
  return names.some((name) => matcher.matches({ VolumeAttributesClass: name }));
}

/** "Terminating" is the scope's name for a Pod with a deadline. Go: core.IsTerminating. */
export function isTerminating(pod: Pod): boolean {
  return (integerAt(pod.spec?.activeDeadlineSeconds, 'spec.activeDeadlineSeconds') ?? -1n) >= 0n;
}

/** `{PriorityClass In [high]}`, as Go prints the struct with %v. */
export function formatScopeRequirement({ scopeName, operator, values }: ScopedResourceSelectorRequirement): string {
  return `{${scopeName} ${operator} [${(values ?? []).join(' ')}]}`;
}

/** Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/v1/helper/helpers.go, ScopedResourceSelectorRequirementsAsSelector. */
function scopeMatcher({ scopeName, operator, values }: ScopedResourceSelectorRequirement): LabelMatcher {
  try {
    switch (operator) {
      case 'In':
      case 'NotIn':
      case 'Exists':
      case 'DoesNotExist':
        return labelRequirement(scopeName, operator, values ?? null);
    }
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    throw new QuotaScopeError(`failed to parse and convert selector: ${error.message}`, { cause: error });
  }
  const problem = `${quote(operator)} is not a valid scope selector operator`;
  throw new QuotaScopeError(`failed to parse and convert selector: ${problem}`);
}

function usesCrossNamespacePodAffinity(pod: Pod): boolean {
  return (['podAffinity', 'podAntiAffinity'] as const).some((side) => {
    const affinity = pod.spec?.affinity?.[side];
    const field = `spec.affinity.${side}`;
    const required = listAt(
      affinity?.requiredDuringSchedulingIgnoredDuringExecution,
      `${field}.requiredDuringSchedulingIgnoredDuringExecution`,
    );
    const preferred = listAt(
      affinity?.preferredDuringSchedulingIgnoredDuringExecution,
      `${field}.preferredDuringSchedulingIgnoredDuringExecution`,
    );
    return (
      required.some(reachesOtherNamespaces) || preferred.some((each) => reachesOtherNamespaces(each.podAffinityTerm))
    );
  });
}

/** An empty namespaceSelector means all namespaces, and counts; an absent one does not. */
function reachesOtherNamespaces(term: PodAffinityTerm | null | undefined): boolean {
  const selector = term?.namespaceSelector;
  return (term?.namespaces ?? []).length > 0 || (selector !== undefined && selector !== null);
}
