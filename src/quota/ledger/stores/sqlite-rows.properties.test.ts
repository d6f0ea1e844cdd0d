import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkSums } from '../../../../test/ledger-store-contract.ts';
import { present, quotaTerms, reservation } from '../../../../test/quota-builders.ts';
import { Ledger } from '../index.ts';
import { SqliteLedgerStore } from './sqlite.ts';

/** Whose hashes are close, so that they go into the index together. */
const uids = Array.from({ length: 2000 }, (_, index) => `uid-${index}`).filter((uid) => crc32(uid) >>> 26 < 2);
const step = fc.record({
  by: fc.integer({ min: 0, max: 1 }),
  uids: fc.uniqueArray(fc.constantFrom(...uids), { minLength: 1, maxLength: 6 }),
  what: fc.constantFrom('appear', 'appear', 'go', 'fail', 'restart'),
});

it('finds every charge by its key, whoever wrote or removed it, and keeps nothing of those that are gone', async () => {
  const history = fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 12 }), play);
  await fc.assert(history, { numRuns: 150 });
}, 120_000);

/** Two processes on one file, both of which add and remove, and put a few charges into the index whenever there are more. */
async function play(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[], most: number) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-rows-'));
  const path = join(folder, 'ledger.sqlite');
  let failing = false;
  class FailingDatabase extends DatabaseSync {
    override exec(sql: string): void {
      if (failing && sql === 'COMMIT') throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
      super.exec(sql);
    }
  }
  const open = async () => {
    const openDatabase = (file: string, options: { readonly timeout: number }) => new FailingDatabase(file, options);
    const store = new SqliteLedgerStore({ path, maxRecentCharges: most, openDatabase });
    const ledger = new Ledger({ store });
    await ledger.start();
    return { store, ledger };
  };
  const processes = [await open(), await open()];
  try {
    await processes[0]?.ledger.setTerms(quotaTerms('team', { pods: '1000' }));
    const living = new Set<string>();
    for (const { by, uids: some, what } of steps) {
      const { ledger } = processes[by] ?? (await open());
      const pods = some.map((uid) => reservation(uid, ['team']));
      if (what === 'restart') {
        await ledger.stop();
        processes[by] = await open();
        continue;
      }
      if (what === 'fail') {
        failing = true;
        const changes = pods.map((pod) => (living.has(pod.key.uid) ? gone(pod) : present(pod, 5n)));
        await expect(ledger.observe(changes)).rejects.toMatchObject({ fatal: false });
        failing = false;
        continue;
      }
      const expected = some.map((uid) => {
        if (what === 'appear') return living.has(uid) ? 'unchanged' : 'discovered';
        return living.has(uid) ? 'gone' : 'unchanged';
      });
      expect(await ledger.observe(pods.map((pod) => (what === 'appear' ? present(pod, 5n) : gone(pod))))).toEqual(
        expected,
      );
      for (const uid of some)
        if (what === 'appear') living.add(uid);
        else living.delete(uid);
    }
    for (const { store } of processes) {
      expect(new Set((await store.charges({ limit: 1000 })).map(({ key }) => key.uid))).toEqual(living);
      await checkSums(store);
    }
    const database = new DatabaseSync(path, { readOnly: true });
    expect(database.prepare('SELECT * FROM charge_key WHERE seq NOT IN (SELECT seq FROM charge)').all()).toEqual([]);
    database.close();
  } finally {
    for (const { ledger } of processes) await ledger.stop();
    rmSync(folder, { recursive: true });
  }
}

const gone = ({ key, namespace }: ReturnType<typeof reservation>) => ({ type: 'gone', key, namespace }) as const;
