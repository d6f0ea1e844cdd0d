import { silentLogger, type Clock, type Logger } from '../../telemetry/index.ts';
import { areEqualAmounts, isWithin, noAmounts, sumOf, type Amounts } from '../ledger/amounts.ts';
import type { Ledger, QuotaTerms, StoredQuota } from '../ledger/index.ts';
import { noRights, sliceOf } from '../slices/rights.ts';
import type {
  Fit,
  Need,
  QuotaAnswer,
  Report,
  SyncAnswer,
  SyncRequest,
  WatchAnswer,
  WatchRequest,
} from '../slices/wire.ts';
import {
  emptyAllotment,
  grantSlice,
  heldBy,
  isUnheld,
  poolOf,
  receiveReport,
  writeOff,
  type Allotment,
} from './allotment.ts';
import { readAllotment, withSpent, writeAllotment } from './allotment-memo.ts';
import { fitNeeds, slackOf, type QuotaState } from './grants.ts';
import { noHubEvents, type HubEvents } from './hub-events.ts';
import { Recalls } from './recalls.ts';

export interface HubOptions {
  /** Holds the terms of the quotas and, beside them, how each is shared out. Nobody else charges anything in it. */
  readonly ledger: Pick<Ledger, 'changeQuota' | 'quotas' | 'registerCluster' | 'forgetCluster' | 'clusters'>;
  readonly clock: Clock;
  /** Texts that never come twice, such as `crypto.randomUUID`. */
  readonly uniqueName: () => string;
  /** How long a member may act on what it was told. Default 60,000. */
  readonly leaseMilliseconds?: number;
  /** How long idle slices are waited for before a need is refused. Default 500. */
  readonly recallMilliseconds?: number;
  /** How long a member's question for recalls is kept open. Default 20,000. */
  readonly watchMilliseconds?: number;
  readonly logger?: Logger;
  /** Default: nobody is told. */
  readonly events?: HubEvents;
}

/** How a quota is shared out among clusters. */
export interface QuotaShares {
  readonly quota: string;
  readonly name: string;
  /** Of everything that is limited, also with nothing. */
  readonly hard: ReadonlyMap<string, bigint>;
  /** What nobody holds. Negative: a debt. */
  readonly pool: Amounts;
  readonly clusters: readonly ClusterShare[];
}

export interface ClusterShare {
  readonly id: string;
  readonly name: string;
  readonly slice: Amounts;
  /** Used and reserved, as last heard. */
  readonly used: Amounts;
  /** Held by journals that were lost. */
  readonly retired: Amounts;
  /** Milliseconds since the cluster was last heard; undefined: not since the hub began. */
  readonly silentMilliseconds: number | undefined;
}

interface Outcome {
  readonly quotas: QuotaAnswer[];
  readonly unknown: string[];
  readonly fits: readonly Fit[];
  /** Whether nothing more is waited for. */
  readonly isOver: boolean;
}

interface Heard {
  readonly spent: Amounts;
  readonly namespaces: ReadonlyMap<string, Amounts>;
}

interface Miss {
  readonly factor: bigint;
  readonly at: number;
}

/** A cluster that misses again within this time gets twice as much beyond its need. */
const missMilliseconds = 60_000;
const maxSlackFactor = 1024n;

/**
 * Shares quotas out to member clusters: keeps what nobody holds, grants from it, and asks idle slices back before it says that
 * something does not fit.
 *
 * What it knows stands in its ledger; what is only in memory are the last reports, and who waits. Rights are written before a
 * member hears of them. One need that does not fit costs one round to the clusters that hold something, however many
 * wait for it.
 */
export class Hub {
  readonly #options: Required<HubOptions>;
  readonly #recalls: Recalls;
  /** By quota and cluster. */
  readonly #heard = new Map<string, Map<string, Heard>>();
  /** What was last read of each memo. */
  readonly #read = new Map<string, { readonly memo: string | null; readonly allotment: Allotment }>();
  readonly #misses = new Map<string, Miss>();
  /** Names of clusters by id. */
  readonly #names = new Map<string, string>();
  /** Which clusters hold something of a quota, as last read. */
  readonly #holders = new Map<string, ReadonlySet<string>>();
  /** Quotas that are not in force any more, and of which something may be held. */
  readonly #ended = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();
  #grants = 0;

