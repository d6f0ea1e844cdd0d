import type { ResourceList } from '../../usage/index.ts';

/**
 * `enforce` refuses what does not fit, `warn` tells the caller and lets it pass, `audit` only notes it. All of them count.
 */
export type QuotaMode = 'enforce' | 'warn' | 'audit';

/**
 * What the ledger knows of one GlobalQuota. Which objects fall under it is decided elsewhere: the ledger is given the ids.
 */
export interface QuotaTerms {
  /** The uid of the GlobalQuota, or its name where it has none. */
  readonly id: string;
  /** As messages call it. */
  readonly name: string;
  /** Terms of a lower generation than those that are stored are too late, and change nothing. */
  readonly generation: number;
  /** The most that all clusters together may use. Resources without an entry are counted but not limited. */
  readonly hard: ResourceList;
  /** The most that each cluster may use. */
  readonly perCluster?: ResourceList | undefined;
  /** The most that each namespace of each cluster may use; namespaces of one name in two clusters are two. */
  readonly perNamespace?: ResourceList | undefined;
  readonly mode: QuotaMode;
  /** From this share of `hard` on, growth is allowed with a warning. Absent: never. */
  readonly warnAtPercent?: number | undefined;
}

/** A quota as it is stored. */
export interface StoredQuota {
  readonly terms: QuotaTerms;
  /** It limits nothing any more and is kept while charges still name it, so that the sums stay right. */
  readonly removed: boolean;
  /** Text that belongs to whoever shares the quota out, changed together with the terms. */
  readonly memo: string | null;
  /** How far clusters have been counted for it: {@link readCensuses}. Null when no gate holds itself to it. */
  readonly census: string | null;
}

/** Whether nothing would be written anew. Quantities of one value in two formats are two. */
export function isSameQuota(a: StoredQuota, b: StoredQuota): boolean {
  return a.removed === b.removed && a.memo === b.memo && a.census === b.census && areSameTerms(a.terms, b.terms);
}

type Comparison = (a: QuotaTerms, b: QuotaTerms) => boolean;

/** One for each, so that none is forgotten. */
const comparisons: { readonly [Key in keyof Required<QuotaTerms>]: Comparison } = {
  id: (a, b) => a.id === b.id,
  name: (a, b) => a.name === b.name,
  generation: (a, b) => a.generation === b.generation,
  mode: (a, b) => a.mode === b.mode,
  warnAtPercent: (a, b) => a.warnAtPercent === b.warnAtPercent,
  hard: (a, b) => areSameLists(a.hard, b.hard),
  perCluster: (a, b) => areSameLists(a.perCluster, b.perCluster),
  perNamespace: (a, b) => areSameLists(a.perNamespace, b.perNamespace),
};

function areSameTerms(a: QuotaTerms, b: QuotaTerms): boolean {
  return Object.values(comparisons).every((isSame) => isSame(a, b));
}

function areSameLists(a: ResourceList | undefined, b: ResourceList | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.size === b.size &&
    [...a].every(([name, quantity]) => {
      const other = b.get(name);
      return other?.nano() === quantity.nano() && other.format === quantity.format;
    })
  );
}
