import type { Clock } from '../telemetry/index.ts';

export interface ReconcileLoopOptions {
  readonly clock: Clock;
  /** Time from the end of a good pass to the next one. */
  readonly intervalMilliseconds: number;
  /** One pass. What it throws is told to `onFailure`, and the pass repeated. */
  readonly reconcile: (signal: AbortSignal) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
  /** Failures that waiting cannot heal: before the first good pass they end the start. */
  readonly isHopeless: (error: unknown) => boolean;
}

/** The first repetition after a failure comes this soon; each further one takes twice as long, up to the interval. */
const firstRetryMilliseconds = 1000;

/**
 * Runs one function again and again, never twice at once: at an interval, soon after a failure, and whenever something
 * may have changed. Asking while a pass runs leads to exactly one more pass.
 *
 * The interval is a floor under every watch: a lost event costs one interval. It also serves suspended machines, whose
 * timers stand still: passes compare wall-clock times instead of setting a timer for a far moment.
 */
export class ReconcileLoop {
  readonly #options: ReconcileLoopOptions;
  readonly #stopping = new AbortController();
  readonly #firstGoodPass = Promise.withResolvers<void>();
  /** The end of the newest pass; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  /** A pass that was asked for and has not begun. */
  #queued: Promise<void> | undefined;
  #cancelTimer: () => void = () => undefined;
  #failures = 0;

  constructor(options: ReconcileLoopOptions) {
    this.#options = options;
    // Nobody may be waiting for it when it fails.
    this.#firstGoodPass.promise.catch(() => undefined);
  }

  /**
   * Begins, and returns after the first good pass. Rejects, with the loop stopped, on a hopeless failure before that and
   * with the reason of `signal` when it is aborted first.
   */
  async start(signal?: AbortSignal): Promise<void> {
    try {
      signal?.throwIfAborted();
      this.trigger();
      await settledOrAborted(this.#firstGoodPass.promise, signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Waits for a pass that begins after this call. Rejects with what it throws (`onFailure` is told as well) or with the
   * reason of `signal`, which ends the waiting only.
   */
  async pass(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await settledOrAborted(this.#enqueue(), signal);
  }

  /** Asks for a pass without waiting for it. */
  trigger(): void {
    if (!this.#stopping.signal.aborted) this.#enqueue().catch(() => undefined);
  }

  /** Ends the loop: the pass under way is aborted and awaited. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelTimer();
    this.#firstGoodPass.reject(this.#stopping.signal.reason as Error);
    await this.#tail;
  }

  #enqueue(): Promise<void> {
    if (this.#queued === undefined) {
      this.#queued = this.#tail.then(() => this.#pass());
      this.#tail = this.#queued.catch(() => undefined);
    }
    return this.#queued;
  }

  async #pass(): Promise<void> {
    this.#queued = undefined;
    this.#cancelTimer();
    const { signal } = this.#stopping;
    signal.throwIfAborted();
    try {
      await this.#options.reconcile(signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
      throw error;
    }
    this.#failures = 0;
    this.#schedule(this.#options.intervalMilliseconds);
    this.#firstGoodPass.resolve();
  }

  #fail(error: unknown): void {
    const { intervalMilliseconds, onFailure, isHopeless } = this.#options;
    this.#schedule(Math.min(firstRetryMilliseconds * 2 ** this.#failures, intervalMilliseconds));
    this.#failures += 1;
    onFailure(error);
    if (isHopeless(error)) this.#firstGoodPass.reject(error);
  }

  #schedule(delayMilliseconds: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#cancelTimer = this.#options.clock.after(delayMilliseconds, () => this.trigger());
  }
}

async function settledOrAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
