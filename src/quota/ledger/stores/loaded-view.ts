import { keyText, type Charge, type ChargeKey } from '../charge.ts';
import { accountText } from '../draft.ts';
import type { Account, AccountKey, Balance, Cluster, LedgerView } from '../store.ts';
import type { StoredQuota } from '../terms.ts';

/** Rows that a store has loaded for a batch. */
export class LoadedView implements LedgerView {
  readonly #charges = new Map<string, Charge>();
  readonly #quotas = new Map<string, StoredQuota>();
  readonly #balances = new Map<string, Balance>();
  #clusters: readonly Cluster[] = [];

  addCharge(charge: Charge): void {
    this.#charges.set(keyText(charge.key), charge);
  }

  addQuota(quota: StoredQuota): void {
    this.#quotas.set(quota.terms.id, quota);
  }

  addAccount(account: Account): void {
    this.#balances.set(accountText(account), account.balance);
  }

  setClusters(clusters: readonly Cluster[]): void {
    this.#clusters = clusters;
  }

  charge(key: ChargeKey): Charge | undefined {
    return this.#charges.get(keyText(key));
  }

  quota(id: string): StoredQuota | undefined {
    return this.#quotas.get(id);
  }

  balance(key: AccountKey): Balance | undefined {
    return this.#balances.get(accountText(key));
  }

  clusters(): readonly Cluster[] {
    return this.#clusters;
  }
}
