import type { Container, Pod } from './pod.ts';

/**
 * Whether an update must be judged. What else may change of a Pod cannot make it worse, so that a Pod which was there
 * before its namespace became stricter can still be labelled and finish.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 admission/admission.go, isSignificantPodUpdate.
 */
export function isSignificantPodUpdate({ spec }: Pod, { spec: oldSpec }: Pod): boolean {
  return (
    differInImages(spec.containers, oldSpec.containers) ||
    differInImages(spec.initContainers, oldSpec.initContainers) ||
    // These can only be added, and are told apart by name.
    spec.ephemeralContainers.some(
      ({ name, image }) => oldSpec.ephemeralContainers.find((old) => old.name === name)?.image !== image,
    )
  );
}

function differInImages(containers: readonly Container[], oldContainers: readonly Container[]): boolean {
  return (
    containers.length !== oldContainers.length ||
    containers.some(({ image }, index) => image !== oldContainers[index]?.image)
  );
}
