import type { KubernetesObject } from '../../../../src/api/object-meta.ts';
import type { JsonObject } from '../../../../src/json/json-value.ts';
import type { RequestSpec } from '../../chain/scenario.ts';
import type { PluginWorld } from '../world.ts';
import { configMaps, create, namespace, patch } from './build.ts';

const owner = (name: string, over: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: `uid-of-${name}` },
  ...over,
});
const blocking = { blockOwnerDeletion: true };
const configMap = (name: string, ...ownerReferences: JsonObject[]): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ownerReferences } },
});
const owners = (...ownerReferences: JsonObject[]): JsonObject => ({ metadata: { ownerReferences } });
const widget = (name: string, apiVersion = 'example.com/v1'): JsonObject =>
  owner(name, { apiVersion, kind: 'Widget', ...blocking });

const widgets: KubernetesObject = {
  ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'widgets.example.com' } },
  ...{
    spec: {
      ...{ group: 'example.com', scope: 'Cluster', names: { plural: 'widgets', kind: 'Widget' } },
      versions: ['v1', 'v2'].map((name) => ({
        ...{ name, served: name === 'v1', storage: name === 'v1' },
        schema: { openAPIV3Schema: { type: 'object' } },
      })),
    },
  },
};

/** May write ConfigMaps and block the deletion of some owners. */
const writer = { username: 'writer', groups: ['system:authenticated'] };
/** May delete them too. */
const deleter = { ...writer, username: 'deleter' };
/** May block the deletion of everything. */
const finalizer = { ...writer, username: 'finalizer' };

const rule = (verbs: string[], apiGroup: string, resource: string, resourceNames?: string[]): JsonObject => ({
  ...{ verbs, apiGroups: [apiGroup], resources: [resource] },
  ...(resourceNames === undefined ? {} : { resourceNames }),
});
const role = (name: string, rules: JsonObject[], users: readonly { readonly username: string }[]): KubernetesObject[] => [
  { ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name } }, ...{ rules } },
  {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name } },
    ...{
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: users.map(({ username }) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: username })),
    },
  },
];

const makes = (name: string, ...references: JsonObject[]): RequestSpec =>
  create(configMaps, 'team', configMap(name, ...references), { user: writer });
const changes = (name: string, from: JsonObject[], to: JsonObject[], user = deleter): RequestSpec =>
  patch(configMaps, 'team', configMap(name, ...from), owners(...to), { user });

const mine = owner('mine');

export const ownerReferencesWorld: PluginWorld = {
  name: 'owner-references-permission-enforcement',
  plugins: ['OwnerReferencesPermissionEnforcement'],
  cluster: [
    namespace('team'),
    widgets,
    ...role(
      'writer',
      [
        rule(['create', 'get', 'patch'], '', 'configmaps'),
        rule(['update'], 'apps', 'replicasets/finalizers', ['mine']),
        rule(['update'], 'example.com', 'widgets/finalizers'),
      ],
      [writer, deleter, finalizer],
    ),
    ...role('deleter', [rule(['delete'], '', 'configmaps')], [deleter]),
    ...role('finalizer', [rule(['update'], '*', '*/finalizers')], [finalizer]),
  ],
  requests: [
    makes('none'),
    makes('owned', mine),
    makes('not-blocking', owner('other', { blockOwnerDeletion: false })),
    makes('blocking', owner('mine', blocking)),
    makes('blocking-other', owner('other', blocking)),
    makes('blocking-both', owner('mine', blocking), owner('other', blocking)),
    makes('lower-case', owner('mine', { kind: 'replicaset', ...blocking })),
    makes('unknown-kind', owner('mine', { kind: 'Frob', ...blocking })),
    makes('unknown-version', owner('mine', { apiVersion: 'apps/v7', ...blocking })),
    makes('core-kind', owner('mine', { apiVersion: 'v1', kind: 'Pod', ...blocking })),
    makes('cluster-kind', owner('mine', { apiVersion: 'v1', kind: 'Node', ...blocking })),
    makes('custom', widget('w')),
    makes('custom-unserved', widget('w', 'example.com/v2')),
    { ...makes('finalizer', owner('other', { kind: 'Frob', ...blocking })), user: finalizer },
    create(configMaps, 'team', configMap('master', owner('other', { kind: 'Frob', ...blocking }))),
    changes('adds', [], [mine], writer),
    changes('removes', [mine], [], writer),
    changes('keeps', [mine], [mine], writer),
    changes('says-no', [mine], [{ ...mine, controller: false }], writer),
    changes('adds-and-may', [], [mine]),
    changes('reorders', [mine, owner('other')], [owner('other'), mine], writer),
    changes('blocks', [owner('other')], [owner('other', blocking)]),
    changes('blocks-and-may', [mine], [owner('mine', blocking)]),
    changes('blocked-before', [owner('other', blocking)], [owner('other', { ...blocking, controller: true })]),
    changes('unblocks', [owner('other', blocking)], [owner('other')]),
  ],
};
