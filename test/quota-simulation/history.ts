import type { z } from 'zod';
import { Hub } from '../../src/quota/hub/index.ts';
import { Ledger, MemoryLedgerStore, type QuotaTerms, type Verdict } from '../../src/quota/ledger/index.ts';
import { HubUnreachableError, Member, type HubConnection } from '../../src/quota/slices/index.ts';
import { isPrepaid } from '../../src/quota/ledger/charge.ts';
import { noAmounts } from '../../src/quota/ledger/amounts.ts';
import type { LedgerChanges } from '../../src/quota/ledger/store.ts';
import { messages, writeMessage } from '../../src/quota/slices/wire.ts';
import { handlerMilliseconds, SimulatedApiServer, type ObjectUsage, type Outcome, type Review } from './api-server.ts';
import { Checker, units, shared } from './checker.ts';
import { Claims } from './claims.ts';
import { FaultyStore } from './faulty-store.ts';
import { SimulatedGate, usageList } from './gate.ts';
import { SimulatedNetwork } from './network.ts';
import { calmAll, profileOf, type Profile } from './profile.ts';
import { Random } from './random.ts';
import { Process, VirtualTime } from './virtual-time.ts';

/** What is broken on purpose, to see that it is found. */
export type Breakage =
  | 'release-by-time-alone'
  | 'key-by-review-uid'
  | 'sum-pending-updates'
  | 'answer-before-commit'
  | 'regive-at-lease-end'
  | 'trust-what-is-charged'
  | 'forget-prepaid';

export interface HistoryResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly counts: HistoryCounts;
}

/** What a history was made of. */
export interface HistoryCounts {
  requests: number;
  stored: number;
  refused: number;
  unreachable: number;
  faults: number;
  restarts: number;
  commits: number;
  /** Written after they were answered, from a block that was held before. */
  prepaid: number;
}

interface GateReplica {
  readonly process: Process;
  gate: SimulatedGate | undefined;
  ledger: Ledger;
  member: Member | undefined;
}

interface SimulatedCluster {
  readonly name: string;
  id: string;
  disk: MemoryLedgerStore;
  api: SimulatedApiServer;
  readonly replicas: (GateReplica | undefined)[];
  /** Quotas by namespace, as the gates have heard. */
  known: ReadonlyMap<string, readonly string[]>;
}

interface SimulatedHub {
  readonly process: Process;
  hub: Hub | undefined;
  /** Ends the connections when the process ends. */
  readonly connections: Set<() => void>;
}

/** How long after clients have stopped something may be left open. */
const quietMilliseconds = 200_000;
const lookMilliseconds = 10_000;
/** A little more than an API server gives a request. */
const settleSeconds = 36;
const labelLagMilliseconds = 3000;
const hubName = 'hub';
const operator = { by: 'operator', reason: 'gone' };

/**
 * Plays one history that follows from its seed: clusters with their API servers, gates and clients, and either one ledger that all
 * share or slices from a hub, with whatever goes wrong. The ledger, the members and the hub are the real ones; time, network, disk and
 * API server are simulated.
 */
export async function playHistory(seed: number, breakage?: Breakage): Promise<HistoryResult> {
  const world = new World(seed, breakage);
  await world.play();
  return { seed, violations: world.checker.violations, counts: world.counts };
}

