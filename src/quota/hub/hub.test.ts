import { describe, expect, it } from 'vitest';
import { Quantity } from '../../api/quantity.ts';
import { FaultyStore } from '../../../test/quota-simulation/faulty-store.ts';
import { FakeClock } from '../../../test/fake-clock.ts';
import { Random } from '../../../test/quota-simulation/random.ts';
import { Process, VirtualTime } from '../../../test/quota-simulation/virtual-time.ts';
import { formatResourceList, type ResourceList } from '../../usage/index.ts';
import {
  Ledger,
  MemoryLedgerStore,
  noLedgerEvents,
  type QuotaTerms,
  type Reservation,
  type Verdict,
} from '../ledger/index.ts';
import { HubUnreachableError, Member, type MemberEvents, type MemberOptions } from '../slices/index.ts';
import type { SyncRequest } from '../slices/wire.ts';
import type { HubEvents } from './hub-events.ts';
import { Hub } from './index.ts';

const cpu = (amount: number): ResourceList => new Map([['cpu', Quantity.of(BigInt(amount))]]);
const terms = (hard: number, more: Partial<QuotaTerms> = {}): QuotaTerms => ({
  id: 'q',
  name: 'team-a',
  generation: 1,
  hard: cpu(hard),
  mode: 'enforce',
  ...more,
});

/** On a store that takes its time, as all but the one in memory do. */
function ledgerOf(process: Process): Ledger {
  const store = new FaultyStore({
    disk: new MemoryLedgerStore(),
    process,
    random: new Random(1),
    faults: { killedBefore: 0, killedAfter: 0, failed: 0, inDoubt: 0 },
    kill: () => process.kill(),
    onCommit: () => undefined,
  });
  return new Ledger({ store, clock: process });
}

/** A hub and its members in virtual time, with a line that can be cut. */
class Fleet {
  readonly time = new VirtualTime();
  readonly hub: Hub;
  readonly hubLedger: Ledger;
  readonly cut = new Set<string>();
  /** All that members have sent. */
  readonly sent: { readonly name: string; readonly request: SyncRequest }[] = [];
  #names = 0;

  constructor() {
    const clock = new Process('hub', this.time);
    this.hubLedger = ledgerOf(clock);
    this.hub = new Hub({ ledger: this.hubLedger, clock, uniqueName: () => this.#unique(), events: this.#hubEvents() });
  }

  #hubEvents(): HubEvents {
    return {
      answered: ({ fits }) => fits.length > 0 && this.heard.push(`hub answered ${fits.join(',')}`),
      usageChanged: (quota) => this.heard.push(`hub saw usage of ${quota}`),
      granted: () => this.heard.push('hub granted'),
      returned: () => this.heard.push('hub got back'),
      recalled: ({ silent }) => this.heard.push(`hub recalled, ${silent} silent`),
    };
  }

  #memberEvents(name: string): MemberEvents {
    return {
      asked: ({ outcomes }) => this.heard.push(`${name} asked: ${outcomes.join(',')}`),
      granted: () => this.heard.push(`${name} got more`),
      gaveBack: (cause) => this.heard.push(`${name} gave back by ${cause}`),
      recalled: () => this.heard.push(`${name} was asked back`),
    };
  }

