import { describe, expect, it } from 'vitest';
import { FaultyStore } from '../../../test/quota-simulation/faulty-store.ts';
import { Random } from '../../../test/quota-simulation/random.ts';
import { Process, VirtualTime } from '../../../test/quota-simulation/virtual-time.ts';
import { checkSums } from '../../../test/ledger-store-contract.ts';
import { list, quotaTerms, reservation } from '../../../test/quota-builders.ts';
import { isPrepaid } from '../ledger/charge.ts';
import { Hub } from '../hub/index.ts';
import { Ledger, MemoryLedgerStore, type Reservation, type Verdict } from '../ledger/index.ts';
import { HubUnreachableError, Member } from './index.ts';

const cluster = 'id-of-eu-1';
/** Longer than a reservation must be open before a read can settle it. */
const settleMilliseconds = 61_000;
const idleMilliseconds = 11_000;

/** A hub, and a member whose process can die; its journal stays. */
class World {
  readonly time = new VirtualTime();
  readonly disk = new MemoryLedgerStore();
  readonly #hub: Hub;
  isCut = false;
  #process: Process | undefined;
  #names = 0;
  ledger!: Ledger;
  member!: Member;

  constructor() {
    const clock = new Process('hub', this.time);
    const ledger = new Ledger({ store: this.#store(clock, new MemoryLedgerStore()), clock });
    this.#hub = new Hub({ ledger, clock, uniqueName: () => this.#unique() });
  }

  async start(hard: Record<string, string>): Promise<void> {
    const process = new Process('eu-1', this.time);
    this.#process = process;
    this.ledger = new Ledger({ store: this.#store(process, this.disk), clock: process });
    this.member = new Member({
      ledger: this.ledger,
      hub: {
        sync: async (request, signal) => {
          if (this.isCut) throw new HubUnreachableError('cut');
          return this.#hub.sync('eu-1', request, signal);
        },
        watch: (request, signal) => this.#hub.watch('eu-1', request, signal),
      },
      cluster,
      clock: process,
      uniqueName: () => this.#unique(),
    });
    await this.done(this.#hub.setTerms(quotaTerms('team', hard)));
    await this.done(this.member.setTerms(quotaTerms('team', hard)));
    this.member.start();
    await this.pass(100);
  }

  kill(): void {
    this.#process?.kill();
  }

  pass(milliseconds: number): Promise<void> {
    return this.time.run(this.time.now + milliseconds);
  }

  /** Lets time pass until it is done. */
  done<T>(work: Promise<T>): Promise<T> {
    return this.time.until(work);
  }

  create(more: Partial<Reservation> = {}): Promise<Verdict> {
    const uid = this.#unique();
    return this.member.reserve(reservation(uid, ['team'], { key: { cluster, resource: 'pods', uid }, ...more }));
  }

  /** Creates until requests are answered in no time at all, and more of them can be; what was answered is written. */
  async warmUp(): Promise<void> {
    for (let tries = 0; tries < 60; tries++) {
      const began = this.time.now;
      const { allowed } = await this.done(this.create());
      expect(allowed).toBe(true);
      const isImmediate = this.time.now === began;
      await this.pass(150);
      if (isImmediate && (await this.blocks()) >= 3n) return;
    }
    throw new Error('nothing was ever answered from a block');
  }

  /** What the journal holds for requests to come. */
  async blocks(): Promise<bigint> {
    const blocks = (await this.disk.charges({ limit: 10_000 })).filter(({ key }) => isPrepaid(key));
    return blocks.reduce((sum, { pending }) => sum + (pending[0]?.amounts.get('pods') ?? 0n), 0n) / 1_000_000_000n;
  }

  /** Of objects. */
  async charged(): Promise<string[]> {
    const charges = await this.disk.charges({ limit: 10_000 });
    return charges.filter(({ key, released }) => !isPrepaid(key) && released === null).map(({ key }) => key.uid);
  }

  async reserved(): Promise<bigint> {
    const accounts = await this.disk.accounts('team');
    const whole = accounts.find((account) => account.cluster === '');
    return (whole?.balance.reserved.get('pods') ?? 0n) / 1_000_000_000n;
  }

  #unique(): string {
    return `name-${++this.#names}`;
  }

  #store(process: Process, disk: MemoryLedgerStore): FaultyStore {
    return new FaultyStore({
      disk,
      process,
      random: new Random(1),
      faults: { killedBefore: 0, killedAfter: 0, failed: 0, inDoubt: 0 },
      kill: () => process.kill(),
      onCommit: () => undefined,
    });
  }
}

describe('Member, with a block of its slice held for requests to come', () => {
  it('answers from it before anything is written, and writes it all the same', async () => {
    const world = new World();
    await world.start({ pods: '1000' });
    await world.warmUp();
    const [began, before] = [world.time.now, await world.charged()];
    const verdict = await world.create();
    expect(verdict).toMatchObject({ allowed: true, charged: true, refusals: [] });
    expect(world.time.now).toBe(began);
    expect(await world.charged()).toEqual(before);
    await world.pass(20);
    expect(await world.charged()).toHaveLength(before.length + 1);
    await checkSums(world.disk);
  });

  it('charges an object once, however often it is asked about', async () => {
    const world = new World();
    await world.start({ pods: '1000' });
    await world.warmUp();
    const before = await world.charged();
    const again = { key: { cluster, resource: 'pods', uid: 'again' } };
    const asked = [world.create(again), world.create(again)];
    for (const each of asked) expect(await world.done(each)).toMatchObject({ allowed: true });
    expect(await world.done(world.create(again))).toMatchObject({ allowed: true });
    await world.pass(idleMilliseconds);
    expect((await world.charged()).length).toBe(before.length + 1);
    expect(await world.reserved()).toBe(BigInt(before.length) + 1n);
    await checkSums(world.disk);
  });

  it('gives it back when nobody draws on it', async () => {
    const world = new World();
    await world.start({ pods: '1000' });
    await world.warmUp();
    expect(await world.blocks()).toBeGreaterThan(0n);
    await world.pass(idleMilliseconds);
    expect(await world.blocks()).toBe(0n);
    expect(await world.reserved()).toBe(BigInt((await world.charged()).length));
  });

  it('refuses nobody for what it holds: up to the last one, and told of dry runs too', async () => {
    const world = new World();
    await world.start({ pods: '24' });
    let dryRuns = 0;
    while ((await world.charged()).length < 24) {
      // Written by nobody, and to be answered as the request after it.
      const state = JSON.stringify(await world.charged());
      const { allowed } = await world.done(world.create({ dryRun: true }));
      if (JSON.stringify(await world.charged()) === state) dryRuns++;
      expect(allowed, `a dry run with ${(await world.charged()).length} charged`).toBe(true);
      expect(await world.done(world.create())).toMatchObject({ allowed: true });
      await world.pass(20);
    }
    expect(dryRuns).toBeGreaterThan(0);
    expect(await world.done(world.create({ dryRun: true }))).toMatchObject({ allowed: false });
    expect(await world.done(world.create())).toMatchObject({ allowed: false });
  });

  it('has all of the slice for one request, also when no more can be had', async () => {
    const world = new World();
    await world.start({ pods: '1000' });
    await world.warmUp();
    world.isCut = true;
    const [status] = await world.done(world.member.status());
    const spent = status?.spent.get('pods') ?? 0n;
    const left = (status?.slice.get('pods') ?? 0n) - spent;
    const free = left / 1_000_000_000n;
    expect(free).toBeGreaterThan(await world.blocks());
    const usage = (pods: bigint) => ({ usage: list({ pods: String(pods) }) });
    expect(await world.done(world.create({ ...usage(free + 1n), dryRun: true }))).toMatchObject({ allowed: false });
    expect(await world.blocks()).toBeGreaterThan(0n);
    expect(await world.done(world.create({ ...usage(free), dryRun: true }))).toMatchObject({ allowed: true });
    expect(await world.done(world.create(usage(free)))).toMatchObject({ allowed: true });
    expect(await world.blocks()).toBe(0n);
  });

  it('does not count it as spent in what it reports', async () => {
    const world = new World();
    await world.start({ pods: '1000' });
    await world.warmUp();
    const charged = BigInt((await world.charged()).length);
    const [status] = await world.done(world.member.status());
    expect(status?.spent.get('pods')).toBe(charged * 1_000_000_000n);
  });
});

describe('Member that died after it had answered and before it had written', () => {
  async function died() {
    const world = new World();
    await world.start({ pods: '1000' });
    await world.warmUp();
    const before = await world.charged();
    const lost = { key: { cluster, resource: 'pods', uid: 'lost' } };
    expect(await world.create(lost)).toMatchObject({ allowed: true });
    world.kill();
    await world.pass(1000);
    expect(await world.charged()).toEqual(before);
    await world.start({ pods: '1000' });
    return { world, before: BigInt(before.length), lost };
  }
  const listed = (uids: readonly string[]) =>
    uids.map((uid) => {
      const { namespace, name, usage, quotas } = reservation(uid, ['team']);
      return { uid, namespace, name, usage, quotas, resourceVersion: 5n };
    });
  async function recount(world: World, uids: readonly string[], uncountable: readonly string[] = []): Promise<void> {
    const listBegan = world.ledger.now();
    const objects = [...listed(uids), ...uncountable.map((uid) => ({ uid, usage: null }))];
    await world.done(world.ledger.recount({ cluster, resource: 'pods', listBegan, resourceVersion: 100n, objects }));
  }

  it('has its block charged until a list that began late enough shows what it came to', async () => {
    const { world, before } = await died();
    expect(await world.reserved()).toBeGreaterThan(before);
    const uids = await world.charged();
    await world.done(world.ledger.openReservations());
    await world.pass(10_000);
    await recount(world, uids);
    expect(await world.blocks()).toBeGreaterThan(0n);
    await world.pass(settleMilliseconds);
    await recount(world, [...uids, 'lost']);
    expect(await world.blocks()).toBe(0n);
    expect(await world.charged()).toContain('lost');
    const [status] = await world.done(world.member.status());
    expect(status?.spent.get('pods')).toBe((before + 1n) * 1_000_000_000n);
    await checkSums(world.disk);
  });

  it('has its block charged while something is there that may have come from it and cannot be counted', async () => {
    const { world } = await died();
    const uids = await world.charged();
    await world.done(world.ledger.openReservations());
    await world.pass(settleMilliseconds);
    await recount(world, uids, ['lost']);
    expect(await world.blocks()).toBeGreaterThan(0n);
    // What has a charge of its own did not leave one in the block.
    await recount(world, uids.slice(1), uids.slice(0, 1));
    expect(await world.blocks()).toBe(0n);
    expect(await world.charged()).toEqual(uids);
  });

  it('is not settled by a read of single objects, nor by time', async () => {
    const { world } = await died();
    await world.done(world.ledger.openReservations());
    await world.pass(settleMilliseconds);
    const open = await world.done(world.ledger.openReservations());
    const blocks = open.filter(({ isPrepaid: isBlock }) => isBlock);
    expect(blocks).toMatchObject([{ isDue: true }]);
    const readBegan = world.ledger.now();
    await world.done(
      world.ledger.settle(blocks.map(({ key, namespace }) => ({ key, namespace, readBegan, found: null }))),
    );
    expect(await world.blocks()).toBeGreaterThan(0n);
  });

  it('charges the same object once when it is asked again', async () => {
    const { world, before, lost } = await died();
    expect(await world.done(world.create(lost))).toMatchObject({ allowed: true });
    await world.pass(20);
    expect((await world.charged()).filter((uid) => uid === 'lost')).toHaveLength(1);
    await world.done(world.ledger.openReservations());
    await world.pass(settleMilliseconds);
    await recount(world, await world.charged());
    await world.pass(idleMilliseconds);
    expect(await world.blocks()).toBe(0n);
    const [status] = await world.done(world.member.status());
    expect(status?.spent.get('pods')).toBe((before + 1n) * 1_000_000_000n);
  });
});
