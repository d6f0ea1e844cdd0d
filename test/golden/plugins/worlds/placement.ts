import type { KubernetesObject } from '../../../../src/api/object-meta.ts';
import type { JsonObject } from '../../../../src/json/json-value.ts';
import type { PluginWorld } from '../world.ts';
import { container, create, namespace, patch, pod, pods } from './build.ts';

const annotated = (name: string, annotations: JsonObject): KubernetesObject =>
  namespace(name, { metadata: { name, annotations } });
const selecting = (name: string, selector: string): KubernetesObject =>
  annotated(name, { 'scheduler.alpha.kubernetes.io/node-selector': selector });
const tolerant = (name: string, defaults: string | undefined, whitelist?: string): KubernetesObject =>
  annotated(name, {
    ...(defaults === undefined ? {} : { 'scheduler.alpha.kubernetes.io/defaultTolerations': defaults }),
    ...(whitelist === undefined ? {} : { 'scheduler.alpha.kubernetes.io/tolerationsWhitelist': whitelist }),
  });
const bears = (key: string, over: JsonObject = {}): JsonObject => ({ key, operator: 'Exists', effect: 'NoSchedule', ...over });
const everyEffect = (key: string): JsonObject => ({ key, operator: 'Exists' });
const bearing = (name: string, ...tolerations: JsonObject[]): JsonObject => pod(name, { tolerations });
const asking = (name: string, resources: JsonObject, spec: JsonObject = {}): JsonObject =>
  pod(name, { containers: [container('main', { resources })], ...spec });
const gpus = { limits: { 'example.com/gpu': '1' } };
const label = { metadata: { labels: { a: 'b' } } };

const apart = (name: string, ...topologyKeys: string[]): JsonObject =>
  pod(name, {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: topologyKeys.map((topologyKey) => ({
          labelSelector: { matchLabels: { app: 'web' } },
          topologyKey,
        })),
      },
    },
  });
const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';

const runtimeClass = (name: string, over: JsonObject): KubernetesObject => ({
  ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name } },
  ...{ handler: 'runc', ...over },
});
const running = (name: string, runtimeClassName: string, spec: JsonObject = {}): JsonObject =>
  pod(name, { runtimeClassName, ...spec });

