import type { KubernetesObject } from '../../../../src/api/object-meta.ts';
import type { JsonObject } from '../../../../src/json/json-value.ts';
import type { PluginWorld } from '../world.ts';
import { configMap, configMaps, container, create, namespace, patch, pod, pods } from './build.ts';

const services = { group: '', version: 'v1', resource: 'services' };
const claims = { group: '', version: 'v1', resource: 'persistentvolumeclaims' };
const deployments = { group: 'apps', version: 'v1', resource: 'deployments' };

/** One quota for each namespace: which of two refuses is left to chance. What is used is counted, not given. */
const quotas: { readonly [namespaceName: string]: JsonObject } = {
  pods: { hard: { pods: '2' } },
  compute: { hard: { 'requests.cpu': '1', 'limits.memory': '1Gi' } },
  effort: { hard: { pods: '0' }, scopes: ['BestEffort'] },
  objects: { hard: { configmaps: '1', 'count/deployments.apps': '0', services: '2', 'services.nodeports': '1' } },
  storage: { hard: { 'requests.storage': '5Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '1Gi' } },
  classes: {
    hard: { pods: '0' },
    scopeSelector: {
      matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-cluster-critical'] }],
    },
  },
};

const sized = (name: string, requests?: JsonObject, limits?: JsonObject): JsonObject =>
  pod(name, {
    containers: [
      container('main', {
        resources: { ...(requests === undefined ? {} : { requests }), ...(limits === undefined ? {} : { limits }) },
      }),
    ],
  });
const inNamespace = (name: string, object: JsonObject): KubernetesObject => ({
  ...object,
  metadata: { ...(object['metadata'] as KubernetesObject['metadata']), namespace: name },
});
const service = (name: string, type: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { type, selector: { app: 'web' }, ports: [{ port: 80 }] },
});
const claim = (name: string, storage: string, storageClassName: string): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name } },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage } } },
});
const deployment = (): JsonObject => {
  const labels = { app: 'web' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container('web')] } },
    },
  };
};
const clusterIp = inNamespace('objects', service('web', 'ClusterIP'));

export const resourceQuotaWorld: PluginWorld = {
  name: 'resource-quota',
  plugins: ['ResourceQuota'],
  controllers: ['resourcequota'],
  cluster: [
    namespace('free'),
    ...Object.keys(quotas).map((name) => namespace(name)),
    inNamespace('pods', pod('running')),
    inNamespace('pods', { ...pod('ended'), status: { phase: 'Succeeded' } }),
    inNamespace('compute', sized('running', { cpu: '400m' }, { memory: '512Mi' })),
    clusterIp,
    inNamespace('objects', service('exposed', 'ClusterIP')),
    inNamespace('storage', claim('data', '3Gi', 'gold')),
    ...Object.entries(quotas).map(([name, spec]) =>
      inNamespace(name, { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'quota' }, spec }),
    ),
  ],
  requests: [
    create(pods, 'free', pod('unbound')),
    create(pods, 'pods', pod('second')),
    create(pods, 'compute', pod('says-nothing')),
    create(pods, 'compute', sized('says-half', { cpu: '100m' })),
    create(pods, 'compute', sized('fits', { cpu: '600m' }, { memory: '512Mi' })),
    create(pods, 'compute', sized('request-by-limit', undefined, { cpu: '700m', memory: '1Mi' })),
    create(pods, 'compute', sized('too-much', { cpu: '0.7' }, { memory: '1Gi' })),
    create(pods, 'compute', pod('pod-level', { resources: { requests: { cpu: '1' }, limits: { memory: '100Mi' } } })),
    create(pods, 'compute', pod('pod-level-limits', { resources: { limits: { cpu: '700m', memory: '1Mi' } } })),
    create(pods, 'effort', pod('best-effort')),
    create(pods, 'effort', sized('burstable', { cpu: '1m' })),
    create(pods, 'effort', { ...pod('client-status'), status: { phase: 'Succeeded' } }),
    create(pods, 'classes', pod('ordinary')),
    create(configMaps, 'objects', configMap('second')),
    create(deployments, 'objects', deployment()),
    create(services, 'objects', service('third', 'ClusterIP')),
    {
      name: 'to-node-port',
      verb: 'patch',
      resource: services,
      namespace: 'objects',
      objectName: 'web',
      body: { spec: { type: 'NodePort' } },
    },
    create(claims, 'storage', claim('fits', '2Gi', 'silver')),
    create(claims, 'storage', claim('too-large', '3Gi', 'silver')),
    create(claims, 'storage', claim('too-golden', '1Mi', 'gold')),
    patch(pods, 'free', pod('patched'), { metadata: { labels: { a: 'b' } } }),
  ],
};
