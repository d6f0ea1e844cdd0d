import type { Attributes } from '../attributes.ts';
import { refused, type AdmissionPlugin, type Refused } from '../plugin.ts';
import { newAdmissionForbidden } from '../status-error.ts';

/**
 * Refuses every request. Deprecated upstream, meant for tests.
 *
 * Not copied: the warning in the server's log.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/deny/admission.go.
 */
export const alwaysDenyPlugin: AdmissionPlugin = {
  name: 'AlwaysDeny',
  handles: () => true,
  admit: deny,
  validate: deny,
};

function deny(attributes: Attributes): Refused {
  return refused(newAdmissionForbidden(attributes, 'admission control is denying all modifications'));
}
