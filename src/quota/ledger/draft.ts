import { addInto, differenceOf, noAmounts, sumOf, type Amounts } from './amounts.ts';
import { keyText, quotasOf, shareOf, type Charge, type ChargeKey } from './charge.ts';
import type { Account, AccountKey, AuditEntry, Balance, Cluster, LedgerChanges, LedgerView } from './store.ts';
import type { StoredQuota } from './terms.ts';

interface Place {
  readonly cluster: string;
  readonly namespace: string;
}

/** What one charge adds to the whole of one quota. */
export interface Increment {
  readonly quota: string;
  readonly used: Amounts;
  readonly reserved: Amounts;
}

interface DraftCharge {
  readonly key: ChargeKey;
  readonly stored: boolean;
  charge: Charge | null;
}

interface DraftAccount extends AccountKey {
  readonly used: Map<string, bigint>;
  readonly reserved: Map<string, bigint>;
}

/** The ledger as a batch of operations changes it, on top of what was loaded. */
export class Draft {
  readonly #view: LedgerView;
  readonly #charges = new Map<string, DraftCharge>();
  readonly #accounts = new Map<string, DraftAccount>();
  /** By quota, the accounts of the place that it was last charged in. */
  readonly #recent = new Map<string, Place & { readonly accounts: readonly DraftAccount[] }>();
  readonly #quotas = new Map<string, StoredQuota | null>();
  readonly #clusters = new Map<string, Cluster | null>();
  readonly #audit: AuditEntry[] = [];

  constructor(view: LedgerView) {
    this.#view = view;
  }

  charge(key: ChargeKey): Charge | undefined {
    const drafted = this.#charges.get(keyText(key));
    return drafted === undefined ? this.#view.charge(key) : (drafted.charge ?? undefined);
  }

  /** Also a removed one. */
  quota(id: string): StoredQuota | undefined {
    const drafted = this.#quotas.get(id);
    return drafted === undefined ? this.#view.quota(id) : (drafted ?? undefined);
  }

  balance(key: AccountKey): Balance {
    return this.#accounts.get(accountText(key)) ?? this.#view.balance(key) ?? emptyBalance;
  }

  clusters(): Cluster[] {
    const stored = this.#view.clusters().filter(({ id }) => !this.#clusters.has(id));
    return [...stored, ...[...this.#clusters.values()].filter((cluster) => cluster !== null)];
  }

  /** What `after` would add to the quotas in the place of what stands there. Quotas that are not known are left out. */
  increments(before: Charge | undefined, after: Charge | undefined): Increment[] {
    // Most batches make objects.
    if (isEmpty(before) && after?.observed === null && after.pending.length === 1) {
      const [{ quotas, amounts } = { quotas: [], amounts: noAmounts }] = after.pending;
      const known = amounts.size === 0 ? [] : quotas.filter((quota) => this.quota(quota) !== undefined);
      return known.map((quota) => ({ quota, used: noAmounts, reserved: amounts }));
    }
    const increments: Increment[] = [];
    for (const quota of before === undefined ? quotasOf(after) : new Set([...quotasOf(before), ...quotasOf(after)])) {
      if (this.quota(quota) === undefined) continue;
      const [from, to] = [shareOf(before, quota), shareOf(after, quota)];
      const used = differenceOf(to.used, from.used);
      const reserved = differenceOf(to.reserved, from.reserved);
      if (used.size > 0 || reserved.size > 0) increments.push({ quota, used, reserved });
    }
    return increments;
  }

  /** Puts `after` in the place of what stands under the key, and changes the accounts by it. `null` removes it. */
  put(key: ChargeKey, namespace: string, after: Charge | null): void {
    const text = keyText(key);
    const drafted = this.#charges.get(text);
    const before = drafted === undefined ? this.#view.charge(key) : (drafted.charge ?? undefined);
    for (const { quota, used, reserved } of this.increments(before, after ?? undefined)) {
      for (const account of this.#accountsOf(quota, key.cluster, before?.namespace ?? namespace)) {
        addInto(account.used, used);
        addInto(account.reserved, reserved);
      }
    }
    if (drafted === undefined) this.#charges.set(text, { key, stored: before !== undefined, charge: after });
    else drafted.charge = after;
  }

  putQuota(id: string, quota: StoredQuota | null): void {
    this.#quotas.set(id, quota);
  }

  putCluster(id: string, cluster: Cluster | null): void {
    this.#clusters.set(id, cluster);
  }

  note(entry: AuditEntry): void {
    this.#audit.push(entry);
  }

  changes(): LedgerChanges {
    return {
      // What came and went within the batch was never there.
      charges: [...this.#charges.values()]
        .filter(({ stored, charge }) => stored || charge !== null)
        .map(({ key, stored, charge }) => ({ key, isNew: !stored, charge })),
      quotas: [...this.#quotas].map(([id, quota]) => ({ id, quota })),
      accounts: [...this.#accounts.values()].map(toAccount),
      clusters: [...this.#clusters].map(([id, cluster]) => ({ id, cluster })),
      audit: this.#audit,
    };
  }

  #accountsOf(quota: string, cluster: string, namespace: string): readonly DraftAccount[] {
    const recent = this.#recent.get(quota);
    if (recent?.cluster === cluster && recent.namespace === namespace) return recent.accounts;
    const accounts = placesOf(cluster, namespace).map((place) => this.#account({ quota, ...place }));
    this.#recent.set(quota, { cluster, namespace, accounts });
    return accounts;
  }

  #account(key: AccountKey): DraftAccount {
    const text = accountText(key);
    const drafted = this.#accounts.get(text);
    if (drafted !== undefined) return drafted;
    const { used, reserved } = this.#view.balance(key) ?? emptyBalance;
    const account = { ...key, used: new Map(used), reserved: new Map(reserved) };
    this.#accounts.set(text, account);
    return account;
  }
}

/** The places that something in a namespace counts in: the whole, its cluster, the namespace. In none, only the first two. */
export function placesOf(cluster: string, namespace: string): Place[] {
  const places = [
    { cluster: '', namespace: '' },
    { cluster, namespace: '' },
  ];
  return namespace === '' ? places : [...places, { cluster, namespace }];
}

function isEmpty(charge: Charge | undefined): boolean {
  return charge === undefined || (charge.observed === null && charge.pending.length === 0);
}

/** Used and reserved. */
export function takenOf({ used, reserved }: Balance): Amounts {
  return sumOf(used, reserved);
}

export const emptyBalance: Balance = { used: noAmounts, reserved: noAmounts };

export function accountText({ quota, cluster, namespace }: AccountKey): string {
  return `${quota}\n${cluster}\n${namespace}`;
}

function toAccount({ quota, cluster, namespace, used, reserved }: DraftAccount): Account {
  return { quota, cluster, namespace, balance: { used, reserved } };
}
