import type { Amounts } from './amounts.ts';
import type { Charge, ChargeKey } from './charge.ts';
import type { StoredQuota } from './terms.ts';

/**
 * What a quota is charged for in one place. Three are kept for every quota: the whole (cluster and namespace `''`), each
 * cluster (namespace `''`), and each namespace of each cluster.
 */
export interface AccountKey {
  readonly quota: string;
  readonly cluster: string;
  readonly namespace: string;
}

/** The sums over all charges of a place. */
export interface Balance {
  readonly used: Amounts;
  readonly reserved: Amounts;
}

export interface Account extends AccountKey {
  readonly balance: Balance;
}

/** A member cluster. The id is the uid of its namespace `kube-system`; a name is bound to one id at a time. */
export interface Cluster {
  readonly id: string;
  readonly name: string;
}

/** Something that an operator may want to look up later. */
export interface AuditEntry {
  /** Wall-clock milliseconds. */
  readonly at: number;
  readonly kind: 'terms' | 'release' | 'forget-cluster' | 'rename-cluster' | 'late-confirmation';
  /** As `{"by":"jane","reason":"…"}`; never content of an object. */
  readonly facts: Readonly<Record<string, string>>;
}

/** What a batch of operations looks at. */
export interface LedgerNeeds {
  readonly keys: readonly ChargeKey[];
  /** Beside these, the quotas of the charges under `keys` are loaded. */
  readonly quotas: readonly string[];
  /** The accounts of all these quotas in these places are loaded, with those of their clusters and of the whole. */
  readonly places: readonly { readonly cluster: string; readonly namespace: string }[];
  /** Whether it looks at the clusters. */
  readonly clusters: boolean;
}

/** What was loaded. Values are not changed by who reads them. */
export interface LedgerView {
  charge(key: ChargeKey): Charge | undefined;
  quota(id: string): StoredQuota | undefined;
  /** Undefined: nothing was ever charged there. */
  balance(key: AccountKey): Balance | undefined;
  clusters(): readonly Cluster[];
}

/** Rows to write, each at most once. `null` deletes. Deleting a quota deletes its accounts. */
export interface LedgerChanges {
  readonly charges: readonly { readonly key: ChargeKey; readonly isNew: boolean; readonly charge: Charge | null }[];
  readonly quotas: readonly { readonly id: string; readonly quota: StoredQuota | null }[];
  readonly accounts: readonly Account[];
  readonly clusters: readonly { readonly id: string; readonly cluster: Cluster | null }[];
  readonly audit: readonly AuditEntry[];
}

export interface ChargeQuery {
  readonly cluster?: string | undefined;
  readonly resource?: string | undefined;
  readonly namespace?: string | undefined;
  /** Only those with pending usage. */
  readonly open?: boolean | undefined;
  /** Only those that were released before this wall-clock time. Without it the released are left out. */
  readonly releasedBefore?: number | undefined;
  /**
   * Only those that come after this one, which the store returned for the same query. Page by page every charge that was there
   * all the time is read once; one that goes and comes back may be read twice or not at all.
   */
  readonly after?: Charge | undefined;
  readonly limit: number;
}

/**
 * Where a ledger lives. It loads and writes; it decides nothing.
 *
 * All implementations pass the suite of test/ledger-store-contract.ts.
 */
export interface LedgerStore {
  /** Makes or migrates what is stored. Throws {@link LedgerStoreError}. */
  open(): Promise<void>;
  close(): Promise<void>;
  /**
   * Loads what is needed, calls `decide` and writes the changes it returns, as one transaction that no other one overlaps
   * on the same charges, quotas or accounts. Resolves when the changes are durable. No changes, no write.
   *
   * `decide` may be called again, with a new view, when another process was faster; only its last result counts. What it
   * throws ends the transaction and is thrown. Throws {@link LedgerStoreError} otherwise; then the changes may have been
   * written or not, and none of them in part: {@link BatchTooLargeError} when they were not, since they are too many.
   */
  transact<T>(
    needs: LedgerNeeds,
    decide: (view: LedgerView) => { readonly changes: LedgerChanges; readonly result: T },
  ): Promise<T>;

  /* Reads of what is durable. Each is consistent in itself. */

  quotas(): Promise<StoredQuota[]>;
  accounts(quota: string): Promise<Account[]>;
  charges(query: ChargeQuery): Promise<Charge[]>;
  clusters(): Promise<Cluster[]>;
  /** The latest first. */
  audit(limit: number): Promise<AuditEntry[]>;
}
