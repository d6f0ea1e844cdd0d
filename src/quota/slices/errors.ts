import { SallyportError } from '../../errors.ts';

/** What a member's store holds beside the terms of a quota was not written by a member. */
export class SliceJournalError extends SallyportError {
  readonly code = 'SALLYPORT_SLICE_JOURNAL';
  readonly quota: string;

  constructor(quota: string, problem: string, options?: ErrorOptions) {
    super(`quota ${quota}: the journal of its slice cannot be read: ${problem}`, options);
    this.quota = quota;
  }
}

/** The hub could not be asked, or its answer cannot be used. Whether it acted is not known; asking again is safe. */
export class HubUnreachableError extends SallyportError {
  readonly code = 'SALLYPORT_HUB_UNREACHABLE';

  constructor(problem: string, options?: ErrorOptions) {
    super(`quota hub: ${problem}`, options);
  }
}
