import { silentLogger, type Clock, type Logger } from '../../telemetry/index.ts';
import { Quantity } from '../../api/quantity.ts';
import { formatResourceList, type ResourceList } from '../../usage/index.ts';
import { areEqualLists, maskList } from '../../usage/resource-list.ts';
import {
  amountsOf,
  differenceOf,
  isWithin,
  maxOf,
  noAmounts,
  quantityOf,
  sumOf,
  type Amounts,
} from '../ledger/amounts.ts';
import { admitted } from '../ledger/decide.ts';
import type {
  ChangedQuota,
  Exceeded,
  Ledger,
  QuotaTerms,
  Reservation,
  ReserveOptions,
  Verdict,
} from '../ledger/index.ts';
import { HubUnreachableError } from './errors.ts';
import {
  halfOf,
  idleWithin,
  newJournal,
  readJournal,
  sliceLimits,
  writeJournal,
  type SliceJournal,
} from './journal.ts';
import { Prepaid } from './prepaid.ts';
import { giveBack, mergeRights, sliceOf } from './rights.ts';
import { noMemberEvents, type MemberEvents, type ReturnCause } from './member-events.ts';
import {
  type Fit,
  type Need,
  type QuotaAnswer,
  type Report,
  type SyncAnswer,
  type SyncRequest,
  type WatchAnswer,
  type WatchRequest,
} from './wire.ts';

/** The way to the hub. Both reject with {@link HubUnreachableError} when no answer came or it was a refusal. */
export interface HubConnection {
  sync(request: SyncRequest, signal: AbortSignal): Promise<SyncAnswer>;
  watch(request: WatchRequest, signal: AbortSignal): Promise<WatchAnswer>;
}

export interface MemberOptions {
  /** The member's own: what it has as limits are the slices. */
  readonly ledger: Ledger;
  readonly hub: HubConnection;
  /** Id of the cluster: the uid of its namespace `kube-system`. */
  readonly cluster: string;
  readonly clock: Clock;
  /** Texts that never come twice, such as `crypto.randomUUID`. */
  readonly uniqueName: () => string;
  /**
   * What to do when the hub was not heard for as long as its lease: go on within the slice, or admit nothing more. Nothing
   * passes the limit either way; `stop` bounds how long an old limit is acted on. Default `spend`.
   */
  readonly onLeaseEnd?: 'spend' | 'stop';
  /** How long a request waits for the hub. Default 2,000. */
  readonly askMilliseconds?: number;
  /** How often the member reports, and gives back half of what was idle since the last time. Default 15,000. */
  readonly reportMilliseconds?: number;
  readonly logger?: Logger;
  /** Default: nobody is told. */
  readonly events?: MemberEvents;
}

/** What a member knows of one quota. */
export interface MemberStatus {
  readonly quota: string;
  readonly name: string;
  /** Those that the quota limits. */
  readonly resources: readonly string[];
  readonly slice: Amounts;
  readonly spent: Amounts;
}

/** A request that did not fit into the slice. */
interface Waiter {
  readonly reservation: Reservation;
  readonly options: ReserveOptions;
  /** What the slice last said. */
  verdict: Verdict;
  /** Monotonic milliseconds. */
  readonly since: number;
  failures: number;
  /** How often what it lacks was another thing when the answer came. */
  changes: number;
  readonly end: (verdict: Verdict) => void;
  readonly fail: (reason: unknown) => void;
}

interface Position {
  readonly journal: SliceJournal;
  readonly spent: Amounts;
}

/** The hub's last words about a quota, for messages. */
interface HubView {
  readonly hard: Amounts;
  readonly clusters: QuotaAnswer['clusters'];
  readonly used: Amounts;
  /** What this cluster had spent when the hub said so. */
  readonly ownSpent: Amounts;
}

/** Needs of one message; the rest waits for the next. */
const maxNeeds = 256;
const maxReports = 500;
/** One more than a restart of the hub or a stale connection costs. */
const maxFailures = 2;
/** The caller leaves before that: what the hub says fits is not refused because others were faster. */
const maxChanges = 64;
const retryMilliseconds = 100;
const watchRetryMilliseconds = 1000;
/** A watch that the hub leaves open longer than it says it does is lost. */
const watchTimeoutMilliseconds = 30_000;
/** Quartz drifts by some 100 parts in a million; a virtual machine's clock by ten times that. */
const driftParts = 100;

