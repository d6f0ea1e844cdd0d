import { refused, validated, type AdmissionPlugin } from '../plugin.ts';
import { newNotFound } from '../status-error.ts';
import { isForKind } from './requested-type.ts';

/**
 * Refuses writes in a namespace that does not exist, also updates and deletions, which NamespaceLifecycle lets pass.
 *
 * Not copied: the live look-up by which the API server makes up for a late cache, and what it answers when that fails.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/namespace/exists/admission.go.
 */
export const namespaceExistsPlugin: AdmissionPlugin = {
  name: 'NamespaceExists',
  handles: (operation) => operation !== 'CONNECT',
  validate(attributes, { state }) {
    const { namespace } = attributes;
    if (namespace === '' || isForKind(attributes, 'Namespace')) return validated;
    if (state.get('namespaces', namespace) !== undefined) return validated;
    return refused(newNotFound({ group: '', resource: 'namespaces' }, namespace));
  },
};
