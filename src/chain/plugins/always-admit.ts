import { admitted, validated, type AdmissionPlugin } from '../plugin.ts';

/**
 * Has nothing against any request. Deprecated upstream, without effect.
 *
 * Not copied: the warning in the server's log.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/admit/admission.go.
 */
export const alwaysAdmitPlugin: AdmissionPlugin = {
  name: 'AlwaysAdmit',
  handles: () => true,
  admit: ({ object }) => admitted(object),
  validate: () => validated,
};
