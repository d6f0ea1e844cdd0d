import type { PluginWorld } from '../world.ts';
import { configMap, configMaps, create, namespace, namespaces, patch, pod, pods, remove } from './build.ts';

const review = { group: 'authorization.k8s.io', version: 'v1', resource: 'localsubjectaccessreviews' };
const clusterRoles = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles' };
const clusterRole = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'reader' },
  rules: [],
};
const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evicted', namespace: 'ending' } };
const onMissing = { user: 'alice', resourceAttributes: { namespace: 'missing', verb: 'get', resource: 'pods' } };

export const namespaceWorlds: readonly PluginWorld[] = [
  {
    name: 'namespace-lifecycle',
    plugins: ['NamespaceLifecycle'],
    cluster: [namespace('team'), namespace('ending', { status: { phase: 'Terminating' } })],
    requests: [
      create(configMaps, 'team', configMap('in-team')),
      create(configMaps, 'missing', configMap('in-missing')),
      create(configMaps, 'ending', configMap('in-ending')),
      create(
        configMaps,
        'ending',
        { ...configMap('generated'), metadata: { generateName: 'generated-' } },
        { name: 'generated-in-ending' },
      ),
      create(pods, 'ending', eviction, { name: 'eviction-in-ending', subresource: 'eviction', objectName: 'evicted' }),
      create({ group: 'apps', version: 'v1', resource: 'replicasets' }, 'ending', replicaSet(), {
        name: 'other-group-in-ending',
      }),
      patch(configMaps, 'team', configMap('patched'), { data: { c: 'd' } }),
      create(
        review,
        'missing',
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'LocalSubjectAccessReview',
          metadata: { namespace: 'missing' },
          spec: onMissing,
        },
        { name: 'access-review', dryRun: false },
      ),
      create(namespaces, undefined, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new' } }),
      create(clusterRoles, undefined, clusterRole),
      remove(namespaces, undefined, 'default'),
      remove(namespaces, undefined, 'kube-system'),
      remove(namespaces, undefined, 'kube-public'),
      remove(namespaces, undefined, 'kube-node-lease'),
      remove(namespaces, undefined, 'team'),
    ],
  },
  {
    name: 'namespace-exists',
    plugins: ['NamespaceExists'],
    cluster: [namespace('team'), namespace('ending', { status: { phase: 'Terminating' } })],
    requests: [
      create(configMaps, 'team', configMap('in-team')),
      create(configMaps, 'missing', configMap('in-missing')),
      create(pods, 'missing', pod('in-missing-too')),
      create(configMaps, 'ending', configMap('in-ending')),
      create(namespaces, undefined, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new' } }),
      create(clusterRoles, undefined, clusterRole),
      patch(configMaps, 'team', configMap('patched'), { data: { c: 'd' } }),
    ],
  },
  {
    // What NamespaceLifecycle says shows whether the namespace was made.
    name: 'namespace-auto-provision',
    plugins: ['NamespaceAutoProvision', 'NamespaceLifecycle'],
    cluster: [namespace('team'), namespace('ending', { status: { phase: 'Terminating' } })],
    requests: [
      create(configMaps, 'dry', configMap('dry')),
      create(configMaps, 'provided', configMap('first'), { dryRun: false }),
      create(configMaps, 'provided', configMap('second')),
      create(configMaps, 'team', configMap('in-team')),
      create(configMaps, 'ending', configMap('in-ending')),
      create(clusterRoles, undefined, clusterRole),
    ],
  },
];

function replicaSet() {
  const labels = { app: 'web' };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
    },
  };
}
