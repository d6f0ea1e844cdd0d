import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/fake-clock.ts';
import { checkSums } from '../../../test/ledger-store-contract.ts';
import { list, quotaTerms, reservation } from '../../../test/quota-builders.ts';
import { amountsOf } from './amounts.ts';
import { quotasOf, shareOf } from './charge.ts';
import { takenOf } from './draft.ts';
import { Ledger, MemoryLedgerStore, type Reservation } from './index.ts';

/** The API server gives up on a request after this. */
const requestMilliseconds = 34_000;
const quotaIds = ['a', 'b'];

interface LiveObject {
  readonly uid: string;
  resourceVersion: bigint;
  pods: number;
  quotas: readonly string[];
}

/** A write that was let through by us: it may still be stored, or never. */
interface Write {
  readonly uid: string;
  readonly base: bigint;
  readonly pods: number;
  readonly quotas: readonly string[];
  readonly until: number;
}

interface Event {
  readonly uid: string;
  /** `null`: deleted. */
  readonly object: {
    readonly resourceVersion: bigint;
    readonly pods: number;
    readonly quotas: readonly string[];
  } | null;
}

/** What may happen, with numbers that are taken modulo what there is. */
type Step =
  | {
      readonly do: 'create';
      readonly pods: number;
      readonly quotas: number;
      readonly by: number;
      readonly dryRun: boolean;
    }
  | { readonly do: 'repeat' | 'update'; readonly which: number; readonly pods: number; readonly by: number }
  | { readonly do: 'store' | 'delete' | 'move' | 'leave'; readonly which: number }
  | { readonly do: 'tell'; readonly count: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'settle' | 'recount'; readonly by: number }
  | { readonly do: 'hard'; readonly pods: number; readonly quota: number };

const small = fc.nat({ max: 50 });
const by = fc.nat({ max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      pods: fc.integer({ min: 1, max: 4 }),
      quotas: fc.integer({ min: 1, max: 3 }),
      by,
      dryRun: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('repeat' as const, 'update' as const),
      which: small,
      pods: fc.integer({ min: 0, max: 6 }),
      by,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('store' as const, 'delete' as const, 'move' as const, 'leave' as const, 'store' as const),
      which: small,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('tell' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 70 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('settle' as const, 'recount' as const), by }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('hard' as const),
      pods: fc.integer({ min: 0, max: 15 }),
      quota: fc.nat({ max: 1 }),
    }),
  },
);

/** One cluster with two gate processes on one store, and all that goes on around them. */
class World {
  readonly clock = new FakeClock();
  readonly store = new MemoryLedgerStore();
  readonly ledgers = [0, 1].map(() => new Ledger({ store: this.store, clock: this.clock }));
  readonly live = new Map<string, LiveObject>();
  readonly hard = new Map(quotaIds.map((id) => [id, 10]));
  /** Every uid is given to one object, once. */
  readonly #stored = new Set<string>();
  writes: Write[] = [];
  /** Answered with yes, with the call that asked. */
  readonly admitted: Reservation[] = [];
  readonly events: Event[] = [];
  /** Let go, as a read had shown that they are gone, and told of after that; until they are told to be gone. */
  readonly late = new Set<string>();
  #version = 1n;
  #uids = 0;

  async start(): Promise<void> {
    for (const id of quotaIds) await this.ledger(0).setTerms(quotaTerms(id, { pods: '10' }));
  }

