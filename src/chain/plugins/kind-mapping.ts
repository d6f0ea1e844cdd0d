import { builtinResources } from '../../api/generated/resources.ts';
import type { GroupVersionKind, GroupVersionResource } from '../../api/resource.ts';
import type { ClusterState } from '../cluster-state.ts';

/** The resource that holds the objects of a kind. */
export interface KindMapping extends GroupVersionResource {
  readonly namespaced: boolean;
}

/**
 * The resource of a kind, among the built-in ones and those that the CustomResourceDefinitions of the cluster serve;
 * undefined when there is none. A kind is found by its name in lower case too.
 *
 * Not copied: that a kind of lists, as `PodList`, is found with a resource guessed from it.
 *
 * Source: k8s.io/client-go v0.37.2 restmapper/discovery.go, newDiscoveryRESTMapper.
 */
export function mappingOf(wanted: GroupVersionKind, state: ClusterState): KindMapping | undefined {
  const isWanted = (group: string, version: string, kind: string): boolean =>
    group === wanted.group && version === wanted.version && [kind, kind.toLowerCase()].includes(wanted.kind);
  const { group, version } = wanted;
  const builtin = builtinResources.find((each) => isWanted(each.group, each.version, each.kind));
  if (builtin !== undefined) return { group, version, resource: builtin.resource, namespaced: builtin.namespaced };
  for (const { spec } of state.list('customresourcedefinitions.apiextensions.k8s.io')) {
    if (!spec.versions.some(({ name, served }) => served && isWanted(spec.group, name, spec.names.kind))) continue;
    return { group, version, resource: spec.names.plural, namespaced: spec.scope === 'Namespaced' };
  }
  return undefined;
}
