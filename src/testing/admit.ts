import { answerReview, encodeReviewRequest, objectListers, type WebhookDefinition } from '../admission/index.ts';
import type { AdmissionReviewBody } from '../api/admission-review.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { StatusCause } from '../api/status.ts';
import { apply, type JsonValue, type PatchOperation } from '../json/index.ts';
import { silentLogger, type Logger } from '../telemetry/index.ts';
import { buildRequest, type ReviewOptions } from './review-builder.ts';

export interface AdmitOptions extends ReviewOptions {
  /** Objects that the handler's listers find. Default: none. */
  readonly objects?: readonly KubernetesObject[];
}

/** What a webhook made of an object. */
export interface AdmitResult<T> {
  readonly allowed: boolean;
  /** Why not; undefined when allowed. */
  readonly message: string | undefined;
  readonly code: number | undefined;
  readonly reason: string | undefined;
  readonly causes: readonly StatusCause[];
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
  readonly patch: readonly PatchOperation[];
  /** The object with the patch applied, as the next webhook would see it. */
  readonly object: T;
}

/** A webhook answered a fault instead of a decision: it threw, was too slow, or returned what is no answer. */
export class WebhookFault extends Error {
  readonly httpStatus: number;

  /** `cause` is what the handler threw, if it did. */
  constructor(httpStatus: number, message: string, options?: ErrorOptions) {
    super(`HTTP ${httpStatus}: ${message}`, options);
    this.name = 'WebhookFault';
    this.httpStatus = httpStatus;
  }
}

/**
 * Sends an object through a webhook by the same door as the network: encoded as an AdmissionReview, decoded, handled,
 * and the answer's patch applied. Rejects with {@link WebhookFault} when the webhook does not decide.
 *
 *     const { object } = await admit(defaultResources, pod);
 *     expect(object.spec.containers[0].resources.requests.cpu).toBe('100m');
 *
 * Rules and selectors are not asked: the webhook is called with whatever it is given.
 */
export async function admit<T extends KubernetesObject>(
  webhook: WebhookDefinition,
  object: T,
  options: AdmitOptions = {},
): Promise<AdmitResult<T>> {
  const text = encodeReviewRequest('v1', buildRequest(object, options));
  let fault: unknown;
  const log: Logger = { ...silentLogger, error: (_message, facts) => void (fault = facts?.['error']) };
  const answer = await answerReview(webhook, text, {
    signal: AbortSignal.timeout(webhook.timeoutSeconds * 1000),
    log,
    listers: objectListers(options.objects ?? []),
    quotes: 'secrets',
  });
  if (answer.httpStatus !== 200) {
    throw new WebhookFault(answer.httpStatus, (JSON.parse(answer.body) as { message: string }).message, {
      // The fault of the framework only says that the handler failed.
      cause: fault instanceof Error ? (fault.cause ?? fault) : undefined,
    });
  }
  const { response } = JSON.parse(answer.body) as AdmissionReviewBody;
  if (response === undefined) throw new WebhookFault(200, 'the review has no response');
  const { allowed, status, patch: encoded, warnings = [], auditAnnotations = {} } = response;
  const patch =
    encoded === undefined ? [] : (JSON.parse(Buffer.from(encoded, 'base64').toString()) as PatchOperation[]);
  // What was sent is JSON, so what the patch makes of it is JSON of the same kind of object.
  const patched = apply(JSON.parse(JSON.stringify(object)) as JsonValue, patch) as unknown as T;
  return {
    allowed,
    message: status?.message,
    code: status?.code,
    reason: status?.reason,
    causes: status?.details?.causes ?? [],
    warnings,
    auditAnnotations,
    patch,
    object: patched,
  };
}
