import { LedgerStoreError } from '../../src/quota/ledger/index.ts';
import type {
  Account,
  AuditEntry,
  ChargeQuery,
  Cluster,
  LedgerChanges,
  LedgerNeeds,
  LedgerStore,
  LedgerView,
} from '../../src/quota/ledger/store.ts';
import type { Charge } from '../../src/quota/ledger/charge.ts';
import type { StoredQuota } from '../../src/quota/ledger/terms.ts';
import type { Random } from './random.ts';
import type { Process } from './virtual-time.ts';

/** What goes wrong at a write, each by its probability. */
export interface StoreFaults {
  /** The process is killed before it is durable. */
  readonly killedBefore: number;
  /** The process is killed when it is durable, before anybody hears of it. */
  readonly killedAfter: number;
  /** The store says it failed, and it did. */
  readonly failed: number;
  /** The store says it failed, and it did not. */
  readonly inDoubt: number;
}

export interface FaultyStoreOptions {
  /** The disk: outlives the processes. */
  readonly disk: LedgerStore;
  readonly process: Process;
  readonly random: Random;
  readonly faults: StoreFaults;
  /** Kills the process, and has it started anew some time later. */
  readonly kill: () => void;
  /** Told of every write, when it is durable. */
  readonly onCommit: (changes: LedgerChanges) => void;
  /** A deliberate breakage: answers before the write is durable. */
  readonly answersBeforeCommit?: boolean;
}

/** A store as one process sees it: it takes time, fails, and the process may die at either side of a write. */
export class FaultyStore implements LedgerStore {
  readonly #options: FaultyStoreOptions;

  constructor(options: FaultyStoreOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    await this.#options.disk.open();
  }

  async close(): Promise<void> {
    // The disk stays.
  }

  async transact<T>(
    needs: LedgerNeeds,
    decide: (view: LedgerView) => { readonly changes: LedgerChanges; readonly result: T },
  ): Promise<T> {
    const { disk, random, faults, kill, onCommit } = this.#options;
    await this.#delay(1, 4);
    let changes: LedgerChanges | undefined;
    const isKilledBefore = random.chance(faults.killedBefore);
    const isFailed = random.chance(faults.failed);
    const judge = (view: LedgerView): { readonly changes: LedgerChanges; readonly result: T } => {
      const decided = decide(view);
      changes = decided.changes;
      if (!isEmpty(decided.changes)) {
        if (isKilledBefore) throw new Killed();
        if (isFailed) throw new LedgerStoreError('simulated', 'the disk is full');
      }
      return decided;
    };
    if (this.#options.answersBeforeCommit === true) return this.#answerFirst(needs, decide);
    let result: T;
    try {
      result = await disk.transact(needs, judge);
    } catch (error) {
      if (error instanceof Killed) {
        kill();
        return never();
      }
      await this.#delay(0, 2);
      throw error;
    }
    if (changes === undefined || isEmpty(changes)) {
      await this.#delay(0, 1);
      return result;
    }
    onCommit(changes);
    if (random.chance(faults.killedAfter)) {
      kill();
      return never();
    }
    await this.#delay(0, 3);
    if (random.chance(faults.inDoubt)) throw new LedgerStoreError('simulated', 'the connection was lost');
    return result;
  }

  quotas(): Promise<StoredQuota[]> {
    return this.#read(() => this.#options.disk.quotas());
  }

  accounts(quota: string): Promise<Account[]> {
    return this.#read(() => this.#options.disk.accounts(quota));
  }

  charges(query: ChargeQuery): Promise<Charge[]> {
    return this.#read(() => this.#options.disk.charges(query));
  }

  clusters(): Promise<Cluster[]> {
    return this.#read(() => this.#options.disk.clusters());
  }

  audit(limit: number): Promise<AuditEntry[]> {
    return this.#read(() => this.#options.disk.audit(limit));
  }

  /** Answers from a transaction that is not written, and writes it a moment later if the process is still there. */
  async #answerFirst<T>(
    needs: LedgerNeeds,
    decide: (view: LedgerView) => { readonly changes: LedgerChanges; readonly result: T },
  ): Promise<T> {
    const { disk, process, random, faults, kill, onCommit } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let first: T | undefined;
    const looked = disk.transact(needs, (view) => {
      const { result } = decide(view);
      first = result;
      return { changes: noChanges, result };
    });
    looked.then(() => resolve(first as T), reject);
    process.after(random.between(1, 30), () => {
      if (random.chance(faults.killedBefore)) return kill();
      let changes = noChanges;
      void disk
        .transact(needs, (view) => {
          const decided = decide(view);
          changes = decided.changes;
          return decided;
        })
        .then(() => {
          if (!isEmpty(changes)) onCommit(changes);
        });
    });
    return promise;
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    await this.#delay(0, 2);
    return read();
  }

  /** Takes so long, and for ever when the process dies meanwhile. */
  #delay(low: number, high: number): Promise<void> {
    const { process, random } = this.#options;
    return new Promise((resolve) => process.after(random.between(low, high), resolve));
  }
}

class Killed extends Error {}

const noChanges: LedgerChanges = { charges: [], quotas: [], accounts: [], clusters: [], audit: [] };

function isEmpty({ charges, quotas, accounts, clusters, audit }: LedgerChanges): boolean {
  return charges.length + quotas.length + accounts.length + clusters.length + audit.length === 0;
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
