import { SallyportError } from '../../errors.ts';

/** What the store holds beside the terms of a quota was not written by a hub. */
export class HubMemoError extends SallyportError {
  readonly code = 'SALLYPORT_HUB_MEMO';
  readonly quota: string;

  constructor(quota: string, problem: string, options?: ErrorOptions) {
    super(`quota ${quota}: how it is shared out cannot be read: ${problem}`, options);
    this.quota = quota;
  }
}
