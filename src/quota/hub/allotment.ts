import { differenceOf, isWithin, maxOf, noAmounts, type Amounts } from '../ledger/amounts.ts';
import { grantMore, mergeRights, noRights, sliceOf, type Rights } from '../slices/rights.ts';

/** What the hub has written about the slice of one cluster. */
export interface HeldSlice {
  /** Names the journal that the member keeps. Null after the cluster was written off: the next journal that speaks takes over. */
  readonly journal: string | null;
  readonly rights: Rights;
  /** What the member says is charged. More than the slice only by objects that no admission was asked for. */
  readonly spent: Amounts;
}

/** What a journal that was lost may have admitted, and may admit yet if its member still runs somewhere. */
export interface RetiredSlice {
  readonly journal: string;
  readonly amounts: Amounts;
}

/** How one quota is shared out, by id of the cluster. */
export interface Allotment {
  readonly slices: ReadonlyMap<string, HeldSlice>;
  readonly retired: ReadonlyMap<string, readonly RetiredSlice[]>;
}

/** What a member says of one quota. */
export interface SliceReport {
  readonly journal: string;
  readonly rights: Rights;
  /** Used and reserved. */
  readonly spent: Amounts;
}

export const emptyAllotment: Allotment = { slices: new Map(), retired: new Map() };

/** What others cannot have because of this slice. */
export function heldBy(slice: HeldSlice | undefined): Amounts {
  return slice === undefined ? noAmounts : maxOf(sliceOf(slice.rights), slice.spent);
}

/** Whether no cluster holds or uses anything, lost journals included. */
export function isUnheld({ slices, retired }: Allotment): boolean {
  const held = [...[...slices.values()].map(heldBy), ...[...retired.values()].flat().map(({ amounts }) => amounts)];
  return held.every(({ size }) => size === 0);
}

/** What nobody holds of what is limited. Negative where `hard` was lowered or objects came past admission: a debt. */
export function poolOf(hard: ReadonlyMap<string, bigint>, { slices, retired }: Allotment): Map<string, bigint> {
  const pool = new Map(hard);
  const take = (amounts: Amounts): void => {
    for (const [name, amount] of amounts) {
      const left = pool.get(name);
      if (left !== undefined) pool.set(name, left - amount);
    }
  };
  for (const slice of slices.values()) take(heldBy(slice));
  for (const { amounts } of [...retired.values()].flat()) take(amounts);
  return pool;
}

/**
 * What is known after a member's report; undefined when another journal speaks for the cluster, and this one is too late.
 *
 * - A journal that has no epoch yet and was never seen replaces the one that spoke before: the member's disk was lost. What the
 *   old one had a right to stays counted, since its member may still run; only what the new journal finds to be charged is moved
 *   over.
 * - A journal of a lower epoch was written off, and learns its new epoch from the answer.
 * - A journal of a higher epoch tells what this store has lost.
 */
export function receiveReport(allotment: Allotment, cluster: string, report: SliceReport): Allotment | undefined {
  const { journal, spent } = report;
  const current = allotment.slices.get(cluster);
  const retired = allotment.retired.get(cluster) ?? [];
  if (current === undefined || report.rights.epoch > current.rights.epoch) {
    const epoch = Math.max(1, report.rights.epoch);
    const kept = current !== undefined && current.journal !== journal ? retire(retired, current) : retired;
    return settle(allotment, cluster, { journal, rights: { ...report.rights, epoch }, spent }, kept);
  }
  if (current.journal === journal) {
    const rights =
      report.rights.epoch === current.rights.epoch ? mergeRights(current.rights, report.rights) : current.rights;
    // Overtaken by a later report, which gave something back: what was spent then may be more than the slice is now.
    const isLate = !isWithin(current.rights.returned, report.rights.returned);
    return settle(allotment, cluster, { journal, rights, spent: isLate ? current.spent : spent }, retired);
  }
  if (current.journal === null) return settle(allotment, cluster, { journal, rights: current.rights, spent }, retired);
  const isNew = report.rights.epoch === 0 && retired.every((each) => each.journal !== journal);
  if (!isNew) return undefined;
  const rights = { ...noRights, epoch: current.rights.epoch + 1 };
  return settle(allotment, cluster, { journal, rights, spent }, retire(retired, current));
}

/** Adds to a slice. The caller has seen that the pool has it. */
export function grantSlice(allotment: Allotment, cluster: string, amounts: Amounts): Allotment {
  const slice = allotment.slices.get(cluster);
  if (slice === undefined || amounts.size === 0) return allotment;
  return withSlice(allotment, cluster, { ...slice, rights: grantMore(slice.rights, amounts) });
}

/**
 * Writes off all that a cluster holds, by an operator's word that nothing of it runs any more. Should it come back all the same,
 * it begins with an empty slice, and what it uses is counted from its next report on.
 */
export function writeOff(allotment: Allotment, cluster: string): Allotment {
  const retired = new Map(allotment.retired);
  retired.delete(cluster);
  const slice = allotment.slices.get(cluster);
  if (slice === undefined) return { ...allotment, retired };
  const rights = { ...noRights, epoch: slice.rights.epoch + 1 };
  return withSlice({ ...allotment, retired }, cluster, { journal: null, rights, spent: noAmounts });
}

/** Names of lost journals that are kept, so that a late message of one is not taken for a new journal. */
const maxRetired = 16;

function retire(retired: readonly RetiredSlice[], slice: HeldSlice): readonly RetiredSlice[] {
  if (slice.journal === null) return retired;
  // What was charged beyond the rights came past admission: the next journal finds it, and has no right to it.
  const all = [...retired, { journal: slice.journal, amounts: sliceOf(slice.rights) }];
  const emptied = all.filter(({ amounts }) => amounts.size === 0).slice(0, Math.max(0, all.length - maxRetired));
  return all.filter((each) => !emptied.includes(each));
}

/** What is charged beyond the slice was admitted by a journal that is lost, as far as that had a right to anything. */
function settle(allotment: Allotment, cluster: string, slice: HeldSlice, retired: readonly RetiredSlice[]): Allotment {
  let { rights } = slice;
  const left = retired.map((each) => {
    const moved = smallerOf(differenceOf(maxOf(slice.spent, sliceOf(rights)), sliceOf(rights)), each.amounts);
    rights = grantMore(rights, moved);
    return moved.size === 0 ? each : { ...each, amounts: differenceOf(each.amounts, moved) };
  });
  const next = withSlice(allotment, cluster, { ...slice, rights });
  return left.length === 0 ? next : { ...next, retired: new Map(next.retired).set(cluster, left) };
}

function withSlice(allotment: Allotment, cluster: string, slice: HeldSlice): Allotment {
  return { ...allotment, slices: new Map(allotment.slices).set(cluster, slice) };
}

function smallerOf(a: Amounts, b: Amounts): Amounts {
  const smaller = new Map<string, bigint>();
  for (const [name, amount] of a) {
    const other = b.get(name) ?? 0n;
    if (amount > 0n && other > 0n) smaller.set(name, amount < other ? amount : other);
  }
  return smaller;
}
