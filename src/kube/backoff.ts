export interface BackoffOptions {
  readonly initialMilliseconds: number;
  readonly maxMilliseconds: number;
  /** A number in [0, 1), as `Math.random`. */
  readonly random: () => number;
}

/**
 * Delays before the next attempt: doubled after each failure, and spread by up to as much again so that many clients
 * do not come back together.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds to wait after one more failure. */
  next(): number {
    const { initialMilliseconds, maxMilliseconds, random } = this.#options;
    const delay = Math.min(maxMilliseconds, initialMilliseconds * 2 ** this.#failures);
    this.#failures++;
    return delay * (1 + random());
  }

  /** To be called on success: the next failure is the first again. */
  reset(): void {
    this.#failures = 0;
  }
}
