import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeConfigMaps } from '../../../../test/fake-config-maps.ts';
import { describeLedgerStore } from '../../../../test/ledger-store-contract.ts';
import { quotaTerms } from '../../../../test/quota-builders.ts';
import { Ledger, LedgerStoreError } from '../index.ts';
import { MemoryLedgerStore } from './memory.ts';
import { KubernetesLedgerStore } from './kubernetes.ts';
import { SqliteLedgerStore } from './sqlite.ts';

describeLedgerStore('MemoryLedgerStore', async () => {
  const store = new MemoryLedgerStore();
  return { first: store, second: store };
});

describe.each([
  ['that knows its newest charges by heart', undefined],
  ['that puts each charge into the index at once', 0],
  ['that puts a few into the index now and then', 3],
])('SqliteLedgerStore %s', (_how, maxRecentCharges) => {
  describeLedgerStore('over a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-ledger-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'ledger.sqlite');
    const make = () => new SqliteLedgerStore({ path, ...(maxRecentCharges !== undefined && { maxRecentCharges }) });
    return { first: make(), second: make() };
  });
});

describe.each([
  ['that folds now and then', 4_000],
  ['that folds after every write', 0],
  ['that never folds', 1_000_000],
])('KubernetesLedgerStore %s', (_how, maxJournalBytes) => {
  describeLedgerStore('over ConfigMaps', async () => {
    const client = new FakeConfigMaps();
    const make = () => new KubernetesLedgerStore({ client, namespace: 'quota', maxJournalBytes });
    return { first: make(), second: make() };
  });
});

it('KubernetesLedgerStore refuses what is larger than an object may be, and nothing that is asked for beside it', async () => {
  const store = new KubernetesLedgerStore({ client: new FakeConfigMaps(), namespace: 'quota' });
  const ledger = new Ledger({ store });
  await ledger.start();
  const put = (id: string, memo: string): Promise<void> => {
    const quota = { terms: quotaTerms(id, { pods: '1' }), memo, removed: false };
    return ledger.changeQuota(id, () => ({ quota, result: undefined }));
  };
  const large = 'x'.repeat(1_048_576);
  const outcomes = await Promise.allSettled([put('a', ''), put('b', large), put('c', '')]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  await expect(put('b', large)).rejects.toThrow(
    /^quota ledger \(Kubernetes\): quota\/sallyport-quota-ledger-journal: what is to be written at once is larger than/,
  );
  await expect(put('b', large)).rejects.toBeInstanceOf(LedgerStoreError);
  expect((await store.quotas()).map(({ terms }) => terms.id)).toEqual(['a', 'c']);
  await ledger.stop();
});
