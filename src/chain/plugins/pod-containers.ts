import type { JsonObject } from '../../json/json-value.ts';
import { objectAt, objectsAt, withEach, withMember } from './object-fields.ts';

/** The lists of containers in a Pod's spec, in the order in which the API server visits them. */
export const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const;

export interface PodContainer {
  readonly container: JsonObject;
  /** `spec.initContainers[0]`. */
  readonly field: string;
}

/** Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/pods/helpers.go, VisitContainersWithPath. */
export function podContainers(pod: JsonObject | null): PodContainer[] {
  const spec = objectAt(pod, 'spec');
  return containerLists.flatMap((list) =>
    objectsAt(spec, list).map((container, index) => ({ container, field: `spec.${list}[${index}]` })),
  );
}

/** The Pod with its spec changed; the Pod itself when that stays the same. */
export function withPodSpec(pod: JsonObject, change: (spec: JsonObject) => JsonObject): JsonObject {
  const spec = objectAt(pod, 'spec') ?? {};
  const changed = change(spec);
  return changed === spec ? pod : withMember(pod, 'spec', changed);
}

/** The spec with every container in these lists changed. */
export function withContainers(
  spec: JsonObject,
  lists: readonly (typeof containerLists)[number][],
  change: (container: JsonObject) => JsonObject,
): JsonObject {
  return lists.reduce((changed, list) => withEach(changed, list, change), spec);
}
