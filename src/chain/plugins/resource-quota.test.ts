import { describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { runPlugin, summaryOf, testNamespace } from '../../../test/run-plugin.ts';
import { resourceQuotaPlugin } from './resource-quota.ts';

const quota = (name: string, hard: JsonObject, used?: JsonObject, spec: JsonObject = {}): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name, namespace: testNamespace } },
  ...{ spec: { hard, ...spec }, ...(used === undefined ? {} : { status: { hard, used } }) },
});
const pod = (name: string, resources: JsonObject = {}, over: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: testNamespace } },
  ...{ spec: { containers: [{ name: 'main', resources }] }, ...over },
});
const service = (type: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: testNamespace },
  spec: { type, ports: [{ port: 80 }] },
});
const onePod = quota('pods', { pods: '1' }, { pods: '1' });
const cpu = quota('cpu', { 'limits.cpu': '1' }, { 'limits.cpu': '0' });
const exceeded = (name: string, what: string, requested: string, used: string, limited: string) =>
  `exceeded quota: ${name}, requested: ${what}=${requested}, used: ${what}=${used}, limited: ${what}=${limited}`;

describe('resourceQuotaPlugin', () => {
  const ended = { status: { phase: 'Succeeded' } };
  test.each([
    ['no quota', [], pod('new')],
    ['room', [quota('pods', { pods: '2' }, { pods: '1' })], pod('new')],
    ['a quota on something else', [quota('services', { services: '0' }, { services: '0' })], pod('new')],
    ['room among the Pods of the cluster', [quota('pods', { pods: '2' }), pod('a')], pod('new')],
    ['room because a Pod has ended', [quota('pods', { pods: '1' }), pod('a', {}, ended)], pod('new')],
    [
      'a request that is the limit',
      [quota('cpu', { 'requests.cpu': '1' }, { 'requests.cpu': '0' })],
      pod('new', { limits: { cpu: '1' } }),
    ],
  ])('allows with %s', async (_, cluster, object) => {
    expect(summaryOf(await runPlugin(resourceQuotaPlugin, { object, cluster }), object)).toBe('unchanged');
  });

  test.each([
    [[onePod], pod('new'), exceeded('pods', 'pods', '1', '1', '1')],
    [[quota('pods', { pods: '1' }), pod('a')], pod('new'), exceeded('pods', 'pods', '1', '1', '1')],
    [[quota('b', { pods: '0' }), quota('a', { pods: '0' })], pod('new'), exceeded('a', 'pods', '1', '0', '0')],
    // What a client says of the status of a new Pod does not count.
    [[onePod], pod('new', {}, ended), exceeded('pods', 'pods', '1', '1', '1')],
    [[cpu], pod('new'), 'failed quota: cpu: must specify limits.cpu for: main'],
    [[cpu], pod('new', { limits: { cpu: '2' } }), exceeded('cpu', 'limits.cpu', '2', '0', '1')],
    [
      [quota('half', { pods: '1', 'requests.cpu': '1' }, { pods: '0' })],
      pod('new', { requests: { cpu: '1' } }),
      'status unknown for quota: half, resources: pods,requests.cpu',
    ],
  ])('refuses with %j: %j', async (cluster, object, reason) => {
    const outcome = await runPlugin(resourceQuotaPlugin, { object, cluster });
    expect(summaryOf(outcome, object)).toBe(`403 Forbidden: pods "new" is forbidden: ${reason}`);
  });

  test('counts what an update adds, be the old object in the cluster or not', async () => {
    const [oldObject, object] = [service('ClusterIP'), service('NodePort')];
    const ports = (hard: string) => quota('ports', { services: '1', 'services.nodeports': hard });
    for (const cluster of [[ports('1')], [ports('1'), oldObject]]) {
      expect((await runPlugin(resourceQuotaPlugin, { object, oldObject, cluster })).allowed).toBe(true);
    }
    const { status } = await runPlugin(resourceQuotaPlugin, { object, oldObject, cluster: [ports('0')] });
    expect(status?.message).toBe(
      `services "web" is forbidden: ${exceeded('ports', 'services.nodeports', '1', '0', '0')}`,
    );
  });

  test('tells of a scope that cannot be understood with a bare error', async () => {
    const scopeSelector = { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: [] }] };
    const object = pod('new');
    const outcome = await runPlugin(resourceQuotaPlugin, {
      object,
      cluster: [quota('q', { pods: '1' }, { pods: '0' }, { scopeSelector })],
    });
    expect(outcome.status).toMatchObject({ code: 500 });
    expect(outcome.status?.reason).toBeUndefined();
    expect(outcome.status?.message).toContain('error matching scopes of quota q');
  });

  test('does not ask the quotas of other namespaces', async () => {
    const object = { ...pod('new'), metadata: { name: 'new', namespace: 'other' } };
    expect((await runPlugin(resourceQuotaPlugin, { object, cluster: [onePod] })).allowed).toBe(true);
  });
});
