import type { Labels } from '../../api/label-selector.ts';
import type { KubernetesObject } from '../../api/object-meta.ts';
import type { LabelSelector } from '../../api/webhook-configuration.ts';
import type { Attributes } from '../attributes.ts';
import { newNotFound } from '../status-error.ts';
import { labelsOf } from './labels.ts';
import {
  failed,
  matched,
  notMatched,
  parseSelector,
  type ParsedSelector,
  type SelectorMatch,
} from './parsed-selector.ts';

/** Gives a Namespace by name; undefined when the cluster has none of that name. */
export type NamespaceLookup = (name: string) => KubernetesObject | undefined;

/** The part of a request that namespace selectors look at. */
export type NamespaceSelectorAttributes = Pick<
  Attributes,
  'operation' | 'resource' | 'subresource' | 'namespace' | 'object'
>;

/**
 * Whether a webhook's `namespaceSelector` covers a request.
 *
 * Requests for cluster-scoped resources other than `namespaces` (of any group) are always covered. The labels tested are
 * those of the stored Namespace, except on CREATE and UPDATE of `namespaces`, where they are the new object's.
 *
 * `selector` must be defaulted: absent selects nothing.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/predicates/namespace/matcher.go, MatchNamespaceSelector.
 */
export function selectNamespace(
  selector: LabelSelector | undefined,
  attributes: NamespaceSelectorAttributes,
  namespaces: NamespaceLookup,
): SelectorMatch {
  return matchNamespaceSelector(parseSelector(selector), attributes, namespaces);
}

/** {@link selectNamespace} with a selector that was read before. */
export function matchNamespaceSelector(
  selector: ParsedSelector,
  attributes: NamespaceSelectorAttributes,
  namespaces: NamespaceLookup,
): SelectorMatch {
  if (attributes.namespace === '' && attributes.resource.resource !== 'namespaces') return matched;
  if (selector.kind === 'failed') return selector;
  if (selector.labels.isEmpty) return matched;
  let labels: Labels;
  if (isWriteOfNamespace(attributes)) {
    labels = labelsOf(attributes.object);
  } else {
    const namespace = namespaces(attributes.namespace);
    if (namespace === undefined)
      return failed(newNotFound({ group: '', resource: 'namespaces' }, attributes.namespace));
    labels = namespace.metadata?.labels;
  }
  return selector.labels.matches(labels) ? matched : notMatched;
}

/** The stored Namespace is not there yet, or not as it will be. */
function isWriteOfNamespace({ operation, resource, subresource }: NamespaceSelectorAttributes): boolean {
  return resource.resource === 'namespaces' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE');
}