export const placementWorlds: readonly PluginWorld[] = [
  {
    name: 'limit-pod-hard-anti-affinity-topology',
    plugins: ['LimitPodHardAntiAffinityTopology'],
    cluster: [namespace('team')],
    requests: [
      create(pods, 'team', pod('plain')),
      create(pods, 'team', apart('by-node', hostname)),
      create(pods, 'team', apart('by-zone', zone)),
      create(pods, 'team', apart('by-both', hostname, zone)),
      create(pods, 'team', pod('together', { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {}, topologyKey: zone }] } } })),
      patch(pods, 'team', apart('patched', hostname), label),
    ],
  },
  {
    name: 'pod-node-selector',
    plugins: ['PodNodeSelector'],
    cluster: [
      namespace('team'),
      selecting('fast', ' disk = ssd ,zone=a'),
      selecting('empty', ''),
      selecting('unset', 'disk='),
      selecting('no-selector', 'disk'),
      selecting('two-signs', 'a=b,c==d'),
      selecting('set', 'disk in (ssd)'),
      selecting('bad-key', '-a=b'),
      selecting('bad-value', 'a=b c'),
      selecting('long-value', `a=${'b'.repeat(64)}`),
    ],
    requests: [
      create(pods, 'team', pod('plain')),
      create(pods, 'team', pod('selects', { nodeSelector: { disk: 'hdd' } })),
      create(pods, 'fast', pod('fast')),
      create(pods, 'fast', pod('fast-selects', { nodeSelector: { arch: 'arm', disk: 'ssd' } })),
      create(pods, 'fast', pod('fast-conflicts', { nodeSelector: { disk: 'hdd' } })),
      create(pods, 'fast', { ...pod('x', { nodeSelector: { disk: '' } }), metadata: { generateName: 'web-' } }, { name: 'generated' }),
      ...['empty', 'unset', 'no-selector', 'two-signs', 'set', 'bad-key', 'bad-value', 'long-value', 'gone'].map((name) =>
        create(pods, name, pod(name)),
      ),
      patch(pods, 'team', pod('patched'), label),
    ],
  },
  {
    name: 'pod-toleration-restriction',
    plugins: ['PodTolerationRestriction'],
    cluster: [
      namespace('team'),
      tolerant('defaults', JSON.stringify([bears('a'), bears('b', { effect: 'NoExecute', tolerationSeconds: 5 })])),
      tolerant('empty', '', ''),
      tolerant('null', 'null', 'null'),
      tolerant('any-case', '[{"KEY":"a","Operator":"Exists","tolerationseconds":null,"more":1}]'),
      tolerant('everything', '[{"operator":"Exists"}]'),
      tolerant('white', undefined, JSON.stringify([bears('a'), { key: 'b', operator: 'Equal', value: 'x' }])),
      tolerant('both', JSON.stringify([bears('b')]), JSON.stringify([bears('a')])),
      tolerant('memory', undefined, JSON.stringify([bears('a')])),
      tolerant('no-json', '[}'),
      tolerant('cut-off', '[{"key":"a"'),
      tolerant('object', '{}'),
      tolerant('texts', '["a"]'),
      tolerant('bad-seconds', '[{"tolerationSeconds":"x"}]'),
      tolerant('broken-seconds', '[{"key":"a","tolerationSeconds":1.5}]'),
      tolerant('bad-operator', '[{"operator":1}]'),
      tolerant('bad-whitelist', undefined, '[{"effect":{}}]'),
    ],
    requests: [
      create(pods, 'team', pod('plain')),
      create(pods, 'team', bearing('twice', bears('a'), bears('a'))),
      create(pods, 'team', asking('burstable', { requests: { cpu: '1' } })),
      create(pods, 'team', asking('limited', { limits: { memory: '1Mi' } })),
      create(pods, 'team', asking('device', gpus)),
      create(pods, 'team', asking('knows', { requests: { cpu: '1' } }, { tolerations: [{ operator: 'Exists' }] })),
      create(pods, 'team', asking('overlaps', { requests: { cpu: '1' } }, { tolerations: [bears('a'), everyEffect('a')] })),
      create(pods, 'team', asking('pod-level', {}, { resources: { requests: { cpu: '1' } } })),
      create(pods, 'defaults', pod('defaulted')),
      create(pods, 'defaults', bearing('half-defaulted', everyEffect('a'))),
      create(pods, 'defaults', bearing('longer', bears('b', { effect: 'NoExecute', tolerationSeconds: 6 }))),
      ...['empty', 'null', 'any-case', 'everything'].map((name) => create(pods, name, bearing(name, bears('c')))),
      create(pods, 'white', pod('white-plain')),
      create(pods, 'white', bearing('white-known', bears('a'))),
      create(pods, 'white', bearing('white-valued', { key: 'b', operator: 'Equal', value: 'x', effect: 'NoExecute' })),
      create(pods, 'white', bearing('white-valued-by-default', { key: 'b', value: 'x' })),
      create(pods, 'white', bearing('white-unknown', bears('a'), bears('c'))),
      create(pods, 'both', pod('conflict')),
      create(pods, 'memory', asking('memory-conflict', { requests: { cpu: '1' } })),
      ...['no-json', 'cut-off', 'object', 'texts', 'bad-seconds', 'broken-seconds', 'bad-operator', 'gone'].map((name) =>
        create(pods, name, pod(name)),
      ),
      create(pods, 'bad-whitelist', bearing('bad-whitelist', bears('a'))),
      patch(pods, 'team', bearing('patched', bears('a')), label),
      patch(pods, 'team', bearing('more', bears('a')), { spec: { tolerations: [bears('a'), bears('b'), bears('b')] } }),
    ],
  },
  {
    name: 'extended-resource-toleration',
    plugins: ['ExtendedResourceToleration'],
    cluster: [namespace('team')],
    requests: [
      create(pods, 'team', pod('plain')),
      create(pods, 'team', asking('native', { limits: { cpu: '1' } })),
      create(pods, 'team', asking('gpu', gpus)),
      create(pods, 'team', asking('two', { limits: { 'example.com/nic': '1', 'example.com/gpu': '1' } })),
      create(pods, 'team', pod('init', { initContainers: [container('init', { resources: gpus })] })),
      create(pods, 'team', asking('knows', gpus, { tolerations: [bears('example.com/gpu'), bears('b')] })),
      create(
        pods,
        'team',
        asking('for-a-value', gpus, { tolerations: [{ key: 'example.com/gpu', operator: 'Equal', value: 'x' }] }),
      ),
      create(pods, 'team', asking('every-effect', gpus, { tolerations: [everyEffect('example.com/gpu')] })),
      patch(pods, 'team', pod('patched'), label),
    ],
  },
  {
    name: 'runtime-class',
    plugins: ['RuntimeClass'],
    cluster: [
      namespace('team'),
      runtimeClass('plain', {}),
      runtimeClass('heavy', { overhead: { podFixed: { cpu: '0.25', memory: '64Mi' } } }),
      runtimeClass('light', { overhead: {} }),
      runtimeClass('fine', { overhead: { podFixed: { cpu: '1500u' } } }),
      runtimeClass('placed', { scheduling: { nodeSelector: { runtime: 'gvisor', arch: 'x' }, tolerations: [bears('gvisor')] } }),
      runtimeClass('anywhere', { scheduling: {} }),
    ],
    requests: [
      create(pods, 'team', pod('none')),
      create(pods, 'team', pod('none-with-overhead', { overhead: { cpu: '1' } })),
      create(pods, 'team', pod('none-with-empty-overhead', { overhead: {} })),
      create(pods, 'team', running('unnamed', '')),
      create(pods, 'team', running('unknown', 'gone')),
      create(pods, 'team', running('plain', 'plain')),
      create(pods, 'team', running('plain-with-overhead', 'plain', { overhead: { cpu: '1' } })),
      create(pods, 'team', running('heavy', 'heavy')),
      create(pods, 'team', running('heavy-with-empty', 'heavy', { overhead: {} })),
      create(pods, 'team', running('heavy-with-same', 'heavy', { overhead: { cpu: '250m', memory: '65536Ki' } })),
      create(pods, 'team', running('heavy-with-other', 'heavy', { overhead: { cpu: '1' } })),
      create(pods, 'team', running('light', 'light')),
      create(pods, 'team', running('light-with-empty', 'light', { overhead: {} })),
      create(pods, 'team', running('light-with-overhead', 'light', { overhead: { cpu: '1' } })),
      create(pods, 'team', running('fine-with-same', 'fine', { overhead: { cpu: '1500u' } })),
      create(pods, 'team', running('placed', 'placed')),
      create(pods, 'team', running('placed-beside', 'placed', { nodeSelector: { zone: 'a' }, tolerations: [bears('b')] })),
      create(pods, 'team', running('placed-elsewhere', 'placed', { nodeSelector: { runtime: 'runc' } })),
      create(pods, 'team', running('placed-wider', 'placed', { tolerations: [everyEffect('gvisor')] })),
      create(pods, 'team', running('anywhere', 'anywhere', { tolerations: [bears('b'), everyEffect('b')] })),
      create(pods, 'team', { ...running('x', 'gone'), metadata: { generateName: 'web-' } }, { name: 'generated' }),
    ],
  },
];
