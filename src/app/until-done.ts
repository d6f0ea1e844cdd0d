import { wait } from '../kube/index.ts';
import type { Clock } from '../telemetry/index.ts';

export interface UntilDoneOptions {
  readonly clock: Clock;
  /** Ends the tries; it is no failure of the one under way. */
  readonly signal: AbortSignal;
  /** Told of each try that failed. */
  readonly onFailure: (error: unknown) => void;
}

/** Between two tries, while a store or an API server cannot be reached. */
const retryMilliseconds = 1_000;

/** Tries until it is done, or `signal` aborts: what has to be carried out must not be lost because somebody was away. */
export async function untilDone(
  attempt: () => Promise<void>,
  { clock, signal, onFailure }: UntilDoneOptions,
): Promise<void> {
  while (!signal.aborted) {
    try {
      return await attempt();
    } catch (error) {
      onFailure(error);
      await wait(clock, retryMilliseconds, signal).catch(() => undefined);
    }
  }
}
