import type { Status } from '../../api/status.ts';
import type { Attributes } from '../attributes.ts';
import { admitted, refused, type AdmissionContext, type AdmissionPlugin, type AdmitResult } from '../plugin.ts';
import { newAdmissionForbidden, newForbidden, newNotFound } from '../status-error.ts';
import { isForKind, isForResource } from './requested-type.ts';

/**
 * Lets nothing be created in a namespace that does not exist or is being terminated, and keeps `default`, `kube-system`
 * and `kube-public` from being deleted.
 *
 * Not copied: the waits and live look-ups by which the API server makes up for a late cache, and what it answers when
 * those fail. The cluster's state is taken to be up to date.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/namespace/lifecycle/admission.go.
 */
export const namespaceLifecyclePlugin: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  handles: (operation) => operation !== 'CONNECT',
  admit(attributes, context): AdmitResult {
    const refusal = refusalOf(attributes, context);
    return refusal === undefined ? admitted(attributes.object) : refused(refusal);
  },
};

const immortalNamespaces: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

function refusalOf(attributes: Attributes, { state }: AdmissionContext): Status | undefined {
  const { operation, resource, name, namespace } = attributes;
  if (isForKind(attributes, 'Namespace')) {
    if (operation !== 'DELETE' || !immortalNamespaces.has(name)) return undefined;
    return newForbidden(resource, name, 'this namespace may not be deleted');
  }
  if (operation !== 'CREATE' || namespace === '' || isAccessReview(attributes)) return undefined;
  const stored = state.get('namespaces', namespace);
  if (stored === undefined) return newNotFound({ group: '', resource: 'namespaces' }, namespace);
  return stored.status?.phase === 'Terminating' ? terminating(attributes) : undefined;
}

function terminating(attributes: Attributes): Status {
  const { namespace } = attributes;
  const reason = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const status = newAdmissionForbidden(attributes, reason);
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  return { ...status, details: { ...status.details, causes: [cause] } };
}

/** Whether a namespace exists is not told to those who may only ask what they may do in it. */
function isAccessReview(attributes: Attributes): boolean {
  return isForResource(attributes, 'localsubjectaccessreviews', 'authorization.k8s.io');
}
