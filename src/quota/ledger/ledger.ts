import { randomBytes } from 'node:crypto';
import { silentLogger, systemClock, type Clock, type Logger } from '../../telemetry/index.ts';
import type { ResourceList } from '../../usage/index.ts';
import { amountsOf, differenceOf, resourceListOf, type Amounts } from './amounts.ts';
import { Breakdowns } from './breakdown.ts';
import { readCensuses, writeCensuses, type Census, type ClusterFacts } from './census.ts';
import {
  chargeState,
  isPrepaid,
  keyText,
  shareOf,
  quotasOf,
  type Charge,
  type ChargeKey,
  type ChargeState,
} from './charge.ts';
import { admitted } from './decide.ts';
import { takenOf } from './draft.ts';
import { ClusterIdentityError, UnknownQuotaError } from './errors.ts';
import { GroupCommit } from './group-commit.ts';
import { noLedgerEvents, type LedgerEvents } from './ledger-events.ts';
import type {
  ClusterChange,
  Observation,
  ObservationOutcome,
  QuotaChange,
  Reservation,
  Settlement,
  SettlementOutcome,
} from './operations.ts';
import { Recount, type RecountRequest, type RecountResult } from './recount.ts';
import type { AuditEntry, ChargeQuery, Cluster, LedgerStore } from './store.ts';
import type { QuotaTerms, StoredQuota } from './terms.ts';
import type { Verdict } from './verdict.ts';

export interface LedgerOptions {
  readonly store: LedgerStore;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Told of what happens, for figures. */
  readonly events?: LedgerEvents;
  /** Operations in one commit at most; one operation of many charges goes whole. Default: 512. */
  readonly maxBatch?: number;
  /**
   * How old a reservation must be before a read of the cluster can show that its write never took place. Default: 60, the
   * 34 s that the API server gives a request at most, and a margin for its clocks.
   */
  readonly settleAfterSeconds?: number;
  /** How long a released charge is remembered, to notice an object that appears all the same. Default: 3600. */
  readonly rememberReleasedSeconds?: number;
}

export interface ReserveOptions {
  /** Ends the waiting: the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * What becomes of what is reserved after the signal: `give-back` where the caller then sees a refusal, `keep` where it is
   * let in all the same. Default: `give-back`.
   */
  readonly afterAbort?: 'give-back' | 'keep';
  /** By quota, what the caller holds of it in blocks and would give up: it counts as free. Only for what writes nothing. */
  readonly spare?: ReadonlyMap<string, Amounts>;
}

/** A reservation whose object has not been seen. */
export interface OpenReservation {
  readonly key: ChargeKey;
  readonly namespace: string;
  readonly name: string;
  readonly base: bigint;
  readonly stamp: string;
  /** Wall-clock milliseconds. */
  readonly reservedAt: number;
  /** Milliseconds since this process saw it first: what counts as its age. */
  readonly seenForMilliseconds: number;
  /** Old enough for a read that begins now to settle it. */
  readonly isDue: boolean;
  /** A block for requests to come, and for objects that were admitted from it and not written down: only a recount frees it. */
  readonly isPrepaid: boolean;
}

/** What a consistent read said of one object, with when it began. */
export interface ReadEvidence {
  readonly key: ChargeKey;
  readonly namespace: string;
  /** {@link Ledger.now} from before the read was sent. */
  readonly readBegan: number;
  readonly found: Settlement['found'];
}

/** Where a quota stands. Lists are of used and reserved apart. */
export interface QuotaBalance {
  readonly used: ResourceList;
  readonly reserved: ResourceList;
}

export interface QuotaStanding extends QuotaBalance {
  readonly terms: QuotaTerms;
  readonly memo: string | null;
  /** What is taken beyond `hard`, after it was lowered or objects were discovered. */
  readonly debt: ResourceList;
  /** By the id of the cluster. */
  readonly byCluster: ReadonlyMap<string, QuotaBalance>;
  readonly byNamespace: readonly (QuotaBalance & { readonly cluster: string; readonly namespace: string })[];
}

/** A charge as people ask about it. */
export interface ChargeSummary {
  readonly key: ChargeKey;
  readonly namespace: string;
  readonly name: string;
  readonly state: ChargeState;
  /** For each quota that it takes something of: used and reserved. */
  readonly quotas: ReadonlyMap<string, QuotaBalance>;
}

