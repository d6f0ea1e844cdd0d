import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { checkSums, describeLedgerStore } from '../../../../test/ledger-store-contract.ts';
import { quotaTerms, reservation } from '../../../../test/quota-builders.ts';
import { PostgresServer } from '../../../../test/postgres-server.ts';
import { SilentProxy } from '../../../../test/silent-proxy.ts';
import { Ledger, LedgerStoreError } from '../index.ts';
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

describe('PostgresLedgerStore', () => {
  async function openLedgers(count: number) {
    const url = server.newDatabase();
    const stores = Array.from({ length: count }, () => new PostgresLedgerStore({ url }));
    const ledgers = stores.map((store) => new Ledger({ store, maxBatch: 8 }));
    // All at once, so that they race to make the tables.
    await Promise.all(ledgers.map((ledger) => ledger.start()));
    onTestFinished(async () => {
      for (const ledger of ledgers) await ledger.stop();
    });
    const [store] = stores;
    const [ledger] = ledgers;
    if (store === undefined || ledger === undefined) throw new Error('none');
    return { stores, ledgers, store, ledger };
  }

  it('lets four processes race for quotas in every order, without a wrong sum or an error', async () => {
    const { ledgers, ledger, store } = await openLedgers(4);
    const ids = ['a', 'b', 'c', 'd', 'e'];
    for (const id of ids) await ledger.setTerms(quotaTerms(id, { pods: '60' }));
    const calls = Array.from({ length: 400 }, async (_, index) => {
      const quotas = [ids[index % 5] ?? '', ids[(index * 3 + 1) % 5] ?? ''];
      return ledgers[index % 4]?.reserve(reservation(`u${index % 350}`, [...new Set(quotas)], { attempt: `${index}` }));
    });
    const verdicts = await Promise.all(calls);
    expect(verdicts.some((verdict) => verdict?.allowed === false)).toBe(true);
    await checkSums(store);
    for (const id of ids) expect((await ledger.standing(id))?.reserved.get('pods')?.toString()).toBe('60');
  });

  it('has lost nothing that was answered when the server crashed in a storm, and serves on when it is back', async () => {
    const { ledgers, ledger, store } = await openLedgers(2);
    await ledger.setTerms(quotaTerms('team', { pods: '100000' }));
    const answered: string[] = [];
    const failures: unknown[] = [];
    let crashed = false;
    const caller = async (index: number): Promise<void> => {
      for (let call = 0; !crashed || failures.length === 0; call += 1) {
        const uid = `u${index}-${call}`;
        await ledgers[index % 2]?.reserve(reservation(uid, ['team'])).then(
          () => answered.push(uid),
          (error: unknown) => failures.push(error),
        );
        if (answered.length >= 500 && !crashed) {
          crashed = true;
          await server.stop('SIGQUIT');
        }
      }
    };
    await Promise.all(Array.from({ length: 32 }, (_, index) => caller(index)));
    expect(failures.length).toBeGreaterThan(0);
    for (const failure of failures) expect(failure).toBeInstanceOf(LedgerStoreError);
    await server.restart();
    await checkSums(store);
    const charged = new Set((await store.charges({ limit: 100_000 })).map(({ key }) => key.uid));
    expect(answered.filter((uid) => !charged.has(uid))).toEqual([]);
    for (const each of ledgers)
      expect((await each.reserve(reservation(crypto.randomUUID(), ['team']))).allowed).toBe(true);
  });

  it('does not wait for ever for a process that holds locks and stands still', async () => {
    const url = server.newDatabase();
    const ledger = new Ledger({ store: new PostgresLedgerStore({ url, timeoutMilliseconds: 1000 }) });
    await ledger.start();
    await ledger.setTerms(quotaTerms('team', { pods: '5' }));
    const other = new pg.Client({ connectionString: url });
    other.on('error', () => undefined);
    await other.connect();
    await other.query('BEGIN');
    await other.query('SELECT * FROM sallyport_quota FOR UPDATE');
    await expect(ledger.reserve(reservation('a', ['team']))).rejects.toThrow(/lock timeout|statement timeout/);
    await other.query('ROLLBACK');
    expect((await ledger.reserve(reservation('a', ['team']))).allowed).toBe(true);
    await other.end();
    await ledger.stop();
  });

  it('says so when the host of the database vanishes without a word, and serves on when it is back', async () => {
    const proxy = await SilentProxy.start(server.socketPath);
    const database = new URL(server.newDatabase().replace('@/', '@localhost/')).pathname;
    const url = `postgres://ledger@127.0.0.1:${proxy.port}${database}`;
    const ledger = new Ledger({ store: new PostgresLedgerStore({ url, timeoutMilliseconds: 1500 }) });
    onTestFinished(async () => {
      await ledger.stop();
      await proxy.stop();
    });
    await ledger.start();
    await ledger.setTerms(quotaTerms('team', { pods: '5' }));
    proxy.fallSilent();
    // One on a connection that was open, one on a new one.
    for (const uid of ['a', 'b']) {
      await expect(ledger.reserve(reservation(uid, ['team']))).rejects.toBeInstanceOf(LedgerStoreError);
    }
    proxy.recover();
    expect((await ledger.reserve(reservation('c', ['team']))).allowed).toBe(true);
  });

  it('says which database cannot be reached, without its password', async () => {
    const ledger = new Ledger({ store: new PostgresLedgerStore({ url: 'postgres://me:secret@127.0.0.1:1/ledger' }) });
    const failure: unknown = await ledger.start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LedgerStoreError);
    expect(String(failure)).toContain('127.0.0.1:1/ledger');
    expect(String(failure)).not.toContain('secret');
    await ledger.stop();
  });
});
