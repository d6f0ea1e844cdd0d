import { SallyportError } from '../errors.ts';

/** A guard's policy has an unknown field or a value that it cannot have. */
export class InvalidGuardPolicyError extends SallyportError {
  override readonly code = 'SALLYPORT_INVALID_GUARD_POLICY';
  /** `deadlineSeconds: …`, one for each field. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the policy of the guard cannot be used: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/** Whether a Pod is guarded cannot be told: the DeletionGuards have not been read yet. */
export class GuardsUnknownError extends SallyportError {
  override readonly code = 'SALLYPORT_GUARDS_UNKNOWN';

  constructor() {
    super('the DeletionGuards have not been read yet; is their definition installed, and may the gate list them?');
  }
}
