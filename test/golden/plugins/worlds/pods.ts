import type { JsonObject } from '../../../../src/json/json-value.ts';
import type { PluginWorld } from '../world.ts';
import { configMap, configMaps, container, create, namespace, patch, pod, pods, remove } from './build.ts';

const nodes = { group: '', version: 'v1', resource: 'nodes' };
const node = (name: string, spec?: JsonObject): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  ...(spec === undefined ? {} : { spec }),
});
const taint = (effect: string, value?: string): JsonObject => ({
  key: 'node.kubernetes.io/not-ready',
  effect,
  ...(value === undefined ? {} : { value }),
});
const bears = (key: string, over: JsonObject = {}): JsonObject => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...over,
});
const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';
const priorityClasses = { group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses' };
const priorityClass = (name: string, value: number, over: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value },
  ...over,
});

export const podWorlds: readonly PluginWorld[] = [
  {
    name: 'always-admit',
    plugins: ['AlwaysAdmit'],
    cluster: [namespace('team')],
    requests: [
      create(configMaps, 'team', configMap('config')),
      create(pods, 'team', pod('web')),
      create(nodes, undefined, node('node')),
      patch(configMaps, 'team', configMap('patched'), { data: { c: 'd' } }),
      remove(configMaps, 'team', 'patched'),
    ],
  },
  {
    name: 'always-deny',
    plugins: ['AlwaysDeny'],
    cluster: [namespace('team')],
    requests: [
      create(configMaps, 'team', configMap('config')),
      create(configMaps, 'team', { ...configMap(''), metadata: { generateName: 'some-' } }, { name: 'generated' }),
      create(priorityClasses, undefined, priorityClass('high', 1000)),
      patch(configMaps, 'team', configMap('patched'), { data: { c: 'd' } }),
      remove(configMaps, 'team', 'patched'),
      {
        name: 'exec',
        verb: 'connect',
        resource: pods,
        namespace: 'team',
        objectName: 'running',
        subresource: 'exec',
        body: {},
        existing: pod('running'),
        query: { command: 'ls', stdout: 'true' },
        dryRun: false,
      },
    ],
  },
  {
    name: 'taint-nodes-by-condition',
    plugins: ['TaintNodesByCondition'],
    cluster: [],
    requests: [
      create(nodes, undefined, node('plain')),
      create(nodes, undefined, node('tainted', { taints: [taint('NoExecute')] })),
      create(nodes, undefined, node('knows', { taints: [taint('NoSchedule')] })),
      create(nodes, undefined, node('valued', { taints: [taint('NoSchedule', 'x')] })),
      create(nodes, undefined, node('cordoned', { unschedulable: true })),
      patch(nodes, undefined, node('patched'), { spec: { taints: null } }),
    ],
  },
  {
    name: 'default-toleration-seconds',
    plugins: ['DefaultTolerationSeconds'],
    cluster: [namespace('team')],
    requests: [
      create(pods, 'team', pod('plain')),
      create(pods, 'team', pod('other', { tolerations: [{ key: 'gpu', operator: 'Exists' }] })),
      create(pods, 'team', pod('one', { tolerations: [bears(unreachable)] })),
      create(
        pods,
        'team',
        pod('both', { tolerations: [bears(notReady, { tolerationSeconds: 5 }), bears(unreachable)] }),
      ),
      create(pods, 'team', pod('every-effect', { tolerations: [{ key: notReady, operator: 'Exists' }] })),
      create(pods, 'team', pod('other-effect', { tolerations: [bears(notReady, { effect: 'NoSchedule' })] })),
      create(pods, 'team', pod('by-value', { tolerations: [{ key: notReady, value: 'x', effect: 'NoExecute' }] })),
      create(pods, 'team', pod('everything', { tolerations: [{ operator: 'Exists' }] })),
      patch(pods, 'team', pod('patched'), { metadata: { labels: { a: 'b' } } }),
    ],
  },
  {
    name: 'always-pull-images',
    plugins: ['AlwaysPullImages'],
    cluster: [namespace('team')],
    requests: [
      create(pods, 'team', pod('plain')),
      create(
        pods,
        'team',
        pod('never', {
          containers: [
            container('main', { imagePullPolicy: 'Never' }),
            container('side', { imagePullPolicy: 'Always' }),
          ],
        }),
      ),
      create(
        pods,
        'team',
        pod('init', { initContainers: [container('init'), container('sidecar', { restartPolicy: 'Always' })] }),
      ),
      create(
        pods,
        'team',
        pod('volume', {
          volumes: [
            { name: 'data', image: { reference: 'registry.example.com/data:1', pullPolicy: 'Never' } },
            { name: 'more', image: { reference: 'registry.example.com/more:1' } },
          ],
        }),
      ),
      patch(pods, 'team', pod('relabelled'), { metadata: { labels: { a: 'b' } } }),
      patch(pods, 'team', pod('renewed'), {
        spec: {
          containers: [
            {
              ...container('main'),
              image: 'registry.example.com/main:2',
              imagePullPolicy: 'Always',
              terminationMessagePath: '/dev/termination-log',
              terminationMessagePolicy: 'File',
              resources: {},
            },
          ],
        },
      }),
    ],
  },
  {
    name: 'always-pull-images-undone',
    plugins: ['AlwaysPullImages', 'MutatingAdmissionPolicy'],
    cluster: [namespace('team')],
    later: { path: '/spec/containers/0/imagePullPolicy', value: 'Never' },
    requests: [
      create(pods, 'team', pod('plain')),
      create(pods, 'team', pod('always', { containers: [container('main', { imagePullPolicy: 'Always' })] })),
      create(pods, 'team', pod('two', { containers: [container('main'), container('side')] })),
      create(pods, 'team', pod('init', { initContainers: [container('init')] })),
      // The name of a Pod with generateName would differ: the API server makes it between the walks.
      create(
        pods,
        'team',
        pod('latest', { containers: [container('main', { image: 'registry.example.com/main:latest' })] }),
      ),
    ],
  },
  {
    name: 'priority',
    plugins: ['Priority'],
    cluster: [
      namespace('team'),
      priorityClass('high', 1000),
      priorityClass('patient', 500, { preemptionPolicy: 'Never' }),
    ],
    requests: [
      create(pods, 'team', pod('plain')),
      create(pods, 'team', pod('high', { priorityClassName: 'high' })),
      create(pods, 'team', pod('patient', { priorityClassName: 'patient' })),
      create(pods, 'team', pod('system', { priorityClassName: 'system-cluster-critical' })),
      create(pods, 'team', pod('system-node', { priorityClassName: 'system-node-critical' })),
      create(pods, 'team', pod('unknown', { priorityClassName: 'unknown' })),
      create(pods, 'team', pod('same', { priorityClassName: 'high', priority: 1000 })),
      create(pods, 'team', pod('differs', { priorityClassName: 'high', priority: 1 })),
      create(pods, 'team', pod('differs-from-none', { priority: 7 })),
      create(pods, 'team', pod('policy-differs', { priorityClassName: 'high', preemptionPolicy: 'Never' })),
      create(pods, 'team', pod('policy-same', { priorityClassName: 'patient', preemptionPolicy: 'Never' })),
      patch(pods, 'team', pod('patched'), {
        metadata: { labels: { a: 'b' } },
        spec: { priority: null, preemptionPolicy: null },
      }),
      create(priorityClasses, undefined, priorityClass('first-default', 1, { globalDefault: true })),
    ],
  },
  {
    name: 'priority-default',
    plugins: ['Priority'],
    cluster: [
      namespace('team'),
      priorityClass('standard', 10, { globalDefault: true, preemptionPolicy: 'Never' }),
      priorityClass('other', 20),
    ],
    requests: [
      create(pods, 'team', pod('plain')),
      create(pods, 'team', pod('other', { priorityClassName: 'other' })),
      create(pods, 'team', pod('says-zero', { priority: 0 })),
      create(priorityClasses, undefined, priorityClass('second', 1, { globalDefault: true })),
      patch(priorityClasses, undefined, priorityClass('third', 1), { globalDefault: true }),
      patch(priorityClasses, undefined, priorityClass('fourth', 1), { description: 'x' }),
      {
        name: 'standard',
        verb: 'patch',
        resource: priorityClasses,
        objectName: 'standard',
        body: { description: 'still the default' },
      },
    ],
  },
];
