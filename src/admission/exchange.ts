import type { AdmissionResponseBody } from '../api/admission-review.ts';
import type { Status } from '../api/status.ts';
import { writeJson } from '../json/index.ts';
import type { LogFacts, Logger } from '../telemetry/logger.ts';
import type { WebhookDefinition } from './definition.ts';
import { HandlerFaultError, HandlerTimeoutError, ReviewDecodeError } from './errors.ts';
import type { AdmissionRequest, HandlerContext } from './request.ts';
import { listersFor, type ListerOf, type ListerSource } from './lister.ts';
import { decodeReview, encodeReview, type DecodedReview } from './review.ts';
import { admit, type AdmissionOutcome } from './webhook.ts';
import { mayQuoteSecrets, withoutContent } from './withheld.ts';

/** What the caller of a webhook gets back: a review with 200, or a fault as a Status with another code. */
export interface ReviewAnswer {
  readonly httpStatus: number;
  /** JSON text. */
  readonly body: string;
  /** For metrics and logs; `request` is undefined when the body was no review. */
  readonly outcome: 'allowed' | 'patched' | 'denied' | 'fault';
  readonly request: AdmissionRequest | undefined;
  /** For who keeps a record. Undefined when the handlers run where their words do not come back from. */
  readonly decision?: DecisionFacts | undefined;
}

/** What was decided, in the words of the webhook's author; nothing of the object. */
export interface DecisionFacts {
  /** Why not: of a denial and of a fault. */
  readonly status: Status | undefined;
  readonly patchOperations: number;
  readonly warnings: number;
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** {@link answerReview}, or somebody who does the same elsewhere. */
export type AnswerReview = (
  definition: WebhookDefinition,
  text: string,
  options: AnswerOptions,
) => Promise<ReviewAnswer>;

export interface AnswerOptions {
  /** Read when a handler asks for it or does not answer at once. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Where `context.lister` reads. Default: nowhere. */
  readonly listers?: ListerSource | undefined;
  /**
   * What `log` may quote by way of the words of what a handler threw: on one's own machine objects, in a test Secrets too.
   * Default: nothing.
   */
  readonly quotes?: 'nothing' | 'objects' | 'secrets';
}

/**
 * A review in, an answer out: decode, admit, encode. Every way into a webhook goes through here: the network, the test
 * kit and offline review.
 *
 * Decisions answer 200. Faults answer as below with a `metav1.Status`, so that `failurePolicy` decides; no answer carries
 * a stack or object content, and nothing is thrown.
 *
 * | fault | code |
 * |---|---|
 * | the text is not an AdmissionReview | 400, naming the field |
 * | a handler throws or answers nonsense | 500, naming the webhook |
 * | a handler is too slow | 504, naming the webhook |
 */
export async function answerReview(
  definition: WebhookDefinition,
  text: string,
  options: AnswerOptions,
): Promise<ReviewAnswer> {
  let review: DecodedReview | undefined;
  try {
    review = decodeReview(text);
    const { request } = review;
    const outcome = await admit(definition, request, new Context(definition, request, options), review.literals);
    const name = !outcome.allowed ? 'denied' : outcome.patch.length > 0 ? 'patched' : 'allowed';
    return {
      httpStatus: 200,
      body: encodeReview(review.version, responseOf(review, outcome)),
      outcome: name,
      request,
      decision: {
        status: outcome.status,
        patchOperations: outcome.patch.length,
        warnings: outcome.warnings.length,
        auditAnnotations: outcome.auditAnnotations,
      },
    };
  } catch (error) {
    const status = faultStatus(error, definition);
    const { log, quotes = 'nothing' } = options;
    log.error('request could not be answered', {
      webhook: definition.name,
      uid: review?.request.uid,
      code: status.code,
      error: errorForLog(error, definition, review?.request, quotes),
    });
    return {
      httpStatus: status.code,
      body: JSON.stringify(status),
      outcome: 'fault',
      request: review?.request,
      decision: { status, patchOperations: 0, warnings: 0, auditAnnotations: {} },
    };
  }
}

/** Few handlers use the signal or the log, and both cost more than most of them: they are made when they are asked for. */
class Context implements HandlerContext {
  declare readonly signal: AbortSignal;
  declare readonly log: Logger;
  readonly lister: ListerOf;
  readonly #definition: WebhookDefinition;
  readonly #request: AdmissionRequest;
  readonly #options: AnswerOptions;
  #log: Logger | undefined;

