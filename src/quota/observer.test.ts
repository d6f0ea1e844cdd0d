import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeApiServer, sendJson } from '../../test/fake-api-server.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import { list, present, quotaTerms, reservation } from '../../test/quota-builders.ts';
import { KubeClient } from '../kube/index.ts';
import { silentLogger } from '../telemetry/index.ts';
import { formatResourceList } from '../usage/index.ts';
import { globalQuotaKind, type GlobalQuota } from './global-quota.ts';
import { Ledger, MemoryLedgerStore } from './ledger/index.ts';
import { noObserverMetrics, QuotaObserver } from './observer.ts';
import { QuotaSelection } from './selection.ts';
import { termsOf } from './terms-of.ts';

let api: FakeApiServer;
let client: KubeClient;
let ledger: Ledger;
let observer: QuotaObserver;
let clock: FakeClock;
let selection: QuotaSelection;
/** Charges that one transaction changed at most. */
let largest: number;
let pods: object[];
/** By resource, as last told. */
let uncountable: Map<string, number>;

/** Collections beside ConfigMaps, by path. */
const collections: Readonly<Record<string, readonly object[]>> = {
  '/api/v1/namespaces': [{ metadata: { name: 'shop', uid: 'uid-shop', resourceVersion: '1' } }],
  '/apis/resource.k8s.io/v1/deviceclasses': [
    {
      metadata: { name: 'gpu.example.com', uid: 'uid-class', resourceVersion: '1' },
      spec: { extendedResourceName: 'example.com/gpu' },
    },
  ],
  '/apis/resource.k8s.io/v1/resourceclaims': [
    {
      metadata: { name: 'two', namespace: 'shop', uid: 'uid-claim', resourceVersion: '2' },
      spec: {
        devices: {
          requests: [
            { name: 'gpu', exactly: { deviceClassName: 'gpu.example.com', allocationMode: 'ExactCount', count: 2 } },
          ],
        },
      },
    },
  ],
};

/** Its lists are answered from now on when this is called. */
function hold(held: string): { readonly asked: Promise<void>; readonly letGo: () => void } {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const waiting: (() => void)[] = [];
  const answer = api.intercept;
  api.intercept = (request, response) => {
    if (request.path !== held || request.query.get('watch') === 'true') return answer(request, response);
    waiting.push(() => void answer(request, response));
    resolve();
    return true;
  };
  return {
    asked,
    letGo() {
      api.intercept = answer;
      for (const each of waiting) each();
    },
  };
}

beforeEach(async () => {
  clock = new FakeClock();
  pods = [];
  uncountable = new Map();
  api = new FakeApiServer();
  api.intercept = ({ path, query }, response) => {
    const items = path === '/api/v1/pods' ? pods : collections[path];
    if (items === undefined) return false;
    if (query.get('watch') === 'true') response.writeHead(200).flushHeaders();
    else sendJson(response, 200, { metadata: { resourceVersion: '9' }, items });
    return true;
  };
  await api.start();
  client = new KubeClient(api.clusterConfig());
  const store = new MemoryLedgerStore();
  const transact = store.transact.bind(store);
  largest = 0;
  store.transact = (needs, decide) =>
    transact(needs, (view) => {
      const decided = decide(view);
      largest = Math.max(largest, decided.changes.charges.length);
      return decided;
    });
  ledger = new Ledger({ store, clock });
  selection = new QuotaSelection({ cluster: { name: 'west', labels: {} }, excludedNamespaces: [] });
  await ledger.start();
  observer = new QuotaObserver({
    client,
    ledger,
    clusterId: 'uid-of-west',
    selection,
    metrics: {
      ...noObserverMetrics,
      recounted: (result, resource) => void uncountable.set(resource, result.uncountable),
    },
    onChanged: () => undefined,
    clock,
    log: silentLogger,
  });
  await observer.start();
});
afterEach(async () => {
  await observer.stop();
  client.close();
  await api.stop();
});

