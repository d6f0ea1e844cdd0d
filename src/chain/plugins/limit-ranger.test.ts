import { describe, expect, test } from 'vitest';
import type { LimitRangeItem } from '../../../src/api/generated/core.v1.ts';
import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { runPlugin, summaryOf, testNamespace } from '../../../test/run-plugin.ts';
import { limitRangerPlugin } from './limit-ranger.ts';

const limitRange = (name: string, ...limits: readonly LimitRangeItem[]): KubernetesObject =>
  ({
    ...{ apiVersion: 'v1', kind: 'LimitRange', metadata: { name, namespace: testNamespace } },
    spec: { limits },
  }) as KubernetesObject;
const onContainers = (over: Partial<LimitRangeItem>) => limitRange('limits', { type: 'Container', ...over });
const onPods = (over: Partial<LimitRangeItem>) => limitRange('limits', { type: 'Pod', ...over });
const container = (name: string, resources?: JsonObject): JsonObject => ({
  name,
  ...(resources === undefined ? {} : { resources }),
});
const pod = (containers: readonly JsonObject[], over: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } },
  spec: { containers: [...containers], ...over },
});
const plain = pod([container('web')]);
const annotation = (object: JsonObject | null) =>
  (object as KubernetesObject | null)?.metadata?.annotations?.['kubernetes.io/limit-ranger'];

describe('limitRangerPlugin, defaults', () => {
  const defaults = onContainers({ default: { cpu: '1', memory: '1Gi' }, defaultRequest: { cpu: '100m' } });
  const all = { requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } };

  test('fills containers and init containers and tells of it', async () => {
    const object = pod([container('web'), container('side', { limits: { memory: '2Gi' } })], {
      initContainers: [container('init')],
    });
    const { object: changed } = await runPlugin(limitRangerPlugin, { object, cluster: [defaults] });
    expect(changed).toMatchObject({
      spec: {
        containers: [
          container('web', all),
          // Its memory request is its own limit, by the API server's defaulting, which is not written here.
          container('side', { requests: { cpu: '100m' }, limits: { cpu: '1', memory: '2Gi' } }),
        ],
        initContainers: [container('init', all)],
      },
    });
    expect(annotation(changed)).toBe(
      'LimitRanger plugin set: cpu, memory request for container web; cpu, memory limit for container web; cpu request for container side; cpu limit for container side; cpu, memory request for init container init; cpu, memory limit for init container init',
    );
  });

  test.each([
    [
      'the maximum is the default limit and request',
      { max: { cpu: '2' } },
      { requests: { cpu: '2' }, limits: { cpu: '2' } },
    ],
    ['the minimum is the default request', { min: { cpu: '10m' } }, { requests: { cpu: '10m' } }],
    [
      'quantities come out in the form the server prints',
      { default: { cpu: '0.5' } },
      { requests: { cpu: '500m' }, limits: { cpu: '500m' } },
    ],
  ])('%s', async (_, item, resources) => {
    const { object } = await runPlugin(limitRangerPlugin, { object: plain, cluster: [onContainers(item)] });
    expect(object).toMatchObject({ spec: { containers: [container('web', resources)] } });
  });

  test('later LimitRanges fill what earlier ones left', async () => {
    const cluster = [
      onContainers({ default: { cpu: '1' } }),
      limitRange('more', { type: 'Container', default: { cpu: '5', memory: '1Gi' } }),
    ];
    const { object } = await runPlugin(limitRangerPlugin, { object: plain, cluster });
    expect(object).toMatchObject({ spec: { containers: [container('web', { limits: { cpu: '1', memory: '1Gi' } })] } });
    expect(annotation(object)).toBe(
      'LimitRanger plugin set: memory request for container web; memory limit for container web',
    );
  });

  test.each([
    ['a Pod that says all', pod([container('web', all)]), {}],
    ['an update', plain, { oldObject: plain }],
    ['a status', plain, { oldObject: plain, subresource: 'status' }],
    ['a Deployment', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } }, {}],
  ])('leaves %s alone', async (_, object, over) => {
    expect(summaryOf(await runPlugin(limitRangerPlugin, { object, cluster: [defaults], ...over }), object)).toBe(
      'unchanged',
    );
  });
});

