import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '../../../src/api/generated/rbac.v1.ts';
import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import type { Authorizer, AuthorizerAttributes } from '../../../src/chain/index.ts';

/**
 * Decides by the ClusterRoles among `objects`, bound to users by name, and lets `system:masters` do everything.
 *
 * Not copied: Roles of one namespace, bindings to groups and service accounts, paths that are no resources.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/auth/authorizer/rbac/rbac.go; pkg/apis/rbac/v1/evaluation_helpers.go.
 */
export function rbacAuthorizer(objects: readonly KubernetesObject[]): Authorizer {
  // Each object says itself what it is.
  const roles = objects.filter(({ kind }) => kind === 'ClusterRole') as unknown as readonly ClusterRole[];
  const bindings = objects.filter(({ kind }) => kind === 'ClusterRoleBinding') as unknown as readonly ClusterRoleBinding[];
  return {
    authorize(attributes) {
      const { username, groups = [] } = attributes.user;
      const names = bindings
        .filter(({ subjects = [] }) => subjects.some(({ kind, name }) => kind === 'User' && name === username))
        .map(({ roleRef }) => roleRef.name);
      const rules = roles.filter(({ metadata }) => names.includes(metadata?.name ?? '')).flatMap((role) => role.rules ?? []);
      const isAllowed = groups.includes('system:masters') || rules.some((rule) => allows(rule, attributes));
      return { decision: isAllowed ? 'allow' : 'noOpinion', reason: '' };
    },
  };
}

function allows(rule: PolicyRule, { verb, apiGroup, resource, subresource, name }: AuthorizerAttributes): boolean {
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const names = rule.resourceNames ?? [];
  return (
    includes(rule.verbs, verb) &&
    includes(rule.apiGroups, apiGroup) &&
    (includes(rule.resources, combined) || (subresource !== '' && includes(rule.resources, `*/${subresource}`))) &&
    (names.length === 0 || names.includes(name))
  );
}

function includes(list: readonly string[] = [], wanted: string): boolean {
  return list.includes('*') || list.includes(wanted);
}
