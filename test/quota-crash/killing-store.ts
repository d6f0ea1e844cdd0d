import { isPrepaid } from '../../src/quota/ledger/charge.ts';
import type { LedgerChanges, LedgerNeeds, LedgerStore, LedgerView } from '../../src/quota/ledger/store.ts';
import type { KillAt } from './messages.ts';

/** A store whose process ends by SIGKILL just before, or just after, a write becomes durable. */
export class KillingStore implements LedgerStore {
  readonly #disk: LedgerStore;
  readonly #killAt: KillAt | undefined;
  #writes = 0;

  constructor(disk: LedgerStore, killAt: KillAt | undefined) {
    this.#disk = disk;
    this.#killAt = killAt;
  }

  async transact<T>(
    needs: LedgerNeeds,
    decide: (view: LedgerView) => { readonly changes: LedgerChanges; readonly result: T },
  ): Promise<T> {
    let isWrite = false;
    const result = await this.#disk.transact(needs, (view) => {
      const decided = decide(view);
      const { changes } = decided;
      isWrite = Object.values(changes).some((rows: readonly unknown[]) => rows.length > 0);
      if (this.#killAt?.ofPrepaid === true) isWrite &&= isOfPrepaid(changes);
      if (isWrite) {
        this.#writes++;
        this.#die('before');
      }
      return decided;
    });
    if (isWrite) this.#die('after');
    return result;
  }

  #die(side: KillAt['side']): void {
    if (this.#killAt?.side === side && this.#killAt.write === this.#writes) process.kill(process.pid, 'SIGKILL');
  }

  open(): Promise<void> {
    return this.#disk.open();
  }

  close(): Promise<void> {
    return this.#disk.close();
  }

  quotas: LedgerStore['quotas'] = () => this.#disk.quotas();
  accounts: LedgerStore['accounts'] = (quota) => this.#disk.accounts(quota);
  charges: LedgerStore['charges'] = (query) => this.#disk.charges(query);
  clusters: LedgerStore['clusters'] = () => this.#disk.clusters();
  audit: LedgerStore['audit'] = (limit) => this.#disk.audit(limit);
}

/** Whether objects are charged from a block that was held for them. */
function isOfPrepaid({ charges }: LedgerChanges): boolean {
  return charges.some(({ key }) => isPrepaid(key)) && charges.some(({ key }) => !isPrepaid(key));
}