function quotaOf(spec: object, generation: number): GlobalQuota {
  const metadata = { name: 'team', uid: 'team', generation };
  const object = { apiVersion: 'quota.sallyport.dev/v1alpha1', kind: 'GlobalQuota', metadata, spec };
  const parsed = globalQuotaKind.parse(object);
  if (!('object' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  return parsed.object;
}

describe('a quota that does not select another cluster any more', () => {
  const used = async () => formatResourceList((await ledger.standing('team'))?.used ?? new Map());
  const east = { name: 'east', labels: { region: 'eu' } };

  beforeEach(async () => {
    await ledger.setTerms(quotaTerms('team', { pods: '5' }, { generation: 1 }));
    await ledger.beginCensus('team', 'east', 'all', east);
    await ledger.observe([present(reservation('a', ['team']), 3n)]);
  });

  it.each([
    ['by its name', { names: ['west'] }, {}],
    ['by its labels', { selector: { matchLabels: { region: 'us' } } }, {}],
    ['which it does still', { names: ['east'] }, { pods: '1' }],
    ['which it does still, by its labels', { selector: { matchLabels: { region: 'eu' } } }, { pods: '1' }],
  ])('is free of what that was charged for at the next recount: %s', async (_name, clusters, left) => {
    const quota = quotaOf({ hard: { 'count/configmaps': '5' }, clusters }, 2);
    await ledger.setTerms(termsOf(quota));
    await observer.setQuotas([quota]);
    await observer.recount();
    expect(await used()).toEqual(left);
  });

  it('keeps it when the word is that of a file, which may be older than the one that the other cluster has', async () => {
    await ledger.setTerms(quotaTerms('from-file', { pods: '5' }, { generation: 0 }));
    await ledger.beginCensus('from-file', 'east', 'all', east);
    await ledger.observe([present(reservation('b', ['from-file']), 4n)]);
    const quota = { ...quotaOf({ hard: { pods: '5' }, clusters: { names: ['west'] } }, 0), id: 'from-file' };
    await observer.setQuotas([quota]);
    await observer.recount();
    expect(formatResourceList((await ledger.standing('from-file'))?.used ?? new Map())).toEqual({ pods: '1' });
  });
});

describe('resourceclaims, whose usage depends on device classes', () => {
  const claims = { group: 'resource.k8s.io', resource: 'resourceclaims' };
  const quota = quotaOf({ hard: { 'requests.example.com/gpu': '4' } }, 1);
  const used = async () => formatResourceList((await ledger.standing('team'))?.used ?? new Map());
  beforeEach(() => ledger.setTerms(termsOf(quota)));

  it('are recounted when those are known', async () => {
    selection.set([quota]);
    const { asked, letGo } = hold('/apis/resource.k8s.io/v1/deviceclasses');
    const another = new QuotaObserver({
      client,
      ledger,
      clusterId: 'uid-of-west',
      selection,
      metrics: noObserverMetrics,
      onChanged: () => undefined,
      clock,
      log: silentLogger,
    });
    await another.start();
    const counting = another.recount();
    await asked;
    // Time enough for what does not wait.
    for (let turn = 0; turn < 5; turn++) await client.list(FakeApiServer.collection);
    const before = api.requests.length;
    letGo();
    await counting;
    const listed = api.requests.findIndex(({ path }) => path.endsWith('/resourceclaims'));
    expect(listed).toBeGreaterThanOrEqual(before);
    expect(await used()).toMatchObject({ 'requests.example.com/gpu': '2' });
    await another.stop();
  });

  it('are not admitted before, also when an earlier process has counted them', async () => {
    const { stamp } = await ledger.beginCensus('team', 'uid-of-west', selection.signatureOf(quota), selection.cluster);
    await ledger.markCounted('team', 'uid-of-west', stamp, 'resourceclaims.resource.k8s.io');
    const { asked, letGo } = hold('/apis/resource.k8s.io/v1/deviceclasses');
    await observer.setQuotas([quota]);
    await asked;
    expect(observer.isCounted(quota, claims)).toBe(false);
    letGo();
    await expect.poll(() => observer.isCounted(quota, claims)).toBe(true);
    await expect.poll(used).toMatchObject({ 'requests.example.com/gpu': '2' });
  });
});

describe('an object that cannot be counted', () => {
  const podsResource = { group: '', resource: 'pods' };
  const quota = quotaOf({ hard: { pods: '5', 'requests.cpu': '5' } }, 1);
  const used = async () => formatResourceList((await ledger.standing('team'))?.used ?? new Map());
  const pod = (uid: string, cpu: string): object => ({
    metadata: { name: uid, namespace: 'shop', uid, resourceVersion: '4' },
    spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }] },
    status: { phase: 'Running' },
  });
  const charged = present(
    reservation('a', ['team'], {
      key: { cluster: 'uid-of-west', resource: 'pods', uid: 'a' },
      usage: list({ pods: '1', 'requests.cpu': '2' }),
    }),
    3n,
  );
  beforeEach(() => ledger.setTerms(termsOf(quota)));

  it('keeps its charge at a recount', async () => {
    await observer.setQuotas([quota]);
    await ledger.observe([charged]);
    pods = [pod('a', 'much'), pod('b', '1')];
    await observer.recount();
    expect(await used()).toMatchObject({ pods: '2', 'requests.cpu': '3' });
    expect(uncountable.get('pods')).toBe(1);
    pods = [pod('b', '1')];
    await observer.recount();
    expect(await used()).toMatchObject({ pods: '1', 'requests.cpu': '1' });
    expect(uncountable.get('pods')).toBe(0);
  });

  it('keeps a quota that has not counted it from being known, and no other', async () => {
    const elsewhere = { ...quotaOf({ hard: { pods: '5' }, namespaces: { names: ['bank'] } }, 1), id: 'elsewhere' };
    await ledger.setTerms(termsOf(elsewhere));
    pods = [pod('a', 'much'), pod('b', '1')];
    await observer.setQuotas([quota, elsewhere]);
    await expect.poll(() => observer.isCounted(elsewhere, podsResource)).toBe(true);
    expect(observer.isCounted(quota, podsResource)).toBe(false);
    expect(await used()).toMatchObject({ pods: '1', 'requests.cpu': '1' });
    pods = [pod('a', '2'), pod('b', '1')];
    await observer.recount();
    expect(observer.isCounted(quota, podsResource)).toBe(true);
    expect(await used()).toMatchObject({ pods: '2', 'requests.cpu': '3' });
  });

  it('leaves a quota known that is known already', async () => {
    await observer.setQuotas([quota]);
    await expect.poll(() => observer.isCounted(quota, podsResource)).toBe(true);
    pods = [pod('a', 'much')];
    await observer.recount();
    expect(observer.isCounted(quota, podsResource)).toBe(true);
  });
});

it('many old reservations are settled in pages', async () => {
  await ledger.setTerms(quotaTerms('team', { 'count/configmaps': '1000' }));
  await Promise.all(
    Array.from({ length: 600 }, (_, index) =>
      ledger.reserve(
        reservation(`u${index}`, ['team'], {
          key: { cluster: 'uid-of-west', resource: 'configmaps', uid: `u${index}` },
          usage: list({ 'count/configmaps': '1' }),
        }),
      ),
    ),
  );
  await observer.settle();
  clock.advance(61_000);
  largest = 0;
  await observer.settle();
  expect(formatResourceList((await ledger.standing('team'))?.reserved ?? new Map())).toEqual({});
  expect(largest).toBe(256);
});
