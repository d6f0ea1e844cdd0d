import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeApiServer, sendJson } from '../../test/fake-api-server.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import { present, quotaTerms, reservation } from '../../test/quota-builders.ts';
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

beforeEach(async () => {
  const clock = new FakeClock();
  api = new FakeApiServer();
  api.intercept = ({ path, query }, response) => {
    if (path !== '/api/v1/namespaces') return false;
    const shop = { metadata: { name: 'shop', uid: 'uid-shop', resourceVersion: '1' } };
    if (query.get('watch') === 'true') response.writeHead(200).flushHeaders();
    else sendJson(response, 200, { metadata: { resourceVersion: '1' }, items: [shop] });
    return true;
  };
  await api.start();
  client = new KubeClient(api.clusterConfig());
  ledger = new Ledger({ store: new MemoryLedgerStore(), clock });
  await ledger.start();
  observer = new QuotaObserver({
    client,
    ledger,
    clusterId: 'uid-of-west',
    selection: new QuotaSelection({ cluster: { name: 'west', labels: {} }, excludedNamespaces: [] }),
    metrics: noObserverMetrics,
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
