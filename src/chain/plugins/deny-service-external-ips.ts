import type { JsonObject } from '../../json/json-value.ts';
import { refused, validated, type AdmissionPlugin } from '../plugin.ts';
import { newAdmissionForbidden } from '../status-error.ts';
import { objectAt } from './object-fields.ts';
import { isForResource } from './requested-type.ts';

/**
 * Refuses Services with external IPs, but for those that a stored Service has already: they may stay or go.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/network/denyserviceexternalips/admission.go, copied whole but for
 * the answer to an object that is no Service.
 */
export const denyServiceExternalIPsPlugin: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  validate(attributes) {
    const { object, oldObject, subresource } = attributes;
    if (subresource !== '' || !isForResource(attributes, 'services')) return validated;
    const known = new Set(externalIPsOf(oldObject));
    if (externalIPsOf(object).every((ip) => known.has(ip))) return validated;
    return refused(newAdmissionForbidden(attributes, 'Use of external IPs is denied by admission control'));
  },
};

function externalIPsOf(service: JsonObject | null): readonly unknown[] {
  const ips = objectAt(service, 'spec')?.['externalIPs'];
  return Array.isArray(ips) ? ips : [];
}
