import { accountText } from '../draft.ts';
import { keyText, type Charge, type ChargeKey } from '../charge.ts';
import { selectCharges } from './select-charges.ts';
import type {
  Account,
  AccountKey,
  AuditEntry,
  ChargeQuery,
  Cluster,
  LedgerChanges,
  LedgerNeeds,
  LedgerStore,
  LedgerView,
} from '../store.ts';
import type { StoredQuota } from '../terms.ts';

/** A ledger that ends with its process: for tests and simulations. Several ledgers may share one. */
export class MemoryLedgerStore implements LedgerStore {
  readonly #charges = new Map<string, Charge>();
  readonly #quotas = new Map<string, StoredQuota>();
  readonly #accounts = new Map<string, Account>();
  readonly #clusters = new Map<string, Cluster>();
  readonly #audit: AuditEntry[] = [];

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async transact<T>(
    _needs: LedgerNeeds,
    decide: (view: LedgerView) => { readonly changes: LedgerChanges; readonly result: T },
  ): Promise<T> {
    const { changes, result } = decide(this.#view);
    this.#write(changes);
    return result;
  }

  async quotas(): Promise<StoredQuota[]> {
    return [...this.#quotas.values()];
  }

  async accounts(quota: string): Promise<Account[]> {
    return [...this.#accounts.values()].filter((account) => account.quota === quota);
  }

  async charges(query: ChargeQuery): Promise<Charge[]> {
    return selectCharges(this.#charges.values(), query);
  }

  async clusters(): Promise<Cluster[]> {
    return [...this.#clusters.values()];
  }

  async audit(limit: number): Promise<AuditEntry[]> {
    return this.#audit.slice(-limit).reverse();
  }

  readonly #view: LedgerView = {
    charge: (key: ChargeKey) => this.#charges.get(keyText(key)),
    quota: (id: string) => this.#quotas.get(id),
    balance: (key: AccountKey) => this.#accounts.get(accountText(key))?.balance,
    clusters: () => [...this.#clusters.values()],
  };

  #write({ charges, quotas, accounts, clusters, audit }: LedgerChanges): void {
    for (const { key, charge } of charges) replace(this.#charges, keyText(key), charge);
    for (const account of accounts) this.#accounts.set(accountText(account), account);
    for (const { id, quota } of quotas) {
      replace(this.#quotas, id, quota);
      if (quota !== null) continue;
      for (const [text, account] of this.#accounts) if (account.quota === id) this.#accounts.delete(text);
    }
    for (const { id, cluster } of clusters) replace(this.#clusters, id, cluster);
    this.#audit.push(...audit);
  }
}

function replace<V>(map: Map<string, V>, key: string, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
