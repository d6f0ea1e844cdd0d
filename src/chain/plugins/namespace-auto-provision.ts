import { admitted, type AdmissionPlugin } from '../plugin.ts';
import { isForKind } from './requested-type.ts';

/**
 * Creates the namespace of an object to be created, when it does not exist; not on a dry run. Later requests on the same
 * state find it, also when this one is refused.
 *
 * Not copied: the API server creates the namespace by a request of its own, which has to pass admission too.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/namespace/autoprovision/admission.go.
 */
export const namespaceAutoProvisionPlugin: AdmissionPlugin = {
  name: 'NamespaceAutoProvision',
  handles: (operation) => operation === 'CREATE',
  admit(attributes, { state }) {
    const { dryRun, namespace, object } = attributes;
    if (!dryRun && namespace !== '' && !isForKind(attributes, 'Namespace')) state.createNamespace(namespace);
    return admitted(object);
  },
};
