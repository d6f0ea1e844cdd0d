import { afterAll, beforeAll } from 'vitest';
import { describeLedgerStore } from '../../../../test/ledger-store-contract.ts';
import { PostgresServer } from '../../../../test/postgres-server.ts';
import { PostgresLedgerStore } from './postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.remove());

describeLedgerStore('PostgresLedgerStore', async () => {
  const url = server.newDatabase();
  return { first: new PostgresLedgerStore({ url }), second: new PostgresLedgerStore({ url }) };
});
