import type { Clock, Logger } from '../telemetry/index.ts';
import type { EventLoopDelay, ServerObserver } from './observer.ts';

export interface BlockWatchOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: ServerObserver;
  readonly blockingMilliseconds: number;
}

/** One line a second for each webhook: a handler that always blocks need not be named a hundred times. */
const lineIntervalMilliseconds = 1000;

/**
 * Finds out which handler kept the event loop to itself, and with it every other request.
 *
 * A handler that computes before its first `await` is timed and named. What comes after an `await` runs from nobody's call and
 * cannot be timed; when the loop was blocked and no handler was named, all webhooks that were at work are.
 */
export class BlockWatch {
  readonly #options: BlockWatchOptions;
  readonly #activities = new Map<string, Activity>();
  #wasNamed = false;

  constructor(options: BlockWatchOptions) {
    this.#options = options;
  }

  requestBegins(webhook: string): void {
    const activity = this.#activityOf(webhook);
    activity.requestsInWork += 1;
    activity.wasAtWork = true;
  }

  requestEnds(webhook: string): void {
    this.#activityOf(webhook).requestsInWork -= 1;
  }

  /** A handler was called and gave the event loop back after this long. */
  handlerReturned(webhook: string, uid: string, milliseconds: number): void {
    const { blockingMilliseconds, observer, clock, logger } = this.#options;
    if (milliseconds < blockingMilliseconds) return;
    this.#wasNamed = true;
    observer.handlerBlocked(webhook, milliseconds);
    const now = clock.monotonic();
    const activity = this.#activityOf(webhook);
    if (now - activity.lastLine < lineIntervalMilliseconds) return;
    activity.lastLine = now;
    logger.warn('handler blocked the event loop', { webhook, uid, milliseconds: Math.round(milliseconds) });
  }

  /** The monitor has measured a window. */
  windowEnded({ maxMilliseconds }: EventLoopDelay): void {
    if (maxMilliseconds >= this.#options.blockingMilliseconds && !this.#wasNamed) {
      const webhooksAtWork = [...this.#activities].flatMap(([webhook, { wasAtWork }]) => (wasAtWork ? [webhook] : []));
      const milliseconds = Math.round(maxMilliseconds);
      this.#options.logger.warn('the event loop was blocked', { milliseconds, webhooksAtWork: webhooksAtWork.sort() });
    }
    this.#wasNamed = false;
    for (const activity of this.#activities.values()) activity.wasAtWork = activity.requestsInWork > 0;
  }

  /** One for each webhook there ever was: they come from the registry, not from callers. */
  #activityOf(webhook: string): Activity {
    let activity = this.#activities.get(webhook);
    if (activity === undefined) {
      activity = { requestsInWork: 0, wasAtWork: false, lastLine: -Infinity };
      this.#activities.set(webhook, activity);
    }
    return activity;
  }
}

interface Activity {
  requestsInWork: number;
  /** At any moment of the present window. */
  wasAtWork: boolean;
  /** When it was last named in the log, on the monotonic clock. */
  lastLine: number;
}
