import type { KubernetesObject } from '../../../../src/api/object-meta.ts';
import type { JsonObject } from '../../../../src/json/json-value.ts';
import type { RequestSpec } from '../../chain/scenario.ts';
import type { PluginWorld } from '../world.ts';
import { container, create, namespace, patch, pod, pods } from './build.ts';

const claims = { group: '', version: 'v1', resource: 'persistentvolumeclaims' };

/** Each namespace has one LimitRange, for nobody knows in which order two are asked. */
const limits: { readonly [namespaceName: string]: readonly JsonObject[] } = {
  defaults: [
    {
      type: 'Container',
      default: { cpu: '1', memory: '1Gi' },
      defaultRequest: { cpu: '0.1', 'ephemeral-storage': '1.5Gi' },
    },
  ],
  maximum: [{ type: 'Container', max: { cpu: '2' } }],
  minimum: [{ type: 'Container', min: { cpu: '100m' } }],
  ratio: [{ type: 'Container', maxLimitRequestRatio: { cpu: '1' } }],
  halves: [{ type: 'Pod', maxLimitRequestRatio: { memory: '1500m' } }],
  'pod-maximum': [{ type: 'Pod', max: { cpu: '1' } }],
  'pod-minimum': [{ type: 'Pod', min: { memory: '64Mi' } }],
  claims: [{ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '5Gi' } }],
  several: [
    { type: 'Container', default: { cpu: '1', memory: '1Gi' }, max: { memory: '2Gi' } },
    { type: 'Pod', max: { memory: '3Gi' } },
  ],
};

const resources = (requests?: JsonObject, limitList?: JsonObject): JsonObject => ({
  resources: {
    ...(requests === undefined ? {} : { requests }),
    ...(limitList === undefined ? {} : { limits: limitList }),
  },
});
const sized = (name: string, requests?: JsonObject, limitList?: JsonObject): JsonObject =>
  pod(name, { containers: [container('main', resources(requests, limitList))] });
const claim = (name: string, storage: string): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name } },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
});
const resize = (existing: JsonObject, namespaceName: string, cpu: string): RequestSpec =>
  patch(
    pods,
    namespaceName,
    existing,
    {
      spec: {
        containers: [
          {
            ...container('main'),
            ...resources({ cpu }, { cpu }),
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            imagePullPolicy: 'IfNotPresent',
          },
        ],
      },
    },
    { subresource: 'resize' },
  );

