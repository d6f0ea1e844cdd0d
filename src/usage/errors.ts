import { SallyportError } from '../errors.ts';

/** A field that counts towards a quota cannot be read: the API server would not have let the object in. */
export class UncountableObjectError extends SallyportError {
  readonly code = 'SALLYPORT_UNCOUNTABLE_OBJECT';
  /** Path in the object: `spec.containers[0].resources.requests[cpu]`. */
  readonly field: string;

  constructor(field: string, problem: string, options?: ErrorOptions) {
    super(`${field}: ${problem}`, options);
    this.field = field;
  }
}

/** A scope of a quota cannot be understood. The message is word for word the API server's. */
export class QuotaScopeError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_QUOTA_SCOPE';
}
