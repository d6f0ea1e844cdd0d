import type { Pod } from '../api/generated/core.v1.ts';

/** The readiness gate by which the guard takes a Pod out of service. */
export const inServiceCondition = 'sallyport.dev/in-service';

/** Adds the gate to a Pod that is being created; its condition is set when the Pod is there. */
export function addInServiceGate(pod: Pod): void {
  if (pod.spec === undefined) return;
  const gates = (pod.spec.readinessGates ??= []);
  if (!gates.some(({ conditionType }) => conditionType === inServiceCondition)) {
    gates.push({ conditionType: inServiceCondition });
  }
}
