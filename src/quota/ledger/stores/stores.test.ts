import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { describeLedgerStore } from '../../../../test/ledger-store-contract.ts';
import { MemoryLedgerStore } from './memory.ts';
import { SqliteLedgerStore } from './sqlite.ts';

describeLedgerStore('MemoryLedgerStore', async () => {
  const store = new MemoryLedgerStore();
  return { first: store, second: store };
});

describeLedgerStore('SqliteLedgerStore', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ledger-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'ledger.sqlite');
  return { first: new SqliteLedgerStore({ path }), second: new SqliteLedgerStore({ path }) };
});
