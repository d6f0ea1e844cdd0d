import type { JsonObject } from '../../json/json-value.ts';
import { admitted, type AdmissionPlugin } from '../plugin.ts';
import { defaultClassName } from './default-class.ts';
import { objectAt, withMember } from './object-fields.ts';
import { isForResource } from './requested-type.ts';

/** Source: k8s.io/api v0.37.2 networking/v1beta1/well_known_annotations.go. */
const isDefaultAnnotation = 'ingressclass.kubernetes.io/is-default-class';
const ingressClassAnnotation = 'kubernetes.io/ingress.class';

/**
 * Writes the default IngressClass into new Ingresses that say nothing of a class, by field or by the old annotation.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/network/defaultingressclass/admission.go, copied whole but for
 * the answer to an object that is no Ingress.
 */
export const defaultIngressClassPlugin: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  handles: (operation) => operation === 'CREATE',
  admit(attributes, { state }) {
    const { object, subresource } = attributes;
    const isForIngress = isForResource(attributes, 'ingresses', 'networking.k8s.io');
    if (object === null || subresource !== '' || !isForIngress || hasClass(object)) return admitted(object);
    const name = defaultClassName(state.list('ingressclasses.networking.k8s.io'), [isDefaultAnnotation]);
    if (name === undefined) return admitted(object);
    return admitted(withMember(object, 'spec', withMember(objectAt(object, 'spec'), 'ingressClassName', name)));
  },
};

function hasClass(ingress: JsonObject): boolean {
  if ((objectAt(ingress, 'spec')?.['ingressClassName'] ?? null) !== null) return true;
  return Object.hasOwn(objectAt(objectAt(ingress, 'metadata'), 'annotations') ?? {}, ingressClassAnnotation);
}
