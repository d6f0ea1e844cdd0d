import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { list, quotaTerms, reservation } from '../../../test/quota-builders.ts';
import { systemClock } from '../../telemetry/index.ts';
import { Hub } from '../hub/index.ts';
import { Ledger, ledgerStoreFor } from '../ledger/index.ts';
import { HubUnreachableError, Member, type HubConnection } from './index.ts';

const hard = 12;
const terms = quotaTerms('q', { pods: String(hard) });

let names = 0;
const uniqueName = (): string => `name-${++names}`;

async function openLedger(path: string): Promise<Ledger> {
  const ledger = new Ledger({ store: await ledgerStoreFor({ mode: 'SQLite', path }) });
  await ledger.start();
  return ledger;
}

/** A hub and one member on files in a folder. */
async function open(folder: string) {
  const [hubLedger, ledger] = [await openLedger(join(folder, 'hub.db')), await openLedger(join(folder, 'east.db'))];
  const hub = new Hub({ ledger: hubLedger, clock: systemClock, uniqueName });
  let isCut = false;
  const line = <T>(ask: () => Promise<T>): Promise<T> =>
    isCut ? Promise.reject(new HubUnreachableError('cut')) : ask();
  const connection: HubConnection = {
    sync: (request, signal) => line(() => hub.sync('east', request, signal)),
    watch: (request, signal) => line(() => hub.watch('east', request, signal)),
  };
  const member = new Member({ ledger, hub: connection, cluster: 'id-of-east', clock: systemClock, uniqueName });
  await hub.setTerms(terms);
  await member.setTerms(terms);
  const create = async (uid: string, pods: number): Promise<boolean> => {
    const key = { cluster: 'id-of-east', resource: 'pods', uid };
    return (await member.reserve(reservation(uid, ['q'], { key, usage: list({ pods: String(pods) }) }))).allowed;
  };
  return {
    hub,
    ledger,
    member,
    create,
    cut: () => void (isCut = true),
    remove: (uid: string) =>
      ledger.observe([{ type: 'gone', key: { cluster: 'id-of-east', resource: 'pods', uid }, namespace: 'shop' }]),
    async close() {
      await member.stop();
      await ledger.stop();
      await hubLedger.stop();
    },
  };
}

type Fleet = Awaited<ReturnType<typeof open>>;

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** What is charged to the cluster, by uid. */
async function charged({ ledger }: Fleet): Promise<Map<string, bigint>> {
  const found = new Map<string, bigint>();
  for await (const { key, quotas } of ledger.summaries()) {
    const { used, reserved } = quotas.get('q') ?? {};
    const amount = [used, reserved].reduce((sum, each) => sum + (each?.get('pods')?.nano() ?? 0n), 0n);
    if (amount > 0n) found.set(key.uid, amount / 1_000_000_000n);
  }
  return found;
}

it.each([
  {
    what: 'a grant and what it was for',
    async prepare({ create }: Fleet) {
      expect(await Promise.all([create('a', 1), create('b', 2)])).toEqual([true, true]);
    },
    async last({ create }: Fleet) {
      expect(await create('last', 5)).toBe(true);
    },
  },
  {
    what: 'a return of which the hub has not heard',
    async prepare({ create, remove, member }: Fleet) {
      expect(await Promise.all([create('a', 1), create('b', 2), create('idle', 8)])).toEqual([true, true, true]);
      await remove('idle');
      await member.report();
    },
    async last({ member, cut }: Fleet) {
      cut();
      await expect(member.report()).rejects.toThrow(HubUnreachableError);
    },
  },
])('a journal that breaks off in $what keeps what was acknowledged, and no more than the hub counts', async (kind) => {
  const folder = temporaryFolder();
  const fleet = await open(folder);
  await kind.prepare(fleet);
  const wal = join(folder, 'east.db-wal');
  const whole = statSync(wal).size;
  await kind.last(fleet);
  const end = statSync(wal).size;
  expect(end).toBeGreaterThan(whole);
  // No process ends the files in order: they are as a loss of power would leave them.
  const torn: string[] = [];
  for (let size = whole; size < end; size += 733) {
    const copy = temporaryFolder();
    for (const file of ['hub.db', 'hub.db-wal', 'east.db', 'east.db-wal'])
      copyFileSync(join(folder, file), join(copy, file));
    truncateSync(join(copy, 'east.db-wal'), size);
    torn.push(copy);
  }
  await fleet.close();
  expect(torn.length).toBeGreaterThan(5);
  for (const copy of torn) {
    const again = await open(copy);
    const before = await charged(again);
    expect(before).toMatchObject(
      new Map([
        ['a', 1n],
        ['b', 2n],
      ]),
    );
    const [slice] = await again.member.status();
    const [shares] = await again.hub.shares();
    const counted = shares?.clusters[0]?.slice.get('pods') ?? 0n;
    expect(slice?.slice.get('pods')).toBeLessThanOrEqual(counted);
    // And nothing is lost for good: the number can be reached, and no more.
    let total = [...before.values()].reduce((sum, each) => sum + each, 0n);
    for (let each = 0; await again.create(`more-${each}`, 1); each += 1) total += 1n;
    expect(total).toBe(BigInt(hard));
    await again.close();
  }
});
