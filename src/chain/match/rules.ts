import type { GroupVersionKind, GroupVersionResource } from '../../api/resource.ts';
import type { RuleWithOperations } from '../../api/webhook-configuration.ts';
import type { Attributes } from '../attributes.ts';

/** The part of a request that rules look at. */
export type RuleAttributes = Pick<Attributes, 'operation' | 'resource' | 'subresource' | 'namespace'>;

/**
 * Whether a rule covers a request, exactly: no equivalent resources, no selectors.
 *
 * `rule` may be undefaulted (no scope means any). Empty lists cover nothing.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/predicates/rules/rules.go, Matcher.Matches.
 */
export function matchesRule(rule: RuleWithOperations, attributes: RuleAttributes): boolean {
  return (
    matchesScope(rule, attributes) &&
    matchesOperation(rule, attributes) &&
    matchesGroup(rule, attributes) &&
    matchesVersion(rule, attributes) &&
    matchesResource(rule, attributes)
  );
}

/**
 * Whether the request is for a webhook configuration or an admission policy, which no webhook from the API may see,
 * lest it lock its own door.
 *
 * Source: rules.go, IsExemptAdmissionConfigurationResource.
 */
export function isExemptAdmissionConfigurationResource({ kind }: { readonly kind: GroupVersionKind }): boolean {
  return kind.group === 'admissionregistration.k8s.io' && exemptKinds.has(kind.kind);
}

const exemptKinds: ReadonlySet<string> = new Set([
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
]);

function matchesScope({ scope = '*' }: RuleWithOperations, { resource, namespace }: RuleAttributes): boolean {
  switch (scope) {
    case '*':
      return true;
    // A request for a Namespace carries its own name as namespace, yet Namespaces are cluster-scoped.
    case 'Namespaced':
      return !isNamespaceResource(resource) && namespace !== '';
    case 'Cluster':
      return isNamespaceResource(resource) || namespace === '';
    default:
      return false;
  }
}

function matchesOperation({ operations }: RuleWithOperations, { operation }: RuleAttributes): boolean {
  return operations.includes('*') || operations.includes(operation);
}

function matchesGroup({ apiGroups }: RuleWithOperations, { resource }: RuleAttributes): boolean {
  return exactOrWildcard(apiGroups, resource.group);
}

function matchesVersion({ apiVersions }: RuleWithOperations, { resource }: RuleAttributes): boolean {
  return exactOrWildcard(apiVersions, resource.version);
}

/** `*` is every resource without its subresources, `pods/*` is pods and all its subresources. */
function matchesResource({ resources }: RuleWithOperations, { resource, subresource }: RuleAttributes): boolean {
  return resources.some((text) => {
    const slash = text.indexOf('/');
    const wantedResource = slash === -1 ? text : text.slice(0, slash);
    const wantedSubresource = slash === -1 ? '' : text.slice(slash + 1);
    return (
      (wantedResource === '*' || wantedResource === resource.resource) &&
      (wantedSubresource === '*' || wantedSubresource === subresource)
    );
  });
}

function exactOrWildcard(items: readonly string[], requested: string): boolean {
  return items.includes('*') || items.includes(requested);
}

/** Only the core one: a custom resource called `namespaces` gets no special case. */
function isNamespaceResource({ group, version, resource }: GroupVersionResource): boolean {
  return group === '' && version === 'v1' && resource === 'namespaces';
}
