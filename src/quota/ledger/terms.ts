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

function areSameTerms(a: QuotaTerms, b: QuotaTerms): boolean {
  return (
    a.id === b.id &&
    a.name === b.name &&
    a.generation === b.generation &&
    a.mode === b.mode &&
    a.warnAtPercent === b.warnAtPercent &&
    areSameLists(a.hard, b.hard) &&
    areSameLists(a.perCluster, b.perCluster) &&
    areSameLists(a.perNamespace, b.perNamespace)
  );
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