class World {
  readonly #random: Random;
  readonly #time = new VirtualTime();
  readonly #network: SimulatedNetwork;
  readonly #profile: Profile;
  readonly #breakage: Breakage | undefined;
  readonly #clusters: SimulatedCluster[];
  #sharedDisk = new MemoryLedgerStore();
  /** No gate starts before: the ledger that all share was lost. */
  #downUntil = 0;
  readonly #hubDisk = new MemoryLedgerStore();
  #hub: SimulatedHub | undefined;
  /** Quotas by namespace, as they are. */
  readonly #labels = new Map<string, readonly string[]>();
  readonly #unsettledUntil = new Map<string, number>();
  readonly #terms = new Map<string, QuotaTerms>();
  /** Under which quotas objects were admitted, for those that no relabelled namespace has moved. */
  readonly #claims: Claims;
  readonly #everLabelled = new Set<string>();
  readonly #admitted = new Map<string, { readonly namespace: string; readonly quotas: Set<string> }>();
  readonly #restartedAt = new Map<string, number>();
  #names = 0;
  #openRequests = 0;
  readonly checker = new Checker(this.#time, (uid) => this.#clusters.some(({ api }) => api.objects.has(uid)));
  readonly counts: HistoryCounts = {
    requests: 0,
    stored: 0,
    refused: 0,
    unreachable: 0,
    faults: 0,
    restarts: 0,
    commits: 0,
    prepaid: 0,
  };

  constructor(seed: number, breakage: Breakage | undefined) {
    this.#random = new Random(seed);
    this.#breakage = breakage;
    this.#profile = profileOf(this.#random.fork(), breakage);
    this.#network = new SimulatedNetwork(this.#time, this.#random.fork(), this.#profile.network);
    this.#claims = new Claims(this.#profile.isCalm ? 1000 : Infinity);
    const { quotas, namespaces, clusters, replicas } = this.#profile;
    for (const [id, hard] of quotas) this.#terms.set(id, termsOf(id, hard, 1));
    for (const [namespace, ids] of namespaces) this.#label(namespace, ids);
    this.#clusters = Array.from({ length: clusters }, (_, index) => {
      const cluster: SimulatedCluster = {
        name: `cluster-${index}`,
        id: this.#unique('cluster'),
        disk: new MemoryLedgerStore(),
        api: undefined as unknown as SimulatedApiServer,
        replicas: Array.from({ length: replicas }, () => undefined),
        known: new Map(this.#labels),
      };
      cluster.api = this.#newApiServer(cluster);
      return cluster;
    });
  }

  async play(): Promise<void> {
    if (this.#isSliced) this.#startHub();
    this.#time.after(50, () => {
      for (const cluster of this.#clusters) {
        for (const index of cluster.replicas.keys()) this.#startGate(cluster, index);
      }
    });
    await this.#time.run(500);
    this.#planClients();
    this.#planFaults();
    const { activeMilliseconds } = this.#profile;
    await this.#time.run(activeMilliseconds, () => this.#isBroken);
    this.#heal();
    // Waits no longer than it takes; what is not right by the end is wrong.
    for (let end = activeMilliseconds + lookMilliseconds; ; end += lookMilliseconds) {
      await this.#time.run(end, () => this.#isBroken);
      if (this.#isBroken) return;
      const problems = this.#openRequests > 0 ? ['requests are open'] : await this.#problemsWhenQuiet();
      if (problems.length === 0) return;
      if (end < activeMilliseconds + quietMilliseconds) continue;
      for (const problem of problems) this.checker.report(`(c) ${problem}`);
      return;
    }
  }

