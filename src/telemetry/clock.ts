/** Time, handed in so that tests can hold it. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch, as `Date.now()`. */
  now(): number;
  /** Milliseconds that only ever grow, as `performance.now()`. */
  monotonic(): number;
  /** Runs `callback` once after `delayMilliseconds`; the timer does not keep the process alive. Returns how to cancel it. */
  after(delayMilliseconds: number, callback: () => void): () => void;
}

/** Node ends a longer timer at once. Source: nodejs.org/api/timers.html, setTimeout. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMilliseconds, callback) {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      timer = setTimeout(
        () => (left > longestTimer ? wait(left - longestTimer) : callback()),
        Math.min(left, longestTimer),
      );
      timer.unref();
    };
    wait(delayMilliseconds);
    return () => clearTimeout(timer);
  },
};
