import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkSums } from '../../../../test/ledger-store-contract.ts';
import { present, quotaTerms, reservation } from '../../../../test/quota-builders.ts';
import { Ledger, LedgerStoreError } from '../index.ts';
import { SqliteLedgerStore, type SqliteLedgerStoreOptions } from './sqlite.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ledger-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function open(path: string, options: Partial<SqliteLedgerStoreOptions> = {}) {
  const store = new SqliteLedgerStore({ path, ...options });
  const ledger = new Ledger({ store });
  await ledger.start();
  return { store, ledger };
}

/** Whether every object that was answered is charged, and no more than fits. */
async function checkRecovered(path: string, answered: readonly string[], hard: number): Promise<number> {
  const { store, ledger } = await open(path);
  await checkSums(store);
  const charged = new Set((await store.charges({ limit: 10_000 })).map(({ key }) => key.uid));
  for (const uid of answered) expect(charged, `${uid} was answered`).toContain(uid);
  expect(charged.size).toBeLessThanOrEqual(hard);
  const room = hard - charged.size;
  const more = await Promise.all(
    Array.from({ length: room + 1 }, (_, index) => ledger.reserve(reservation(`more-${index}`, ['a', 'b']))),
  );
  expect(more.filter(({ allowed }) => allowed)).toHaveLength(room);
  await ledger.stop();
  return charged.size;
}

describe('SqliteLedgerStore after kill -9', () => {
  const child = join(import.meta.dirname, '../../../../test/ledger-crash-child.ts');
  /** Runs until its n-th statement, which it is killed before or after. Undefined: it came to its end. */
  function crash(path: string, statement: number, when: 'before' | 'after'): { answered: string[]; ended: boolean } {
    const args = ['--conditions=sallyport-source', child, path, String(statement), when];
    const { stdout, stderr, signal, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (signal !== 'SIGKILL' && status !== 0) throw new Error(stderr);
    const answered = stdout.split('\n').filter((line) => line !== '');
    return { answered: answered.filter((line) => line !== 'end'), ended: answered.includes('end') };
  }

  it('has lost nothing that was answered, wherever it was killed', { timeout: 300_000 }, async () => {
    const folder = temporaryFolder();
    const reached = new Set<number>();
    let crashes = 0;
    // In strides that share no factor with the statements of a batch, so that each kind of boundary is met.
    for (let statement = 1; ; statement += statement < 24 ? 1 : 7) {
      const path = join(folder, `${statement}.sqlite`);
      const { answered, ended } = crash(path, statement, statement % 2 === 0 ? 'before' : 'after');
      if (ended) break;
      crashes += 1;
      if (existsSync(path)) {
        const { ledger } = await open(path);
        for (const id of ['a', 'b']) await ledger.setTerms(quotaTerms(id, { pods: '30' }));
        await ledger.stop();
        reached.add(await checkRecovered(path, answered, 30));
      }
    }
    expect(crashes).toBeGreaterThan(30);
    expect(reached.size).toBeGreaterThan(3);
  });
});

describe('SqliteLedgerStore on a full disk', () => {
  it('refuses by an error what finds no room, charges nothing for it, and goes on when there is room', async () => {
    const path = join(temporaryFolder(), 'ledger.sqlite');
    let database: DatabaseSync | undefined;
    const { store, ledger } = await open(path, {
      openDatabase: (file, options) => (database = new DatabaseSync(file, options)),
    });
    await ledger.setTerms(quotaTerms('team', { pods: '100000' }));
    const pages = Number(database?.prepare('PRAGMA page_count').get()?.['page_count']);
    database?.exec(`PRAGMA max_page_count = ${pages + 10}`);
    const answered: string[] = [];
    let failure: unknown;
    for (let index = 0; failure === undefined && index < 2000; index += 1) {
      await ledger.reserve(reservation(`u${index}`, ['team'])).then(
        () => answered.push(`u${index}`),
        (error: unknown) => (failure = error),
      );
    }
    expect(failure).toBeInstanceOf(LedgerStoreError);
    expect(failure).toMatchObject({ fatal: false, message: expect.stringContaining('full') as string });
    await checkSums(store);
    expect(await store.charges({ limit: 10_000 })).toHaveLength(answered.length);
    database?.exec('PRAGMA max_page_count = 100000');
    expect(await ledger.reserve(reservation('later', ['team']))).toMatchObject({ allowed: true });
    await ledger.stop();
  });
});

describe('SqliteLedgerStore after a failed fsync', () => {
  it.each(['before', 'after'] as const)('gives no answer any more (%s the bytes are there)', async (when) => {
    const path = join(temporaryFolder(), 'ledger.sqlite');
    let failing = false;
    class FailingDatabase extends DatabaseSync {
      override exec(sql: string): void {
        if (!failing || sql !== 'COMMIT') return super.exec(sql);
        if (when === 'after') super.exec(sql);
        throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 1034 });
      }
    }
    const { ledger } = await open(path, { openDatabase: (file, options) => new FailingDatabase(file, options) });
    for (const id of ['a', 'b']) await ledger.setTerms(quotaTerms(id, { pods: '5' }));
    await ledger.reserve(reservation('first', ['a', 'b']));
    failing = true;
    await expect(ledger.reserve(reservation('second', ['a', 'b']))).rejects.toMatchObject({ fatal: true });
    failing = false;
    await expect(ledger.reserve(reservation('third', ['a', 'b']))).rejects.toMatchObject({ fatal: true });
    await expect(ledger.openReservations()).rejects.toMatchObject({ fatal: true });
    await ledger.stop();
    expect(await checkRecovered(path, ['first'], 5)).toBe(when === 'before' ? 1 : 2);
  });
});

