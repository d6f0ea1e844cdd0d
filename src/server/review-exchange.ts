import { isUtf8 } from 'node:buffer';
import {
  failureStatus,
  requestOf,
  type AdmissionRequest,
  type AnswerOptions,
  type AnswerReview,
  type DecisionFacts,
  type ListerSource,
  type WebhookDefinition,
} from '../admission/index.ts';
import type { StatusReason } from '../api/status.ts';
import type { Clock, Logger, Span, Tracer } from '../telemetry/index.ts';
import type { BlockWatch } from './block-watch.ts';
import type { BodyBudget } from './body-budget.ts';
import type { ClientProblem } from './client-certificate.ts';
import type { DecisionLog } from './decision-log.ts';
import {
  answer,
  declaredLength,
  jsonType,
  refuse,
  type HttpRequest,
  type HttpResponse,
  type Refusal,
} from './http-message.ts';
import type { LoadGate, Work } from './load-gate.ts';
import type { RequestOutcome, ServerObserver } from './observer.ts';
import { resourceName, type LoggedRequest, type RequestLog } from './request-log.ts';
import { callerTimeout, timeToAnswer } from './timeout-parameter.ts';
import { isControlPlaneRequest } from './urgency.ts';

/** What all exchanges of one server share. */
export interface ReviewSite {
  readonly clock: Clock;
  readonly gate: LoadGate;
  readonly bodies: BodyBudget;
  readonly blocks: BlockWatch;
  readonly maxBodyBytes: number;
  readonly logger: Logger;
  readonly log: RequestLog;
  readonly decisions: DecisionLog | undefined;
  readonly tracer: Tracer | undefined;
  readonly observer: ServerObserver;
  readonly listers: ListerSource | undefined;
  readonly answer: AnswerReview;
  /** How long a request that arrives now has already waited for the event loop, in milliseconds. */
  waited(): number;
  /** Whether clients should go elsewhere with their next request. */
  isDraining(): boolean;
}

/**
 * One review over HTTP: checks the header, takes in the body, waits its turn, has it answered, sends the answer.
 *
 * | what comes | answer |
 * |---|---|
 * | another method | 405 |
 * | another content type, or a content encoding | 415 |
 * | a `timeout` parameter that is no Go duration | 400 |
 * | a body over the cap | 413 |
 * | a body that is not all there in time | 408 |
 * | a body that ends before it is all there | none, and nothing is parsed |
 * | bytes that are not UTF-8 | 400 |
 * | more than can be answered in time | 503, without `Retry-After`, which would make the API server's client wait and try again |
 * | a review | what `answerReview` says |
 */
export class ReviewExchange implements Work, AnswerOptions {
  readonly #site: ReviewSite;
  readonly #webhook: WebhookDefinition;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  #abort: AbortController | undefined;
  #abortReason: DOMException | undefined;
  readonly #start: number;
  #deadline = 0;
  #cancelDeadline: (() => void) | undefined;
  #onOver: (() => void) | undefined;
  #span: Span | undefined;
  #state: 'receiving' | 'waiting' | 'working' | 'over' = 'receiving';
  #chunks: Buffer[] = [];
  #receivedBytes = 0;
  /** Kept until it is over, for the records of one that gets no answer of its webhook. */
  #text = '';

  constructor(site: ReviewSite, webhook: WebhookDefinition, request: HttpRequest, response: HttpResponse) {
    this.#site = site;
    this.#webhook = webhook;
    this.#request = request;
    this.#response = response;
    this.#start = site.clock.monotonic();
  }