export const limitRangerWorld: PluginWorld = {
  name: 'limit-ranger',
  plugins: ['LimitRanger'],
  cluster: Object.entries(limits).flatMap(([name, items]): KubernetesObject[] => [
    namespace(name),
    {
      ...{ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'limits', namespace: name } },
      ...{ spec: { limits: items } },
    },
  ]),
  requests: [
    create(pods, 'defaults', pod('plain')),
    create(pods, 'defaults', sized('limited', undefined, { cpu: '2' })),
    create(pods, 'defaults', sized('requesting', { cpu: '10m', memory: '1Mi' })),
    create(
      pods,
      'defaults',
      sized('complete', { cpu: '10m', memory: '1Mi', 'ephemeral-storage': '1Gi' }, { cpu: '1', memory: '1Gi' }),
    ),
    create(
      pods,
      'defaults',
      pod('many', {
        containers: [container('a'), container('b', resources(undefined, { memory: '2Gi' }))],
        initContainers: [container('init'), container('sidecar', { restartPolicy: 'Always' })],
      }),
    ),
    create(pods, 'defaults', pod('annotated', {}, { a: 'b' })),
    create(pods, 'defaults', pod('pod-level', { resources: { limits: { cpu: '4' } } })),
    patch(pods, 'defaults', pod('patched'), { metadata: { labels: { a: 'b' } } }),
    create(pods, 'maximum', pod('takes-the-maximum')),
    create(pods, 'maximum', sized('above', undefined, { cpu: '2001m' })),
    create(pods, 'maximum', sized('at', { cpu: '1' }, { cpu: '2' })),
    create(
      pods,
      'maximum',
      pod('two-above', {
        containers: [
          container('a', resources(undefined, { cpu: '3' })),
          container('b', resources(undefined, { cpu: '4.5' })),
        ],
      }),
    ),
    create(
      pods,
      'maximum',
      pod('same-twice', {
        containers: [
          container('a', resources(undefined, { cpu: '3' })),
          container('b', resources(undefined, { cpu: '3' })),
        ],
      }),
    ),
    create(
      pods,
      'maximum',
      pod('init-above', { initContainers: [container('init', resources(undefined, { cpu: '3' }))] }),
    ),
    create(pods, 'minimum', pod('takes-the-minimum')),
    create(pods, 'minimum', sized('below', { cpu: '0.0995' })),
    create(pods, 'minimum', sized('limit-below', undefined, { cpu: '50m' })),
    create(pods, 'ratio', pod('nothing-said')),
    create(pods, 'ratio', sized('no-limit', { cpu: '1' })),
    create(pods, 'ratio', sized('equal', { cpu: '1' }, { cpu: '1' })),
    create(pods, 'ratio', sized('third', { cpu: '300m' }, { cpu: '1' })),
    create(pods, 'ratio', sized('half-way', { cpu: '128m' }, { cpu: '129m' })),
    create(pods, 'ratio', sized('half-way-up', { cpu: '128m' }, { cpu: '131m' })),
    create(pods, 'halves', sized('one-and-a-half', { memory: '2Gi' }, { memory: '3Gi' })),
    create(pods, 'halves', sized('more', { memory: '2Gi' }, { memory: '3073Mi' })),
    create(pods, 'pod-maximum', pod('unlimited')),
    create(
      pods,
      'pod-maximum',
      pod('summed', {
        containers: [
          container('a', resources(undefined, { cpu: '600m' })),
          container('b', resources(undefined, { cpu: '0.6' })),
        ],
      }),
    ),
    create(
      pods,
      'pod-maximum',
      pod('with-init', {
        containers: [container('a', resources(undefined, { cpu: '600m' }))],
        initContainers: [container('init', resources(undefined, { cpu: '1' }))],
      }),
    ),
    create(
      pods,
      'pod-maximum',
      pod('with-sidecar', {
        containers: [container('a', resources(undefined, { cpu: '600m' }))],
        initContainers: [container('side', { ...resources(undefined, { cpu: '0.5' }), restartPolicy: 'Always' })],
      }),
    ),
    create(pods, 'pod-maximum', pod('says-itself', { resources: { limits: { cpu: '1' } } })),
    create(pods, 'pod-maximum', pod('says-too-much', { resources: { limits: { cpu: '1500m' } } })),
    create(pods, 'pod-minimum', pod('no-request')),
    create(pods, 'pod-minimum', sized('little', { memory: '32Mi' })),
    create(
      pods,
      'pod-minimum',
      pod('filled-up', {
        containers: [container('main', resources({ memory: '64Mi' }))],
        resources: { limits: { cpu: '1' } },
      }),
    ),
    create(claims, 'claims', claim('fits', '2Gi')),
    create(claims, 'claims', claim('small', '1Mi')),
    create(claims, 'claims', claim('large', '10Gi')),
    create(pods, 'claims', pod('no-claim')),
    create(pods, 'several', pod('from-two-items')),
    create(
      pods,
      'several',
      pod('twice', {
        containers: [
          container('a', resources(undefined, { memory: '2Gi' })),
          container('b', resources(undefined, { memory: '2Gi' })),
        ],
      }),
    ),
    resize(sized('resized', { cpu: '1' }, { cpu: '1' }), 'maximum', '1500m'),
    resize(sized('resized-above', { cpu: '1' }, { cpu: '1' }), 'maximum', '3'),
  ],
};
