import { defaultHookSecret, deletionGuardDefinition, deletionGuardKind } from '../guard/index.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import type { Manifest } from './manifest-parts.ts';

/** What a cluster must know for the guard: the kind of its objects, unless they come from a folder. */
export function guardObjects({ guard }: GateConfiguration): Manifest[] {
  return guard === undefined || guard.folder !== undefined ? [] : [deletionGuardDefinition()];
}

/**
 * What the identity that serves may do for the guard, in every namespace: read and mark Pods, delete and evict those that
 * are released, read what decides about a hold, run hooks that are Jobs, tell by Events, and read the one Secret that signs
 * hooks.
 */
export function guardRules({ guard }: GateConfiguration): object[] {
  if (guard === undefined) return [];
  const rule = (
    apiGroup: string,
    resources: readonly string[],
    verbs: readonly string[],
    rest: object = {},
  ): object => ({
    apiGroups: [apiGroup],
    resources,
    ...rest,
    verbs,
  });
  const { group, resource } = deletionGuardKind;
  return [
    rule('', ['pods'], ['get', 'list', 'watch', 'patch', 'delete']),
    rule('', ['pods/status'], ['patch']),
    rule('', ['pods/eviction'], ['create']),
    rule('', ['namespaces', 'nodes'], ['get', 'list', 'watch']),
    rule('policy', ['poddisruptionbudgets'], ['list']),
    rule('batch', ['jobs'], ['get', 'list', 'create', 'delete']),
    rule('events.k8s.io', ['events'], ['create']),
    rule('', ['secrets'], ['get'], { resourceNames: [defaultHookSecret] }),
    ...(guard.folder === undefined ? [rule(group, [resource], ['get', 'list', 'watch'])] : []),
  ];
}

/** What it may do in its own namespace: keep the Leases by which replicas know of each other. */
export function guardNamespaceRules({ guard }: GateConfiguration): object[] {
  if (guard === undefined) return [];
  return [
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      verbs: ['get', 'list', 'create', 'update', 'patch', 'delete'],
    },
  ];
}
