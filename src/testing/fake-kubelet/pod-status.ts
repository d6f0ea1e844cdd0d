import type { Pod, PodCondition, PodStatus } from '../../api/generated/core.v1.ts';

/**
 * The status that a kubelet would write for a Pod that it runs; undefined when nothing has to be written: it is there
 * already, or the Pod has ended. `Ready` is true when the containers are and every readiness gate's condition is `True`.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/kubelet/status/generate.go, GeneratePodReadyCondition.
 */
export function runningStatus(pod: Pod, now: string, newAddress: () => string): PodStatus | undefined {
  const { spec, status = {} } = pod;
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return undefined;
  const conditions = status.conditions ?? [];
  const isTrue = (type: string): boolean => conditions.some((each) => each.type === type && each.status === 'True');
  const waitsFor = (spec?.readinessGates ?? [])
    .map(({ conditionType }) => conditionType)
    .filter((gate) => !isTrue(gate));
  const ready: PodCondition =
    waitsFor.length === 0
      ? { type: 'Ready', status: 'True' }
      : {
          type: 'Ready',
          status: 'False',
          reason: 'ReadinessGatesNotReady',
          message: `corresponding condition of pod readiness gate "${waitsFor.join('", "')}" does not exist or is not True.`,
        };
  const wanted: PodCondition[] = [
    { type: 'Initialized', status: 'True' },
    { type: 'ContainersReady', status: 'True' },
    ready,
  ];
  const changed = wanted.filter(
    ({ type, status }) => !conditions.some((each) => each.type === type && each.status === status),
  );
  if (status.phase === 'Running' && changed.length === 0) return undefined;
  const podIP = status.podIP ?? newAddress();
  return {
    phase: 'Running',
    startTime: status.startTime ?? now,
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: changed.map((condition) => ({ ...condition, lastTransitionTime: now })),
    containerStatuses: (spec?.containers ?? []).map(({ name, image = '' }) => ({
      name,
      image,
      imageID: image,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: status.startTime ?? now } },
    })),
  };
}
