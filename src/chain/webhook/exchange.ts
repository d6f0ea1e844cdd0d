import type { AdmissionReviewBody } from '../../api/admission-review.ts';
import { quote } from '../../api/go-quote.ts';
import type { Clock } from '../../telemetry/index.ts';
import { verifyAnswer, type Answer, type Question } from './answer.ts';
import {
  WebhookCallError,
  WebhookClientConfigError,
  type WebhookClient,
  type WebhookRequest,
  type WebhookResponse,
} from './client.ts';
import type { RegisteredWebhook } from './configurations.ts';
import { readResponse, retryAfterSeconds } from './http-response.ts';
import { decodeReview, type ReceivedReview } from './review-decoder.ts';
import type { ReviewWriter } from './review-writer.ts';
import { goSeconds } from './url.ts';

/** What an exchange needs besides the review. */
export interface ExchangeContext {
  readonly client: WebhookClient;
  readonly writer: ReviewWriter;
  readonly clock: Clock;
  /** When the whole request must be done, on `clock.monotonic()`. */
  readonly deadline: number;
  /** Aborted when the client has gone, or with `deadline`. */
  readonly signal: AbortSignal;
}

/** An answer, or why there is no usable one: the text after `failed calling webhook "<name>": `. */
export type ExchangeResult =
  | { readonly kind: 'answered'; readonly answer: Answer; readonly response: ReceivedReview }
  | {
      readonly kind: 'failed';
      readonly reason: string;
      /** The client of the whole request has gone. */
      readonly isCanceled: boolean;
      readonly response?: ReceivedReview;
    };

/**
 * Sends one review to one webhook and checks what comes back.
 *
 * The webhook has its `timeoutSeconds`, but no longer than the request as a whole. An answer of 429 or 5xx with
 * `Retry-After` makes the same bytes be sent again, up to ten times.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/mutating/dispatcher.go, callAttrMutatingHook; its twin in
 * validating/; client-go v0.37.2 rest/request.go and rest/with_retry.go.
 */
export async function exchange(
  { configuration, webhook, url: place }: Pick<RegisteredWebhook, 'configuration' | 'webhook' | 'url'>,
  review: AdmissionReviewBody,
  question: Question,
  context: ExchangeContext,
): Promise<ExchangeResult> {
  if (place === undefined) {
    return failed(
      `could not get REST client: failed calling webhook ${quote(webhook.name)}: webhook configuration must have either service or URL`,
    );
  }
  const time = new WebhookTime(webhook.timeoutSeconds, context);
  const url = `${place}?timeout=${goSeconds(time.seconds)}`;
  const request: WebhookRequest = {
    configuration,
    webhook: webhook.name,
    clientConfig: webhook.clientConfig,
    url,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, */*',
      'user-agent': 'kube-apiserver-admission',
    },
    // Go's encoder ends a document with a line feed.
    body: Buffer.from(`${context.writer.write(review)}\n`),
    timeoutSeconds: time.seconds,
  };
  try {
    const response = await callWithRetries(request, context, time);
    const read = readResponse(response);
    if ('problem' in read) return failed(`failed to call webhook: ${read.problem}`);
    const review = decodeReview(read.body, question.version);
    if ('problem' in review) return failed(`failed to call webhook: ${review.problem}`);
    const answer = verifyAnswer(review.value, question);
    if ('problem' in answer)
      return { ...failed(`received invalid webhook response: ${answer.problem}`), response: review.value };
    return { kind: 'answered', answer, response: review.value };
  } catch (error) {
    if (error instanceof OutOfTime) {
      const { isCanceled } = error;
      const end = isCanceled ? 'context canceled' : 'context deadline exceeded';
      return { kind: 'failed', reason: `failed to call webhook: Post ${quote(url)}: ${end}`, isCanceled };
    }
    if (error instanceof WebhookCallError) return failed(`failed to call webhook: ${error.message}`);
    if (error instanceof WebhookClientConfigError) return failed(`could not get REST client: ${error.message}`);
    throw error;
  } finally {
    time.stop();
  }
}

function failed(reason: string): ExchangeResult & { readonly kind: 'failed' } {
  return { kind: 'failed', reason, isCanceled: false };
}

/** Source: client-go v0.37.2 rest/request.go, maxRetries of NewRequest. */
const maxRetries = 10;

async function callWithRetries(
  request: WebhookRequest,
  { client }: ExchangeContext,
  time: WebhookTime,
): Promise<WebhookResponse> {
  for (let retries = 0; ; retries += 1) {
    const response = await time.limit(client.call(request, time.signal));
    const seconds = retryAfterSeconds(response);
    if (seconds === undefined || retries === maxRetries) return response;
    await time.wait(seconds);
  }
}

/** The time of one webhook is over, or the client of the whole request has gone. Never leaves this file. */
class OutOfTime extends Error {
  readonly isCanceled: boolean;

  constructor(isCanceled: boolean) {
    super();
    this.isCanceled = isCanceled;
  }
}

/** How long one webhook may take, all its retries together. */
class WebhookTime {
  /** What is left when the call begins, rounded up. */
  readonly seconds: number;
  /** Aborted when nobody waits for this webhook any more. */
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #over = Promise.withResolvers<never>();
  readonly #stop: () => void;

  constructor(timeoutSeconds: number | undefined, { clock, deadline, signal }: ExchangeContext) {
    const left = deadline - clock.monotonic();
    const milliseconds = timeoutSeconds === undefined ? left : Math.min(timeoutSeconds * 1000, left);
    const abort = new AbortController();
    const end = (isCanceled: boolean): void => {
      abort.abort();
      this.#over.reject(new OutOfTime(isCanceled));
    };
    // Nobody may be waiting when it is rejected.
    this.#over.promise.catch(() => undefined);
    const onAbort = (): void => end(clock.monotonic() < deadline);
    const stopTimer = clock.after(Math.max(0, milliseconds), () => end(false));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.seconds = Math.max(1, Math.ceil(milliseconds / 1000));
    this.signal = abort.signal;
    this.#clock = clock;
    this.#stop = () => {
      stopTimer();
      signal.removeEventListener('abort', onAbort);
    };
  }

  /** `work`, unless the time is over first. */
  limit<Result>(work: Promise<Result>): Promise<Result> {
    return Promise.race([this.#over.promise, work]);
  }

  wait(seconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stopWaiting = this.#clock.after(seconds * 1000, resolve);
    return this.limit(promise).finally(stopWaiting);
  }

  stop(): void {
    this.#stop();
  }
}