describe('limitRangerPlugin, limits', () => {
  const one = (requests: JsonObject, limits?: JsonObject) =>
    pod([container('web', { requests, ...(limits && { limits }) })]);
  const allowed: readonly [string, KubernetesObject, JsonObject][] = [
    ['what is in between', onContainers({ min: { cpu: '1' }, max: { cpu: '2' } }), one({ cpu: '1' }, { cpu: '2' })],
    [
      'a request that is the limit',
      onContainers({ min: { cpu: '1' } }),
      pod([container('web', { limits: { cpu: '1' } })]),
    ],
    ['the very ratio', onContainers({ maxLimitRequestRatio: { cpu: '2' } }), one({ cpu: '1' }, { cpu: '2' })],
    [
      'a Pod whose own resources count',
      onPods({ max: { cpu: '1' } }),
      pod([container('web')], { resources: { limits: { cpu: '1' } } }),
    ],
    [
      'limits of another type',
      onContainers({ min: { cpu: '5' } }),
      { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'web' }, spec: {} },
    ],
  ];
  test.each(allowed)('allow %s', async (_, range, object) => {
    expect((await runPlugin(limitRangerPlugin, { object, cluster: [range] })).status).toBeUndefined();
  });

  const refusals: readonly [KubernetesObject, JsonObject, string][] = [
    [onPods({ min: { cpu: '1' } }), plain, 'minimum cpu usage per Pod is 1.  No request is specified'],
    [
      onContainers({ min: { cpu: '1' } }),
      one({ cpu: '999m' }),
      'minimum cpu usage per Container is 1, but request is 999m',
    ],
    [onPods({ max: { cpu: '1' } }), plain, 'maximum cpu usage per Pod is 1.  No limit is specified'],
    [
      onContainers({ max: { cpu: '1' } }),
      one({}, { cpu: '1001m' }),
      'maximum cpu usage per Container is 1, but limit is 1001m',
    ],
    [
      onPods({ max: { cpu: '1' } }),
      pod([container('a', { limits: { cpu: '600m' } }), container('b', { limits: { cpu: '600m' } })]),
      'maximum cpu usage per Pod is 1, but limit is 1200m',
    ],
    [
      onContainers({ maxLimitRequestRatio: { cpu: '2' } }),
      plain,
      'cpu max limit to request ratio per Container is 2, but no request is specified or request is 0',
    ],
    [
      onContainers({ maxLimitRequestRatio: { cpu: '2' } }),
      one({ cpu: '1' }),
      'cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0',
    ],
    [
      onContainers({ maxLimitRequestRatio: { cpu: '2' } }),
      one({ cpu: '300m' }, { cpu: '1' }),
      'cpu max limit to request ratio per Container is 2, but provided ratio is 3.333333',
    ],
    // Go rounds the half to the even digit.
    [
      onContainers({ maxLimitRequestRatio: { cpu: '1' } }),
      one({ cpu: '128m' }, { cpu: '129m' }),
      'cpu max limit to request ratio per Container is 1, but provided ratio is 1.007812',
    ],
    [
      onContainers({ max: { cpu: '1', memory: '1Gi' } }),
      pod([
        container('a', { limits: { cpu: '2', memory: '2Gi' } }),
        container('b', { limits: { cpu: '2', memory: '1Gi' } }),
      ]),
      '[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Gi, but limit is 2Gi]',
    ],
  ];
  test.each(refusals)('refuse: %j %j', async (range, object, reason) => {
    const outcome = await runPlugin(limitRangerPlugin, { object, cluster: [range] });
    expect(summaryOf(outcome, object)).toBe(`403 Forbidden: pods "web" is forbidden: ${reason}`);
  });

  test('hold for resizes, but not for Pods that are being deleted', async () => {
    const object = one({ cpu: '2' }, { cpu: '2' });
    const request = {
      object,
      oldObject: object,
      subresource: 'resize',
      cluster: [onContainers({ max: { cpu: '1' } })],
    };
    expect((await runPlugin(limitRangerPlugin, request)).status?.message).toContain(
      'maximum cpu usage per Container is 1',
    );
    const oldObject = { ...object, metadata: { name: 'web', deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect((await runPlugin(limitRangerPlugin, { ...request, oldObject })).allowed).toBe(true);
  });

  const claim = (requests: JsonObject) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { resources: { requests } },
  });
  const onClaims = limitRange('limits', {
    type: 'PersistentVolumeClaim',
    min: { storage: '1Gi' },
    max: { storage: '2Gi' },
  });
  test.each([
    [claim({ storage: '1Gi' }), 'unchanged'],
    [claim({ storage: '1Mi' }), 'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi'],
    [claim({ storage: '3Gi' }), 'maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi'],
    [
      claim({}),
      '[minimum storage usage per PersistentVolumeClaim is 1Gi.  No request is specified, maximum storage usage per PersistentVolumeClaim is 2Gi.  No request is specified]',
    ],
  ])('judge claims: %j', async (object, reason) => {
    const expected =
      reason === 'unchanged' ? reason : `403 Forbidden: persistentvolumeclaims "data" is forbidden: ${reason}`;
    expect(summaryOf(await runPlugin(limitRangerPlugin, { object, cluster: [onClaims] }), object)).toBe(expected);
  });

  test('tell of a quantity that is none', async () => {
    const object = one({ cpu: 'much' });
    const run = runPlugin(limitRangerPlugin, { object, cluster: [onContainers({ max: { cpu: '1' } })] });
    await expect(run).rejects.toThrow('spec.containers[0].resources.requests[cpu]');
  });
});
