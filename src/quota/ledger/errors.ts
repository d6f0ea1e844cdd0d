import { SallyportError } from '../../errors.ts';

/** The store of the ledger could not be asked or did not commit. Whether a write took place is not known. */
export class LedgerStoreError extends SallyportError {
  readonly code = 'SALLYPORT_LEDGER_STORE';
  /** Whether the store is of no use any more until the process starts anew, as after a failed fsync. */
  readonly fatal: boolean;

  constructor(store: string, problem: string, options: ErrorOptions & { fatal?: boolean } = {}) {
    super(`quota ledger (${store}): ${problem}`, options);
    this.fatal = options.fatal ?? false;
  }
}

/** A batch is more than the store can write at once. Nothing of it was written; in parts it may fit. */
export class BatchTooLargeError extends LedgerStoreError {}

/** A quota is charged or changed that the ledger was never told of, or that has been removed. */
export class UnknownQuotaError extends SallyportError {
  readonly code = 'SALLYPORT_UNKNOWN_QUOTA';
  readonly quotas: readonly string[];

  constructor(quotas: readonly string[]) {
    super(`the ledger has no terms of quota ${quotas.join(', ')}: they must be set before anything is charged`);
    this.quotas = quotas;
  }
}

/** A cluster says it is one that the ledger knows as another. */
export class ClusterIdentityError extends SallyportError {
  readonly code = 'SALLYPORT_CLUSTER_IDENTITY';
}

/** A block that was held for a request is gone: by an operator's word, or by a list that shows all objects admitted from it. */
export class PrepaidGoneError extends SallyportError {
  readonly code = 'SALLYPORT_PREPAID_GONE';

  constructor() {
    super('what was held for this request has been let go: its object counts as soon as it is seen');
  }
}

/** The ledger was stopped before it could carry out what was asked. Nothing was written. */
export class LedgerStoppedError extends SallyportError {
  readonly code = 'SALLYPORT_LEDGER_STOPPED';

  constructor() {
    super('the quota ledger has been stopped');
  }
}
