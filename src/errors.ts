/**
 * Every code a {@link SallyportError} may carry. Each has a line in docs/errors.md, held by a test.
 */
export type SallyportErrorCode =
  | 'SALLYPORT_DUPLICATE_WEBHOOK'
  | 'SALLYPORT_INVALID_DEFINITION';

/**
 * Base of everything Sallyport throws. A fault, never a refusal: refusals are values.
 *
 * Subclasses live in the folder that throws them, carry the facts as fields and say in the message what was wrong,
 * where, and what was expected.
 */
export abstract class SallyportError extends Error {
  abstract readonly code: SallyportErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
