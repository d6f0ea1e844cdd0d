import type { JsonObject } from '../../json/json-value.ts';
import { admitted, type AdmissionPlugin } from '../plugin.ts';
import { objectAt, objectsAt, textAt, withMember } from './object-fields.ts';
import { isForResource } from './requested-type.ts';

/** The taints of nodes that a Pod shall bear for a while, in the order in which tolerations are added. */
const toleratedTaints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const tolerationSeconds = 300;

/**
 * Lets Pods stay for 300 seconds on a node that is not ready or unreachable, unless they say something else.
 *
 * Not copied: the flags `--default-not-ready-toleration-seconds` and `--default-unreachable-toleration-seconds`.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/defaulttolerationseconds/admission.go.
 */
export const defaultTolerationSecondsPlugin: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  admit(attributes) {
    const { object, subresource } = attributes;
    if (object === null || subresource !== '' || !isForResource(attributes, 'pods')) return admitted(object);
    const spec = objectAt(object, 'spec');
    const tolerations = objectsAt(spec, 'tolerations');
    const missing = toleratedTaints.filter((taint) => !tolerations.some((each) => tolerates(each, taint)));
    if (missing.length === 0) return admitted(object);
    const added = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }));
    return admitted(withMember(object, 'spec', withMember(spec, 'tolerations', [...tolerations, ...added])));
  },
};

/** By key and effect alone: what the toleration's operator and value say does not matter here. */
function tolerates(toleration: JsonObject, taint: string): boolean {
  return ['', taint].includes(textAt(toleration, 'key')) && ['', 'NoExecute'].includes(textAt(toleration, 'effect'));
}
