import {
  answerReview,
  requestOf,
  type AnswerOptions,
  type AnswerReview,
  type ReviewAnswer,
  type WebhookDefinition,
  type WebhookRegistry,
} from '../admission/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import { faultAnswer, WebhookThread, type ThreadData } from './webhook-thread.ts';

export interface IsolatedWebhooksOptions {
  readonly registry: WebhookRegistry;
  /** Where the threads load the webhooks from. */
  readonly sources: Pick<ThreadData, 'paths' | 'selection'>;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Requests that one thread may have at one time: who does not come back must not take every place of the server. */
const maxInThread = 64;

/** How long after a request's deadline its thread may take to say so. One that still answers is not ended. */
const graceMilliseconds = 100;

/** From one failed try to start a thread to the next. */
const retryMilliseconds = 1000;

/**
 * The webhooks with `isolation: "thread"`, each in its own thread, and one thread in reserve for the next that must be replaced:
 * a new one takes some forty milliseconds to start, and the reserve nothing.
 *
 * A thread is replaced when it dies, and when it does not react to the end of a request's time: then it never will. What
 * else it had in hand is answered as a fault with it.
 */
export class IsolatedWebhooks {
  readonly #options: IsolatedWebhooksOptions;
  readonly #places = new Map<string, Place>();
  #reserve: Promise<WebhookThread> | undefined;
  #isStopped = false;

  constructor(options: IsolatedWebhooksOptions) {
    this.#options = options;
    for (const { name, isolation } of options.registry) {
      if (isolation === 'thread') this.#places.set(name, { webhook: name, thread: undefined, requests: 0 });
    }
  }

  /** Throws {@link WebhookThreadError} when the webhooks do not load in a thread, which they did outside of one. */
  async start(): Promise<void> {
    const places = [...this.#places.values()];
    for (const place of places) place.thread = this.#startThread();
    if (places.length > 0) this.#reserve = this.#startThread();
    await Promise.all(places.map(async ({ thread }) => thread));
  }

  /** Ends the threads; what they have in hand is answered as a fault. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const threads = [...[...this.#places.values()].map(({ thread }) => thread), this.#reserve];
    await Promise.allSettled(threads.map(async (thread) => (await thread)?.stop()));
  }

  /** As `answerReview`, in the webhook's own thread when it has one. */
  readonly answer: AnswerReview = (definition, text, options) => {
    const place = this.#places.get(definition.name);
    return place === undefined
      ? answerReview(definition, text, options)
      : this.#answerIn(place, definition, text, options);
  };

  /** What the thread does not answer is recorded as what it does: with who asked what. */
  async #answerIn(
    place: Place,
    definition: WebhookDefinition,
    text: string,
    options: AnswerOptions,
  ): Promise<ReviewAnswer> {
    const answer = await this.#askThread(place, definition, text, options);
    return answer.request === undefined ? { ...answer, request: requestOf(text) } : answer;
  }

  async #askThread(
    place: Place,
    definition: WebhookDefinition,
    text: string,
    { signal }: AnswerOptions,
  ): Promise<ReviewAnswer> {
    if (place.requests >= maxInThread) {
      return faultAnswer(
        503,
        'ServiceUnavailable',
        `webhook ${place.webhook}: ${maxInThread} requests wait for its thread`,
      );
    }
    place.requests += 1;
    const starting = (place.thread ??= this.#startThread());
    try {
      const thread = await starting;
      const endWatch = this.#watch(place, starting, thread, signal);
      try {
        return await thread.answer(definition, text, signal);
      } finally {
        endWatch();
      }
    } catch {
      // It was logged where it was started.
      return faultAnswer(500, 'InternalError', `webhook ${place.webhook}: its thread could not be started`);
    } finally {
      place.requests -= 1;
    }
  }

  /** Replaces the thread when a request has been over for a while and it has not said so. */
  #watch(place: Place, starting: Promise<WebhookThread>, thread: WebhookThread, signal: AbortSignal): () => void {
    let cancel = (): void => undefined;
    const onAbort = (): void => {
      cancel = this.#options.clock.after(graceMilliseconds, () => {
        if (place.thread !== starting || this.#isStopped) return;
        this.#options.log.error('the thread of a webhook did not come back in time and is ended', {
          webhook: place.webhook,
          requests: place.requests,
        });
        this.#replace(place);
        void thread.stop();
      });
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    return () => {
      signal.removeEventListener('abort', onAbort);
      cancel();
    };
  }

  #replace(place: Place): void {
    place.thread = this.#reserve ?? this.#startThread();
    this.#reserve = this.#startThread();
  }

  #startThread(): Promise<WebhookThread> {
    const { sources, log, clock } = this.#options;
    const onEnd = (code: number): void => {
      if (this.#isStopped) return;
      const place = [...this.#places.values()].find(({ thread }) => thread === starting);
      log.error('the thread of a webhook ended by itself', { webhook: place?.webhook, code });
      if (place !== undefined) this.#replace(place);
      else if (this.#reserve === starting) this.#reserve = this.#startThread();
    };
    const starting = WebhookThread.start({ ...sources, quotes: 'nothing', isIsolated: true }, log, onEnd);
    starting.catch((error: unknown) => {
      log.error('a thread for webhooks could not be started', { error: error instanceof Error ? error : undefined });
      // The next request, or the next replacement, tries again.
      clock.after(retryMilliseconds, () => {
        for (const place of this.#places.values()) if (place.thread === starting) place.thread = undefined;
        if (this.#reserve === starting) this.#reserve = undefined;
      });
    });
    return starting;
  }
}

interface Place {
  readonly webhook: string;
  /** Undefined when it could not be started a while ago. */
  thread: Promise<WebhookThread> | undefined;
  requests: number;
}
