import type { ResourceList } from '../../usage/index.ts';
import type { Amounts } from './amounts.ts';
import type { ChargeKey } from './charge.ts';
import type { AuditEntry, Cluster } from './store.ts';
import type { StoredQuota } from './terms.ts';
import type { Verdict } from './verdict.ts';

/** A write that asks to be admitted. */
export interface Reservation {
  readonly key: ChargeKey;
  readonly namespace: string;
  readonly name: string;
  /** The call that asks: `request.uid` of its AdmissionReview. */
  readonly attempt: string;
  /** All that the object will use, not what is added. Never negative. */
  readonly usage: ResourceList;
  /** Ids of the quotas it falls under. All of them are charged, or none. */
  readonly quotas: readonly string[];
  /** The stored version that an update replaces. Absent for a create. */
  readonly old?: ReservedOver | undefined;
  /**
   * Charged whether it fits or not, as the API server does with the status of a claim; what it exceeds is told as an
   * overrun. Default: false.
   */
  readonly unchecked?: boolean | undefined;
  /** Judged like any other, and nothing is written. */
  readonly dryRun: boolean;
}

export interface ReservedOver {
  /** `oldObject.metadata.resourceVersion`. */
  readonly resourceVersion: bigint;
  readonly usage: ResourceList;
  readonly quotas: readonly string[];
}

/** What the informer of a cluster saw of one object. */
export type Observation =
  | {
      readonly type: 'present';
      readonly key: ChargeKey;
      readonly namespace: string;
      readonly name: string;
      readonly resourceVersion: bigint;
      /** As of now: a Pod that has ended uses less at the same resourceVersion. */
      readonly usage: ResourceList;
      /** The quotas it falls under now. */
      readonly quotas: readonly string[];
    }
  | { readonly type: 'gone'; readonly key: ChargeKey; readonly namespace: string };

/** What came of an observation; `late` is an object that was thought to be never stored, which must not happen. */
export type ObservationOutcome = 'confirmed' | 'discovered' | 'late' | 'changed' | 'unchanged' | 'gone';

/**
 * What a consistent read of the cluster said of one object: evidence to let reservations go that are old enough for their
 * writes to have ended before the read began.
 */
export interface Settlement {
  readonly key: ChargeKey;
  readonly namespace: string;
  /** Stamps of the pending usages that were old enough when the read began. */
  readonly ended: ReadonlySet<string>;
  /** `null`: no object of this uid. */
  readonly found: {
    readonly name: string;
    readonly resourceVersion: bigint;
    readonly usage: ResourceList;
    readonly quotas: readonly string[];
  } | null;
  /** The position of a list, as of which an object that is not in it is gone. `null`: not known. */
  readonly asOf: bigint | null;
}

/** What a settlement changed, by what the object had used before it. */
export type SettlementOutcome = 'unchanged' | 'released' | 'gone' | ObservationOutcome;

/** A quota as {@link QuotaChange} sees it. */
export interface QuotaState {
  /** Undefined: not known, or removed. */
  readonly quota: StoredQuota | undefined;
  /** Of all clusters together. */
  readonly used: Amounts;
  readonly reserved: Amounts;
}

/**
 * Decides on a quota in one transaction with its sums. Pure, since it may run again. Without `quota`, nothing is written;
 * a `census` that is not named stays as it was.
 */
export type QuotaChange<T> = (state: QuotaState) => { readonly quota?: ChangedQuota | null; readonly result: T };

export type ChangedQuota = Omit<StoredQuota, 'census'> & Partial<Pick<StoredQuota, 'census'>>;

/** One thing to be done to the ledger, whole or not at all. */
export type Operation =
  | {
      readonly kind: 'reserve';
      readonly reservation: Reservation;
      /** What counts as free beside what is: blocks that the caller would give up, by quota. */
      readonly spare?: ReadonlyMap<string, Amounts>;
    }
  /** Writes what was admitted from blocks already: paid from them, and not judged. */
  | { readonly kind: 'charge-prepaid'; readonly reservation: Reservation; readonly blocks: readonly ChargeKey[] }
  /**
   * Holds more of a quota for requests to come: up to `target` in all, no more than half of what is free, and nothing when that
   * is not `least`.
   */
  | {
      readonly kind: 'prepay';
      readonly block: ChargeKey;
      readonly quota: string;
      readonly least: Amounts;
      readonly target: Amounts;
    }
  /** Lets go of what is left of a block; what was admitted from it and is not written stays held. */
  | { readonly kind: 'end-prepaid'; readonly block: ChargeKey; readonly spare: Amounts }
  | { readonly kind: 'give-back'; readonly key: ChargeKey; readonly namespace: string; readonly attempt: string }
  | { readonly kind: 'observe'; readonly observations: readonly Observation[] }
  | { readonly kind: 'settle'; readonly settlements: readonly Settlement[] }
  /** By an operator's word, without evidence. */
  | {
      readonly kind: 'release';
      readonly charges: readonly { readonly key: ChargeKey; readonly namespace: string }[];
      readonly by: string;
      readonly reason: string;
    }
  /** Takes charges of a cluster off a quota, while its terms and its census there are still those. */
  | {
      readonly kind: 'unselect';
      readonly quota: string;
      readonly generation: number;
      readonly cluster: string;
      readonly stamp: string;
      readonly charges: readonly { readonly key: ChargeKey; readonly namespace: string }[];
    }
  /** Drops what has been released; only these, and only if they still are. */
  | {
      readonly kind: 'forget-released';
      readonly keys: readonly { readonly key: ChargeKey; readonly namespace: string }[];
    }
  | { readonly kind: 'change-quota'; readonly id: string; readonly change: QuotaChange<unknown> }
  | { readonly kind: 'change-clusters'; readonly change: ClusterChange };

/** Decides on the clusters in one transaction. Pure, since it may run again; it may throw to refuse. */
export type ClusterChange = (clusters: readonly Cluster[]) => {
  readonly put?: Cluster;
  readonly remove?: string;
  readonly audit?: AuditEntry;
};

/** What each kind of operation comes to. */
export interface Outcomes {
  readonly reserve: Verdict;
  readonly 'charge-prepaid': Verdict;
  /** What was added, which may be nothing; null when too little is free. */
  readonly prepay: Amounts | null;
  readonly 'end-prepaid': undefined;
  /** Whether anything was held by this attempt alone, and has been given back. */
  readonly 'give-back': boolean;
  readonly observe: readonly ObservationOutcome[];
  readonly settle: readonly SettlementOutcome[];
  /** How many of the charges held anything. */
  readonly release: number;
  /** Whether they were still those. */
  readonly unselect: boolean;
  readonly 'forget-released': number;
  readonly 'change-quota': unknown;
  readonly 'change-clusters': undefined;
}

export type OperationKind = keyof Outcomes;

/** How many charges an operation touches. */
export function weightOf(operation: Operation): number {
  switch (operation.kind) {
    case 'observe':
      return operation.observations.length;
    case 'settle':
      return operation.settlements.length;
    case 'release':
    case 'unselect':
      return operation.charges.length;
    case 'forget-released':
      return operation.keys.length;
    case 'reserve':
    case 'charge-prepaid':
    case 'prepay':
    case 'end-prepaid':
    case 'give-back':
    case 'change-quota':
    case 'change-clusters':
      return 1;
  }
}
