import type { Pod } from '../api/generated/core.v1.ts';

/**
 * What a Pod belongs to, for the limit of Pods that leave at one time; undefined for a Pod without a controller.
 *
 * The ReplicaSets of one Deployment count as one: they bear its name and the hash of their template. Source: kubernetes
 * v1.37.2 pkg/controller/deployment/sync.go, getNewReplicaSet.
 */
export function workloadOf({ metadata }: Pod): string | undefined {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return undefined;
  const suffix = `-${metadata?.labels?.['pod-template-hash'] ?? ''}`;
  const isOfDeployment = owner.kind === 'ReplicaSet' && suffix.length > 1 && owner.name.endsWith(suffix);
  const [kind, name] = isOfDeployment ? ['Deployment', owner.name.slice(0, -suffix.length)] : [owner.kind, owner.name];
  return `${metadata?.namespace ?? ''}/${kind}/${name}`;
}

/** Whether a ReplicaSet chooses which of its Pods leaves. */
export function isChosenByReplicaSet({ metadata }: Pod): boolean {
  return (
    metadata?.ownerReferences?.some(({ controller, kind }) => controller === true && kind === 'ReplicaSet') ?? false
  );
}
