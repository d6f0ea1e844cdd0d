import { describe, expect, test } from 'vitest';
import { rawNumber } from '../json/raw-number.ts';
import {
  claimUsage,
  countQuota,
  defaultPodRequests,
  formatResourceList,
  parseResourceList,
  podUsage,
  resourceClaimUsage,
  serviceUsage,
  UncountableObjectError,
} from './index.ts';
import type { Pod, Service } from '../api/generated/core.v1.ts';
import type { DeviceClass, ResourceClaim } from '../api/generated/resource.v1.ts';

/*
 * What the recorded cases of test/golden/usage cannot say: objects that are no legal JSON of their kind, time, and other
 * objects around.
 */

const now = Date.parse('2026-11-23T12:00:00Z');

describe('podUsage()', () => {
  const deleted = (secondsAgo: number, deletionGracePeriodSeconds: unknown): Pod =>
    ({
      metadata: {
        deletionTimestamp: new Date(now - secondsAgo * 1000).toISOString(),
        deletionGracePeriodSeconds,
      },
      spec: { containers: [] },
    }) as Pod;

  test.each([
    ['within its grace period', deleted(30, 31), true],
    ['at its end to the second', deleted(30, 30), true],
    ['after it', deleted(30, 29), false],
    ['after it, with the number as text', deleted(30, rawNumber('29')), false],
    ['deleted without a grace period', deleted(30, null), true],
  ])('counts a Pod %s', (_, pod, counts) => {
    expect(podUsage(pod, { now }).has('pods')).toBe(counts);
    expect(podUsage(pod, { now }).has('count/pods')).toBe(true);
  });

  test('takes null for absent', () => {
    const pod = {
      metadata: null,
      spec: {
        containers: [{ name: 'c', resources: null }, null],
        initContainers: null,
        resources: null,
        overhead: null,
      },
      status: { phase: null, containerStatuses: null, conditions: null },
    } as unknown as Pod;
    expect(formatResourceList(podUsage(pod, { now }))).toEqual({ 'count/pods': '1', pods: '1' });
    expect(podUsage({}, { now }).size).toBe(2);
  });

  test.each([
    ['spec.containers: expected a list', { spec: { containers: {} } }],
    [
      'spec.containers[0].resources.limits: expected a map',
      { spec: { containers: [{ name: 'c', resources: { limits: [] } }] } },
    ],
    ['spec.overhead[cpu]: quantities must match', { spec: { containers: [], overhead: { cpu: {} } } }],
    [
      'status.containerStatuses[0].allocatedResources[cpu]: ',
      {
        spec: { containers: [{ name: 'c' }] },
        status: { containerStatuses: [{ name: 'c', allocatedResources: { cpu: '1x' } }] },
      },
    ],
    [
      'metadata.deletionGracePeriodSeconds: expected an integer',
      {
        metadata: { deletionTimestamp: '2026-11-23T12:00:00Z', deletionGracePeriodSeconds: 'soon' },
      },
    ],
  ])('throws %s', (message, pod) => {
    expect(() => podUsage(pod as unknown as Pod, { now })).toThrow(UncountableObjectError);
    expect(() => podUsage(pod as unknown as Pod, { now })).toThrow(message);
  });

  test('keeps the text of a number', () => {
    const requests = { cpu: rawNumber('1e0'), memory: rawNumber('1E9') } as unknown as { [name: string]: string };
    const usage = podUsage({ spec: { containers: [{ name: 'c', resources: { requests } }] } }, { now });
    expect(usage.get('memory')?.toString()).toBe('1E9');
  });
});

test('serviceUsage() and claimUsage() take null for absent', () => {
  const service = { spec: { type: 'LoadBalancer', ports: null, allocateLoadBalancerNodePorts: null } };
  expect(formatResourceList(serviceUsage(service as unknown as Service))).toEqual({
    'count/services': '1',
    services: '1',
    'services.loadbalancers': '1',
    'services.nodeports': '0',
  });
  expect(formatResourceList(claimUsage({ spec: { storageClassName: '' } }))).toEqual({
    'count/persistentvolumeclaims': '1',
    persistentvolumeclaims: '1',
  });
});

