import { describe, expect, test } from 'vitest';
import type { ResourceQuota } from '../api/generated/core.v1.ts';
import { evaluateQuota, matchesScopes, UncountableObjectError, type QuotaRequest } from './index.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const pods = { group: '', resource: 'pods' };

function quota(name: string, hard: object, used: object, spec: ResourceQuota['spec'] = {}): ResourceQuota {
  return { metadata: { name }, spec, status: { hard: { ...hard }, used: { ...used } } };
}

function pod(cpu: string, more: object = {}): object {
  return {
    metadata: { name: 'web', resourceVersion: '1' },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }], ...more },
  };
}

/** Creation of a Pod that requests one CPU. */
function create(changes: Partial<QuotaRequest>): QuotaRequest {
  return {
    operation: 'CREATE',
    resource: pods,
    namespace: 'team',
    object: pod('1'),
    oldObject: null,
    now,
    quotas: [],
    ...changes,
  };
}

describe('evaluateQuota() lets pass, and counts', () => {
  test.each([
    ['no quota', [], {}],
    ['room', [quota('q', { 'requests.cpu': '2' }, { 'requests.cpu': '1' })], { q: { 'requests.cpu': '2' } }],
    [
      'room in two quotas, of which only one is concerned',
      [quota('a', { pods: '1' }, { pods: '0' }), quota('b', { services: '0' }, { services: '0' })],
      { a: { pods: '1' } },
    ],
    ['a full quota with another scope', [quota('q', { pods: '0' }, { pods: '0' }, { scopes: ['Terminating'] })], {}],
    [
      'what the quota counts but this Pod does not use',
      [quota('q', { 'requests.example.com/gpu': '0' }, { 'requests.example.com/gpu': '3' })],
      {},
    ],
    [
      'a sum in the format of what is used',
      [quota('q', { 'requests.cpu': '4Ki' }, { 'requests.cpu': '1Ki' })],
      { q: { 'requests.cpu': '1025' } },
    ],
  ])('%s', (_, quotas, usedAfter) => {
    expect(evaluateQuota(create({ quotas }))).toEqual({ handled: true, allowed: true, usedAfter });
  });
});

describe('evaluateQuota() refuses', () => {
  test.each([
    [
      'what does not fit',
      [quota('q', { 'requests.cpu': '4', pods: '10' }, { 'requests.cpu': '3500m', pods: '1' })],
      'exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=3500m, limited: requests.cpu=4',
    ],
    [
      'what does not fit into the second',
      [
        quota('a', { pods: '10' }, { pods: '1' }),
        quota('b', { cpu: '1', 'requests.cpu': '1' }, { cpu: '1', 'requests.cpu': '1' }),
      ],
      'exceeded quota: b, requested: cpu=1,requests.cpu=1, used: cpu=1,requests.cpu=1, limited: cpu=1,requests.cpu=1',
    ],
    [
      'what is not said',
      [quota('q', { 'limits.memory': '1Gi', 'limits.cpu': '1' }, { 'limits.memory': '0', 'limits.cpu': '0' })],
      'failed quota: q: must specify limits.cpu for: c; limits.memory for: c',
    ],
    [
      'what is not counted yet',
      [quota('q', { pods: '1', 'requests.cpu': '1' }, { pods: '0' })],
      'status unknown for quota: q, resources: pods,requests.cpu',
    ],
  ])('%s', (_, quotas, message) => {
    expect(evaluateQuota(create({ quotas }))).toEqual({ handled: true, allowed: false, reason: 'Forbidden', message });
  });

  test('a scope that must be covered and is not, without the reason Forbidden', () => {
    const matchScopes = [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }];
    const limitedResources = [{ resource: 'pods', matchScopes }];
    expect(evaluateQuota(create({ object: pod('1', { priorityClassName: 'high' }), limitedResources }))).toEqual({
      handled: true,
      allowed: false,
      reason: 'InternalError',
      message: 'insufficient quota to match these scopes: [{PriorityClass In [high]}]',
    });
    expect(evaluateQuota(create({ object: pod('1', { priorityClassName: 'low' }), limitedResources })).allowed).toBe(
      true,
    );
  });
});