  #unique(): string {
    return `name-${++this.#names}`;
  }

  readonly heard: string[] = [];

  async join(name: string, set: QuotaTerms, options: Partial<MemberOptions> = {}): Promise<FleetMember> {
    const clock = new Process(name, this.time);
    const ledger = ledgerOf(clock);
    const through = async <T>(serve: () => Promise<T>): Promise<T> => {
      if (this.cut.has(name)) throw new HubUnreachableError('cut');
      return serve();
    };
    const member = new Member({
      ledger,
      hub: {
        sync: (request, signal) => {
          this.sent.push({ name, request });
          return through(() => this.hub.sync(name, request, signal));
        },
        watch: (request, signal) => through(() => this.hub.watch(name, request, signal)),
      },
      cluster: `id-of-${name}`,
      clock,
      uniqueName: () => this.#unique(),
      events: this.#memberEvents(name),
      ...options,
    });
    await this.done(member.setTerms(set));
    member.start();
    await this.time.run(this.time.now + 100);
    return new FleetMember(this, member, ledger, `id-of-${name}`);
  }

  /** Lets time pass until it is done. */
  done<T>(work: Promise<T>): Promise<T> {
    return this.time.until(work);
  }

  /** What was sent so far comes once more. */
  async repeatAll(): Promise<void> {
    for (const { name, request } of [...this.sent]) await this.done(this.hub.sync(name, request));
  }

  pass(seconds: number): Promise<void> {
    return this.time.run(this.time.now + seconds * 1000);
  }

  async slices(): Promise<Record<string, string>> {
    const [shares] = await this.done(this.hub.shares());
    const slices: Record<string, string> = { pool: text(shares?.pool ?? new Map()) };
    for (const { name, slice } of shares?.clusters ?? []) slices[name] = text(slice);
    return slices;
  }
}

class FleetMember {
  readonly #fleet: Fleet;
  readonly #ledger: Ledger;
  readonly #cluster: string;
  readonly member: Member;
  #objects = 0;

  constructor(fleet: Fleet, member: Member, ledger: Ledger, cluster: string) {
    this.#fleet = fleet;
    this.member = member;
    this.#ledger = ledger;
    this.#cluster = cluster;
  }

