import type { Clock } from '../src/telemetry/index.ts';

interface Timer {
  readonly dueAt: number;
  readonly delayMilliseconds: number;
  readonly callback: () => void;
}

/** A clock that stands still until the test moves it. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();
  #noticeTimer = Promise.withResolvers<void>();

  /** How long those who wait for this clock wait, in milliseconds. */
  get delays(): number[] {
    return [...this.#timers].map(({ delayMilliseconds }) => delayMilliseconds);
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMilliseconds: number, callback: () => void): () => void {
    const timer = { dueAt: this.#now + delayMilliseconds, delayMilliseconds, callback };
    this.#timers.add(timer);
    this.#noticeTimer.resolve();
    this.#noticeTimer = Promise.withResolvers();
    return () => this.#timers.delete(timer);
  }

  /** Moves on by `milliseconds`, running what falls due, in order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (let timer = this.#next(); timer !== undefined && timer.dueAt <= end; timer = this.#next()) this.#fire(timer);
    this.#now = end;
  }

  /** Waits until somebody waits for this clock, moves on to the first who does, and says how long that one waits. */
  async advanceToNextTimer(): Promise<number> {
    while (this.#timers.size === 0) await this.#noticeTimer.promise;
    const timer = this.#next();
    if (timer === undefined) throw new Error('a timer was there a moment ago');
    this.#fire(timer);
    return timer.delayMilliseconds;
  }

  #next(): Timer | undefined {
    return [...this.#timers].sort((left, right) => left.dueAt - right.dueAt)[0];
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.dueAt);
    timer.callback();
  }
}