  constructor(options: HubOptions) {
    const { leaseMilliseconds = 60_000, recallMilliseconds = 500, watchMilliseconds = 20_000 } = options;
    const { logger = silentLogger, events = noHubEvents } = options;
    this.#options = { ...options, leaseMilliseconds, recallMilliseconds, watchMilliseconds, logger, events };
    this.#recalls = new Recalls(options.clock, options.uniqueName, recallMilliseconds, events);
  }

  /**
   * Takes what a member reports, and grants what it needs. `name` is who the client certificate says it is.
   *
   * Waits up to `recallMilliseconds` for other members when something does not fit. Throws {@link ClusterIdentityError} when
   * the name belongs to another cluster, {@link LedgerStoreError} when nothing is known about the outcome; asking again is safe.
   */
  async sync(name: string, request: SyncRequest, signal?: AbortSignal): Promise<SyncAnswer> {
    const { cluster, recall, needs } = request;
    await this.#identify(name, cluster);
    const reports = new Map(request.reports.map((report) => [report.quota, report]));
    const began = this.#options.clock.monotonic();
    const deadline = began + this.#options.recallMilliseconds;
    let outcome = await this.#inTurn(() => this.#receive(cluster, reports, needs, () => false));
    if (recall !== null && hasSeenAll(outcome.quotas, reports)) this.#recalls.acknowledge(recall, cluster);
    const silent = new Set<string>();
    // A ceiling is not moved by what others give back.
    while (!outcome.isOver && signal?.aborted !== true) {
      const before = this.#grants;
      const round = await this.#recalls.round(cluster, totalOf(needs, outcome.quotas), (id) => this.#holdersOf(id));
      for (const each of round.silent) silent.add(each);
      // What others were granted meanwhile may have come back, or may not have been needed.
      const isLast = (): boolean => this.#grants === before || this.#options.clock.monotonic() >= deadline;
      outcome = await this.#inTurn(() => this.#receive(cluster, reports, needs, isLast));
    }
    const { clock, events } = this.#options;
    events.answered({ fits: outcome.fits, milliseconds: clock.monotonic() - began });
    return {
      leaseMilliseconds: this.#options.leaseMilliseconds,
      quotas: outcome.quotas,
      unknown: outcome.unknown,
      fits: [...outcome.fits],
      silent: [...silent].map((id) => this.#names.get(id) ?? id),
    };
  }

  /** Answers when something is to be given back, or after `watchMilliseconds`. */
  async watch(name: string, { cluster }: WatchRequest, signal?: AbortSignal): Promise<WatchAnswer> {
    await this.#identify(name, cluster);
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const end = (): void => resolve();
    const cancel = this.#options.clock.after(this.#options.watchMilliseconds, end);
    signal?.addEventListener('abort', end, { once: true });
    try {
      return { recall: await this.#recalls.next(cluster, over) };
    } finally {
      cancel();
      signal?.removeEventListener('abort', end);
    }
  }

  /**
   * Sets the terms of quotas, each by its own; those of a lower generation change nothing. What a lower limit leaves in debt is
   * asked back, as far as it is idle.
   */
  async setTerms(...all: readonly QuotaTerms[]): Promise<void> {
    const owed = await this.#inTurn(() => allOver(all.map((terms) => this.#putTerms(terms))));
    const debts = new Map(owed.filter(([, amounts]) => amounts.size > 0));
    if (debts.size > 0) await this.#recalls.round(undefined, debts, (id) => this.#holdersOf(id));
  }

  /** Says what is owed of the quota then. */
  #putTerms(terms: QuotaTerms): Promise<readonly [id: string, owed: Amounts]> {
    this.#ended.delete(terms.id);
    return this.#options.ledger.changeQuota<readonly [string, Amounts]>(terms.id, ({ quota }) => {
      const isLate = quota !== undefined && !quota.removed && quota.terms.generation > terms.generation;
      const stored = isLate ? quota : { terms, memo: quota?.memo ?? null, removed: false };
      const state = this.#stateOf(stored);
      this.#noteHolders(terms.id, state.allotment);
      return { ...(!isLate && { quota: stored }), result: [terms.id, owedOf(state)] };
    });
  }

  /**
   * Holds itself to no quotas but these: of the others nothing is granted any more. Each is dropped when no cluster holds anything
   * of it. One of a file is kept without being shown, since another of its name has its id: by what stands beside it late
   * messages of its members are told from new ones.
   */
  async endTerms(kept: ReadonlySet<string>): Promise<void> {
    await this.#inTurn(async () => {
      for (const { terms } of await this.#options.ledger.quotas()) {
        if (kept.has(terms.id)) continue;
        this.#ended.add(terms.id);
        await this.#dropUnheld(terms.id);
      }
    });
  }

  /**
   * Writes off what a cluster holds of every quota, journals that were lost included, and forgets its name. Only sound when
   * nothing of the cluster runs any more; should it come back, what it uses counts from its first report on, as a debt if
   * need be.
   */
  async forgetCluster(cluster: string, by: { readonly by: string; readonly reason: string }): Promise<void> {
    for (const { terms } of await this.#options.ledger.quotas()) {
      const { id } = terms;
      await this.#inTurn(async () => {
        await this.#change(id, ({ allotment }) => {
          this.#heard.get(id)?.delete(cluster);
          const next = writeOff(allotment, cluster);
          return { allotment: next, result: undefined };
        });
        await this.#dropUnheld(id);
      });
    }
    this.#names.delete(cluster);
    await this.#options.ledger.forgetCluster(cluster, by);
  }

  /** How every quota is shared out. */
  async shares(): Promise<QuotaShares[]> {
    const { ledger } = this.#options;
    for (const { id, name } of await ledger.clusters()) this.#names.set(id, name);
    const shares = await Promise.all(
      (await ledger.quotas()).map(({ terms: { id, name } }) =>
        this.#change(id, (state) => {
          const isOver = this.#ended.has(id) && isUnheld(state.allotment);
          return { allotment: state.allotment, result: isOver ? undefined : this.#sharesOf(id, name, state) };
        }),
      ),
    );
    return shares.filter((each) => each !== undefined);
  }

  /** What each namespace uses of a quota, reservations included, by name of the cluster and as last heard. */
  placesOf(quota: string): ReadonlyMap<string, ReadonlyMap<string, Amounts>> {
    const heard = [...(this.#heard.get(quota) ?? [])];
    return new Map(heard.map(([id, { namespaces }]) => [this.#names.get(id) ?? id, namespaces]));
  }

  #sharesOf(quota: string, name: string, { hard, allotment }: QuotaState): QuotaShares {
    return {
      quota,
      name,
      hard,
      pool: poolOf(hard, allotment),
      clusters: clustersOf(allotment).map((id) => {
        const slice = allotment.slices.get(id);
        return {
          id,
          name: this.#names.get(id) ?? id,
          slice: slice === undefined ? noAmounts : sliceOf(slice.rights),
          used: slice?.spent ?? noAmounts,
          retired: retiredOf(allotment, id),
          silentMilliseconds: this.#recalls.silentMilliseconds(id),
        };
      }),
    };
  }

  async #identify(name: string, cluster: string): Promise<void> {
    if (this.#names.get(cluster) !== name) await this.#options.ledger.registerCluster({ id: cluster, name });
    this.#names.set(cluster, name);
    this.#recalls.hear(cluster);
  }

  /** One at a time: what is granted depends on several quotas. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #receive(
    cluster: string,
    reports: ReadonlyMap<string, Report>,
    needs: readonly Need[],
    isLast: () => boolean,
  ): Promise<Outcome> {
    const states = new Map<string, QuotaState>();
    const fenced = new Set<string>();
    const unknown: string[] = [];
    // At once, so that they share a commit.
    const taken = await allOver([...reports.values()].map((report) => this.#takeReport(cluster, report)));
    for (const [index, report] of [...reports.values()].entries()) {
      const received = taken[index];
      if (received === undefined) unknown.push(report.quota);
      else states.set(report.quota, received.state);
      if (received?.isFenced === true) fenced.add(report.quota);
      if (received !== undefined && this.#ended.has(report.quota)) {
        unknown.push(report.quota);
        await this.#dropUnheld(report.quota);
      }
    }
    const spent = new Map([...reports].map(([id, report]) => [id, report.spent]));
    const open = new Map([...states].filter(([id]) => !fenced.has(id) && !unknown.includes(id)));
    const { fits, grants } = fitNeeds(open, cluster, spent, needs);
    // Nothing is granted to who goes on waiting: it would lie idle, to be taken back by others that wait.
    const isOver = isLast() || !fits.includes('exceeded');
    const granted = [...(isOver ? grants : [])].filter(([, amounts]) => amounts.size > 0);
    const after = await allOver(granted.map(([id, amounts]) => this.#grant(id, cluster, amounts, needs)));
    for (const [index, [id]] of granted.entries()) {
      const state = after[index];
      if (state !== undefined) states.set(id, state);
    }
    const quotas = [...states].map(([id, state]) => this.#answerOf(id, cluster, state, fenced.has(id)));
    return { quotas, unknown, fits, isOver };
  }

  /** Forgets a quota that has ended when nobody holds anything of it. */
  async #dropUnheld(id: string): Promise<void> {
    if (!this.#ended.has(id)) return;
    const isDropped = await this.#options.ledger.changeQuota<boolean>(id, ({ quota }) => {
      const isFree = quota !== undefined && quota.terms.generation > 0 && isUnheld(this.#stateOf(quota).allotment);
      return isFree ? { quota: null, result: true } : { result: false };
    });
    if (!isDropped) return;
    for (const known of [this.#ended, this.#heard, this.#read, this.#holders]) known.delete(id);
    for (const key of this.#misses.keys()) if (key.startsWith(`${id}\n`)) this.#misses.delete(key);
  }

  /** Undefined: there is no such quota. */
  async #takeReport(
    cluster: string,
    report: Report,
  ): Promise<{ readonly state: QuotaState; readonly isFenced: boolean } | undefined> {
    const taken = await this.#change(report.quota, (state) => {
      const allotment = receiveReport(state.allotment, cluster, report);
      if (allotment === undefined)
        return { allotment: state.allotment, result: { state, isFenced: true, gaveBack: false } };
      const returned = (each: Allotment): Amounts => each.slices.get(cluster)?.rights.returned ?? noAmounts;
      const gaveBack = !isWithin(returned(allotment), returned(state.allotment));
      return { allotment, result: { state: { ...state, allotment }, isFenced: false, gaveBack } };
    });
    if (taken === undefined || taken.isFenced) return taken;
    if (taken.gaveBack) this.#options.events.returned();
    this.#noteHolders(report.quota, taken.state.allotment);
    const heard = this.#heard.get(report.quota) ?? new Map<string, Heard>();
    const spent = taken.state.allotment.slices.get(cluster)?.spent ?? noAmounts;
    const before = heard.get(cluster)?.namespaces ?? new Map<string, Amounts>();
    const namespaces = report.namespaces === undefined ? before : new Map(Object.entries(report.namespaces));
    if (!areEqualPlaces(before, namespaces)) this.#options.events.usageChanged(report.quota);
    this.#heard.set(report.quota, heard.set(cluster, { spent, namespaces }));
    return taken;
  }

  /** Grants what was found to fit, and what makes the next misses rarer. */
  async #grant(id: string, cluster: string, amounts: Amounts, needs: readonly Need[]): Promise<QuotaState | undefined> {
    const factor = this.#factorOf(id, cluster);
    const state = await this.#change(id, (before) => {
      const needed = { ...before, allotment: grantSlice(before.allotment, cluster, amounts) };
      // While others wait for what is idle, nobody gets more than it needs.
      const slack = this.#recalls.isOpen(id) ? noAmounts : slackOf(needed, cluster, largestOf(needs, id), factor);
      const allotment = grantSlice(needed.allotment, cluster, slack);
      return { allotment, result: { ...before, allotment } };
    });
    this.#grants++;
    if (state !== undefined) this.#options.events.granted();
    if (state !== undefined) this.#noteHolders(id, state.allotment);
    return state;
  }

  /** Reads how a quota is shared out, and writes it when it is another afterwards. Undefined: there is no such quota. */
  #change<T>(
    id: string,
    decide: (state: QuotaState) => { readonly allotment: Allotment; readonly result: T },
  ): Promise<T | undefined> {
    return this.#options.ledger.changeQuota<T | undefined>(id, ({ quota }) => {
      if (quota === undefined || quota.removed) return { result: undefined };
      const before = this.#stateOf(quota);
      const { allotment, result } = decide(before);
      if (allotment === before.allotment) return { result };
      const memo = writeAllotment(allotment);
      return memo === (quota.memo ?? emptyMemo) ? { result } : { quota: { ...quota, memo }, result };
    });
  }

  #factorOf(id: string, cluster: string): bigint {
    const key = `${id}\n${cluster}`;
    const now = this.#options.clock.monotonic();
    const last = this.#misses.get(key);
    const doubled = last === undefined || now - last.at > missMilliseconds ? 0n : last.factor * 2n || 1n;
    const factor = doubled > maxSlackFactor ? maxSlackFactor : doubled;
    this.#misses.set(key, { factor, at: now });
    return factor;
  }

  #stateOf({ terms, memo }: Pick<StoredQuota, 'terms' | 'memo'>): QuotaState {
    const heard = this.#heard.get(terms.id);
    return {
      hard: limitsOf(terms.hard),
      perCluster: limitsOf(terms.perCluster ?? new Map()),
      allotment: withSpent(this.#allotmentOf(terms.id, memo), (cluster) => heard?.get(cluster)?.spent),
    };
  }

  #allotmentOf(id: string, memo: string | null): Allotment {
    const known = this.#read.get(id);
    if (known?.memo === memo) return known.allotment;
    const allotment = readAllotment(id, memo);
    this.#read.set(id, { memo, allotment });
    return allotment;
  }

  #holdersOf(id: string): ReadonlySet<string> {
    return this.#holders.get(id) ?? new Set();
  }

  #noteHolders(id: string, { slices }: Allotment): void {
    this.#holders.set(id, new Set([...slices].filter(([, slice]) => heldBy(slice).size > 0).map(([key]) => key)));
  }

  #answerOf(quota: string, cluster: string, state: QuotaState, fenced: boolean): QuotaAnswer {
    const { allotment, hard } = state;
    const { slices } = allotment;
    return {
      quota,
      fenced,
      rights: slices.get(cluster)?.rights ?? noRights,
      hard,
      used: [...slices.values()].reduce((sum, { spent }) => sumOf(sum, spent), noAmounts),
      clusters: clustersOf(allotment).map((id) => ({
        name: this.#names.get(id) ?? id,
        used: slices.get(id)?.spent ?? noAmounts,
        slice: sumOf(heldBy(slices.get(id)), retiredOf(allotment, id)),
      })),
      owed: owedOf(state),
    };
  }
}

