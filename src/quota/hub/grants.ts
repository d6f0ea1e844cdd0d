import { differenceOf, noAmounts, type Amounts } from '../ledger/amounts.ts';
import { sliceOf } from '../slices/rights.ts';
import type { Fit, Need } from '../slices/wire.ts';
import { heldBy, poolOf, type Allotment } from './allotment.ts';

/** All that a grant of one quota depends on. */
export interface QuotaState {
  /** What is limited, zeros included. */
  readonly hard: ReadonlyMap<string, bigint>;
  /** The most that one cluster may have. */
  readonly perCluster: ReadonlyMap<string, bigint>;
  readonly allotment: Allotment;
}

/** How a member's needs were met. */
export interface Fitting {
  /** One for each need. */
  readonly fits: readonly Fit[];
  /** By quota: what the slice grows by for those that fit. */
  readonly grants: ReadonlyMap<string, Amounts>;
}

/**
 * Which needs fit, in their order, each in all its quotas or not at all. One that does not fit leaves its place to those
 * behind it.
 *
 * What the member has spent beyond its slice is held already, and not taken from the pool again.
 */
export function fitNeeds(
  quotas: ReadonlyMap<string, QuotaState>,
  cluster: string,
  spent: ReadonlyMap<string, Amounts>,
  needs: readonly Need[],
): Fitting {
  const books = new Map([...quotas].map(([id, state]) => [id, bookOf(state, cluster, spent.get(id) ?? noAmounts)]));
  const fits = needs.map((need) => {
    const asked = Object.entries(need.amounts).map(([id, amounts]) => ({ book: books.get(id), amounts }));
    const problem = asked
      .map(({ book, amounts }) => (book === undefined ? 'exceeded' : problemOf(book, amounts, need.dryRun)))
      .find((each) => each !== undefined);
    if (problem !== undefined) return problem;
    if (!need.dryRun) for (const { book, amounts } of asked) if (book !== undefined) take(book, amounts);
    return 'fits';
  });
  return { fits, grants: new Map([...books].map(([id, book]) => [id, grantOf(book)])) };
}

/**
 * What a slice may grow by beyond what was needed, so that the next requests need not ask: `factor` times the largest need,
 * never more than half of the pool, nothing when less than an eighth of `hard` is left, and only whole multiples of what was
 * needed, since nothing smaller is of use.
 */
export function slackOf(state: QuotaState, cluster: string, amounts: Amounts, factor: bigint): Amounts {
  const pool = poolOf(state.hard, state.allotment);
  const slice = heldBy(state.allotment.slices.get(cluster));
  const slack = new Map<string, bigint>();
  for (const [name, amount] of amounts) {
    const hard = state.hard.get(name);
    const left = pool.get(name);
    if (hard === undefined || left === undefined || left * lowWaterParts < hard) return noAmounts;
    const ceiling = state.perCluster.get(name);
    const room = ceiling === undefined ? left / 2n : min(left / 2n, ceiling - (slice.get(name) ?? 0n));
    const times = min(factor, room / amount);
    if (times > 0n) slack.set(name, times * amount);
  }
  return slack;
}

const lowWaterParts = 8n;

interface Book {
  readonly state: QuotaState;
  readonly pool: Map<string, bigint>;
  /** Held by slices that are not used, as last heard. */
  readonly idle: ReadonlyMap<string, bigint>;
  readonly spent: Amounts;
  readonly held: Amounts;
  readonly slice: Amounts;
  readonly taken: Map<string, bigint>;
}

function bookOf(state: QuotaState, cluster: string, spent: Amounts): Book {
  const { allotment, hard } = state;
  const slice = allotment.slices.get(cluster);
  return {
    state,
    pool: poolOf(hard, allotment),
    idle: idleBeside(cluster, allotment),
    spent,
    held: heldBy(slice),
    slice: slice === undefined ? noAmounts : sliceOf(slice.rights),
    taken: new Map(),
  };
}

function idleBeside(cluster: string, { slices }: Allotment): Map<string, bigint> {
  const idle = new Map<string, bigint>();
  for (const [id, { rights, spent }] of slices) {
    if (id === cluster) continue;
    for (const [name, amount] of differenceOf(sliceOf(rights), spent)) {
      if (amount > 0n) idle.set(name, (idle.get(name) ?? 0n) + amount);
    }
  }
  return idle;
}

function problemOf(book: Book, amounts: Amounts, dryRun: boolean): Fit | undefined {
  for (const [name, amount] of amounts) {
    const target = (book.spent.get(name) ?? 0n) + (book.taken.get(name) ?? 0n) + amount;
    const ceiling = book.state.perCluster.get(name);
    if (ceiling !== undefined && target > ceiling) return 'at-ceiling';
    const pool = book.pool.get(name);
    if (pool === undefined) continue;
    const free = dryRun ? pool + (book.idle.get(name) ?? 0n) : pool;
    const extra = target - (book.held.get(name) ?? 0n);
    if (extra > 0n && extra > free) return 'exceeded';
  }
  return undefined;
}

function take(book: Book, amounts: Amounts): void {
  for (const [name, amount] of amounts) book.taken.set(name, (book.taken.get(name) ?? 0n) + amount);
}

function grantOf({ spent, slice, taken }: Book): Amounts {
  const grant = new Map<string, bigint>();
  for (const [name, amount] of taken) {
    const more = (spent.get(name) ?? 0n) + amount - (slice.get(name) ?? 0n);
    if (more > 0n) grant.set(name, more);
  }
  return grant;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
