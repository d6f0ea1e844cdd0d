import type { Pod } from '../api/generated/core.v1.ts';
import { isNotFound, type KubeClient } from '../kube/index.ts';
import {
  bypassAnnotation,
  guardLabel,
  guardLabelValue,
  parseState,
  requestAnnotation,
  stateAnnotation,
  type AbortCause,
  type GuardPhase,
  type GuardState,
  type ReleaseCause,
} from './guard-state.ts';
import type { RemovalVerb, RequesterClass } from './requester.ts';

/** A guarded Pod as people, consoles and scripts see it. Times are RFC 3339. */
export interface GuardedPodView {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly node: string | undefined;
  /** `Free`: nobody has asked for its removal. `Leaving`: its removal was let through. */
  readonly phase: GuardPhase | 'Free' | 'Leaving';
  readonly guard: string | undefined;
  readonly since: string | undefined;
  readonly deadline: string | undefined;
  readonly attempt: number;
  readonly requester: string | undefined;
  readonly requesterClass: RequesterClass | undefined;
  readonly verb: RemovalVerb | undefined;
  readonly lastAttempt: string | undefined;
  readonly owner: string | undefined;
  readonly failures: number;
  readonly releaseCause: ReleaseCause | undefined;
  readonly abortCause: AbortCause | undefined;
  readonly bypass: string | undefined;
  readonly message: string | undefined;
}

const pods = { group: '', version: 'v1', resource: 'pods' } as const;

export function guardedPodView(pod: Pod): GuardedPodView {
  const { metadata = {}, spec } = pod;
  const state = parseState(metadata.annotations?.[stateAnnotation]);
  return {
    namespace: metadata.namespace ?? '',
    pod: metadata.name ?? '',
    uid: metadata.uid ?? '',
    node: spec?.nodeName,
    phase: metadata.deletionTimestamp !== undefined ? 'Leaving' : (state?.phase ?? 'Free'),
    guard: state?.guard,
    since: time(state?.since),
    deadline: time(state?.deadline),
    attempt: state?.attempt ?? 0,
    requester: state?.requester,
    requesterClass: state?.requesterClass,
    verb: state?.verb,
    lastAttempt: time(state?.lastAttempt),
    owner: state?.owner,
    failures: state?.failures ?? 0,
    releaseCause: state?.releaseCause,
    abortCause: state?.abortCause,
    bypass: metadata.annotations?.[bypassAnnotation],
    message: state?.message,
  };
}

/** Pods that carry the guard's label, of one namespace or of all; by namespace and name. */
export async function listGuardedPods(
  client: KubeClient,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<GuardedPodView[]> {
  const { items } = await client.list<Pod>(
    { ...pods, namespace },
    { labelSelector: `${guardLabel}=${guardLabelValue}`, signal },
  );
  return items.map(guardedPodView);
}

/** Undefined when there is no such Pod. */
export async function readGuardedPod(
  client: KubeClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal?: AbortSignal,
): Promise<Pod | undefined> {
  try {
    return await client.get<Pod>({ ...pods, namespace, name }, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What a person may do about a hold. `bypass` says why. */
export type Intervention =
  { readonly kind: 'release' | 'abort' } | { readonly kind: 'bypass'; readonly reason: string };

/**
 * Writes the wish onto that Pod, and on no later one of its name; a replica of the gate carries a release or an abort out.
 * A bypass needs no replica: the API server reads it itself.
 */
export async function intervene(client: KubeClient, pod: Pod, intervention: Intervention): Promise<void> {
  const { namespace, name = '', uid } = pod.metadata ?? {};
  const annotation =
    intervention.kind === 'bypass'
      ? { [bypassAnnotation]: intervention.reason }
      : { [requestAnnotation]: intervention.kind };
  // A merge patch with another uid in it than the object's is a conflict.
  const changes = { metadata: { uid, annotations: annotation } };
  await client.patch({ ...pods, namespace, name }, { type: 'merge', changes });
}

/**
 * Waits until the wish was carried out and gives the Pod as it is then; undefined when the Pod is gone. Rejects with the
 * reason of `signal`.
 */
export async function waitUntilCarriedOut(client: KubeClient, pod: Pod, signal: AbortSignal): Promise<Pod | undefined> {
  const { namespace, name = '', uid } = pod.metadata ?? {};
  const isWaiting = ({ metadata }: Pod): boolean => metadata?.annotations?.[requestAnnotation] !== undefined;
  for (;;) {
    const events = client.watch<Pod>({ ...pods, namespace }, { fieldSelector: `metadata.name=${name}`, signal });
    for await (const event of events) {
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'DELETED' || event.object.metadata?.uid !== uid) return undefined;
      if (!isWaiting(event.object)) return event.object;
    }
    signal.throwIfAborted();
    const current = await readGuardedPod(client, { namespace: namespace ?? '', name }, signal);
    if (current === undefined || current.metadata?.uid !== uid) return undefined;
    if (!isWaiting(current)) return current;
  }
}

function time(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds).toISOString();
}

/** Whether a removal is held at the moment. */
export function isHeldPhase(phase: GuardedPodView['phase'] | GuardState['phase']): boolean {
  return phase === 'Waiting' || phase === 'Cleaning' || phase === 'Retrying' || phase === 'Held';
}