  get deadline(): number {
    return this.#deadline;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  isUrgent(): boolean {
    return isControlPlaneRequest(this.#text);
  }

  /**
   * `query` is what follows the "?" of the request target; who has a `clientProblem` is told of it; `waited` is how long the
   * caller waited for its connection, in milliseconds.
   */
  begin(query: string, clientProblem: ClientProblem | undefined, waited: number): void {
    this.#span = this.#site.tracer?.startRequest(`admission ${this.#webhook.name}`, this.#request.headers, {
      'sallyport.webhook': this.#webhook.name,
      'http.request.method': this.#request.method,
      'url.path': this.#webhook.path,
    });
    if (clientProblem !== undefined) return this.#refuse(clientProblem);
    const refusal = this.#judgeHeader(query, waited);
    if (refusal !== undefined) return this.#refuse(refusal);
    if (this.#deadline <= this.#start) return this.#shedUnread('its time was over when it came');
    this.#response.on('close', () => this.#closed());
    this.#request.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#request.on('end', () => this.#received());
    this.#cancelDeadline = this.#site.clock.after(Math.max(0, Math.ceil(this.#deadline - this.#start)), () =>
      this.#deadlinePassed(),
    );
  }

  /** The gate gives it its turn. */
  run(onOver: () => void): void {
    this.#state = 'working';
    this.#onOver = onOver;
    void this.#work();
  }

  /** The gate turns it away. */
  shed(reason: string): void {
    const status = failureStatus(503, 'ServiceUnavailable', this.#notCalled(reason));
    this.#answer(503, JSON.stringify(status), 'shed', undefined, reason);
  }

  async #work(): Promise<void> {
    const text = this.#text;
    const { blocks, logger } = this.#site;
    const { name } = this.#webhook;
    blocks.requestBegins(name);
    try {
      const answering = (): ReturnType<AnswerReview> => this.#site.answer(this.#webhook, text, this);
      const { httpStatus, body, outcome, request, decision } = await (this.#span?.run(answering) ?? answering());
      if (!this.isOver) this.#answer(httpStatus, body, outcome, request, undefined, decision);
    } catch (error) {
      logger.error('request could not be answered', { webhook: name, error: asError(error) });
      if (!this.isOver) this.#answerFault(500, 'InternalError', `webhook ${name}: internal error`, requestOf(text));
    } finally {
      blocks.requestEnds(name);
    }
  }

  get log(): Logger {
    return this.#site.logger;
  }

  get listers(): ListerSource | undefined {
    return this.#site.listers;
  }

  /** Made when somebody asks for it, which few handlers do. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  #abortWork(reason: DOMException): void {
    this.#abortReason = reason;
    this.#abort?.abort(reason);
  }

  #judgeHeader(query: string, waited: number): Omit<Refusal, 'close'> | undefined {
    const { method, headers } = this.#request;
    if (method !== 'POST') {
      const message = `${method} is not allowed here; a review is sent by POST`;
      return { code: 405, reason: 'MethodNotAllowed', message, headers: ['Allow', 'POST'] };
    }
    const { 'content-type': contentType, 'content-encoding': contentEncoding } = headers;
    if (contentType !== jsonType && !isJsonType(contentType)) {
      const message = `content type ${contentType === undefined ? 'is missing' : 'is another'}; expected ${jsonType}`;
      return { code: 415, reason: 'UnsupportedMediaType', message };
    }
    if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
      const message = 'the body is encoded; expected it as it is, without Content-Encoding';
      return { code: 415, reason: 'UnsupportedMediaType', message };
    }
    const declared = declaredLength(this.#request);
    if (Number.isFinite(declared) && declared > this.#site.maxBodyBytes) return this.#tooLarge();
    const stated = callerTimeout(query);
    if (stated === 'invalid') {
      return { code: 400, reason: 'BadRequest', message: 'timeout: is not a duration such as "10s" or "1m0s"' };
    }
    const timeout = stated === 'absent' ? this.#webhook.timeoutSeconds * 1000 : stated;
    this.#deadline = this.#start + timeToAnswer(timeout) - waited - this.#site.waited();
    return undefined;
  }

  #receive(chunk: Buffer): void {
    if (this.#state !== 'receiving') return;
    const bytes = this.#receivedBytes + chunk.length;
    if (bytes > this.#site.maxBodyBytes) return this.#refuse(this.#tooLarge());
    // What was announced counts for nothing: whoever announces much and sends nothing must not take the room of others.
    if (!this.#site.bodies.take(chunk.length)) {
      return this.#shedUnread('too many bytes of other requests are in memory');
    }
    this.#receivedBytes = bytes;
    this.#chunks.push(chunk);
  }

  #received(): void {
    if (this.#state !== 'receiving') return;
    const declared = declaredLength(this.#request);
    // On HTTP/2, when a client goes away in the middle of a body, `end` comes and `complete` is true as if it were whole.
    // Node says `close` before, so far; nothing promises that order.
    if (
      !this.#request.complete ||
      this.#request.aborted ||
      (Number.isFinite(declared) && declared !== this.#receivedBytes)
    ) {
      return this.#giveUp('the body was cut short');
    }
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#chunks = [];
    // Decoding would put U+FFFD in place of what is no UTF-8, and with that change the object.
    if (!isUtf8(body)) {
      return this.#answerFault(400, 'BadRequest', 'body: is not UTF-8; expected an AdmissionReview as JSON');
    }
    this.#text = body.toString();
    this.#state = 'waiting';
    this.#site.gate.submit(this);
  }

  #tooLarge(): Omit<Refusal, 'close'> {
    const message = `the body is larger than ${this.#site.maxBodyBytes} bytes`;
    return { code: 413, reason: 'RequestEntityTooLarge', message };
  }

  /** Turns it away before its body is there. */
  #shedUnread(reason: string): void {
    this.#finish('shed', undefined, 503, reason);
    this.#send({ code: 503, reason: 'ServiceUnavailable', message: this.#notCalled(reason) });
  }

  #notCalled(reason: string): string {
    return `webhook ${this.#webhook.name} was not called: ${reason}`;
  }

  #deadlinePassed(): void {
    if (this.#state === 'receiving') {
      this.#finish('abandoned', undefined, 408, 'the body did not arrive in time');
      this.#send({ code: 408, reason: 'Timeout', message: 'the body did not arrive in time' }, true);
    } else if (this.#state === 'waiting') {
      this.shed('it could not be answered before its timeout');
    } else if (this.#state === 'working') {
      this.#abortWork(new DOMException('the deadline of the request has passed', 'TimeoutError'));
      // Who heeds the signal answers before this.
      setImmediate(() => {
        if (this.isOver) return;
        const message = `webhook ${this.#webhook.name}: there was no answer before the deadline`;
        this.#answerFault(504, 'Timeout', message, requestOf(this.#text));
      });
    }
  }

  #closed(): void {
    if (this.#state !== 'over') this.#giveUp('the caller went away');
  }

  /** There is nobody to answer. */
  #giveUp(reason: string): void {
    const wasWorking = this.#state === 'working';
    this.#finish('abandoned', wasWorking ? requestOf(this.#text) : undefined, undefined, reason);
    if (wasWorking) this.#abortWork(new DOMException('the caller went away', 'AbortError'));
    this.#response.destroy();
  }

  #answer(
    httpStatus: number,
    body: string,
    outcome: RequestOutcome,
    request: AdmissionRequest | undefined,
    reason?: string,
    decision?: DecisionFacts,
  ): void {
    answer(this.#request, this.#response, httpStatus, jsonType, body, { close: this.#site.isDraining() });
    this.#finish(outcome, request, httpStatus, reason, decision);
  }

  #answerFault(code: number, reason: StatusReason, message: string, request?: AdmissionRequest): void {
    this.#answer(code, JSON.stringify(failureStatus(code, reason, message)), 'fault', request, message);
  }

  /** Before the body is there. */
  #refuse(refusal: Omit<Refusal, 'close'>): void {
    this.#release();
    const { clock, observer, log, decisions } = this.#site;
    const { code, message } = refusal;
    this.#span?.end({ 'http.response.status_code': code }, message);
    observer.requestRefused(code);
    const end = clock.monotonic();
    const logged: LoggedRequest = {
      webhook: this.#webhook,
      request: undefined,
      outcome: 'refused',
      httpStatus: code,
      end,
      durationMilliseconds: end - this.#start,
      reason: message,
      decision: undefined,
    };
    log.write(logged);
    // Those must not fill the files of the decision log who may not call at all.
    if (code !== 401 && code !== 403) decisions?.write(logged);
    this.#send(refusal);
  }

  #send(refusal: Omit<Refusal, 'close'>, close = this.#site.isDraining()): void {
    refuse(this.#request, this.#response, this.#site.clock, { ...refusal, close });
  }

  #finish(
    outcome: RequestOutcome,
    request: AdmissionRequest | undefined,
    httpStatus: number | undefined,
    reason?: string,
    decision?: DecisionFacts,
  ): void {
    this.#release();
    const { clock, observer, log, decisions } = this.#site;
    const webhook = this.#webhook;
    const end = clock.monotonic();
    const durationMilliseconds = end - this.#start;
    observer.requestFinished({
      webhook: webhook.name,
      operation: request?.operation,
      resource: request === undefined ? undefined : resourceName(request),
      dryRun: request?.dryRun ?? false,
      outcome,
      durationMilliseconds,
    });
    const logged = { webhook, request, outcome, httpStatus, end, durationMilliseconds, reason, decision };
    log.write(logged);
    decisions?.write(logged);
    this.#span?.end(
      {
        'sallyport.uid': request?.uid,
        'sallyport.operation': request?.operation,
        'sallyport.resource': request === undefined ? undefined : resourceName(request),
        'sallyport.dry_run': request?.dryRun,
        'sallyport.outcome': outcome,
        'http.response.status_code': httpStatus,
      },
      outcome === 'fault' || outcome === 'shed' || outcome === 'abandoned' ? (reason ?? outcome) : undefined,
    );
  }

  #release(): void {
    this.#state = 'over';
    this.#cancelDeadline?.();
    this.#site.bodies.giveBack(this.#receivedBytes);
    this.#receivedBytes = 0;
    this.#chunks = [];
    this.#text = '';
    this.#onOver?.();
    this.#onOver = undefined;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('something that is no error was thrown');
}

/** `application/json; charset=utf-8` and the like. */
function isJsonType(contentType: string | undefined): boolean {
  return contentType !== undefined && /^\s*application\/json\s*(?:;|$)/i.test(contentType);
}