/**
 * Admission from slices of quotas: what fits is decided here alone and written to the member's own ledger, and the hub is asked
 * only for what does not. A hub that is away stops nobody who has room.
 *
 * A grant is written by the hub before it is told, and written here before it is used; what is given back is taken from the
 * ledger's limit before the hub hears of it. See {@link Rights}.
 */
export class Member {
  readonly #options: MemberOptions;
  readonly #logger: Logger;
  readonly #events: MemberEvents;
  readonly #askMilliseconds: number;
  readonly #reportMilliseconds: number;
  readonly #stopped = new AbortController();
  readonly #prepaid: Prepaid;
  readonly #waiters: Waiter[] = [];
  readonly #views = new Map<string, HubView>();
  readonly #terms = new Map<string, QuotaTerms>();
  /** What was last read of each memo, which seldom changes. */
  readonly #read = new Map<string, { readonly memo: string | null; readonly journal: SliceJournal }>();
  /** What was spent at the last report. */
  readonly #spentBefore = new Map<string, Amounts>();
  #isAsking = false;
  #renewal: Promise<void> | undefined;
  #leaseEnd = -Infinity;
  #cancelReport = (): void => undefined;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#events = options.events ?? noMemberEvents;
    this.#askMilliseconds = options.askMilliseconds ?? 2000;
    this.#reportMilliseconds = options.reportMilliseconds ?? 15_000;
    this.#prepaid = new Prepaid({ ...options, logger: this.#logger });
  }

  /** Begins to report and to listen for what is to be given back. The ledger was started before. */
  start(): void {
    this.#scheduleReport();
    this.#loops = Promise.all([this.report().catch(() => undefined), this.#watchHub()]);
  }

  /** Ends all that goes on with the hub. The ledger is stopped after it. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#cancelReport();
    for (const waiter of this.#waiters.splice(0)) waiter.end(this.#unreachable(waiter, 'this process is ending'));
    await this.#loops;
    await this.#prepaid.stop();
  }

  /**
   * Sets what is to be enforced. The limit that counts here is the slice, which begins with nothing and is kept when the terms
   * change. A quota that refuses nothing has no slice: it warns by what the hub last said that others use.
   */
  async setTerms(terms: QuotaTerms): Promise<void> {
    const { ledger, uniqueName } = this.#options;
    const fresh = uniqueName();
    this.#terms.set(terms.id, terms);
    await ledger.changeQuota(terms.id, ({ quota }) => {
      if (quota !== undefined && quota.terms.generation > terms.generation) return { result: undefined };
      const memo = quota?.memo ?? null;
      const journal =
        memo === null ? newJournal(fresh, terms.hard) : { ...this.#journalOf(terms.id, memo), hard: terms.hard };
      return { quota: this.#stored(terms, journal), result: undefined };
    });
  }

  /**
   * Holds itself to no quotas but these. What is idle of the others goes back with the next report; each is dropped when all
   * of its slice has gone back, nothing is charged to it, and the hub has said that it does not hold itself to it either: by then
   * nothing more can be granted.
   */
  endTerms(kept: ReadonlySet<string>): void {
    for (const id of this.#terms.keys()) if (!kept.has(id)) this.#terms.delete(id);
  }

  /**
   * As {@link Ledger.reserve}; asks the hub when the slice does not have it. What a block covers that is held for requests to
   * come is answered at once and written after it.
   */
  async reserve(reservation: Reservation, options: ReserveOptions = {}): Promise<Verdict> {
    options.signal?.throwIfAborted();
    const mayAdmit = this.#options.onLeaseEnd !== 'stop' || this.#isLeased();
    if (mayAdmit && this.#prepaid.admit(reservation, (quota) => this.#terms.get(quota))) {
      return this.#withNearLimits(admitted, reservation);
    }
    if (!mayAdmit && !(await this.#renewed())) return this.#leaseEnded(reservation);
    const verdict = await this.#decide(reservation, options);
    if (verdict.allowed) return this.#withNearLimits(verdict, reservation);
    if (!isShortOfSlice(verdict)) return verdict;
    return this.#wait(reservation, options, verdict);
  }

  /** From the slice alone. What is held for requests to come is nothing that this one may be refused for. */
  async #decide(reservation: Reservation, options: ReserveOptions): Promise<Verdict> {
    const { ledger } = this.#options;
    const { quotas, dryRun } = reservation;
    if (dryRun) {
      await this.#prepaid.settled();
      const spare = new Map(quotas.map((quota) => [quota, this.#prepaid.spareOf(quota)]));
      return ledger.reserve(reservation, { ...options, spare });
    }
    const verdict = await ledger.reserve(reservation, options);
    if (verdict.allowed || !isShortOfSlice(verdict)) return verdict;
    const gaveUp = await this.#prepaid.end(verdict.refusals.map(({ quota }) => quota));
    return gaveUp ? ledger.reserve(reservation, options) : verdict;
  }

  async #wait(reservation: Reservation, options: ReserveOptions, verdict: Verdict): Promise<Verdict> {
    const { promise, resolve: end, reject: fail } = Promise.withResolvers<Verdict>();
    const { signal } = options;
    const leave = (): void => fail(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    const since = this.#options.clock.monotonic();
    this.#waiters.push({ reservation, options, verdict, since, failures: 0, changes: 0, end, fail });
    void this.#ask();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  /** Tells the hub what is spent, and gives back half of what was idle since the last time. */
  async report(): Promise<void> {
    const { ledger } = this.#options;
    const quotas = (await ledger.quotas()).map(({ terms }) => terms.id);
    for (let first = 0; first < quotas.length; first += maxReports) {
      const some = quotas.slice(first, first + maxReports);
      // At once, so that they share a commit.
      await Promise.all(some.map((quota) => this.#giveBackIdle(quota)));
      const reports = await this.#reportsOf(some);
      const { unknown } = await this.#sync(
        await Promise.all(reports.map((report) => this.#withNamespaces(report))),
        [],
        null,
      );
      for (const report of reports)
        if (unknown.includes(report.quota) && isEmpty(report)) await this.#drop(report.quota);
    }
  }

  /** Slices and what is spent of them. A quota that refuses nothing has none. */
  async status(): Promise<MemberStatus[]> {
    const quotas = (await this.#options.ledger.quotas()).filter(({ terms }) => terms.mode === 'enforce');
    const positions = await Promise.all(
      quotas.map(async ({ terms: { id, name, hard } }) => {
        const position = await this.#positionOf(id);
        return position === undefined
          ? []
          : [
              {
                quota: id,
                name,
                resources: [...hard.keys()],
                slice: sliceOf(position.journal.rights),
                spent: position.spent,
              },
            ];
      }),
    );
    return positions.flat();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#prepaid.pause(true);
    try {
      await this.#prepaid.settled();
      while (this.#waiters.length > 0) await this.#askFor(this.#waiters.splice(0, maxNeeds));
    } finally {
      this.#isAsking = false;
      this.#prepaid.pause(false);
    }
  }

  /** One question for some waiters. Each is answered, or waits on with what it lacks now. */
  async #askFor(waiters: Waiter[]): Promise<void> {
    const asked = waiters.filter(({ options }) => options.signal?.aborted !== true);
    if (asked.length === 0) return;
    const before = asked.map(({ verdict }) => verdict);
    const quotas = new Set(before.flatMap(({ refusals }) => refusals.map(({ quota }) => quota)));
    let needs: Need[];
    let answer: SyncAnswer;
    let taken: Promise<void>;
    const began = this.#options.clock.monotonic();
    const tell = (outcomes: readonly (Fit | 'unreachable')[]): void =>
      this.#events.asked({ outcomes, milliseconds: this.#options.clock.monotonic() - began });
    try {
      const reports = await this.#reportsOf([...quotas]);
      const spent = new Map(reports.map((report) => [report.quota, report.spent]));
      needs = asked.map((waiter) => needOf(waiter, spent));
      answer = await this.#question(reports, needs, null);
      tell(answer.fits);
      taken = this.#take(answer, reports);
    } catch (error) {
      if (error instanceof HubUnreachableError) tell(asked.map(() => 'unreachable'));
      return this.#failed(asked, error);
    }
    // In one go with the grants, so that neither a recall nor who comes now is before those who asked.
    const tries = asked.map((waiter) => this.#tryAgain(waiter));
    try {
      await taken;
    } catch (error) {
      this.#logger.warn('what the hub granted could not be written', { error: error as Error });
    }
    const verdicts = await Promise.all(tries);
    // What was counted for those that fit may have been too much: they left, were repeats, or a recall was faster. Who did not fit
    // beside them asks again, with what is spent now.
    const isBesideOthers = needs.some(({ dryRun }, index) => answer.fits[index] === 'fits' && !dryRun);
    for (const [index, verdict] of verdicts.entries()) {
      const [waiter, earlier] = [asked[index], before[index]];
      if (waiter === undefined || earlier === undefined || verdict === undefined) continue;
      const isOutdated = isBesideOthers || lacksLess(verdict, earlier, waiter.reservation.old !== undefined);
      this.#judge(waiter, verdict, { fit: answer.fits[index] ?? 'exceeded', answer, isOutdated });
    }
  }

  /** Undefined when the waiter needs no more. */
  async #tryAgain(waiter: Waiter): Promise<Verdict | undefined> {
    const { reservation, options, fail } = waiter;
    if (options.signal?.aborted === true) return undefined;
    try {
      return await this.#decide(reservation, options);
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  #judge(
    waiter: Waiter,
    verdict: Verdict,
    { fit, answer, isOutdated }: { fit: Fit; answer: SyncAnswer; isOutdated: boolean },
  ): void {
    const { reservation, end } = waiter;
    if (verdict.allowed || !isShortOfSlice(verdict)) return end(verdict);
    waiter.verdict = verdict;
    const short = new Set(verdict.refusals.map(({ quota }) => quota));
    const unknown = answer.unknown.filter((id) => short.has(id));
    if (unknown.length > 0) return end(this.#unreachable(waiter, `the hub does not know quota ${unknown.join(', ')}`));
    if (answer.quotas.some(({ quota, fenced }) => fenced && short.has(quota))) {
      return end(this.#unreachable(waiter, 'the hub hears another journal for this cluster'));
    }
    // Nothing is granted for a dry run; it is told that it would have been.
    if (fit === 'fits' && reservation.dryRun) return end({ ...verdict, allowed: true, refusals: [] });
    // Otherwise what fits and was not had went to others, who were faster.
    const isOver = fit !== 'fits' && !isOutdated;
    if (isOver || ++waiter.changes > maxChanges) {
      return end(this.#exceeded(waiter, fit === 'fits' ? 'exceeded' : fit, answer.silent));
    }
    this.#waiters.push(waiter);
  }

  /** Asks once more where that can be in time: a connection that was reset, a hub that is starting anew. */
  async #failed(asked: readonly Waiter[], error: unknown): Promise<void> {
    const now = this.#options.clock.monotonic();
    // Who came meanwhile would learn the same.
    for (const waiter of [...asked, ...this.#waiters.splice(0)]) {
      waiter.failures++;
      const hasTime = now - waiter.since < this.#askMilliseconds / 2;
      if (!(error instanceof HubUnreachableError)) waiter.fail(error);
      else if (hasTime && waiter.failures < maxFailures) this.#waiters.push(waiter);
      else waiter.end(this.#unreachable(waiter, error.message));
    }
    if (this.#waiters.length > 0) await this.#pause(retryMilliseconds);
  }

  /** The cluster may have no more, or the hub has nothing. */
  #exceeded({ verdict }: Waiter, fit: Exclude<Fit, 'fits'>, silent: readonly string[]): Verdict {
    const capped = fit === 'at-ceiling' ? verdict.refusals.flatMap((refusal) => this.#atCeiling(refusal)) : [];
    if (capped.length > 0) return { ...verdict, refusals: capped };
    // What the slice lacked beside it could have been had. Where nothing is short any more, what was is not known.
    const short = verdict.refusals.flatMap((refusal) => onlyShort(refusal, this.#views.get(refusal.quota)));
    const refusals = (short.length > 0 ? short : verdict.refusals).map((refusal) =>
      this.#inHubNumbers(refusal, silent),
    );
    return { ...verdict, refusals };
  }

  #atCeiling(refusal: Exceeded): Exceeded[] {
    const ceiling = this.#terms.get(refusal.quota)?.perCluster ?? new Map<string, Quantity>();
    const names = [...refusal.requested].flatMap(([name, requested]) => {
      const limit = ceiling.get(name);
      const target = requested.add(refusal.used.get(name) ?? Quantity.zero);
      return limit !== undefined && target.compare(limit) > 0 ? [name] : [];
    });
    if (names.length === 0) return [];
    return [{ ...only(refusal, names), cause: 'perCluster', limited: maskList(ceiling, names) }];
  }

  #unreachable({ verdict }: Waiter, reason: string): Verdict {
    const refusals = verdict.refusals.map((refusal) => {
      const slice = formatResourceList(refusal.limited);
      const detail = `no more can be had from the hub (${reason}), and the slice of this cluster is used up: ${JSON.stringify(slice)}`;
      return { ...refusal, cause: 'hub-unreachable' as const, detail };
    });
    return { ...verdict, refusals };
  }

  /** Those of the slice say nothing to who reads them. */
  #inHubNumbers(refusal: Exceeded, silent: readonly string[]): Exceeded {
    const view = this.#views.get(refusal.quota);
    if (view === undefined) return refusal;
    const { requested } = refusal;
    const held = view.clusters.filter(({ name }) => silent.includes(name));
    const detail = held.map(({ name, slice }) => `${name} does not answer and holds ${listText(slice, requested)}`);
    return {
      ...refusal,
      used: listOf(view.used, requested),
      limited: listOf(view.hard, requested),
      byCluster: view.clusters.map(({ name, used: own }) => ({
        cluster: name,
        clusterName: name,
        used: listOf(own, requested),
      })),
      ...(detail.length > 0 && { detail: detail.join('; ') }),
    };
  }

  #withNearLimits(verdict: Verdict, { quotas, usage }: Reservation): Verdict {
    const nearLimits = quotas.flatMap((quota) => {
      const terms = this.#terms.get(quota);
      const view = this.#views.get(quota);
      if (terms?.warnAtPercent === undefined || view === undefined) return [];
      const percent = BigInt(Math.round(terms.warnAtPercent));
      const near = [...usage.keys()].filter((name) => {
        const hard = terms.hard.get(name)?.nano();
        return hard !== undefined && (view.used.get(name) ?? 0n) * 100n >= hard * percent;
      });
      if (near.length === 0) return [];
      const names = maskList(terms.hard, near);
      return [{ quota, name: terms.name, used: listOf(view.used, names), limited: names }];
    });
    return nearLimits.length === 0 ? verdict : { ...verdict, nearLimits };
  }

  /** Asks for a new lease, as the last one has ended; says whether there is one. */
  async #renewed(): Promise<boolean> {
    this.#renewal ??= this.#sync([], [], null)
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => (this.#renewal = undefined));
    await this.#renewal;
    return this.#isLeased();
  }

  #isLeased(): boolean {
    return this.#options.clock.monotonic() < this.#leaseEnd;
  }

  #leaseEnded({ quotas, usage }: Reservation): Verdict {
    const detail = 'the hub was not heard for longer than its lease, and onLeaseEnd is stop';
    const refusals = quotas.flatMap((quota): Exceeded[] => {
      const terms = this.#terms.get(quota);
      if (terms?.mode !== 'enforce') return [];
      const requested = maskList(usage, terms.hard.keys());
      const used = listOf(this.#views.get(quota)?.used ?? noAmounts, requested);
      const limited = maskList(terms.hard, requested.keys());
      const { name, mode } = terms;
      return [
        {
          quota,
          name,
          mode,
          cause: 'hub-unreachable',
          requested,
          used,
          limited,
          byCluster: [],
          byNamespace: [],
          detail,
        },
      ];
    });
    return { allowed: refusals.length === 0, charged: false, refusals, overruns: [], nearLimits: [] };
  }

  /** Sends reports and needs, and writes what the hub grants. */
  async #sync(reports: readonly Report[], needs: readonly Need[], recall: string | null): Promise<SyncAnswer> {
    const answer = await this.#question(reports, needs, recall);
    await this.#take(answer, reports);
    return answer;
  }

  async #question(reports: readonly Report[], needs: readonly Need[], recall: string | null): Promise<SyncAnswer> {
    const { clock, hub, cluster } = this.#options;
    const sent = clock.monotonic();
    const { signal, done } = this.#within(this.#askMilliseconds);
    try {
      const answer = await hub.sync({ cluster, reports: [...reports], needs: [...needs], recall }, signal);
      const lease = sent + answer.leaseMilliseconds - answer.leaseMilliseconds / driftParts;
      this.#leaseEnd = Math.max(this.#leaseEnd, lease);
      return answer;
    } finally {
      done();
    }
  }

  /** Writes what the hub grants; asked of the ledger before this returns. */
  async #take({ quotas }: SyncAnswer, reports: readonly Report[]): Promise<void> {
    await Promise.all(quotas.map((each) => this.#takeQuota(each, reports)));
  }

  async #takeQuota(answer: QuotaAnswer, reports: readonly Report[]): Promise<void> {
    const { quota: id, fenced, hard, used, clusters, owed } = answer;
    const ownSpent = reports.find(({ quota }) => quota === id)?.spent ?? noAmounts;
    this.#views.set(id, { hard, used, clusters, ownSpent });
    if (fenced) {
      this.#logger.error('the hub hears another journal for this cluster; this one is granted nothing', { quota: id });
      return;
    }
    const isLarger = await this.#options.ledger.changeQuota<boolean>(id, ({ quota }) => {
      if (quota === undefined) return { result: false };
      const journal = this.#journalOf(id, quota.memo);
      const rights = mergeRights(journal.rights, answer.rights);
      const next = this.#stored(quota.terms, { ...journal, rights });
      if (next.memo === quota.memo && areEqualLists(next.terms.hard, quota.terms.hard)) return { result: false };
      return { quota: next, result: !isWithin(rights.granted, journal.rights.granted) };
    });
    if (isLarger) this.#events.granted();
    if (owed.size === 0) return;
    await this.#prepaid.recall([id]);
    await this.#giveBack(id, 'debt', () => owed);
  }

  /** The quota as the member's own ledger is to hold it. */
  #stored(terms: QuotaTerms, journal: SliceJournal): ChangedQuota {
    const { perCluster: _perCluster, warnAtPercent: _warnAtPercent, ...local } = terms;
    const view = this.#views.get(terms.id);
    const hard =
      terms.mode === 'enforce' ? sliceLimits(journal) : view === undefined ? journal.hard : leftBy(journal.hard, view);
    return { terms: { ...local, hard }, memo: writeJournal(journal), removed: false };
  }

  async #giveBackIdle(quota: string): Promise<void> {
    const before = this.#spentBefore.get(quota);
    await this.#giveBack(quota, 'idle', ({ journal, spent }) => {
      this.#spentBefore.set(quota, spent);
      const slice = sliceOf(journal.rights);
      if (!this.#terms.has(quota)) return slice;
      if (before === undefined) return noAmounts;
      return halfOf(idleWithin(slice, maxOf(before, spent), slice));
    });
  }

  /** Forgets a quota that has ended and of which the hub was told that nothing is held, if that is so still. */
  async #drop(id: string): Promise<void> {
    const isDropped = await this.#options.ledger.changeQuota<boolean>(id, ({ quota, used, reserved }) => {
      if (quota === undefined || this.#terms.has(id) || quota.census !== null) return { result: false };
      const { rights } = this.#journalOf(id, quota.memo);
      const isFree = used.size + reserved.size + sliceOf(rights).size === 0;
      return isFree ? { quota: null, result: true } : { result: false };
    });
    if (!isDropped) return;
    this.#views.delete(id);
    this.#read.delete(id);
    this.#spentBefore.delete(id);
  }

  /**
   * Gives back what is not spent of what is wanted. Written here first; the hub hears of it with the report of what is left.
   * Undefined for a quota that was never set here.
   */
  async #giveBack(
    id: string,
    cause: ReturnCause,
    wanted: (position: Position) => Amounts,
  ): Promise<Report | undefined> {
    let isGiven = false;
    const spare = this.#prepaid.spareOf(id);
    const report = await this.#options.ledger.changeQuota<Report | undefined>(id, ({ quota, used, reserved }) => {
      if (quota === undefined) return { result: undefined };
      const journal = this.#journalOf(id, quota.memo);
      const spent = sumOf(used, reserved);
      const idle = idleWithin(sliceOf(journal.rights), spent, wanted({ journal, spent }));
      const rights = giveBack(journal.rights, idle);
      const result = { quota: id, journal: journal.journal, rights, spent: differenceOf(spent, spare) };
      // Decided anew each time that this runs.
      isGiven = idle.size > 0;
      return isGiven ? { quota: this.#stored(quota.terms, { ...journal, rights }), result } : { result };
    });
    if (isGiven) this.#events.gaveBack(cause);
    return report;
  }

  #journalOf(id: string, memo: string | null): SliceJournal {
    const known = this.#read.get(id);
    if (known?.memo === memo) return known.journal;
    const journal = readJournal(id, memo ?? '');
    this.#read.set(id, { memo, journal });
    return journal;
  }

  /** What is held for requests to come is not spent. Undefined for a quota that was never set here. */
  #positionOf(id: string): Promise<Position | undefined> {
    const spare = this.#prepaid.spareOf(id);
    return this.#options.ledger.changeQuota(id, ({ quota, used, reserved }) => {
      if (quota === undefined) return { result: undefined };
      const spent = differenceOf(sumOf(used, reserved), spare);
      return { result: { journal: this.#journalOf(id, quota.memo), spent } };
    });
  }

  async #reportsOf(quotas: readonly string[]): Promise<Report[]> {
    const reports = await Promise.all(
      quotas.map(async (quota) => {
        const position = await this.#positionOf(quota);
        if (position === undefined) return [];
        const { journal, spent } = position;
        return [{ quota, journal: journal.journal, rights: journal.rights, spent }];
      }),
    );
    return reports.flat();
  }

  async #withNamespaces(report: Report): Promise<Report> {
    const standing = await this.#options.ledger.standing(report.quota);
    const namespaces = standing?.byNamespace.map(({ namespace, used, reserved }): [string, Amounts] => [
      namespace,
      sumOf(amountsOf(used), amountsOf(reserved)),
    ]);
    return namespaces === undefined ? report : { ...report, namespaces: Object.fromEntries(namespaces) };
  }

  async #watchHub(): Promise<void> {
    const { hub, cluster } = this.#options;
    while (!this.#stopped.signal.aborted) {
      const { signal, done } = this.#within(watchTimeoutMilliseconds);
      try {
        const answer = await hub.watch({ cluster }, signal);
        await this.#follow(answer);
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        this.#logger.warn('the quota hub is not heard', { error: error as Error });
        await this.#pause(watchRetryMilliseconds);
      } finally {
        done();
      }
    }
  }

  async #follow({ recall }: WatchAnswer): Promise<void> {
    if (recall === null) return;
    this.#events.recalled();
    await this.#prepaid.recall(Object.keys(recall.amounts));
    // Reported as it was when it was given back: a grant that was on its way then is not counted as if it had been looked at.
    const reports = await Promise.all(
      Object.entries(recall.amounts).map(([id, amounts]) => this.#giveBack(id, 'recall', () => amounts)),
    );
    await this.#sync(
      reports.filter((report) => report !== undefined),
      [],
      recall.id,
    );
  }

  #scheduleReport(): void {
    this.#cancelReport = this.#options.clock.after(this.#reportMilliseconds, () => {
      void this.report()
        .catch((error: unknown) => this.#logger.warn('the quota hub is not heard', { error: error as Error }))
        .finally(() => {
          if (!this.#stopped.signal.aborted) this.#scheduleReport();
        });
    });
  }

  /** A signal that aborts after so long, or when the member stops. */
  #within(milliseconds: number): { signal: AbortSignal; done: () => void } {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const cancel = this.#options.clock.after(milliseconds, abort);
    this.#stopped.signal.addEventListener('abort', abort, { once: true });
    const done = (): void => {
      cancel();
      this.#stopped.signal.removeEventListener('abort', abort);
    };
    return { signal: controller.signal, done };
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(milliseconds, resolve);
      this.#stopped.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

