import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { FakeConfigMaps } from '../../../../test/fake-config-maps.ts';
import { describeLedgerStore } from '../../../../test/ledger-store-contract.ts';
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
