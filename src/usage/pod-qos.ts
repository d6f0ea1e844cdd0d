import type { Pod } from '../api/generated/core.v1.ts';
import { Quantity } from '../api/quantity.ts';
import { listAt } from './object-fields.ts';
import { isPodLevelResourcesSet, podLevelResources, readRequirements, type PodResources } from './pod-resources.ts';

export type PodQosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/**
 * The QoS class in the Pod's status, or else the one its resources make.
 *
 * Throws {@link UncountableObjectError}. Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/v1/helper/qos/qos.go.
 */
export function podQosClass(pod: Pod): string {
  const reported = pod.status?.qosClass;
  if (reported !== undefined && reported !== null && reported !== '') return reported;
  const podLevel = podLevelResources(pod);
  if (isPodLevelResourcesSet(podLevel)) return requirementsQos(podLevel);
  const classes = new Set<PodQosClass>();
  for (const list of ['initContainers', 'containers'] as const) {
    listAt(pod.spec?.[list], `spec.${list}`).forEach(({ resources }, index) => {
      classes.add(requirementsQos(readRequirements(resources, `spec.${list}[${index}].resources`)));
    });
  }
  return combined(classes);
}

function requirementsQos({ requests, limits }: PodResources): PodQosClass {
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  const classes = ['cpu', 'memory'].map((name): PodQosClass => {
    const request = requests.get(name) ?? Quantity.zero;
    const limit = limits.get(name) ?? Quantity.zero;
    if (request.compare(limit) !== 0) return 'Burstable';
    return request.isZero() ? 'BestEffort' : 'Guaranteed';
  });
  return combined(new Set(classes));
}

/** What all agree on, or Burstable. */
function combined(classes: ReadonlySet<PodQosClass>): PodQosClass {
  const [first = 'BestEffort', ...others] = classes;
  return others.length === 0 ? first : 'Burstable';
}
