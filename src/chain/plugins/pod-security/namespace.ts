import { quote } from '../../../api/go-quote.ts';
import type { ClusterState } from '../../cluster-state.ts';
import { newNotFound } from '../../status-error.ts';
import { policyToEvaluate, type NamespacePolicy, type Policy } from './namespace-policy.ts';
import { decode, struct, text, textMap, type Shaped } from './shape.ts';

/** Reads the parts of a Namespace that Pod Security looks at. */
export const namespaceShape = struct({ metadata: struct({ name: text, labels: textMap }) });

export type Namespace = Shaped<typeof namespaceShape>;

/** The policy of a namespace of the cluster, or why it cannot be known. */
export function lookUpPolicy(
  name: string,
  state: ClusterState,
  defaults: Policy,
): NamespacePolicy | { readonly problem: string } {
  const namespace = state.get('namespaces', name);
  if (namespace === undefined)
    return { problem: newNotFound({ group: '', resource: 'namespaces' }, name).message ?? '' };
  const decoded = decode(namespaceShape, namespace);
  return 'problem' in decoded ? decoded : policyToEvaluate(decoded.value.metadata.labels, defaults);
}

/** What is said when {@link lookUpPolicy} fails. */
export function lookupFailure(name: string): string {
  return `failed to lookup namespace ${quote(name)}`;
}
