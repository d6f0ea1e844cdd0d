import type { Pod } from '../api/generated/core.v1.ts';
import { formatPointer } from '../json/index.ts';
import { ApiStatusError, isConflict, isNotFound, type ObjectAddress, type RequestOptions } from '../kube/index.ts';
import type { GuardClient } from './guard-client.ts';
import {
  formatState,
  requestAnnotation,
  stateAnnotation,
  stateOf,
  type GuardState,
  type Restore,
} from './guard-state.ts';
import { inServiceCondition } from './in-service.ts';
import { isChosenByReplicaSet } from './workload.ts';
import type { GuardPolicy } from './guard-policy.ts';

/** How a write ended. */
export type WriteOutcome =
  | { readonly kind: 'written'; readonly pod: Pod }
  /** Somebody else wrote in between; read again. */
  | { readonly kind: 'conflict' }
  /** There is no such Pod any more. */
  | { readonly kind: 'gone' };

export function podAddress({ metadata }: Pick<Pod, 'metadata'>): ObjectAddress {
  return {
    group: '',
    version: 'v1',
    resource: 'pods',
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
  };
}

/** The Pod as the API server has it now; undefined when it is gone, or another bears its name. */
export async function readPod(
  client: GuardClient,
  pod: Pick<Pod, 'metadata'>,
  options: RequestOptions = {},
): Promise<Pod | undefined> {
  try {
    const found = await client.get<Pod>(podAddress(pod), options);
    return found.metadata?.uid === pod.metadata?.uid ? found : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Replaces the state of a Pod, and what goes with it, if the Pod and its state are still those that `pod` shows.
 * `undefined` takes the annotation away. Throws what the client throws, also when the write may have been carried out.
 *
 * While a hold steers its controller, `restore` of the state says what was there before: where it comes or goes, the
 * labels and annotations follow.
 */
export async function writeState(
  client: GuardClient,
  pod: Pod,
  state: GuardState | undefined,
  options: RequestOptions & { readonly clearsRequest?: boolean } = {},
): Promise<WriteOutcome> {
  const { metadata } = pod;
  const { clearsRequest = false, ...requestOptions } = options;
  const annotations = metadata?.annotations;
  const former = annotations?.[stateAnnotation];
  const operations: object[] = [{ op: 'test', path: '/metadata/uid', value: metadata?.uid }];
  if (former !== undefined) operations.push({ op: 'test', path: annotationPath(stateAnnotation), value: former });
  // There is no test for what is not there.
  else operations.push({ op: 'test', path: '/metadata/resourceVersion', value: metadata?.resourceVersion });
  if (annotations === undefined) operations.push({ op: 'add', path: '/metadata/annotations', value: {} });
  if (state !== undefined)
    operations.push({ op: 'add', path: annotationPath(stateAnnotation), value: formatState(state) });
  else if (former !== undefined) operations.push({ op: 'remove', path: annotationPath(stateAnnotation) });
  operations.push(...steering(pod, stateOf(pod)?.restore, state?.restore));
  if (clearsRequest && annotations?.[requestAnnotation] !== undefined) {
    operations.push({ op: 'remove', path: annotationPath(requestAnnotation) });
  }
  try {
    const written = await client.patch<Pod>(podAddress(pod), { type: 'json', operations }, requestOptions);
    return { kind: 'written', pod: written };
  } catch (error) {
    if (isNotFound(error)) return { kind: 'gone' };
    if (isConflict(error) || (error instanceof ApiStatusError && error.statusCode === 422)) return { kind: 'conflict' };
    throw error;
  }
}

/** The lowest there is, so that a ReplicaSet chooses the Pod that is leaving already. Source: k8s.io/api core/v1, PodDeletionCost. */
const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';
const lowestDeletionCost = '-2147483648';

/** What a hold of this Pod changes, to be put back if it is called off; undefined for nothing. */
export function restoreOf(pod: Pod, { takeOutOfService: { trafficLabel: key } }: GuardPolicy): Restore | undefined {
  const value = key === undefined ? undefined : pod.metadata?.labels?.[key];
  const restore: Restore = {
    ...(isChosenByReplicaSet(pod) && { deletionCost: pod.metadata?.annotations?.[deletionCostAnnotation] ?? null }),
    ...(key !== undefined && value !== undefined && { trafficLabel: { key, value } }),
  };
  return Object.keys(restore).length === 0 ? undefined : restore;
}

function steering({ metadata }: Pod, before: Restore | undefined, after: Restore | undefined): object[] {
  const operations: object[] = [];
  const cost = annotationPath(deletionCostAnnotation);
  if (after?.deletionCost !== undefined && before?.deletionCost === undefined) {
    operations.push({ op: 'add', path: cost, value: lowestDeletionCost });
  } else if (after?.deletionCost === undefined && before?.deletionCost !== undefined) {
    if (before.deletionCost !== null) operations.push({ op: 'add', path: cost, value: before.deletionCost });
    else if (metadata?.annotations?.[deletionCostAnnotation] !== undefined)
      operations.push({ op: 'remove', path: cost });
  }
  const taken = after?.trafficLabel;
  const put = before?.trafficLabel;
  if (taken !== undefined && put === undefined && metadata?.labels?.[taken.key] !== undefined) {
    operations.push({ op: 'remove', path: labelPath(taken.key) });
  } else if (taken === undefined && put !== undefined) {
    operations.push({ op: 'add', path: labelPath(put.key), value: put.value });
  }
  return operations;
}

const annotationPath = (key: string): string => formatPointer(['metadata', 'annotations', key]);
const labelPath = (key: string): string => formatPointer(['metadata', 'labels', key]);

/** Tells the kubelet, by the guard's readiness gate, whether the Pod is in service. Does nothing for a Pod without the gate. */
export async function writeInService(
  client: GuardClient,
  pod: Pod,
  isInService: boolean,
  now: number,
  options: RequestOptions = {},
): Promise<void> {
  const status = isInService ? 'True' : 'False';
  const gates = pod.spec?.readinessGates ?? [];
  if (!gates.some(({ conditionType }) => conditionType === inServiceCondition)) return;
  const current = pod.status?.conditions?.find(({ type }) => type === inServiceCondition);
  if (current?.status === status) return;
  const condition = {
    type: inServiceCondition,
    status,
    lastTransitionTime: new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
  try {
    await client.patch(
      { ...podAddress(pod), subresource: 'status' },
      { type: 'strategic', changes: { metadata: { uid: pod.metadata?.uid }, status: { conditions: [condition] } } },
      options,
    );
  } catch (error) {
    // Gone, or another of the same name.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