describe('evaluateQuota() of an update', () => {
  const full = [quota('q', { 'requests.cpu': '4' }, { 'requests.cpu': '4' })];
  const resize = { operation: 'UPDATE', subresource: 'resize' } as const;

  test.each([
    ['growth', { ...resize, object: pod('2'), oldObject: pod('1') }, false],
    ['no growth, though the quota is full', { ...resize, object: pod('1'), oldObject: pod('1') }, true],
    ['shrinking', { ...resize, object: pod('1'), oldObject: pod('3') }, true],
    ['one that makes the object', { ...resize, object: pod('1'), oldObject: { spec: {} } }, false],
    ['one without the object before', { ...resize, object: pod('1'), oldObject: null }, false],
  ])('%s', (_, changes, allowed) => {
    expect(evaluateQuota(create({ quotas: full, ...changes })).allowed).toBe(allowed);
  });

  test('counts the whole where the quota did not match before', () => {
    const terminating = [quota('q', { pods: '5' }, { pods: '1' }, { scopes: ['Terminating'] })];
    const object = pod('1', { activeDeadlineSeconds: 60 });
    expect(evaluateQuota(create({ quotas: terminating, operation: 'UPDATE', object, oldObject: pod('1') }))).toEqual({
      handled: true,
      allowed: true,
      usedAfter: { q: { pods: '2' } },
    });
  });

  test('charges a claim status without asking for room', () => {
    const claim = (allocated: string) => ({
      metadata: { name: 'data', resourceVersion: '1' },
      spec: { resources: { requests: { storage: '1Gi' } } },
      status: { allocatedResources: { storage: allocated } },
    });
    const verdict = evaluateQuota(
      create({
        resource: { group: '', resource: 'persistentvolumeclaims' },
        operation: 'UPDATE',
        subresource: 'status',
        object: claim('5Gi'),
        oldObject: claim('1Gi'),
        quotas: [quota('q', { 'requests.storage': '2Gi' }, { 'requests.storage': '1Gi' })],
      }),
    );
    expect(verdict).toEqual({ handled: true, allowed: true, usedAfter: { q: { 'requests.storage': '5Gi' } } });
  });
});

describe('evaluateQuota() has nothing to do with', () => {
  const none = [quota('none', { pods: '0', 'count/events': '0', 'count/namespaces': '0' }, { pods: '0' })];

  test.each([
    ['deletion', { operation: 'DELETE', object: null, oldObject: pod('1') }],
    ['CONNECT', { operation: 'CONNECT', subresource: 'exec' }],
    ['a subresource', { operation: 'CREATE', subresource: 'binding' }],
    ['an update that moves the Pod between no scopes', { operation: 'UPDATE', oldObject: pod('3') }],
    ['events', { resource: { group: 'events.k8s.io', resource: 'events' } }],
    ['a new namespace', { resource: { group: '', resource: 'namespaces' } }],
    ['a cluster-scoped object', { namespace: '' }],
    [
      'an update of what is only counted',
      { resource: { group: 'apps', resource: 'deployments' }, operation: 'UPDATE' },
    ],
  ] as const)('%s', (_, changes) => {
    expect(evaluateQuota(create({ quotas: none, ...changes }))).toEqual({ handled: false, allowed: true });
  });
});

test('evaluateQuota() names the field it cannot read', () => {
  const quotas = [quota('q', { pods: '1' }, { pods: '0' })];
  const object = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: 'two' } } }] } };
  expect(() => evaluateQuota(create({ quotas, object }))).toThrow(UncountableObjectError);
  expect(() => evaluateQuota(create({ quotas, object }))).toThrow(
    'spec.containers[0].resources.requests[cpu]: quantities must match',
  );
});

describe('matchesScopes()', () => {
  const bestEffort = { spec: { containers: [{ name: 'c' }] } };

  test.each([
    ['no scopes', {}, bestEffort, true],
    ['the scope', { scopes: ['BestEffort'] }, bestEffort, true],
    ['another scope', { scopes: ['NotBestEffort'] }, bestEffort, false],
    ['one of two', { scopes: ['BestEffort', 'Terminating'] }, bestEffort, false],
    [
      'a scope and a selector',
      {
        scopes: ['BestEffort'],
        scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'DoesNotExist' }] },
      },
      bestEffort,
      true,
    ],
  ])('%s', (_, scopes, object, expected) => {
    expect(matchesScopes(scopes, pods, object)).toBe(expected);
  });

  test('is false for a resource without scopes, unless the quota has none', () => {
    expect(matchesScopes({ scopes: ['NotTerminating'] }, { group: '', resource: 'services' }, {})).toBe(false);
    expect(matchesScopes({}, { group: '', resource: 'services' }, {})).toBe(true);
  });
});
