export type { Census, ClusterFacts } from './census.ts';
export { chargeState, type Charge, type ChargeKey, type ChargeState } from './charge.ts';
export { ClusterIdentityError, LedgerStoppedError, LedgerStoreError, UnknownQuotaError } from './errors.ts';
export {
  Ledger,
  type ChargeSummary,
  type LedgerOptions,
  type OpenReservation,
  type QuotaBalance,
  type QuotaStanding,
  type ReadEvidence,
  type ReserveOptions,
} from './ledger.ts';
export { noLedgerEvents, type CommittedBatch, type LedgerEvents } from './ledger-events.ts';
export type {
  ChangedQuota,
  Observation,
  ObservationOutcome,
  QuotaChange,
  QuotaState,
  Reservation,
  ReservedOver,
  SettlementOutcome,
} from './operations.ts';
export type { RecountedObject, RecountRequest, RecountResult } from './recount.ts';
export type { AuditEntry, Cluster, LedgerStore } from './store.ts';
export { MemoryLedgerStore } from './stores/memory.ts';
export { ledgerStoreFor, type LedgerStoreLocation } from './stores/store-for.ts';
export type { QuotaMode, QuotaTerms, StoredQuota } from './terms.ts';
export type { ClusterUsage, Exceeded, ExceededCause, NamespaceUsage, NearLimit, Verdict } from './verdict.ts';