/**
 * What a request needs beyond what is spent: what it adds, and what may have to be booked with it without a question, which is
 * the old object of an update as long as no watch has told of it.
 */
function needOf({ verdict, reservation }: Waiter, spent: ReadonlyMap<string, Amounts>): Need {
  const amounts = verdict.refusals.map(({ quota, requested, used }): [string, Amounts] => {
    const needed = [...amountsOf(requested)].map(([name, added]): [string, bigint] => {
      const unseen = (used.get(name)?.nano() ?? 0n) - (spent.get(quota)?.get(name) ?? 0n);
      const most = reservation.old?.usage.get(name)?.nano() ?? 0n;
      return [name, added + (unseen < 0n ? 0n : unseen < most ? unseen : most)];
    });
    return [quota, new Map(needed)];
  });
  return { amounts: Object.fromEntries(amounts), dryRun: reservation.dryRun };
}

/**
 * Whether something else is lacking than before, or less of it, as when another write of the same object was charged: what the
 * hub said of that is no answer to this.
 */
function lacksLess(now: Verdict, before: Verdict, isUpdate: boolean): boolean {
  const [lacking, lacked] = [lackOf(now), lackOf(before)];
  if (lacking.size !== lacked.size) return true;
  return [...lacking].some(([key, { requested, target }]) => {
    const earlier = lacked.get(key);
    if (earlier === undefined || requested < earlier.requested) return true;
    // What is booked for the old object cannot be told from what others have spent meanwhile.
    return isUpdate ? target !== earlier.target : target < earlier.target;
  });
}