  create(amount: number, more: Partial<Reservation> = {}): Promise<Verdict> {
    const uid = `object-${++this.#objects}`;
    const reservation: Reservation = {
      key: { cluster: this.#cluster, resource: 'pods', uid },
      namespace: 'shop',
      name: uid,
      attempt: `review of ${uid}`,
      usage: cpu(amount),
      quotas: ['q'],
      dryRun: false,
      ...more,
    };
    return this.#fleet.done(this.member.reserve(reservation));
  }

  /** An object of that number is there, which nobody asked about. */
  async discover(number: number, amount: number): Promise<void> {
    const uid = `object-${number}`;
    const key = { cluster: this.#cluster, resource: 'pods', uid };
    const object = { key, namespace: 'shop', name: uid, usage: cpu(amount), quotas: ['q'], resourceVersion: 1n };
    await this.#fleet.done(this.#ledger.observe([{ type: 'present', ...object }]));
  }

  /** Names of those that its journal has. */
  async quotas(): Promise<string[]> {
    return (await this.#fleet.done(this.#ledger.quotas())).map(({ terms: { name } }) => name);
  }

  async remove(number: number): Promise<void> {
    const key = { cluster: this.#cluster, resource: 'pods', uid: `object-${number}` };
    await this.#fleet.done(this.#ledger.observe([{ type: 'gone', key, namespace: 'shop' }]));
  }
}

function text(amounts: ReadonlyMap<string, bigint>): string {
  return Quantity.ofNano(amounts.get('cpu') ?? 0n).toString();
}

async function fleetOf(set: QuotaTerms, options: Partial<MemberOptions> = {}) {
  const fleet = new Fleet();
  await fleet.done(fleet.hub.setTerms(set));
  const one = await fleet.join('eu-1', set, options);
  const two = await fleet.join('us-1', set, options);
  return { fleet, one, two };
}

describe('Member and Hub', () => {
  it('grants what is needed, then twice as much at every further miss, and never past half of the pool', async () => {
    const { fleet, one } = await fleetOf(terms(100));
    const slices: string[] = [];
    for (let each = 0; each < 8; each++) {
      expect((await one.create(1)).allowed).toBe(true);
      slices.push((await fleet.slices())['eu-1'] ?? '');
    }
    expect(slices).toEqual(['1', '3', '3', '6', '6', '6', '11', '11']);
  });

  it('refuses in the numbers of the whole quota, and says who uses it', async () => {
    const { one, two } = await fleetOf(terms(10));
    expect((await one.create(6)).allowed).toBe(true);
    const verdict = await two.create(5);
    expect(verdict).toMatchObject({ allowed: false, charged: false });
    expect(verdict.refusals).toMatchObject([{ quota: 'q', name: 'team-a', cause: 'hard' }]);
    const [refusal] = verdict.refusals;
    const texts = [refusal?.requested, refusal?.used, refusal?.limited].map((list) => list?.get('cpu')?.toString());
    expect(texts).toEqual(['5', '6', '10']);
    expect(refusal?.byCluster.map(({ clusterName, used }) => `${clusterName} ${used.get('cpu')?.toString()}`)).toEqual([
      'eu-1 6',
      'us-1 0',
    ]);
  });

  it('names of what the slice lacks only what the whole quota lacks', async () => {
    const both = (cpus: number, pods: number): ResourceList =>
      new Map([...cpu(cpus), ['pods', Quantity.of(BigInt(pods))]]);
    const { one, two } = await fleetOf(terms(0, { hard: both(1000, 10), perCluster: both(1000, 8) }));
    const texts = ({ refusals: [refusal] }: Verdict): unknown =>
      refusal && [
        refusal.cause,
        ...[refusal.requested, refusal.used, refusal.limited].map((list) => formatResourceList(list)),
      ];
    for (let each = 0; each < 8; each++) expect((await one.create(0, { usage: both(1, 1) })).allowed).toBe(true);
    const beyondCeiling = await one.create(0, { usage: both(900, 1) });
    expect(texts(beyondCeiling)).toEqual(['perCluster', { pods: '1' }, { pods: '8' }, { pods: '8' }]);
    const beyond = await two.create(0, { usage: both(1, 3) });
    expect(texts(beyond)).toEqual(['hard', { pods: '3' }, { pods: '8' }, { pods: '10' }]);
    const byCpu = await two.create(0, { usage: both(993, 1) });
    expect(texts(byCpu)).toEqual(['hard', { cpu: '993' }, { cpu: '8' }, { cpu: '1k' }]);
  });

  it('asks idle slices back before it refuses', async () => {
    const { fleet, one, two } = await fleetOf(terms(10));
    expect((await one.create(8)).allowed).toBe(true);
    await one.remove(1);
    expect(await fleet.slices()).toEqual({ pool: '2', 'eu-1': '8', 'us-1': '0' });
    expect((await two.create(9)).allowed).toBe(true);
    expect(await fleet.slices()).toEqual({ pool: '1', 'eu-1': '0', 'us-1': '9' });
  });

  it('admits within its slice when the line is cut, and says so when that is used up', async () => {
    const { fleet, one, two } = await fleetOf(terms(10));
    await one.create(4);
    await one.remove(1);
    fleet.cut.add('eu-1');
    expect((await one.create(4)).allowed).toBe(true);
    const verdict = await one.create(1);
    expect(verdict.refusals).toMatchObject([
      { cause: 'hub-unreachable', detail: expect.stringContaining('cut') as string },
    ]);
    // No more than the slice is stranded, and who is asked says where it is.
    expect((await two.create(6)).allowed).toBe(true);
    const [refusal] = (await two.create(1)).refusals;
    expect(refusal).toMatchObject({ cause: 'hard', detail: 'eu-1 does not answer and holds cpu=4' });
  });

  it('admits nothing after the lease where onLeaseEnd is stop, and goes on when the line is back', async () => {
    const { fleet, one } = await fleetOf(terms(10), { onLeaseEnd: 'stop' });
    await one.create(4);
    await one.remove(1);
    fleet.cut.add('eu-1');
    expect((await one.create(1)).allowed).toBe(true);
    await fleet.time.run(fleet.time.now + 61_000);
    expect((await one.create(1)).refusals).toMatchObject([{ cause: 'hub-unreachable' }]);
    fleet.cut.clear();
    expect((await one.create(1)).allowed).toBe(true);
  });

  it('gives a dry run the same answer, and changes nothing by it', async () => {
    const { fleet, one, two } = await fleetOf(terms(10));
    await one.create(8);
    await one.remove(1);
    const before = await fleet.slices();
    expect((await two.create(9, { dryRun: true })).allowed).toBe(true);
    expect((await two.create(11, { dryRun: true })).allowed).toBe(false);
    expect(await fleet.slices()).toEqual(before);
  });

  it('lets no cluster have more than its ceiling', async () => {
    const { one, two } = await fleetOf(terms(10, { perCluster: cpu(4) }));
    expect((await one.create(4)).allowed).toBe(true);
    expect((await one.create(1)).refusals).toMatchObject([{ cause: 'perCluster' }]);
    expect((await two.create(4)).allowed).toBe(true);
  });

  it('is in debt when the limit is lowered: what is idle comes back, nothing is granted until it is paid', async () => {
    const { fleet, one, two } = await fleetOf(terms(10));
    await one.create(5);
    await one.create(4);
    await one.remove(1);
    await fleet.done(fleet.hub.setTerms(terms(6, { generation: 2 })));
    expect(await fleet.slices()).toMatchObject({ pool: '0', 'eu-1': '6' });
    await fleet.done(fleet.hub.setTerms(terms(3, { generation: 3 })));
    expect(await fleet.slices()).toMatchObject({ pool: '-1', 'eu-1': '4' });
    expect((await two.create(1)).allowed).toBe(false);
    await one.remove(2);
    expect((await two.create(3)).allowed).toBe(true);
    await fleet.done(fleet.hub.setTerms(terms(20, { generation: 4 })));
    expect((await two.create(15)).allowed).toBe(true);
  });

  it('names what is lacking because a lost journal may hold it', async () => {
    const both = (cpus: number, pods: number): ResourceList =>
      new Map([...cpu(cpus), ['pods', Quantity.of(BigInt(pods))]]);
    const set = terms(0, { hard: both(1000, 10) });
    const { fleet, one, two } = await fleetOf(set);
    expect((await one.create(0, { usage: both(1, 6) })).allowed).toBe(true);
    await one.member.stop();
    await fleet.join('eu-1', set);
    const verdict = await two.create(0, { usage: both(1, 5) });
    expect(verdict.refusals.map(({ requested }) => formatResourceList(requested))).toEqual([{ pods: '5' }]);
  });

  it('counts on what a lost journal held, until an operator says that the cluster is gone', async () => {
    const { fleet, one, two } = await fleetOf(terms(10));
    await one.create(6);
    await one.member.stop();
    await fleet.join('eu-1', terms(10));
    expect((await two.create(5)).allowed).toBe(false);
    await fleet.done(fleet.hub.forgetCluster('id-of-eu-1', { by: 'jane', reason: 'burnt down' }));
    expect((await two.create(5)).allowed).toBe(true);
  });

  it('gives a new journal no right to what came past admission', async () => {
    const { fleet, one, two } = await fleetOf(terms(10));
    expect((await two.create(10)).allowed).toBe(true);
    await one.discover(1, 4);
    await fleet.pass(60);
    expect(await fleet.slices()).toMatchObject({ pool: '-4', 'eu-1': '0', 'us-1': '10' });
    await one.member.stop();
    const anew = await fleet.join('eu-1', terms(10));
    await anew.discover(1, 4);
    await fleet.pass(60);
    expect(await fleet.slices()).toMatchObject({ pool: '-4', 'eu-1': '0', 'us-1': '10' });
    await anew.remove(1);
    expect((await anew.create(4)).allowed).toBe(false);
  });

  it('tell of what they do', async () => {
    const { fleet, one, two } = await fleetOf(terms(10));
    const heardOf = async (work: Promise<unknown>): Promise<string[]> => {
      fleet.heard.length = 0;
      await work;
      return [...fleet.heard].sort();
    };
    expect(await heardOf(one.create(8))).toEqual([
      'eu-1 asked: fits',
      'eu-1 got more',
      'hub answered fits',
      'hub granted',
    ]);
    await one.remove(1);
    expect(await heardOf(two.create(9))).toEqual([
      'eu-1 gave back by recall',
      'eu-1 was asked back',
      'hub answered fits',
      'hub got back',
      'hub granted',
      'hub recalled, 0 silent',
      'us-1 asked: fits',
      'us-1 got more',
    ]);
    fleet.cut.add('eu-1');
    expect(await heardOf(one.create(2))).toEqual(['eu-1 asked: unreachable', 'eu-1 asked: unreachable']);
    fleet.cut.clear();
    await fleet.time.run(fleet.time.now + 16_000);
    await two.remove(1);
    expect(new Set(await heardOf(fleet.time.run(fleet.time.now + 32_000)))).toEqual(
      new Set(['hub got back', 'hub saw usage of q', 'us-1 gave back by idle']),
    );
  });

  it('hears no member that calls itself by the name of another cluster', async () => {
    const { fleet } = await fleetOf(terms(10));
    const request = { cluster: 'id-of-us-1', reports: [], needs: [], recall: null };
    await expect(fleet.done(fleet.hub.sync('eu-1', request))).rejects.toThrow(/is registered as us-1/);
    const copy = { cluster: 'another id', reports: [], needs: [], recall: null };
    await expect(fleet.done(fleet.hub.sync('eu-1', copy))).rejects.toThrow(/which is the name of cluster id-of-eu-1/);
  });

  it('gives back what lies idle, half at a time', async () => {
    const { fleet, one } = await fleetOf(terms(10));
    await one.create(8);
    await one.remove(1);
    await fleet.time.run(fleet.time.now + 16_000);
    const first = (await fleet.slices())['eu-1'];
    await fleet.time.run(fleet.time.now + 60_000);
    expect([first, (await fleet.slices())['eu-1']]).toEqual(['4', '0']);
  });
});

describe('a quota that has ended', () => {
  const none = new Set<string>();

  it('is dropped by members and hub when everything has come back, and not before', async () => {
    const { fleet, one, two } = await fleetOf(terms(10));
    await one.create(4);
    await two.create(2);
    await two.remove(1);
    one.member.endTerms(none);
    two.member.endTerms(none);
    await fleet.pass(60);
    // The hub holds itself to it still, and could grant more.
    expect(await two.quotas()).toEqual(['team-a']);
    await fleet.done(fleet.hub.endTerms(none));
    await fleet.pass(60);
    expect(await two.quotas()).toEqual([]);
    // Something is charged here, for which a slice is held.
    expect(await one.quotas()).toEqual(['team-a']);
    expect(await fleet.slices()).toMatchObject({ pool: '6', 'eu-1': '4' });
    await one.remove(1);
    await fleet.pass(60);
    expect(await one.quotas()).toEqual([]);
    expect(await fleet.done(fleet.hubLedger.quotas())).toEqual([]);
  });

  it('stays where a gate holds itself to it, which then is granted nothing more', async () => {
    const { fleet, one } = await fleetOf(terms(10));
    await one.create(4);
    await fleet.done(fleet.hub.endTerms(none));
    await one.remove(1);
    expect(await one.create(4)).toMatchObject({ allowed: true });
    expect((await one.create(1)).refusals).toMatchObject([
      { cause: 'hub-unreachable', detail: expect.stringContaining('the hub does not know quota q') as string },
    ]);
    await one.remove(2);
    await fleet.pass(120);
    expect(await one.quotas()).toEqual(['team-a']);
  });

  it('is kept by the hub for as long as a member is not heard that holds something', async () => {
    const { fleet, one } = await fleetOf(terms(10));
    await one.create(4);
    fleet.cut.add('eu-1');
    one.member.endTerms(none);
    await one.remove(1);
    await fleet.done(fleet.hub.endTerms(none));
    await fleet.pass(3600);
    expect(await fleet.slices()).toMatchObject({ 'eu-1': '4' });
    expect(await one.quotas()).toEqual(['team-a']);
    fleet.cut.clear();
    await fleet.pass(60);
    expect(await one.quotas()).toEqual([]);
    expect(await fleet.done(fleet.hubLedger.quotas())).toEqual([]);
  });

  it('goes when the cluster that held something is forgotten', async () => {
    const { fleet, one } = await fleetOf(terms(10));
    await one.create(4);
    await one.member.stop();
    await fleet.done(fleet.hub.endTerms(none));
    expect(await fleet.slices()).toMatchObject({ 'eu-1': '4' });
    await fleet.done(fleet.hub.forgetCluster('id-of-eu-1', { by: 'jane', reason: 'burnt down' }));
    expect(await fleet.done(fleet.hubLedger.quotas())).toEqual([]);
  });

  it('is not brought back by messages that come again', async () => {
    const { fleet, one } = await fleetOf(terms(10));
    await one.create(4);
    await one.remove(1);
    one.member.endTerms(none);
    await fleet.done(fleet.hub.endTerms(none));
    await fleet.pass(60);
    await fleet.repeatAll();
    expect(await fleet.done(fleet.hubLedger.quotas())).toEqual([]);
    await fleet.pass(60);
    expect(await one.quotas()).toEqual([]);
  });

  it.each([
    ['a file of its name, with late messages of the one before', 0, true],
    ['the same object', 1, false],
  ])('begins clean when it comes back: %s', async (_name, generation, isDisturbed) => {
    const set = terms(10, { generation });
    const { fleet, one, two } = await fleetOf(set);
    await one.create(4);
    await one.remove(1);
    for (const { member } of [one, two]) member.endTerms(none);
    await fleet.done(fleet.hub.endTerms(none));
    await fleet.pass(60);
    expect([await one.quotas(), await two.quotas(), await fleet.done(fleet.hub.shares())]).toEqual([[], [], []]);
    const late = isDisturbed ? [...fleet.sent] : [];
    await fleet.done(fleet.hub.setTerms(set));
    for (const { member } of [one, two]) await fleet.done(member.setTerms(set));
    expect(await fleet.slices()).toMatchObject({ pool: '10' });
    expect((await two.create(6)).allowed).toBe(true);
    expect((await one.create(4)).allowed).toBe(true);
    for (const { name, request } of late) await fleet.done(fleet.hub.sync(name, request));
    await fleet.pass(20);
    expect(await fleet.slices()).toEqual({ pool: '0', 'eu-1': '4', 'us-1': '6' });
    expect((await one.create(1)).refusals).toMatchObject([{ cause: 'hard' }]);
    await two.remove(1);
    expect((await one.create(6)).allowed).toBe(true);
  });
});

it('many quotas cost a message one commit, and terms that are set again none', async () => {
  const [written, batches]: [number[], number[]] = [[], []];
  class Watched extends MemoryLedgerStore {
    override transact: MemoryLedgerStore['transact'] = (needs, decide) =>
      super.transact(needs, (view) => {
        const decided = decide(view);
        if (decided.changes.quotas.length > 0) written.push(decided.changes.quotas.length);
        return decided;
      });
  }
  const clock = new FakeClock();
  const committed = ({ operations }: { readonly operations: number }): void => void batches.push(operations);
  const ledger = new Ledger({ store: new Watched(), clock, events: { ...noLedgerEvents, committed } });
  await ledger.start();
  const hub = new Hub({ ledger, clock, uniqueName: () => 'unique' });
  const quotas = Array.from({ length: 200 }, (_, index) => terms(10, { id: `q${index}` }));
  await hub.setTerms(...quotas);
  expect(written).toEqual([200]);
  await hub.setTerms(...quotas);
  expect([written, batches]).toEqual([[200], [200, 200]]);

  const cpus = (amount: number) => new Map([['cpu', BigInt(amount) * 10n ** 9n]]);
  const rights = { epoch: 0, granted: new Map(), returned: new Map() };
  const reports = quotas.map(({ id }) => ({ quota: id, journal: 'j', rights, spent: new Map() }));
  const needs = quotas.map(({ id }) => ({ amounts: { [id]: cpus(2) }, dryRun: false }));
  const answer = await hub.sync('eu-1', { cluster: 'id-of-eu-1', reports, needs, recall: null });
  expect(answer.fits).toEqual(needs.map(() => 'fits'));
  // The name of the cluster; the reports, by which nobody holds anything yet; the grants.
  expect(batches).toEqual([200, 200, 1, 200, 200]);
  expect(written.length).toBeLessThanOrEqual(3);
});
