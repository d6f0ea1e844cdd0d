import type { Clock } from '../../telemetry/index.ts';
import { decide, needsOf, type Settled } from './decide.ts';
import { BatchTooLargeError, LedgerStoppedError } from './errors.ts';
import type { LedgerEvents } from './ledger-events.ts';
import { weightOf, type Operation, type OperationKind, type Outcomes } from './operations.ts';
import type { LedgerStore } from './store.ts';

export interface GroupCommitOptions {
  readonly store: LedgerStore;
  readonly clock: Clock;
  readonly events: LedgerEvents;
  readonly maxBatch: number;
  readonly newStamp: () => string;
}

interface Waiting {
  readonly operation: Operation;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (outcome: Outcomes[OperationKind]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers operations into transactions: while one is under way the next fills, and begins when that one is through. No
 * timer, so a lone call waits for nothing and many share one commit.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /**
   * Resolves when what the operation did is durable. With an aborted signal an operation that has not begun is dropped,
   * and rejects with the signal's reason.
   */
  submit<K extends OperationKind>(
    operation: Extract<Operation, { kind: K }>,
    signal?: AbortSignal,
  ): Promise<Outcomes[K]> {
    if (this.#stopped) return Promise.reject(new LedgerStoppedError());
    const { promise, resolve, reject } = Promise.withResolvers<Outcomes[K]>();
    // The outcome of an operation is that of its kind.
    this.#queue.push({ operation, signal, resolve: resolve as Waiting['resolve'], reject });
    this.#running ??= this.#run();
    return promise;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // What else the caller's turn of the event loop asks for goes into the first batch.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) {
      await this.#commit(this.#nextBatch());
      // A store may commit without leaving its turn of the event loop, and others wait for theirs.
      if (this.#queue.length > 0) await new Promise(setImmediate);
    }
    this.#running = undefined;
  }

  #nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let weight = 0;
    let taken = 0;
    for (const waiting of this.#queue) {
      const added = weightOf(waiting.operation);
      if (batch.length > 0 && weight + added > this.#options.maxBatch) break;
      taken += 1;
      if (waiting.signal?.aborted === true) {
        waiting.reject(waiting.signal.reason);
        continue;
      }
      batch.push(waiting);
      weight += added;
    }
    this.#queue = this.#queue.slice(taken);
    return batch;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    const { store, clock, events, newStamp } = this.#options;
    const began = clock.monotonic();
    const operations = batch.map(({ operation }) => operation);
    const committed = (failed: boolean): void =>
      events.committed({ operations: batch.length, milliseconds: clock.monotonic() - began, failed });
    let outcomes: readonly Settled<Outcomes[OperationKind]>[];
    try {
      outcomes = await store.transact(needsOf(operations), (view) => {
        const decision = decide(view, operations, { now: clock.now(), newStamp });
        return { changes: decision.changes, result: decision.outcomes };
      });
    } catch (error) {
      if (error instanceof BatchTooLargeError && batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        await this.#commit(batch.slice(0, half));
        return this.#commit(batch.slice(half));
      }
      committed(true);
      for (const { reject } of batch) reject(error);
      return;
    }
    committed(false);
    for (const [index, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome?.ok === true) resolve(outcome.value);
      else reject(outcome?.error);
    }
  }
}
