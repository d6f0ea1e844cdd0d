import type { Pod } from '../api/generated/core.v1.ts';
import type { PodDisruptionBudget } from '../api/generated/policy.v1.ts';
import type { StatusCause } from '../api/status.ts';
import { parseLabelSelector, type LabelMatcher } from '../api/label-selector.ts';

/** What the API server would answer to an eviction, as far as budgets decide. */
export type BudgetAnswer =
  | { readonly kind: 'free' }
  /** With 429, in these words. */
  | { readonly kind: 'refused'; readonly message: string; readonly causes: readonly StatusCause[] };

/**
 * Whether the disruption budgets of its namespace let a running Pod be evicted now.
 *
 * A Pod under two budgets counts as free: the API server refuses that with a fault of its own, whatever we say.
 *
 * Source: kubernetes v1.37.2 pkg/registry/core/pod/storage/eviction.go, Create and checkAndDecrement.
 */
export function budgetAnswer(pod: Pod, budgets: readonly PodDisruptionBudget[]): BudgetAnswer {
  const own = budgets.filter(({ spec }) => matcherOf(spec?.selector).matches(pod.metadata?.labels));
  const [budget] = own;
  if (budget === undefined || own.length > 1) return free;
  const {
    disruptionsAllowed = 0,
    currentHealthy = 0,
    desiredHealthy = 0,
    observedGeneration = 0,
  } = budget.status ?? {};
  if (!isReady(pod)) {
    if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return free;
    // IfHealthyBudget, also when nothing is said.
    if (currentHealthy >= desiredHealthy && desiredHealthy > 0) return free;
  }
  const name = budget.metadata?.name ?? '';
  if (observedGeneration < (budget.metadata?.generation ?? 0)) {
    return refused(`The disruption budget ${name} is still being processed by the server.`);
  }
  if (disruptionsAllowed > 0) return free;
  return refused(
    `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
  );
}

/** The generated type differs in `undefined` members only, which the parser takes. */
function matcherOf(selector: object | undefined): LabelMatcher {
  return parseLabelSelector(selector);
}

const free: BudgetAnswer = { kind: 'free' };

const refused = (message: string): BudgetAnswer => ({
  kind: 'refused',
  message: "Cannot evict pod as it would violate the pod's disruption budget.",
  causes: [{ reason: 'DisruptionBudget', message }],
});

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}
