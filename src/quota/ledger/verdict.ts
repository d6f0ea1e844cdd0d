import type { ResourceList } from '../../usage/index.ts';
import type { QuotaMode } from './terms.ts';

/**
 * What there is too little of: the quota as a whole, the ceiling of a cluster or a namespace, or a member's slice while its
 * hub cannot be asked for more.
 */
export type ExceededCause = 'hard' | 'perCluster' | 'perNamespace' | 'hub-unreachable';

/** A quota that a request does not fit into. The lists hold the offending names only. */
export interface Exceeded {
  readonly quota: string;
  /** The name of the quota in messages. */
  readonly name: string;
  readonly mode: QuotaMode;
  readonly cause: ExceededCause;
  /** What the request adds to what is charged already. */
  readonly requested: ResourceList;
  /** Used and reserved, of the place that the cause names. */
  readonly used: ResourceList;
  readonly limited: ResourceList;
  /** Who uses it, in the whole quota; the most of the first offending name first. A second old at most. */
  readonly byCluster: readonly ClusterUsage[];
  /** The same, cut off after a few. */
  readonly byNamespace: readonly NamespaceUsage[];
  /** Anything more to say, after the rest. */
  readonly detail?: string | undefined;
}

export interface ClusterUsage {
  readonly cluster: string;
  /** The cluster's name, or its id where none is known. */
  readonly clusterName: string;
  /** Used and reserved, of the offending names. */
  readonly used: ResourceList;
}

export interface NamespaceUsage extends ClusterUsage {
  readonly namespace: string;
}

/** A quota that is nearly used up by what was just admitted. */
export interface NearLimit {
  readonly quota: string;
  readonly name: string;
  /** Used and reserved after the request, of the names at or above the share to warn at. */
  readonly used: ResourceList;
  readonly limited: ResourceList;
}

/** What the ledger says to a request. It is never changed once it is given. */
export interface Verdict {
  readonly allowed: boolean;
  /** Whether anything is held for the object now. False for dry runs, refusals, and growth of nothing. */
  readonly charged: boolean;
  /** Quotas in mode `enforce` that refuse: all of them, not only the first. */
  readonly refusals: readonly Exceeded[];
  /** Quotas that are exceeded by it and let it pass: those in mode `warn` or `audit`, and all of them if it went unchecked. */
  readonly overruns: readonly Exceeded[];
  readonly nearLimits: readonly NearLimit[];
}