/** What all of them come to; what failed first is thrown when none is under way any more. */
async function allOver<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Those that hold something, or held it by a journal that is lost. */
function clustersOf({ slices, retired }: Allotment): string[] {
  return [...new Set([...slices.keys(), ...retired.keys()])];
}

/** What journals that a cluster no longer has may still have spent. */
function retiredOf({ retired }: Allotment, cluster: string): Amounts {
  return (retired.get(cluster) ?? []).reduce((sum, { amounts }) => sumOf(sum, amounts), noAmounts);
}

function areEqualPlaces(a: Heard['namespaces'], b: Heard['namespaces']): boolean {
  return a.size === b.size && [...a].every(([name, amounts]) => areEqualAmounts(amounts, b.get(name) ?? noAmounts));
}

const emptyMemo = writeAllotment(emptyAllotment);

function limitsOf(list: QuotaTerms['hard']): ReadonlyMap<string, bigint> {
  return new Map([...list].map(([name, quantity]) => [name, quantity.nano()]));
}

function owedOf({ hard, allotment }: QuotaState): Amounts {
  const owed = [...poolOf(hard, allotment)].filter(([, left]) => left < 0n);
  return new Map(owed.map(([name, left]) => [name, -left]));
}

/**
 * What is to be asked back so that all needs can be met, debts included. For a dry run nothing is: members only report, so
 * that it is judged by what is idle now.
 */
