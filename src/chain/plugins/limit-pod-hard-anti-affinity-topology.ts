import { refused, validated, type AdmissionPlugin } from '../plugin.ts';
import { newForbidden } from '../status-error.ts';
import { metadataText, objectAt, objectsAt, textAt } from './object-fields.ts';
import { isForResource } from './requested-type.ts';

const hostname = 'kubernetes.io/hostname';

/**
 * Refuses Pods whose required anti-affinity keeps other Pods off more than a node.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/antiaffinity/admission.go, copied whole but for the answer to an
 * object that is no Pod.
 */
export const limitPodHardAntiAffinityTopologyPlugin: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  validate(attributes) {
    const { object, resource, subresource } = attributes;
    if (subresource !== '' || !isForResource(attributes, 'pods')) return validated;
    const affinity = objectAt(objectAt(object, 'spec'), 'affinity');
    const terms = objectsAt(objectAt(affinity, 'podAntiAffinity'), 'requiredDuringSchedulingIgnoredDuringExecution');
    const key = terms.map((term) => textAt(term, 'topologyKey')).find((each) => each !== hostname);
    if (key === undefined) return validated;
    const reason = `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${key} but only key ${hostname} is allowed`;
    return refused(newForbidden(resource, metadataText(object, 'name'), reason));
  },
};
