/** Time, handed in so that tests can hold it. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch, as `Date.now()`. */
  now(): number;
  /** Milliseconds that only ever grow, as `performance.now()`. */
  monotonic(): number;
  /** Runs `callback` once after `delayMilliseconds`; the timer does not keep the process alive. Returns how to cancel it. */
  after(delayMilliseconds: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMilliseconds, callback) {
    const timer = setTimeout(callback, delayMilliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
