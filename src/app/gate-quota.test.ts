import type { ServerResponse } from 'node:http';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { FakeApiServer, sendJson } from '../../test/fake-api-server.ts';
import type { WebhookDefinition } from '../admission/index.ts';
import { KubeClient } from '../kube/index.ts';
import { Ledger, ledgerStoreFor } from '../quota/index.ts';
import { silentLogger, systemClock, type Logger } from '../telemetry/index.ts';
import { prometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { admit } from '../testing/index.ts';
import { parseResourceList } from '../usage/index.ts';
import { GateQuota } from './gate-quota.ts';
import type { QuotaConfiguration } from './quota-configuration.ts';

const clusterId = 'uid-of-kube-system';

let folder: string;
let api: FakeApiServer;
/** ConfigMaps that are asked for while this is true are waited for. */
let isHeld: boolean;
let held: (() => void)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-gate-quota-'));
  api = new FakeApiServer();
  [isHeld, held] = [false, []];
  api.intercept = ({ path, query }, response) => {
    if (path === '/api/v1/configmaps' && query.get('watch') !== 'true' && isHeld) {
      held.push(() => response.destroy());
      return true;
    }
    return answerNamespaces(path, query, response);
  };
  await api.start();
});
afterEach(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

function answerNamespaces(path: string, query: URLSearchParams, response: ServerResponse): boolean {
  const shop = { metadata: { name: 'shop', uid: 'uid-shop', resourceVersion: '1' } };
  const isWatch = query.get('watch') === 'true';
  if (path === '/api/v1/namespaces/kube-system') sendJson(response, 200, { metadata: { uid: clusterId } });
  else if (path === '/api/v1/namespaces' && isWatch) response.writeHead(200).flushHeaders();
  else if (path === '/api/v1/namespaces')
    sendJson(response, 200, { metadata: { resourceVersion: '1' }, items: [shop] });
  else return false;
  return true;
}

function letGo(): void {
  isHeld = false;
  for (const end of held.splice(0)) end();
}

async function writeQuota(name: string, spec: string): Promise<void> {
  await mkdir(join(folder, 'quotas'), { recursive: true });
  const text = `apiVersion: quota.sallyport.dev/v1alpha1\nkind: GlobalQuota\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
  await writeFile(join(folder, 'quotas', `${name}.yaml`), text);
}

/** A gate with the quotas of the folder; begun when its webhook can be asked. */
async function startGate({ path = join(folder, 'quota.db'), log = silentLogger } = {}) {
  const configuration: QuotaConfiguration = {
    cluster: 'eu-1',
    labels: {},
    objects: { mode: 'Folder', directory: join(folder, 'quotas') },
    counts: [],
    store: { mode: 'SQLite', path },
  };
  const client = new KubeClient(api.clusterConfig());
  const { promise, resolve } = Promise.withResolvers<WebhookDefinition>();
  const gate = new GateQuota({
    configuration,
    client,
    excludedNamespaces: ['kube-system'],
    onWebhook: (webhook) => webhook && resolve(webhook),
    metrics: prometheusMetrics(),
    log,
    clock: systemClock,
  });
  const stop = async (): Promise<void> => {
    await gate.stop();
    client.close();
  };
  onTestFinished(stop);
  gate.start();
  const webhook = await promise;
  const ask = async (name: string): Promise<string> => {
    const metadata = { name, namespace: 'shop', uid: `uid-of-${name}` };
    const { allowed, message } = await admit(webhook, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
    return allowed ? 'allowed' : (message ?? '');
  };
  return { ask, stop };
}

/** A ledger of the same file, as an earlier process of the gate had it. */
async function withLedger(work: (ledger: Ledger) => Promise<void>): Promise<void> {
  const ledger = new Ledger({ store: await ledgerStoreFor({ mode: 'SQLite', path: join(folder, 'quota.db') }) });
  await ledger.start();
  await work(ledger);
  await ledger.stop();
}

const hard = parseResourceList({ 'count/configmaps': '2' }, 'test');

describe('a gate that starts anew', () => {
  beforeEach(async () => {
    await writeQuota('team', '{hard: {count/configmaps: 2}}');
    api.put('one', { namespace: 'shop' });
    api.put('two', { namespace: 'shop' });
  });

  it('admits nothing when its first count ended after some of the objects, until all are counted', async () => {
    await withLedger(async (ledger) => {
      await ledger.setTerms({ id: 'team', name: 'team', generation: 0, hard, mode: 'enforce' });
      const key = { cluster: clusterId, resource: 'configmaps', uid: 'uid-101' };
      const usage = parseResourceList({ 'count/configmaps': '1' }, 'test');
      await ledger.observe([
        { type: 'present', key, namespace: 'shop', name: 'one', resourceVersion: 101n, usage, quotas: ['team'] },
      ]);
    });
    isHeld = true;
    const { ask } = await startGate();
    expect(await ask('three')).toBe('status unknown for quota: team, resources: count/configmaps');
    letGo();
    await expect.poll(() => ask('three'), { timeout: 10_000 }).toContain('exceeded quota: team');
  });

  it('goes on from what has been counted to its end', async () => {
    const first = await startGate();
    await expect.poll(() => first.ask('three'), { timeout: 10_000 }).toContain('exceeded quota: team');
    await first.stop();
    isHeld = true;
    const second = await startGate();
    expect(await second.ask('three')).toContain('exceeded quota: team');
  });

  it('counts no more what was deleted while it was away', async () => {
    const first = await startGate();
    await expect.poll(() => first.ask('three'), { timeout: 10_000 }).toContain('exceeded quota: team');
    await first.stop();
    api.remove('two', 'shop');
    const second = await startGate();
    await expect.poll(() => second.ask('three'), { timeout: 10_000 }).toBe('allowed');
  });

  it('counts anew what a quota did not select meanwhile', async () => {
    const first = await startGate();
    await expect.poll(() => first.ask('three'), { timeout: 10_000 }).toContain('exceeded quota: team');
    await first.stop();
    await writeQuota('other', '{hard: {count/configmaps: 9}}');
    await writeQuota('team', '{hard: {count/configmaps: 2}, clusters: {names: [us-1]}}');
    const second = await startGate();
    await expect.poll(() => second.ask('three'), { timeout: 10_000 }).toBe('allowed');
    await second.stop();
    await writeQuota('team', '{hard: {count/configmaps: 2}}');
    isHeld = true;
    const third = await startGate();
    expect(await third.ask('four')).toBe('status unknown for quota: team, resources: count/configmaps');
  });
});

it('a quota that another gate takes for gone is enforced on by the gate that has it', async () => {
  await writeQuota('team', '{hard: {count/configmaps: 2}}');
  api.put('one', { namespace: 'shop' });
  api.put('two', { namespace: 'shop' });
  const { ask } = await startGate();
  await expect.poll(() => ask('three'), { timeout: 10_000 }).toContain('exceeded quota: team');
  await withLedger(async (ledger) => {
    // One of another cluster, then one of the same whose files are newer.
    await ledger.beginCensus('team', 'uid-of-another', 'all', { name: 'us-1', labels: {} });
    await ledger.endCensuses('uid-of-another', new Set());
    expect(await ask('three')).toContain('exceeded quota: team');
    await ledger.endCensuses(clusterId, new Set());
  });
  expect(await ask('three')).toContain('the quota ledger gives no answer');
  await expect.poll(() => ask('three'), { timeout: 10_000 }).toContain('exceeded quota: team');
});

it('a gate begins when its ledger can be had, however often it has to try', async () => {
  await writeQuota('team', '{hard: {count/configmaps: 0}}');
  const parent = join(folder, 'not-mounted-yet');
  const log: Logger = { ...silentLogger, child: () => log, error: () => void mkdir(parent, { recursive: true }) };
  const { ask } = await startGate({ path: join(parent, 'quota.db'), log });
  await expect.poll(() => ask('one'), { timeout: 10_000 }).toContain('exceeded quota: team');
});
