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