function totalOf(needs: readonly Need[], quotas: readonly QuotaAnswer[]): ReadonlyMap<string, Amounts> {
  const total = new Map<string, Amounts>();
  for (const { amounts, dryRun } of needs) {
    for (const [id, each] of Object.entries(amounts)) {
      total.set(id, sumOf(total.get(id) ?? noAmounts, dryRun ? noAmounts : each));
    }
  }
  for (const { quota, owed } of quotas) {
    const needed = total.get(quota);
    if (needed !== undefined && needed.size > 0) total.set(quota, sumOf(needed, owed));
  }
  return total;
}

/**
 * Whether a member knew of all that it was granted when it gave back what is idle. Where a recall overtook a grant it did not: it
 * is asked again as soon as it listens.
 */
function hasSeenAll(quotas: readonly QuotaAnswer[], reports: ReadonlyMap<string, Report>): boolean {
  return quotas.every(({ quota, rights, fenced }) => {
    const known = reports.get(quota)?.rights;
    return fenced || (known?.epoch === rights.epoch && isWithin(rights.granted, known.granted));
  });
}

function largestOf(needs: readonly Need[], id: string): Amounts {
  const largest = new Map<string, bigint>();
  for (const { amounts, dryRun } of needs) {
    for (const [name, amount] of dryRun ? noAmounts : (amounts[id] ?? noAmounts)) {
      if (amount > (largest.get(name) ?? 0n)) largest.set(name, amount);
    }
  }
  return largest;
}