  ledger(by: number): Ledger {
    const ledger = this.ledgers[by];
    if (ledger === undefined) throw new Error('no such process');
    return ledger;
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'create': {
        const quotas = quotaIds.filter((_, index) => (step.quotas & (1 << index)) !== 0);
        const uid = `u${(this.#uids += 1)}`;
        const pod = reservation(uid, quotas, { usage: list({ pods: `${step.pods}` }), dryRun: step.dryRun });
        return this.ask(step.by, pod);
      }
      case 'repeat': {
        const former = pick(this.admitted, step.which);
        return former && this.ask(step.by, { ...former, attempt: `again-${(this.#uids += 1)}` });
      }
      case 'update': {
        const object = pick([...this.live.values()], step.which);
        if (object === undefined) return;
        const { uid, quotas, resourceVersion } = object;
        const old = { resourceVersion, usage: list({ pods: `${object.pods}` }), quotas };
        const attempt = `update-${(this.#uids += 1)}`;
        return this.ask(step.by, { ...reservation(uid, quotas), attempt, usage: list({ pods: `${step.pods}` }), old });
      }
      case 'store': {
        const write = pick(this.writes, step.which);
        if (write === undefined) return;
        this.writes = this.writes.filter((each) => each !== write);
        const present = this.live.get(write.uid);
        if ((present?.resourceVersion ?? 0n) !== write.base || write.until < this.clock.now()) return;
        const { uid, pods, quotas } = write;
        if (present === undefined && this.#stored.has(uid)) return;
        this.#stored.add(uid);
        return this.change({ uid, pods, quotas: present?.quotas ?? quotas });
      }
      case 'delete': {
        const object = pick([...this.live.values()], step.which);
        if (object === undefined) return;
        this.live.delete(object.uid);
        // A create of this uid cannot be stored a second time.
        this.writes = this.writes.filter(({ uid }) => uid !== object.uid);
        this.events.push({ uid: object.uid, object: null });
        return;
      }
      case 'move': {
        const object = pick([...this.live.values()], step.which);
        const isQuiet = object !== undefined && this.writes.every(({ uid }) => uid !== object.uid);
        if (isQuiet) this.change({ ...object, quotas: object.quotas.includes('a') ? ['b'] : ['a'] });
        return;
      }
      case 'leave': {
        // The caller hung up before it was answered: the API server refuses, and the write is never stored.
        const call = pick(this.admitted, step.which);
        if (call === undefined || this.#stored.has(call.key.uid)) return;
        if (this.admitted.filter(({ key }) => key.uid === call.key.uid).length !== 1) return;
        this.admitted.splice(this.admitted.indexOf(call), 1);
        this.writes = this.writes.filter(({ uid }) => uid !== call.key.uid);
        await this.ledger(0).giveBack(call);
        return;
      }
      case 'tell':
        return this.tell(step.count);
      case 'wait':
        return this.clock.advance(step.seconds * 1000);
      case 'settle':
        return this.settle(step.by);
      case 'recount':
        return this.recount(step.by);
      case 'hard': {
        const id = quotaIds[step.quota] ?? '';
        this.hard.set(id, step.pods);
        await this.ledger(0).setTerms(quotaTerms(id, { pods: `${step.pods}` }));
      }
    }
  }

  async ask(by: number, asked: Reservation): Promise<void> {
    const before = await this.state();
    const verdict = await this.ledger(by).reserve(asked);
    for (const { requested, used, limited } of verdict.refusals) {
      for (const [name, quantity] of requested) {
        // I10: it did not fit.
        expect((used.get(name)?.nano() ?? 0n) + quantity.nano()).toBeGreaterThan(limited.get(name)?.nano() ?? 0n);
      }
    }
    // I6 and I8: nothing is left of a dry run or of a refusal.
    if (asked.dryRun || !verdict.allowed) expect(await this.state()).toEqual(before);
    if (asked.dryRun || !verdict.allowed) return;
    this.admitted.push(asked);
    this.writes.push({
      uid: asked.key.uid,
      base: asked.old?.resourceVersion ?? 0n,
      pods: Number(asked.usage.get('pods')?.scaledValue(0) ?? 0n),
      quotas: asked.quotas,
      until: this.clock.now() + requestMilliseconds,
    });
  }

  change({ uid, pods, quotas }: Omit<LiveObject, 'resourceVersion'>): void {
    const object = { uid, pods, quotas, resourceVersion: (this.#version += 1n) };
    this.live.set(uid, object);
    this.events.push({ uid, object: { ...object } });
  }

  /** The informer tells in order what it has not told yet. */
  async tell(count: number): Promise<void> {
    for (const { uid, object } of this.events.splice(0, count)) {
      const { key, namespace, name } = reservation(uid, []);
      if (object === null) {
        await this.ledger(0).observe([{ type: 'gone', key, namespace }]);
        this.late.delete(uid);
      } else {
        const { pods, ...rest } = object;
        const [outcome] = await this.ledger(0).observe([
          { type: 'present', key, namespace, name, ...rest, usage: list({ pods: `${pods}` }) },
        ]);
        if (outcome === 'late') expect(this.live.has(uid), `${uid} lives and was let go`).toBe(false);
        if (!this.live.has(uid) && (outcome === 'late' || outcome === 'discovered')) this.late.add(uid);
      }
    }
  }

  async settle(by: number): Promise<void> {
    const ledger = this.ledger(by);
    const readBegan = ledger.now();
    const due = await ledger.openReservations();
    await ledger.settle(due.map(({ key, namespace }) => ({ key, namespace, readBegan, found: this.read(key.uid) })));
  }

  async recount(by: number): Promise<void> {
    const ledger = this.ledger(by);
    await ledger.openReservations();
    const objects = [...this.live.keys()].flatMap((uid) => {
      const found = this.read(uid);
      return found === null ? [] : [{ uid, namespace: 'shop', ...found }];
    });
    const request = {
      cluster: 'east',
      resource: 'pods',
      listBegan: ledger.now(),
      resourceVersion: this.#version,
      objects,
    };
    await ledger.recount(request);
    // Events from before the list are not told again by an informer that lists anew.
    this.events.splice(0);
    this.late.clear();
  }

  read(uid: string) {
    const object = this.live.get(uid);
    if (object === undefined) return null;
    const { pods, quotas, resourceVersion } = object;
    return { name: `pod-${uid}`, resourceVersion, usage: list({ pods: `${pods}` }), quotas };
  }

  async state(): Promise<unknown> {
    return [
      await this.store.charges({ limit: 10_000 }),
      await Promise.all(quotaIds.map((id) => this.store.accounts(id))),
    ];
  }

  async check(): Promise<void> {
    await checkSums(this.store);
    const charges = new Map((await this.store.charges({ limit: 10_000 })).map((charge) => [charge.key.uid, charge]));
    const untold = new Set(this.events.map(({ uid }) => uid));
    for (const { uid, pods, quotas } of this.live.values()) {
      const charge = charges.get(uid);
      // I5: whatever lives is charged for all that it uses; moves between quotas count when they are told.
      for (const quota of untold.has(uid) ? quotasOf(charge).filter((id) => quotas.includes(id)) : quotas) {
        const taken = takenOf(shareOf(charge, quota)).get('pods') ?? 0n;
        expect(taken, `${uid} in ${quota}`).toBeGreaterThanOrEqual(BigInt(pods) * 1_000_000_000n);
      }
      if (pods > 0) expect(charge, `${uid} lives`).toBeDefined();
    }
  }
}

function pick<T>(all: readonly T[], which: number): T | undefined {
  return all[which % Math.max(1, all.length)];
}

describe('Ledger over any history', () => {
  it('charges whatever lives, keeps its sums, and is right when all is quiet', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const world = new World();
        await world.start();
        for (const each of steps) {
          await world.run(each);
          await world.check();
        }
        // I9: everything told, everything due settled.
        await world.tell(Infinity);
        await world.ledger(0).openReservations();
        world.clock.advance(60_000);
        await world.settle(0);
        await world.check();
        for (const id of quotaIds) {
          const pods = [...world.live.values()]
            .filter(({ quotas }) => quotas.includes(id))
            .reduce((sum, each) => sum + each.pods, 0);
          const standing = await world.ledger(0).standing(id);
          expect(standing?.reserved.size).toBe(0);
          expect(standing?.used ?? new Map()).toEqual(pods === 0 ? new Map() : list({ pods: `${pods}` }));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it(
    'never lets the sum of what lives pass hard, where it is not lowered and nothing is moved',
    { timeout: 120_000 },
    async () => {
      const calm = step.filter((each) => each.do !== 'hard' && each.do !== 'move');
      await fc.assert(
        fc.asyncProperty(fc.array(calm, { maxLength: 60, size: 'max' }), async (steps) => {
          const world = new World();
          await world.start();
          for (const each of steps) {
            await world.run(each);
            for (const id of quotaIds) {
              const pods = [...world.live.values()]
                .filter(({ quotas }) => quotas.includes(id))
                .reduce((sum, { pods: one }) => sum + one, 0);
              expect(pods).toBeLessThanOrEqual(10);
              const standing = await world.ledger(0).standing(id);
              // What the informer tells too late counts once more until it tells the end of it.
              if (world.late.size === 0) expect(standing?.debt.size, 'I1').toBe(0);
            }
          }
        }),
        { numRuns: 1000 },
      );
    },
  );

  it('counts amounts exactly', () => {
    const amount = fc.bigInt({ min: 1n, max: 10n ** 30n });
    fc.assert(
      fc.property(amount, (nano) => {
        expect(amountsOf(list({ x: `${nano}n` })).get('x')).toBe(nano);
      }),
    );
  });
});
