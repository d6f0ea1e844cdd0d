import { admitted, type AdmissionPlugin } from '../plugin.ts';
import { objectAt, objectsAt, textAt, withMember } from './object-fields.ts';
import { isForResource } from './requested-type.ts';

const notReadyTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/**
 * Gives every new Node the taint `node.kubernetes.io/not-ready:NoSchedule`, until the node controller finds it ready.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/nodetaint/admission.go, copied whole.
 */
export const taintNodesByConditionPlugin: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: (operation) => operation === 'CREATE',
  admit(attributes) {
    const { object, subresource } = attributes;
    if (object === null || subresource !== '' || !isForResource(attributes, 'nodes')) return admitted(object);
    const spec = objectAt(object, 'spec');
    const taints = objectsAt(spec, 'taints');
    const { key, effect } = notReadyTaint;
    if (taints.some((taint) => textAt(taint, 'key') === key && textAt(taint, 'effect') === effect)) {
      return admitted(object);
    }
    return admitted(withMember(object, 'spec', withMember(spec, 'taints', [...taints, { ...notReadyTaint }])));
  },
};
