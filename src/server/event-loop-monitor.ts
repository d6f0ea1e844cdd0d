import type { Clock } from '../telemetry/index.ts';
import type { EventLoopDelay } from './observer.ts';

export interface EventLoopMonitorOptions {
  readonly clock: Clock;
  /** Called at the end of each window. */
  readonly onWindow: (delay: EventLoopDelay) => void;
}

/** Short enough to see what hurts a webhook; 50 wake-ups a second cost nothing that can be measured. */
const sampleMilliseconds = 20;
/** Long enough for a mean, short enough that readiness returns soon after a burst. */
const windowMilliseconds = 1000;

/**
 * Measures how late the event loop is, in windows of a second.
 *
 * A timer of our own, not `perf_hooks.monitorEventLoopDelay`: that one forgets the sample in progress when it is reset,
 * and a loop blocked just then looks idle. A block of d milliseconds makes what arrives meanwhile wait d/2 on average, so
 * the expected wait of a random arrival is the sum of d²/2 over the time of the window. A mean over samples would
 * hide a long block behind the many short ones around it.
 */
export class EventLoopMonitor {
  readonly #options: EventLoopMonitorOptions;
  #lastSample = 0;
  #windowStart = 0;
  #weightedSum = 0;
  #max = 0;
  #delay: EventLoopDelay = { expectedMilliseconds: 0, maxMilliseconds: 0 };
  #cancel: (() => void) | undefined;

  constructor(options: EventLoopMonitorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#windowStart = this.#lastSample = this.#options.clock.monotonic();
    this.#schedule();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Of the last full window. */
  get delay(): EventLoopDelay {
    return this.#delay;
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.after(sampleMilliseconds, () => this.#sample());
  }

  #sample(): void {
    const now = this.#options.clock.monotonic();
    // Timers fire up to a millisecond late by design.
    const late = Math.max(0, now - this.#lastSample - sampleMilliseconds - 1);
    this.#lastSample = now;
    this.#weightedSum += (late * late) / 2;
    this.#max = Math.max(this.#max, late);
    const length = now - this.#windowStart;
    if (length >= windowMilliseconds) {
      this.#delay = { expectedMilliseconds: this.#weightedSum / length, maxMilliseconds: this.#max };
      this.#windowStart = now;
      this.#weightedSum = this.#max = 0;
      this.#options.onWindow(this.#delay);
    }
    this.#schedule();
  }
}