  get #isSliced(): boolean {
    return this.#profile.shape === 'slices';
  }

  get #isBroken(): boolean {
    return this.checker.violations.length > 0;
  }

  #unique(kind: string): string {
    return `${kind}-${++this.#names}`;
  }

  #label(namespace: string, quotas: readonly string[]): void {
    this.#labels.set(namespace, quotas);
    for (const quota of quotas) this.#everLabelled.add(`${namespace}/${quota}`);
  }

  #everUnder(namespace: string, quota: string): boolean {
    return this.#everLabelled.has(`${namespace}/${quota}`);
  }

  /* Processes. */

  #startHub(): void {
    const process = new Process(hubName, this.#time, this.#wallOffset());
    const simulated: SimulatedHub = { process, hub: undefined, connections: new Set() };
    this.#hub = simulated;
    const kill = (): void => this.#killHub(simulated);
    const ledger = new Ledger({
      store: new FaultyStore({
        disk: this.#hubDisk,
        process,
        random: this.#random.fork(),
        faults: this.#profile.store,
        kill,
        onCommit: (changes) => {
          this.counts.commits++;
          this.checker.hubCommitted(changes);
        },
      }),
      clock: process,
      settleAfterSeconds: settleSeconds,
    });
    const hub = new Hub({ ledger, clock: process, uniqueName: () => this.#unique('round') });
    this.#begin(process, kill, async () => {
      await ledger.start();
      for (const terms of this.#terms.values()) await hub.setTerms(terms);
      simulated.hub = hub;
      if (this.#breakage === 'regive-at-lease-end') this.#regiveAtLeaseEnd(process, hub);
    });
  }

  #killHub(simulated: SimulatedHub): void {
    if (!simulated.process.isAlive) return;
    simulated.process.kill();
    this.counts.restarts++;
    for (const end of simulated.connections) this.#time.after(5, end);
    for (const { id } of this.#clusters) this.#network.noteDisturbance(id, hubName);
    this.#time.after(this.#random.between(100, 3000), () => {
      for (const { id } of this.#clusters) this.#network.noteDisturbance(id, hubName);
      this.#startHub();
    });
  }

  #startGate(cluster: SimulatedCluster, index: number): void {
    // A cluster that was made anew has started it meanwhile.
    if (cluster.replicas[index]?.process.isAlive === true) return;
    if (this.#time.now < this.#downUntil) {
      this.#time.after(this.#downUntil - this.#time.now, () => this.#startGate(cluster, index));
      return;
    }
    const { id, api } = cluster;
    const process = new Process(id, this.#time, this.#wallOffset());
    const kill = (): void => this.#killGate(cluster, index, process);
    const ledger = new Ledger({
      store: new FaultyStore({
        disk: this.#isSliced ? cluster.disk : this.#sharedDisk,
        process,
        random: this.#random.fork(),
        faults: this.#profile.store,
        kill,
        onCommit: (changes) => {
          this.counts.commits++;
          this.checker.committed(this.#isSliced ? id : shared, !this.#isSliced, changes);
          this.#noteBlocks(id, process, changes);
        },
        answersBeforeCommit: this.#breakage === 'answer-before-commit',
      }),
      clock: process,
      settleAfterSeconds: settleSeconds,
      maxBatch: this.#profile.maxBatch,
    });
    const member = this.#isSliced
      ? new Member({
          ledger,
          hub: this.#connection(cluster, process),
          cluster: id,
          clock: process,
          uniqueName: () => this.#unique('journal'),
          onLeaseEnd: this.#profile.onLeaseEnd,
        })
      : undefined;
    const replica: GateReplica = { process, gate: undefined, ledger, member };
    cluster.replicas[index] = replica;
    this.#begin(process, kill, async () => {
      await ledger.start();
      if (this.#breakage === 'forget-prepaid') await this.#forgetPrepaid(ledger);
      if (!this.#isSliced) await ledger.registerCluster({ id, name: cluster.name });
      for (const terms of this.#terms.values()) await (member ?? ledger).setTerms(terms);
      const gate = new SimulatedGate({
        process,
        cluster: id,
        apiServer: api,
        ledger,
        reserve: (reservation, options) => (member ?? ledger).reserve(reservation, options),
        quotasOf: (namespace) => cluster.known.get(namespace) ?? [],
        random: this.#random.fork(),
        faults: this.#profile.watch,
        breakages: {
          releasesByTimeAlone: this.#breakage === 'release-by-time-alone',
          keysByReviewUid: this.#breakage === 'key-by-review-uid',
          sumsPendingUpdates: this.#breakage === 'sum-pending-updates',
          trustsWhatIsCharged: this.#breakage === 'trust-what-is-charged',
        },
        kill,
      });
      // What lives is counted before anything is admitted, as a journal may be new.
      await gate.count([...this.#terms.keys()]);
      member?.start();
      gate.start();
      replica.gate = gate;
    });
  }

  /** Blocks are held for requests to come by the process that made them; when it has died, for what nobody can tell. */
  #noteBlocks(cluster: string, process: Process, { charges }: LedgerChanges): void {
    const blocks = charges.filter(({ key }) => isPrepaid(key));
    for (const { key, charge } of blocks) {
      const { amounts, quotas } = charge?.pending[0] ?? { amounts: noAmounts, quotas: [] };
      const isShared = this.#profile.replicas > 1;
      const held = { pods: units(amounts.get('pods')), cpu: units(amounts.get('cpu')) };
      const isHeld = (): boolean => isShared || !process.isAlive;
      this.#claims.prepaid(key.uid, { cluster, quota: quotas[0] ?? '', isHeld }, held, this.#time.now);
    }
    if (blocks.length > 0) this.counts.prepaid += charges.filter(({ key, isNew }) => isNew && !isPrepaid(key)).length;
  }

  /** How the breakage lets go of what an earlier process may have admitted from. */
  async #forgetPrepaid(ledger: Ledger): Promise<void> {
    for await (const { key, pending } of ledger.charges()) {
      if (isPrepaid(key)) await ledger.endPrepaid(key, pending[0]?.amounts ?? noAmounts);
    }
  }

  #killGate(cluster: SimulatedCluster, index: number, process: Process): void {
    if (!process.isAlive) return;
    process.kill();
    this.counts.restarts++;
    this.#noteGate(cluster.id);
    this.#time.after(this.#random.between(100, 3000), () => {
      this.#noteGate(cluster.id);
      this.#startGate(cluster, index);
    });
  }

  #noteGate(id: string): void {
    this.#restartedAt.set(id, this.#time.now);
    this.#network.noteDisturbance(id, hubName);
  }

  /** A process that cannot start is started again, as a kubelet does. */
  #begin(process: Process, kill: () => void, start: () => Promise<void>): void {
    process.run(() => void start().catch(() => process.after(500, kill)));
  }

  #wallOffset(): number {
    return this.#profile.clockJumps ? this.#random.between(-3_600_000, 3_600_000) : 0;
  }

  /** How the breakage gives away what a silent cluster holds. */
  #regiveAtLeaseEnd(process: Process, hub: Hub): void {
    process.after(1000, () => {
      void hub
        .shares()
        .then(async (shares) => {
          const silent = shares.flatMap(({ clusters }) =>
            clusters.filter(({ silentMilliseconds }) => (silentMilliseconds ?? 0) > 5000).map(({ id }) => id),
          );
          for (const id of new Set(silent)) await hub.forgetCluster(id, operator);
        })
        .catch(() => undefined)
        .finally(() => this.#regiveAtLeaseEnd(process, hub));
    });
  }

  #connection({ name, id }: SimulatedCluster, process: Process): HubConnection {
    const send = <T>(serve: (hub: Hub, left: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> => {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const fail = (why: string) => (): void => process.run(() => reject(new HubUnreachableError(why)));
      const target = this.#hub;
      if (target?.process.isAlive !== true || target.hub === undefined) {
        this.#network.noteDisturbance(id, hubName);
        this.#time.after(5, fail('connection refused'));
        return promise;
      }
      const { hub, connections } = target;
      const left = new AbortController();
      const reset = fail('connection reset');
      connections.add(reset);
      signal.addEventListener('abort', () => {
        fail('no answer in time')();
        this.#time.after(5, () => left.abort());
      });
      this.#network
        .request(process, target.process, () => serve(hub, left.signal))
        .then(resolve, (error: unknown) => {
          this.#network.noteDisturbance(id, hubName);
          reject(new HubUnreachableError(String(error)));
        });
      void promise.catch(() => undefined).finally(() => connections.delete(reset));
      return promise;
    };
    const carried = <S extends z.ZodType>(schema: S, message: z.output<S>): z.output<S> =>
      this.#profile.isOnWire ? schema.parse(JSON.parse(writeMessage(message))) : message;
    return {
      sync: async (request, signal) => {
        const sent = carried(messages.syncRequest, request);
        return carried(messages.syncAnswer, await send((hub, left) => hub.sync(name, sent, left), signal));
      },
      watch: async (request, signal) => {
        const sent = carried(messages.watchRequest, request);
        return carried(messages.watchAnswer, await send((hub, left) => hub.watch(name, sent, left), signal));
      },
    };
  }

  /* The API servers and their webhook. */

  #newApiServer(cluster: SimulatedCluster): SimulatedApiServer {
    const { id } = cluster;
    return new SimulatedApiServer({
      cluster: cluster.id,
      time: this.#time,
      random: this.#random.fork(),
      faults: this.#profile.apiServer,
      call: (review, timeout) =>
        cluster.id === id ? this.#callWebhook(cluster, review, timeout) : Promise.reject(new Error('gone')),
      uniqueName: (kind) => this.#unique(kind),
      onChange: ({ type, object: { uid, namespace, usage } }) => {
        if (type === 'ADDED') this.checker.stored(uid);
        if (type === 'DELETED') {
          this.#claims.deleted(uid, this.#time.now);
          this.checker.ended(uid);
        } else this.#claims.stored(uid, { cluster: id, namespace }, usage, this.#time.now);
        this.#checkLive();
        for (const replica of cluster.replicas) replica?.process.run(() => replica.gate?.changed());
      },
      onNeverStored: (uid) => this.checker.ended(uid),
    });
  }

  #callWebhook(cluster: SimulatedCluster, review: Review, timeout: number): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.counts.requests++;
    this.#time.after(timeout, () => reject(new Error('timeout')));
    const ready = cluster.replicas.filter((replica) => replica?.gate !== undefined && replica.process.isAlive);
    const replica = ready.length === 0 ? undefined : this.#random.pick(ready);
    if (replica?.gate === undefined) {
      this.#time.after(2, () => reject(new Error('connection refused')));
      return promise;
    }
    const { gate, process } = replica;
    this.#time.after(this.#random.between(1, 8), () => process.run(() => void judge()));
    const judge = async (): Promise<void> => {
      const window = this.checker.begin(cluster.id);
      const { uid, namespace, usage } = review.object;
      const answered = review.dryRun
        ? (): void => undefined
        : this.#claims.asked(uid, { cluster: cluster.id, namespace }, usage, this.#time.now);
      const known = cluster.known.get(review.object.namespace) ?? [];
      let verdict: Verdict;
      try {
        verdict = await gate.review(review, timeout);
      } catch (error) {
        this.counts.faults++;
        this.checker.end(window);
        reject(error);
        return;
      }
      this.#noteVerdict(cluster, review, verdict, known);
      answered(verdict.allowed);
      if (!verdict.allowed) this.#checkRefusal(cluster, process, window, verdict, review);
      else this.checker.end(window);
      const isLate = this.#random.chance(this.#profile.lateAnswer);
      this.#time.after(isLate ? this.#random.between(1, 4000) : this.#random.between(1, 8), () =>
        resolve(verdict.allowed),
      );
    };
    return promise;
  }

  #noteVerdict(cluster: SimulatedCluster, review: Review, verdict: Verdict, known: readonly string[]): void {
    const { namespace, uid } = review.object;
    if (verdict.allowed) {
      if (review.dryRun || review.oldObject !== undefined) return;
      const now = this.#labels.get(namespace) ?? [];
      const quotas = known.filter((each) => now.includes(each));
      if (verdict.charged) this.checker.answered(cluster.id, review.object, quotas);
      if ((this.#unsettledUntil.get(namespace) ?? 0) > this.#time.now) return;
      const before = this.#admitted.get(uid)?.quotas ?? [];
      this.#admitted.set(uid, { namespace, quotas: new Set([...before, ...quotas]) });
      return;
    }
    if (verdict.refusals.some(({ cause }) => cause === 'hub-unreachable')) this.counts.unreachable++;
    else this.counts.refused++;
    if (verdict.charged) this.checker.report(`a refusal of ${cluster.id} left something charged`);
  }

  #checkRefusal(
    cluster: SimulatedCluster,
    process: Process,
    window: ReturnType<Checker['begin']>,
    verdict: Verdict,
    review: Review,
  ): void {
    const canReachHub = this.#network.disturbedAt(cluster.id, hubName) < window.began - 5000;
    // What a refusal was weighed against may become durable just after it.
    this.#time.after(25, () => {
      this.checker.end(window);
      if (!process.isAlive || this.#profile.hasStoreFaults) return;
      this.checker.checkRefusal(
        window,
        verdict,
        (id) => this.#network.disturbedAt(id, hubName) > window.began - 40_000,
        canReachHub,
        this.#profile.maxBatch === 1,
        review.oldObject?.usage ?? { pods: 0, cpu: 0 },
        (quota, resource, id) =>
          this.#claims.most(
            resource,
            id,
            quota,
            (namespace) => this.#everUnder(namespace, quota),
            window.began,
            this.#time.now,
          ),
      );
    });
  }

  #checkLive(): void {
    const sums = new Map([...this.#terms.keys()].map((id) => [id, { pods: 0, cpu: 0 }]));
    for (const { api } of this.#clusters) {
      for (const { uid, namespace, usage, isAdmitted } of api.objects.values()) {
        if (!isAdmitted) continue;
        const now = this.#labels.get(namespace) ?? [];
        for (const id of this.#admitted.get(uid)?.quotas ?? []) {
          const sum = sums.get(id);
          if (sum === undefined || !now.includes(id)) continue;
          sum.pods += usage.pods;
          sum.cpu += usage.cpu;
        }
      }
    }
    for (const [id, sum] of sums) this.checker.liveChanged(id, sum);
  }

  /* What happens. */

  #planClients(): void {
    const random = this.#random.fork();
    const { namespaces, actions, activeMilliseconds, maxUsage } = this.#profile;
    for (let each = 0; each < actions; each++) {
      const at = random.between(0, activeMilliseconds - 5000);
      const burst = random.chance(0.15) ? random.between(2, 5) : 1;
      const cluster = random.pick(this.#clusters);
      const namespace = random.pick([...namespaces.keys()]);
      this.#time.after(at, () => {
        for (let one = 0; one < burst; one++) this.#act(cluster, namespace, random, maxUsage);
      });
    }
  }

  #act(cluster: SimulatedCluster, namespace: string, random: Random, maxUsage: ObjectUsage): void {
    // Clients rest meanwhile, else little would live when it is counted.
    if (this.#time.now < this.#downUntil) return;
    const { api } = cluster;
    const live = [...api.objects.values()];
    const choice = random.next();
    const usage = { pods: 1, cpu: random.between(0, maxUsage.cpu) };
    if (choice < 0.6 || live.length === 0) {
      const name = random.chance(0.3)
        ? undefined
        : random.chance(0.2)
          ? `n-${random.between(0, 2)}`
          : this.#unique('name');
      const isDryRun = random.chance(0.08);
      this.#await(api.create(namespace, name, usage, isDryRun));
      return;
    }
    const { uid } = random.pick(live);
    if (choice < 0.8) {
      this.#await(api.update(uid, usage));
      // Two writers of one object.
      if (random.chance(0.4)) this.#await(api.update(uid, { pods: 1, cpu: random.between(0, maxUsage.cpu) }));
    } else api.delete(uid);
  }

  #await(request: Promise<Outcome>): void {
    this.#openRequests++;
    void request
      .then((outcome) => {
        if (outcome === 'stored') this.counts.stored++;
      })
      .finally(() => this.#openRequests--);
  }

  #planFaults(): void {
    const random = this.#random.fork();
    const { incidents, activeMilliseconds } = this.#profile;
    const plan = (times: number, incident: () => void): void => {
      for (let each = 0; each < times; each++) this.#time.after(random.between(0, activeMilliseconds - 2000), incident);
    };
    plan(incidents.partitions, () => this.#partition(random));
    plan(incidents.pauses, () => this.#pause(random));
    plan(incidents.kills, () => this.#kill(random));
    plan(incidents.relabels, () => this.#relabel(random));
    plan(incidents.hardChanges, () => this.#changeHard(random));
    plan(incidents.bypasses, () =>
      random.pick(this.#clusters).api.bypass(random.pick([...this.#labels.keys()]), { pods: 1, cpu: 1 }),
    );
    plan(incidents.remakes, () => this.#remake(random));
    plan(incidents.lostJournals, () => this.#loseJournal(random));
    if (incidents.lostLedgers > 0)
      this.#time.after(random.between(activeMilliseconds / 5, activeMilliseconds / 2), () => this.#loseLedger());
  }

  #partition(random: Random): void {
    const { id } = random.pick(this.#clusters);
    const ways: [string, string][] = [
      [id, hubName],
      [hubName, id],
    ];
    const cut = random.chance(0.5) ? ways : [random.pick(ways)];
    for (const [from, to] of cut) this.#network.cut(from, to);
    this.#time.after(random.between(200, 25_000), () => {
      for (const [from, to] of cut) this.#network.mend(from, to);
    });
  }

  #pause(random: Random): void {
    const milliseconds = random.chance(0.3) ? random.between(10_000, 80_000) : random.between(50, 3000);
    if (this.#hub !== undefined && random.chance(0.3)) {
      this.#hub.process.pause(milliseconds);
      for (const index of this.#clusters.keys()) this.#disturbFor(() => this.#clusters[index]?.id, milliseconds);
      return;
    }
    const { id, replicas } = random.pick(this.#clusters);
    random.pick(replicas)?.process.pause(milliseconds);
    this.#disturbFor(() => id, milliseconds);
  }

  #disturbFor(idNow: () => string | undefined, milliseconds: number): void {
    const until = this.#time.now + milliseconds;
    const note = (): void => {
      this.#network.noteDisturbance(idNow() ?? '', hubName);
      if (this.#time.now < until) this.#time.after(1000, note);
    };
    note();
  }

  #kill(random: Random): void {
    if (this.#hub !== undefined && random.chance(0.3)) return this.#killHub(this.#hub);
    const cluster = random.pick(this.#clusters);
    const index = random.between(0, cluster.replicas.length - 1);
    const replica = cluster.replicas[index];
    if (replica !== undefined) this.#killGate(cluster, index, replica.process);
  }

  #relabel(random: Random): void {
    const namespace = random.pick([...this.#labels.keys()]);
    const quotas = [...this.#terms.keys()].filter(() => random.chance(0.6));
    this.#label(namespace, quotas);
    this.#unsettledUntil.set(namespace, this.#time.now + labelLagMilliseconds + 1000);
    this.checker.relabelled(namespace);
    for (const admitted of this.#admitted.values()) if (admitted.namespace === namespace) admitted.quotas.clear();
    for (const cluster of this.#clusters) {
      this.#time.after(random.between(0, labelLagMilliseconds), () => {
        cluster.known = new Map(this.#labels);
        for (const replica of cluster.replicas) {
          replica?.process.run(() => void replica.gate?.relabelled().catch(() => undefined));
        }
      });
    }
  }

  #changeHard(random: Random): void {
    const terms = random.pick([...this.#terms.values()]);
    const hard = {
      pods: random.between(1, 8),
      cpu: random.between(2, 16),
    };
    const next = termsOf(terms.id, hard, terms.generation + 1);
    this.#terms.set(terms.id, next);
    const set = (process: Process | undefined, work: () => Promise<unknown> | undefined): void => {
      this.#time.after(random.between(0, 2000), () => process?.run(() => void work()?.catch(() => undefined)));
    };
    set(this.#hub?.process, () => this.#hub?.hub?.setTerms(next));
    for (const { replicas } of this.#clusters) {
      for (const replica of replicas) {
        if (replica?.gate !== undefined) set(replica.process, () => (replica.member ?? replica.ledger).setTerms(next));
      }
    }
  }

  /** A cluster is deleted and made anew under its name; some time later an operator says so. */
  #remake(random: Random): void {
    const cluster = random.pick(this.#clusters);
    const old = cluster.id;
    for (const replica of cluster.replicas) replica?.process.kill();
    for (const uid of [...cluster.api.objects.keys()]) cluster.api.delete(uid);
    this.checker.lostDisk(old);
    cluster.id = this.#unique('cluster');
    cluster.disk = new MemoryLedgerStore();
    cluster.api = this.#newApiServer(cluster);
    this.#noteGate(cluster.id);
    this.#noteGate(old);
    for (const index of cluster.replicas.keys()) this.#startGate(cluster, index);
    this.#time.after(random.between(100, 8000), () => this.#forget(old));
  }

  #forget(old: string): void {
    const retry = (): void => this.#time.after(1000, () => this.#forget(old));
    if (!this.#isSliced) {
      const ledger = new Ledger({ store: this.#sharedDisk, clock: new Process('operator', this.#time) });
      void ledger.forgetCluster(old, operator).then(() => this.checker.forgetCluster(old));
      return;
    }
    const { process, hub } = this.#hub ?? {};
    if (process?.isAlive !== true || hub === undefined) return retry();
    process.run(() => void hub.forgetCluster(old, operator).then(() => this.checker.forgetCluster(old), retry));
  }

  /** The disk of a member is lost, and the journal on it. */
  #loseJournal(random: Random): void {
    if (!this.#isSliced) return;
    const cluster = random.pick(this.#clusters);
    cluster.disk = new MemoryLedgerStore();
    this.checker.lostDisk(cluster.id);
    for (const [index, replica] of cluster.replicas.entries()) {
      if (replica !== undefined) this.#killGate(cluster, index, replica.process);
    }
  }

  /**
   * The disk of the ledger that all share is lost. Gates come back when every request has ended that was admitted by it, since
   * nothing knows of those; what lives they count.
   */
  #loseLedger(): void {
    this.#sharedDisk = new MemoryLedgerStore();
    this.#downUntil = this.#time.now + handlerMilliseconds;
    for (const cluster of this.#clusters) {
      for (const [index, replica] of cluster.replicas.entries()) {
        if (replica !== undefined) this.#killGate(cluster, index, replica.process);
      }
    }
  }

  /* The end. */

  #heal(): void {
    calmAll(this.#profile);
    this.#network.mendAll();
  }

  /** (c) Everything that is charged lives, and everything that lives is charged. */
  async #problemsWhenQuiet(): Promise<string[]> {
    const problems: string[] = [];
    const disks = this.#isSliced
      ? this.#clusters.map((cluster) => ({ disk: cluster.disk, clusters: [cluster] }))
      : [{ disk: this.#sharedDisk, clusters: this.#clusters }];
    for (const { disk, clusters } of disks) {
      const live = new Map(clusters.flatMap(({ api }) => [...api.objects.values()].map((each) => [each.uid, each])));
      for (const id of this.#terms.keys()) {
        const sum = { pods: 0, cpu: 0 };
        for (const { namespace, usage } of live.values()) {
          if (this.#labels.get(namespace)?.includes(id) !== true) continue;
          sum.pods += usage.pods;
          sum.cpu += usage.cpu;
        }
        const whole = (await disk.accounts(id)).find(({ cluster, namespace }) => cluster === '' && namespace === '');
        for (const [name, amount] of Object.entries(sum)) {
          const used = Number(whole?.balance.used.get(name) ?? 0n) / 1e9;
          const reserved = Number(whole?.balance.reserved.get(name) ?? 0n) / 1e9;
          if (used !== amount || reserved !== 0) {
            const places = clusters.map((each) => each.id).join();
            problems.push(`${places}: ${used} ${name} used and ${reserved} reserved of ${id}, and ${amount} live`);
          }
        }
      }
      const charges = await disk.charges({ limit: 10_000 });
      for (const { key, observed } of charges) {
        if (!live.has(key.uid)) problems.push(`${key.uid} is charged and does not live`);
        else if (observed === null) problems.push(`${key.uid} lives and was never confirmed`);
      }
    }
    return problems;
  }
}

function termsOf(id: string, hard: ObjectUsage, generation: number): QuotaTerms {
  return { id, name: id, generation, hard: usageList(hard), mode: 'enforce' };
}