/** By quota and resource: how much is asked for, and how much there would have to be in all. */
function lackOf({ refusals }: Verdict): Map<string, { readonly requested: bigint; readonly target: bigint }> {
  return new Map(
    refusals.flatMap(({ quota, requested: list, used }) =>
      [...amountsOf(list)].map(([name, requested]) => {
        const target = requested + (used.get(name)?.nano() ?? 0n);
        return [`${quota}/${name}`, { requested, target }];
      }),
    ),
  );
}

/** Nothing is held or used by who says this. */
function isEmpty({ rights, spent }: Report): boolean {
  return sliceOf(rights).size + spent.size === 0;
}

/** Nothing else than the slice stands in the way, and a slice can grow. */
function isShortOfSlice({ refusals }: Verdict): boolean {
  return refusals.every(({ cause }) => cause === 'hard');
}

/** Of what the slice lacks, what the hub has not either. */
function onlyShort(refusal: Exceeded, view: HubView | undefined): Exceeded[] {
  if (view === undefined) return [];
  const { used, requested, limited } = refusal;
  const nano = (list: ResourceList, name: string): bigint => list.get(name)?.nano() ?? 0n;
  const names = [...requested.keys()].filter((name) => {
    const lacking = nano(used, name) + nano(requested, name) - nano(limited, name);
    const held = view.clusters.reduce((sum, { slice }) => sum + (slice.get(name) ?? 0n), 0n);
    return lacking > (view.hard.get(name) ?? 0n) - held;
  });
  return names.length === 0 ? [] : [only(refusal, names)];
}

function only(refusal: Exceeded, names: readonly string[]): Exceeded {
  const { requested, used, limited } = refusal;
  return {
    ...refusal,
    requested: maskList(requested, names),
    used: maskList(used, names),
    limited: maskList(limited, names),
  };
}

/** What others leave of a limit, as far as it is known. */
function leftBy(hard: ResourceList, { used, ownSpent }: HubView): ResourceList {
  return new Map(
    [...hard].map(([name, quantity]) => {
      const left = quantity.nano() - (used.get(name) ?? 0n) + (ownSpent.get(name) ?? 0n);
      return [name, quantityOf(left > 0n ? left : 0n, quantity.format)];
    }),
  );
}

/** Of these names, in their formats. */
function listOf(amounts: Amounts, names: ResourceList): ResourceList {
  return new Map([...names].map(([name, { format }]) => [name, quantityOf(amounts.get(name) ?? 0n, format)]));
}

function listText(amounts: Amounts, names: ResourceList): string {
  return [...listOf(amounts, names)].map(([name, quantity]) => `${name}=${quantity.toString()}`).join(',');
}