describe('resourceClaimUsage() of a claim that stands for an extended resource', () => {
  const claimOf = (name: string, createdAt: string): ResourceClaim => ({
    metadata: {
      name,
      namespace: 'team',
      creationTimestamp: createdAt,
      annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'u', controller: true }],
    },
    spec: {
      devices: {
        requests: [{ name: 'r', exactly: { deviceClassName: 'gold', allocationMode: 'ExactCount', count: 3 } }],
      },
    },
  });
  const owner: Pod = {
    metadata: { name: 'web', namespace: 'team', uid: 'u' },
    spec: { containers: [{ name: 'c', resources: { requests: { 'example.com/gpu': '2' } } }] },
  };
  const deviceClasses = [
    { metadata: { name: 'gold' }, spec: { extendedResourceName: 'example.com/gpu' } },
  ] as DeviceClass[];
  const claim = claimOf('b', '2026-11-23T11:00:00Z');

  test.each([
    ['alone', [], '1'],
    ['next to itself', [claim], '1'],
    ['with a younger one', [claimOf('a', '2026-11-23T11:00:01Z')], '1'],
    ['with one as old and a later name', [claimOf('c', '2026-11-23T11:00:00Z')], '1'],
    ['with one as old and an earlier name', [claimOf('a', '2026-11-23T11:00:00Z')], '3'],
    ['with an older one', [claimOf('z', '2026-11-23T10:59:59Z')], '3'],
  ])('%s', (_, resourceClaims, expected) => {
    const usage = resourceClaimUsage(claim, { now, deviceClasses, pods: [owner], resourceClaims });
    expect(usage.get('requests.example.com/gpu')?.toString()).toBe(expected);
    expect(usage.get('gold.deviceclass.resource.k8s.io/devices')?.toString()).toBe('3');
  });
});

describe('countQuota()', () => {
  const group = '';
  const pod = (cpu: string, phase = 'Running') => ({
    resource: { group, resource: 'pods' },
    object: { spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] }, status: { phase } },
  });
  const objects = [
    pod('500m'),
    pod('1500m'),
    pod('8', 'Succeeded'),
    { resource: { group, resource: 'configmaps' }, object: {} },
    { resource: { group: 'apps', resource: 'deployments' }, object: {} },
    { resource: { group, resource: 'events' }, object: {} },
  ];

  test.each([
    ['sums', {}, { pods: '2', 'count/pods': '3', 'requests.cpu': '2', configmaps: '1', 'count/deployments.apps': '1' }],
    [
      'sums of what the scopes match',
      { scopes: ['Terminating'] },
      { pods: '0', 'count/pods': '0', 'requests.cpu': '0', configmaps: '0', 'count/deployments.apps': '0' },
    ],
  ])('%s', (_, scopes, expected) => {
    const hard = Object.fromEntries(Object.keys(expected).map((name) => [name, '100']));
    expect(countQuota({ hard, ...scopes }, objects, { now })).toEqual(expected);
  });

  test('has zero for what may come, and leaves out what nothing counts towards', () => {
    const hard = { 'count/widgets.example.com': '1', services: '1', 'requests.storage': '1Gi', nonsense: '1' };
    expect(countQuota({ hard }, objects, { now })).toEqual({
      'count/widgets.example.com': '0',
      services: '0',
      'requests.storage': '0',
    });
  });
});

describe('defaultPodRequests()', () => {
  test('leaves all else as it is', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web' },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '1' }, claims: [] } }] },
    };
    expect(defaultPodRequests(pod)).toEqual({
      ...pod,
      spec: {
        ...pod.spec,
        containers: [
          { ...pod.spec.containers[0], resources: { limits: { cpu: '1' }, requests: { cpu: '1' }, claims: [] } },
        ],
      },
    });
    expect(defaultPodRequests({ metadata: {} })).toEqual({ metadata: {} });
  });
});

test('a resource list keeps a name that JavaScript knows', () => {
  const list = parseResourceList(JSON.parse('{"__proto__": "1", "constructor": "2"}'), 'hard');
  expect(JSON.stringify(formatResourceList(list))).toBe('{"__proto__":"1","constructor":"2"}');
});
