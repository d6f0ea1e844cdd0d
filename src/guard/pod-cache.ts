import type { Pod } from '../api/generated/core.v1.ts';

/** The guarded Pods as a watch shows them; late, but never wrong about what was. */
export interface PodCache {
  get(name: string, namespace: string): Pod | undefined;
  list(): readonly Pod[];
  /** Told of each Pod that is there already, and of each change. Returns how to end it. */
  subscribe(listener: PodListener): () => void;
}

export interface PodListener {
  readonly changed: (pod: Pod) => void;
  readonly deleted: (pod: Pod) => void;
}

/** Whether `pod` is a later state than `other` of the same Pod. Source: Kubernetes v1.35+, resource versions are numbers that grow. */
export function isNewer(pod: Pod, other: Pod): boolean {
  return version(pod) > version(other);
}

function version({ metadata }: Pod): bigint {
  const text = metadata?.resourceVersion ?? '';
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}
