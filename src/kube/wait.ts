import type { Clock } from '../telemetry/clock.ts';
import { abortReason } from './abort-reason.ts';

/** Longest delay that a Node timer takes. */
const longestTimerMilliseconds = 2 ** 31 - 1;

/**
 * Waits `delayMilliseconds` of `clock`. Rejects with the signal's reason when that aborts before.
 *
 * Timers of a {@link Clock} do not keep the process alive; this does: whoever awaits it has something left to do.
 */
export async function wait(clock: Clock, delayMilliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = clock.after(delayMilliseconds, resolve);
  const abort = () => reject(abortReason(signal));
  signal?.addEventListener('abort', abort, { once: true });
  const keepAlive = setInterval(() => undefined, longestTimerMilliseconds);
  try {
    await promise;
  } finally {
    clearInterval(keepAlive);
    signal?.removeEventListener('abort', abort);
    cancel();
  }
}
