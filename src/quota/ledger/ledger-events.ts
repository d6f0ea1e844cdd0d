import type { ObservationOutcome, SettlementOutcome } from './operations.ts';
import type { Verdict } from './verdict.ts';

/** What a ledger tells of its work, for figures. Called at once; must not throw. */
export interface LedgerEvents {
  decided(verdict: Verdict, about: { readonly dryRun: boolean; readonly cluster: string }): void;
  /** `late` must never come: an object that was thought to be never stored. */
  observed(outcome: ObservationOutcome): void;
  settled(outcome: SettlementOutcome): void;
  /** A call was left by its caller while it was being decided, and its reservation has been freed. */
  gaveBack(): void;
  /** A batch is durable, or has failed. */
  committed(batch: CommittedBatch): void;
}

export interface CommittedBatch {
  readonly operations: number;
  /** From the beginning of the batch until it was durable. */
  readonly milliseconds: number;
  readonly failed: boolean;
}

/** Hears nothing. */
export const noLedgerEvents: LedgerEvents = {
  decided: () => undefined,
  observed: () => undefined,
  settled: () => undefined,
  gaveBack: () => undefined,
  committed: () => undefined,
};