/**
 * What every object of every cluster takes of every quota, and the one place that says whether one more fits.
 *
 * Calls are answered when what they did is durable. Calls that come while a commit is under way go into the next one, in
 * the order they came. Several ledgers, in several processes, may share a store.
 *
 * Calls throw {@link LedgerStoreError} when the store does not answer, {@link UnknownQuotaError}, and
 * {@link LedgerStoppedError}. A fault is never a verdict.
 */
export class Ledger {
  readonly #store: LedgerStore;
  readonly #clock: Clock;
  readonly #events: LedgerEvents;
  readonly #log: Logger;
  readonly #commits: GroupCommit;
  readonly #breakdowns: Breakdowns;
  readonly #settleAfterMilliseconds: number;
  readonly #rememberReleasedMilliseconds: number;
  /** When this process first saw a pending usage that is still open, by its stamp: monotonic milliseconds. */
  readonly #firstSeen = new Map<string, { readonly cluster: string; readonly at: number }>();

  constructor(options: LedgerOptions) {
    this.#store = options.store;
    this.#clock = options.clock ?? systemClock;
    this.#events = options.events ?? noLedgerEvents;
    this.#log = options.log ?? silentLogger;
    this.#settleAfterMilliseconds = (options.settleAfterSeconds ?? 60) * 1000;
    this.#rememberReleasedMilliseconds = (options.rememberReleasedSeconds ?? 3600) * 1000;
    const instance = randomBytes(6).toString('base64url');
    let stamps = 0;
    this.#commits = new GroupCommit({
      store: this.#store,
      clock: this.#clock,
      events: this.#events,
      maxBatch: options.maxBatch ?? 512,
      newStamp: () => `${instance}${(stamps += 1)}`,
    });
    this.#breakdowns = new Breakdowns(this.#store, this.#clock);
  }

  /** Opens the store. Throws {@link LedgerStoreError}. */
  async start(): Promise<void> {
    await this.#store.open();
  }

  /** What was asked before is still carried out; later calls are refused. Closes the store. */
  async stop(): Promise<void> {
    await this.#commits.stop();
    await this.#store.close();
  }

  /** Monotonic milliseconds, to say when a read of a cluster began. */
  now(): number {
    return this.#clock.monotonic();
  }

  /** Whether an object may be stored, and if so holds what it takes of all its quotas until it is seen. */
  async reserve(
    reservation: Reservation,
    { signal, afterAbort = 'give-back', spare }: ReserveOptions = {},
  ): Promise<Verdict> {
    signal?.throwIfAborted();
    const decided = this.#commits.submit({ kind: 'reserve', reservation, ...(spare && { spare }) }, signal);
    if (signal === undefined) return decided.then((verdict) => this.#explained(verdict, reservation));
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = (): void => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await this.#explained(await Promise.race([decided, left]), reservation);
    } catch (error) {
      if (signal.aborted && afterAbort === 'give-back') this.#giveBackLater(decided, reservation);
      throw error;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /**
   * Holds some of a quota for requests to come, under a key that {@link prepaidUid} gave and whose resource is theirs: up to
   * `target` in all, and no more than half of what is free. Resolves with what was added to it, when that is durable, or with
   * null when that would not have been `least` in all.
   */
  async prepay(
    block: ChargeKey,
    quota: string,
    { least, target }: { readonly least: Amounts; readonly target: Amounts },
  ): Promise<Amounts | null> {
    return this.#commits.submit({ kind: 'prepay', block, quota, least, target });
  }

  /**
   * Writes what was admitted from blocks already, each of one of its quotas: moves what it takes from them to its own charge.
   *
   * A block may be used only as long after it was last written as {@link prepaidMilliseconds} says. What was admitted from
   * it and is not written when its holder dies stays held by it until a recount has found what lives.
   */
  async chargePrepaid(reservation: Reservation, blocks: readonly ChargeKey[]): Promise<void> {
    this.#events.decided(admitted, { dryRun: false, cluster: reservation.key.cluster });
    await this.#commits.submit({ kind: 'charge-prepaid', reservation, blocks });
  }

  /** Lets go of what is left of a block. What was admitted from it and could not be written stays held by it. */
  async endPrepaid(block: ChargeKey, spare: Amounts): Promise<void> {
    await this.#commits.submit({ kind: 'end-prepaid', block, spare });
  }

  /**
   * How long after the write of a block was asked for it may be used. Whoever takes its holder for dead lists the objects when
   * the block has not been written for the settling time: by then every request that was admitted from it has ended, and a
   * tenth is for clocks that drift. None at all when that time is shorter than a request.
   */
  get prepaidMilliseconds(): number {
    return (this.#settleAfterMilliseconds - requestMilliseconds) * 0.9;
  }

  /**
   * Lets go what a call holds, when its caller left before it was answered. What another call for the same object holds
   * too stays, as it may have been answered. Only right where the caller then takes the object for refused.
   */
  async giveBack({ key, namespace, attempt }: Pick<Reservation, 'key' | 'namespace' | 'attempt'>): Promise<boolean> {
    return this.#commits.submit({ kind: 'give-back', key, namespace, attempt });
  }

  /** Books what the informer of a cluster saw, all of it in one transaction. */
  async observe(observations: readonly Observation[]): Promise<readonly ObservationOutcome[]> {
    if (observations.length === 0) return [];
    const outcomes = await this.#commits.submit({ kind: 'observe', observations });
    for (const outcome of outcomes) this.#events.observed(outcome);
    return outcomes;
  }

  /**
   * Reservations that nothing has been seen of. Those that are due can be settled by a consistent read.
   * Those that stay due because their cluster cannot be read are stranded: still charged.
   */
  async openReservations(filter: { readonly cluster?: string } = {}): Promise<OpenReservation[]> {
    const now = this.#clock.monotonic();
    const stamps = new Set<string>();
    const open: OpenReservation[] = [];
    for await (const { key, namespace, name, pending } of this.charges({ ...filter, open: true })) {
      for (const { base, stamp, reservedAt } of pending) {
        const seen = this.#firstSeen.get(stamp) ?? { cluster: key.cluster, at: now };
        this.#firstSeen.set(stamp, seen);
        stamps.add(stamp);
        const seenForMilliseconds = now - seen.at;
        const isDue = seenForMilliseconds >= this.#settleAfterMilliseconds;
        const isBlock = isPrepaid(key);
        open.push({ key, namespace, name, base, stamp, reservedAt, seenForMilliseconds, isDue, isPrepaid: isBlock });
      }
    }
    for (const [stamp, { cluster }] of this.#firstSeen) {
      const wasAsked = filter.cluster === undefined || filter.cluster === cluster;
      if (wasAsked && !stamps.has(stamp)) this.#firstSeen.delete(stamp);
    }
    return open;
  }

  /**
   * Lets reservations go on evidence: a consistent read that began when they were due, and shows no object, or the version
   * that they were to replace. Younger ones stay.
   */
  async settle(evidence: readonly ReadEvidence[]): Promise<readonly SettlementOutcome[]> {
    if (evidence.length === 0) return [];
    const settlements = evidence.map(({ key, namespace, readBegan, found }) => {
      return { key, namespace, found, ended: this.#endedBefore(readBegan), asOf: null };
    });
    return this.#settle(settlements);
  }

  /**
   * Holds the ledger against a consistent list of all objects of one resource in a cluster: adds what is missing, removes
   * what is gone, lets go what was never stored. Runs in pages beside other calls, which it does not stop.
   */
  async recount(request: RecountRequest): Promise<RecountResult> {
    const recount = new Recount({
      charges: (query) => this.#store.charges(query),
      settle: (settlements) => this.#settle(settlements),
      observe: (observations) => this.observe(observations),
    });
    return recount.run(request, this.#endedBefore(request.listBegan));
  }

  /** Frees charges without evidence, by an operator's word. Audited. Says how many held anything. */
  async release(
    charges: readonly { readonly key: ChargeKey; readonly namespace: string }[],
    { by, reason }: { readonly by: string; readonly reason: string },
  ): Promise<number> {
    if (charges.length === 0) return 0;
    return this.#commits.submit({ kind: 'release', charges, by, reason });
  }

  /**
   * Sets the terms of a quota, at once. A lowered `hard` evicts nothing: until enough has been freed nothing more fits.
   * The memo stays. Terms of a lower generation than the stored ones are left aside; the result says whether they count.
   */
  async setTerms(terms: QuotaTerms): Promise<boolean> {
    return this.changeQuota(terms.id, ({ quota }) => {
      if (quota !== undefined && quota.terms.generation > terms.generation) return { result: false };
      return { quota: { terms, memo: quota?.memo ?? null, removed: false }, result: true };
    });
  }

  /**
   * The gate of a cluster holds itself to a quota, whose terms were set before. Says what has been counted there for it; with
   * another signature than the last one nothing has, and the count begins anew. Throws {@link UnknownQuotaError}.
   */
  async beginCensus(id: string, cluster: string, signature: string, facts: ClusterFacts): Promise<Census> {
    const begun = newCensus(signature, facts);
    return this.changeQuota<Census>(id, ({ quota }) => {
      if (quota === undefined) throw new UnknownQuotaError([id]);
      const censuses = readCensuses(quota.census);
      const known = censuses.get(cluster);
      if (known?.signature === signature) return { result: known };
      const census = writeCensuses(new Map([...censuses, [cluster, begun]]));
      return { quota: { ...quota, census }, result: begun };
    });
  }

  /** Every object of a resource has been told since this census began. False when it is not the one that is kept any more. */
  async markCounted(id: string, cluster: string, stamp: string, resource: string): Promise<boolean> {
    return this.changeQuota<boolean>(id, ({ quota }) => {
      const censuses = readCensuses(quota?.census ?? null);
      const known = censuses.get(cluster);
      if (quota === undefined || known?.stamp !== stamp) return { result: false };
      if (known.resources.has(resource)) return { result: true };
      const counted = { ...known, resources: new Set([...known.resources, resource]) };
      return { quota: { ...quota, census: writeCensuses(new Map([...censuses, [cluster, counted]])) }, result: true };
    });
  }

  /**
   * The gate of a cluster holds itself to no quotas but these. Of the others the last one that does takes the terms along;
   * a quota with a memo stays for whoever shares it out.
   */
  async endCensuses(cluster: string, kept: ReadonlySet<string>): Promise<void> {
    const ended = (await this.quotas()).filter(({ terms, census }) => {
      return !kept.has(terms.id) && readCensuses(census).has(cluster);
    });
    await Promise.all(ended.map(({ terms }) => this.#endCensus(terms.id, cluster)));
  }

  /**
   * Takes off a quota what clusters are charged for that it does not select any more: a gate that is down does not tell. Only
   * for the terms of this generation, which must be the stored ones; a gate that is selected and counts meanwhile is left
   * alone, and one that comes back has to count anew.
   */
  async releaseUnselected(id: string, generation: number, isSelected: (facts: ClusterFacts) => boolean): Promise<void> {
    const quota = (await this.quotas()).find(({ terms }) => terms.id === id);
    if (quota?.terms.generation !== generation) return;
    const unselected = [...readCensuses(quota.census)].filter(([, { facts }]) => !isSelected(facts));
    if (unselected.length === 0) return;
    const charged = new Set((await this.#store.accounts(id)).map(({ cluster }) => cluster));
    for (const [cluster, known] of unselected.filter(([each]) => charged.has(each))) {
      const stamp = await this.#uncount(id, generation, cluster, known);
      if (stamp === undefined) continue;
      for await (const page of this.#pages({ cluster })) {
        const charges = page.filter((charge) => quotasOf(charge).includes(id));
        if (charges.length === 0) continue;
        const operation = { kind: 'unselect', quota: id, generation, cluster, stamp, charges } as const;
        if (!(await this.#commits.submit(operation))) break;
      }
    }
  }

  /** The stamp of a census that has counted nothing, in the place of the known one; undefined when that is not kept any more. */
  #uncount(id: string, generation: number, cluster: string, known: Census): Promise<string | undefined> {
    const begun = known.signature === '' ? known : newCensus('', known.facts);
    return this.changeQuota<string | undefined>(id, ({ quota }) => {
      const censuses = readCensuses(quota?.census ?? null);
      if (quota?.terms.generation !== generation || censuses.get(cluster)?.stamp !== known.stamp) {
        return { result: undefined };
      }
      const census = writeCensuses(new Map([...censuses, [cluster, begun]]));
      return { ...(begun !== known && { quota: { ...quota, census } }), result: begun.stamp };
    });
  }

  async #endCensus(id: string, cluster: string): Promise<void> {
    await this.changeQuota(id, ({ quota }) => {
      const censuses = new Map(readCensuses(quota?.census ?? null));
      if (quota === undefined || !censuses.delete(cluster)) return { result: undefined };
      if (censuses.size === 0 && quota.memo === null) return { quota: null, result: undefined };
      return { quota: { ...quota, census: writeCensuses(censuses) }, result: undefined };
    });
  }

  /**
   * Changes a quota and its memo by a function of where it stands, in one transaction. The function must be pure: it runs
   * again when another process was faster. Without `quota` in what it returns nothing is written.
   */
  async changeQuota<T>(id: string, change: QuotaChange<T>): Promise<T> {
    // The outcome is what `change` returns.
    return (await this.#commits.submit({ kind: 'change-quota', id, change })) as T;
  }

  /** The terms of all quotas, removed ones left out. */
  async quotas(): Promise<StoredQuota[]> {
    return (await this.#store.quotas()).filter(({ removed }) => !removed);
  }

  /** Undefined: no such quota. */
  async standing(id: string): Promise<QuotaStanding | undefined> {
    const quota = (await this.quotas()).find(({ terms }) => terms.id === id);
    if (quota === undefined) return undefined;
    const { hard } = quota.terms;
    const accounts = (await this.#store.accounts(id)).map(({ balance, ...place }) => ({
      ...place,
      used: resourceListOf(balance.used, hard),
      reserved: resourceListOf(balance.reserved, hard),
      taken: takenOf(balance),
    }));
    const whole = accounts.find(({ cluster }) => cluster === '');
    const debt = differenceOf(whole?.taken ?? new Map(), amountsOf(hard));
    const inDebt = new Map([...debt].filter(([name, amount]) => amount > 0n && hard.has(name)));
    return {
      ...quota,
      used: whole?.used ?? new Map(),
      reserved: whole?.reserved ?? new Map(),
      debt: resourceListOf(inDebt, hard),
      byCluster: new Map(
        accounts
          .filter(({ cluster, namespace }) => cluster !== '' && namespace === '')
          .map(({ cluster, used, reserved }) => [cluster, { used, reserved }]),
      ),
      byNamespace: accounts
        .filter(({ namespace }) => namespace !== '')
        .map(({ cluster, namespace, used, reserved }) => ({ cluster, namespace, used, reserved })),
    };
  }

  /** Charges in the order of the store, read in pages; not one moment's picture. */
  async *charges(query: Omit<ChargeQuery, 'limit' | 'after'> = {}): AsyncGenerator<Charge> {
    for await (const page of this.#pages(query)) yield* page;
  }

  async *#pages(query: Omit<ChargeQuery, 'limit' | 'after'>): AsyncGenerator<Charge[]> {
    const limit = 500;
    for (let after: Charge | undefined; ;) {
      const page = await this.#store.charges({ ...query, after, limit });
      yield page;
      after = page.at(-1);
      if (page.length < limit) return;
    }
  }

  /** Charges with what they take of each quota, as people ask about them. */
  async *summaries(query: Omit<ChargeQuery, 'limit' | 'after'> = {}): AsyncGenerator<ChargeSummary> {
    for await (const charge of this.charges(query)) {
      const { key, namespace, name } = charge;
      const quotas = quotasOf(charge).map((quota): [string, QuotaBalance] => {
        const { used, reserved } = shareOf(charge, quota);
        return [quota, { used: resourceListOf(used), reserved: resourceListOf(reserved) }];
      });
      yield { key, namespace, name, state: chargeState(charge), quotas: new Map(quotas) };
    }
  }

  async clusters(): Promise<Cluster[]> {
    return this.#store.clusters();
  }

  /**
   * Makes a cluster known. Again with the same id and name it changes nothing.
   *
   * Throws {@link ClusterIdentityError} for a name that is another cluster's, and for a cluster known by another name.
   */
  async registerCluster({ id, name }: Cluster): Promise<void> {
    const known = await this.#store.clusters();
    if (known.some((each) => each.id === id && each.name === name)) return;
    await this.#changeClusters((clusters) => {
      const byId = clusters.find((each) => each.id === id);
      if (byId?.name === name) return {};
      if (byId !== undefined) throw new ClusterIdentityError(otherName(id, name, byId.name));
      const byName = clusters.find((each) => each.name === name);
      if (byName !== undefined) throw new ClusterIdentityError(otherCluster(id, name, byName.id));
      return { put: { id, name } };
    });
  }

  /** Gives a cluster another name. What it is charged for stays. Throws {@link ClusterIdentityError}. */
  async renameCluster(id: string, name: string, by: string): Promise<void> {
    await this.#changeClusters((clusters) => {
      const byName = clusters.find((each) => each.name === name);
      if (byName !== undefined && byName.id !== id) throw new ClusterIdentityError(otherCluster(id, name, byName.id));
      const former = clusters.find((each) => each.id === id);
      if (former === undefined) throw new ClusterIdentityError(`cluster ${id} is not registered`);
      if (former.name === name) return {};
      const facts = { cluster: id, from: former.name, to: name, by };
      return { put: { id, name }, audit: { at: this.#clock.now(), kind: 'rename-cluster', facts } };
    });
  }

  /**
   * Frees all that a cluster is charged for and forgets it, by an operator's word that it is no more. Audited. If it comes
   * back, its objects are discovered anew. Says how many charges held anything.
   */
  async forgetCluster(id: string, { by, reason }: { readonly by: string; readonly reason: string }): Promise<number> {
    const facts = { cluster: id, by, reason };
    // Before anything is freed: what comes back is to be counted before it is trusted.
    await this.endCensuses(id, new Set());
    await this.#changeClusters(() => ({ remove: id, audit: { at: this.#clock.now(), kind: 'forget-cluster', facts } }));
    let released = 0;
    for (;;) {
      const page = await this.#store.charges({ cluster: id, limit: 500 });
      if (page.length === 0) return released;
      released += await this.release(page, { by, reason });
    }
  }

  /** The latest first. */
  async audit(limit = 100): Promise<AuditEntry[]> {
    return this.#store.audit(limit);
  }

  /** Forgets charges that were released long ago, and removed quotas that nothing is charged to. To be called now and then. */
  async tidy(): Promise<void> {
    const releasedBefore = this.#clock.now() - this.#rememberReleasedMilliseconds;
    for (;;) {
      const keys = await this.#store.charges({ releasedBefore, limit: 500 });
      if (keys.length === 0) break;
      await this.#commits.submit({ kind: 'forget-released', keys });
    }
    for (const { terms, removed } of await this.#store.quotas()) {
      if (removed)
        await this.changeQuota(terms.id, ({ quota }) => ({
          ...(quota === undefined && { quota: null }),
          result: undefined,
        }));
    }
  }

  async #changeClusters(change: ClusterChange): Promise<void> {
    await this.#commits.submit({ kind: 'change-clusters', change });
    this.#breakdowns.forgetClusters();
  }

  async #settle(settlements: readonly Settlement[]): Promise<readonly SettlementOutcome[]> {
    const outcomes = await this.#commits.submit({ kind: 'settle', settlements });
    for (const outcome of outcomes) this.#events.settled(outcome);
    return outcomes;
  }

  #endedBefore(readBegan: number): ReadonlySet<string> {
    const latest = readBegan - this.#settleAfterMilliseconds;
    return new Set([...this.#firstSeen].filter(([, { at }]) => at <= latest).map(([stamp]) => stamp));
  }

  #explained(verdict: Verdict, { key, dryRun }: Reservation): Verdict | Promise<Verdict> {
    this.#events.decided(verdict, { dryRun, cluster: key.cluster });
    const { refusals, overruns } = verdict;
    return refusals.length + overruns.length === 0 ? verdict : this.#breakdowns.explain(verdict);
  }

  #giveBackLater(decided: Promise<Verdict>, { key, namespace, attempt }: Reservation): void {
    decided
      .then(async ({ charged }) => {
        if (charged && (await this.giveBack({ key, namespace, attempt }))) this.#events.gaveBack();
      })
      // The commit failed or never began, or the store does: what may be left is found by the next reads of the cluster.
      .catch((error: unknown) =>
        this.#log.debug('quota reservation not given back', { key: keyText(key), error: error as Error }),
      );
  }
}

/** The longest that the API server works on a request, as for the settling time. */
const requestMilliseconds = 34_000;

function newCensus(signature: string, facts: ClusterFacts): Census {
  return { signature, stamp: randomBytes(9).toString('base64url'), resources: new Set(), facts };
}

const otherName = (id: string, name: string, known: string): string =>
  `cluster ${id} calls itself ${name} but is registered as ${known}: if it was renamed, rename it in the ledger too; ` +
  `if it is a copy of ${known} that has kept its kube-system namespace, it cannot share quotas with it`;

const otherCluster = (id: string, name: string, known: string): string =>
  `cluster ${id} calls itself ${name}, which is the name of cluster ${known}: if ${name} was made anew, forget the former ` +
  'one, which frees what it is charged for; else give this one another name';