  constructor(definition: WebhookDefinition, request: AdmissionRequest, options: AnswerOptions) {
    this.#definition = definition;
    this.#request = request;
    this.#options = options;
    this.lister = listersFor(definition.name, definition.reads, options.listers);
    Object.defineProperties(this, Context.#madeWhenAsked);
  }

  /**
   * Own properties, so that a copy by spread has them too. The getters are the same for all contexts: with some of its own,
   * each would get a hidden class of its own, which only a full collection frees, together with the request.
   */
  static readonly #madeWhenAsked: PropertyDescriptorMap & ThisType<Context> = {
    signal: {
      enumerable: true,
      get() {
        return this.#options.signal;
      },
    },
    log: {
      enumerable: true,
      get() {
        return (this.#log ??= handlerLog(this.#definition, this.#request, this.#options));
      },
    },
  };
}

/** Errors that a handler caught and logs are treated as those that it throws. */
function handlerLog(
  definition: WebhookDefinition,
  request: AdmissionRequest,
  { log, quotes = 'nothing' }: AnswerOptions,
): Logger {
  const redacting = (to: Logger): Logger => {
    const at =
      (level: 'debug' | 'info' | 'warn' | 'error') =>
      (message: string, facts?: LogFacts): void =>
        to[level](message, facts && redact(facts));
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (facts) => redacting(to.child(redact(facts))),
    };
  };
  const redact = (facts: LogFacts): LogFacts =>
    Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [
        name,
        value instanceof Error ? errorForLog(value, definition, request, quotes) : value,
      ]),
    );
  return redacting(log.child({ webhook: definition.name, uid: request.uid }));
}

/** A fault as the body of an HTTP error. */
export function failureStatus(code: number, reason: string, message: string): Status & { code: number } {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}

function responseOf({ request, literals }: DecodedReview, outcome: AdmissionOutcome): AdmissionResponseBody {
  const { allowed, status, patch, warnings, auditAnnotations } = outcome;
  if (allowed && patch.length === 0 && warnings.length === 0 && !hasMembers(auditAnnotations)) {
    return { uid: request.uid, allowed };
  }
  return {
    uid: request.uid,
    allowed,
    ...(status !== undefined && { status }),
    ...(patch.length > 0 && {
      patch: Buffer.from(writeJson([...patch], literals)).toString('base64'),
      patchType: 'JSONPatch',
    }),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
    ...(hasMembers(auditAnnotations) && { auditAnnotations: { ...auditAnnotations } }),
  };
}

function hasMembers(record: Readonly<Record<string, string>>): boolean {
  for (const _key in record) return true;
  return false;
}

/** Before there was a request, nothing of it can be in the words of an error but what the decoder says, which quotes no object. */
function errorForLog(
  error: unknown,
  definition: WebhookDefinition,
  request: AdmissionRequest | undefined,
  quotes: 'nothing' | 'objects' | 'secrets',
): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  if (request === undefined || quotes === 'secrets') return error;
  if (quotes === 'objects' && !mayQuoteSecrets(definition, request)) return error;
  return withoutContent(error, definition, request);
}

function faultStatus(error: unknown, definition: WebhookDefinition): Status & { code: number } {
  if (error instanceof ReviewDecodeError) return failureStatus(400, 'BadRequest', error.message);
  if (error instanceof HandlerTimeoutError) return failureStatus(504, 'Timeout', error.message);
  if (error instanceof HandlerFaultError) return failureStatus(500, 'InternalError', error.message);
  return failureStatus(500, 'InternalError', `webhook ${definition.name}: internal error`);
}
