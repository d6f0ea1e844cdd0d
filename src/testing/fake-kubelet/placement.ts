import type { Node, NodeSelectorRequirement, Pod, Taint, Toleration } from '../../api/generated/core.v1.ts';

/**
 * The node that a Pod may run on and that has the fewest Pods; undefined when none fits.
 *
 * Looks at what drains and controllers use: `spec.unschedulable`, taints, `nodeSelector`, and required node affinity by
 * `In` and `Exists` (a DaemonSet names its node by `matchFields`). Resources, spread and preferences are left out.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/scheduler/framework/plugins/{nodeunschedulable,tainttoleration,nodeaffinity}.
 */
export function chooseNode(pod: Pod, nodes: readonly Node[], podsOn: (node: string) => number): string | undefined {
  return nodes
    .filter((node) => fits(pod, node))
    .map((node) => node.metadata?.name ?? '')
    .sort((one, other) => podsOn(one) - podsOn(other) || one.localeCompare(other))[0];
}

function fits({ spec }: Pod, node: Node): boolean {
  const tolerations = spec?.tolerations ?? [];
  const labels = node.metadata?.labels ?? {};
  const taints: Taint[] = [...(node.spec?.taints ?? [])];
  if (node.spec?.unschedulable === true) taints.push({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' });
  const repels = taints.some(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
  if (repels) return false;
  if (!Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const fields = { 'metadata.name': node.metadata?.name ?? '' };
  return (
    terms === undefined ||
    terms.some(
      ({ matchExpressions = [], matchFields = [] }) =>
        matchExpressions.every((requirement) => meets(requirement, labels)) &&
        matchFields.every((requirement) => meets(requirement, fields)),
    )
  );
}

function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && effect !== '' && effect !== taint.effect) return false;
  if (key !== undefined && key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || value === (taint.value ?? '');
}

function meets({ key, operator, values = [] }: NodeSelectorRequirement, of: Readonly<Record<string, string>>): boolean {
  const value = of[key];
  if (operator === 'Exists') return value !== undefined;
  return operator === 'In' && value !== undefined && values.includes(value);
}
