/**
 * Why a text could not be read: a value, not an exception, since the libraries answer a bad text with `false`
 * (`isIP`), with a CEL error (`ip`) or with a list of complaints (`validate`).
 */
export class Failure {
  /** The text Go's `error.Error()` gives at the same place. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}