describe('SqliteLedgerStore with a torn end of its log', () => {
  it('has everything up to the last whole commit, wherever the next one breaks off', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'ledger.sqlite');
    const { ledger } = await open(path);
    for (const id of ['a', 'b']) await ledger.setTerms(quotaTerms(id, { pods: '30' }));
    const answered: string[] = [];
    for (let index = 0; index < 10; index += 1) {
      await ledger.reserve(reservation(`u${index}`, ['a', 'b']));
      answered.push(`u${index}`);
    }
    const wal = `${path}-wal`;
    const whole = statSync(wal).size;
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => ledger.reserve(reservation(`torn-${index}`, ['a', 'b']))),
    );
    const full = statSync(wal).size;
    expect(full).toBeGreaterThan(whole);
    const sizes = new Set<number>();
    for (let cut = whole; cut < full; cut += 509) {
      const copy = join(folder, `torn-${cut}.sqlite`);
      copyFileSync(path, copy);
      copyFileSync(wal, `${copy}-wal`);
      truncateSync(`${copy}-wal`, cut);
      sizes.add(await checkRecovered(copy, answered, 30));
    }
    // All or nothing of the batch that broke off.
    expect([...sizes]).toEqual([10]);
    await ledger.stop();
  });
});

describe('SqliteLedgerStore', () => {
  /** Calls `onRead` with the table before each read of one row of a batch. */
  function watched(onRead: (table: string) => void): Partial<SqliteLedgerStoreOptions> {
    return {
      openDatabase(path, options) {
        const database = new DatabaseSync(path, options);
        const prepare = database.prepare.bind(database);
        database.prepare = (sql) => {
          const statement = prepare(sql);
          const table = /^SELECT .* FROM (\w+)/.exec(sql)?.[1];
          const all = statement.all.bind(statement) as (...values: string[]) => ReturnType<typeof statement.all>;
          const get = statement.get.bind(statement) as (...values: string[]) => ReturnType<typeof statement.get>;
          statement.all = (...values: unknown[]) => {
            if (table !== undefined) onRead(table);
            return all(...(values as string[]));
          };
          statement.get = (...values: unknown[]) => {
            if (table !== undefined) onRead(table);
            return get(...(values as string[]));
          };
          return statement;
        };
        return database;
      },
    };
  }

  it('reads of a batch what it needs, and not every quota in every place', async () => {
    const reads: string[] = [];
    const { ledger } = await open(
      join(temporaryFolder(), 'ledger.sqlite'),
      watched((table) => reads.push(table)),
    );
    const each = Array.from({ length: 64 }, (_, index) => `team-${index}`);
    await Promise.all(each.map((id) => ledger.setTerms(quotaTerms(id, { pods: '5' }))));
    reads.length = 0;
    await ledger.observe(each.map((id) => present(reservation(`pod-of-${id}`, [id], { namespace: id }), 3n)));
    const count = (table: string) => reads.filter((read) => read === table).length;
    expect([count('charge_key'), count('charge'), count('quota'), count('account')]).toEqual([64, 0, 64, 64 * 3]);
    await ledger.stop();
  });

  it('leaves nothing locked when it cannot be opened', async () => {
    const path = join(temporaryFolder(), 'ledger.sqlite');
    class BrokenDatabase extends DatabaseSync {
      override prepare(sql: string) {
        const statement = super.prepare(sql);
        if (!sql.includes('FROM charge_keyed')) return statement;
        statement.iterate = () => {
          throw Object.assign(new Error('out of memory'), { errcode: 7 });
        };
        return statement;
      }
    }
    const openDatabase = (file: string, options: { readonly timeout: number }) => new BrokenDatabase(file, options);
    const broken = new SqliteLedgerStore({ path, openDatabase });
    await expect(broken.open()).rejects.toThrow('out of memory');
    await expect(broken.quotas()).rejects.toThrow('is not open');
    const { ledger } = await open(path, { busyTimeoutMilliseconds: 0 });
    await ledger.setTerms(quotaTerms('team', { pods: '5' }));
    expect(await ledger.reserve(reservation('a', ['team']))).toMatchObject({ allowed: true });
    await ledger.stop();
  });

  it('writes nothing of a batch in which a read failed', async () => {
    let isBroken = false;
    const failing = watched((table) => {
      if (isBroken && table === 'account') throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
    });
    const path = join(temporaryFolder(), 'ledger.sqlite');
    const { ledger } = await open(path, failing);
    await ledger.setTerms(quotaTerms('team', { pods: '5' }));
    isBroken = true;
    const asked = [
      ledger.observe([present(reservation('a', ['team']), 3n)]),
      ledger.setTerms(quotaTerms('b', { pods: '1' })),
    ];
    for (const outcome of await Promise.allSettled(asked)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'SALLYPORT_LEDGER_STORE', fatal: true } });
    }
    await ledger.stop();
    const anew = await open(path);
    expect((await anew.ledger.quotas()).map(({ terms }) => terms.id)).toEqual(['team']);
    expect(await anew.store.charges({ limit: 10 })).toEqual([]);
    await anew.ledger.stop();
  });

  it('opens what an earlier Sallyport wrote, and says so when it was a later one, or is no ledger at all', async () => {
    const folder = temporaryFolder();
    const later = new DatabaseSync(join(folder, 'later.sqlite'));
    later.exec('PRAGMA user_version = 99');
    later.close();
    await expect(open(join(folder, 'later.sqlite'))).rejects.toThrow('written by a later Sallyport (schema 99');
    const { ledger } = await open(join(folder, 'good.sqlite'));
    await ledger.setTerms(quotaTerms('team', { pods: '5' }));
    await ledger.observe([present(reservation('a', ['team']), 3n)]);
    await ledger.stop();
    // As the first schema was.
    const former = new DatabaseSync(join(folder, 'good.sqlite'));
    former.exec(`
      ALTER TABLE quota DROP COLUMN census;
      DROP TABLE charge_key; DROP TABLE charge_keyed;
      DROP INDEX charge_place; DROP INDEX charge_open; DROP INDEX charge_released;
      ALTER TABLE charge RENAME TO later;
      CREATE TABLE charge (
        cluster TEXT NOT NULL, resource TEXT NOT NULL, uid TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
        body TEXT NOT NULL, open INTEGER NOT NULL, released_at INTEGER, release_reason TEXT
      ) STRICT;
      CREATE UNIQUE INDEX charge_key ON charge (cluster, resource, uid);
      CREATE INDEX charge_open ON charge (cluster) WHERE open = 1;
      CREATE INDEX charge_released ON charge (released_at) WHERE released_at IS NOT NULL;
      INSERT INTO charge SELECT cluster, resource, uid, namespace, name, body, open, released_at, release_reason FROM later;
      DROP TABLE later;
      PRAGMA user_version = 1;
    `);
    former.close();
    const migrated = await open(join(folder, 'good.sqlite'));
    const census = await migrated.ledger.beginCensus('team', 'uid-1', 'all', { name: 'east', labels: {} });
    expect(census.resources).toEqual(new Set());
    const known = present(reservation('a', ['team']), 3n);
    expect(await migrated.ledger.observe([known, present(reservation('b', ['team']), 4n)])).toEqual([
      'unchanged',
      'discovered',
    ]);
    await checkSums(migrated.store);
    await migrated.ledger.stop();
    expect(readFileSync(join(folder, 'good.sqlite')).subarray(0, 6).toString()).toBe('SQLite');
    await expect(open(import.meta.filename)).rejects.toMatchObject({ fatal: true });
  });
});
