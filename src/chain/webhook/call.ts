import { quote } from '../../api/go-quote.ts';
import type { Status } from '../../api/status.ts';
import type { ValidatingWebhook } from '../../api/webhook-configuration.ts';
import type { JsonObject, JsonValue } from '../../json/json-value.ts';
import type { Attributes } from '../attributes.ts';
import type { AdmissionContext } from '../plugin.ts';
import { newBadRequest } from '../status-error.ts';
import type { WebhookMatch } from '../step.ts';
import { createAdmissionReview, reviewVersion } from './admission-review.ts';
import type { Answer } from './answer.ts';
import type { WebhookClient } from './client.ts';
import type { RegisteredWebhook } from './configurations.ts';
import { exchange } from './exchange.ts';
import { rejectionStatus } from './rejection.ts';
import type { ReviewWriter } from './review-writer.ts';
import type { VersionedObjects } from './versioned-objects.ts';

/**
 * What one call came to. The three ways to go wrong stay apart to the end: the webhook said no (its word counts), nobody
 * could get a usable answer (failurePolicy decides), the API server itself refuses to go on (whatever the failurePolicy).
 */
export type CallOutcome =
  | { readonly kind: 'allowed'; readonly answer: Answer }
  | { readonly kind: 'rejected'; readonly status: Status }
  | CallError
  | { readonly kind: 'serverError'; readonly status: Status };

export interface CallError {
  readonly kind: 'callError';
  /** `failed calling webhook "<name>": …` */
  readonly message: string;
  /** The client of the whole request has gone. */
  readonly isCanceled: boolean;
}

/** Source: k8s.io/apiserver v0.37.2 pkg/util/webhook/error.go, ErrCallingWebhook.Error. */
export function callError(webhook: string, reason: string, isCanceled = false): CallError {
  return { kind: 'callError', message: `failed calling webhook ${quote(webhook)}: ${reason}`, isCanceled };
}

/** What both webhook plug-ins are made with. */
export interface WebhookCaller {
  readonly client: WebhookClient;
  /** A fresh uid for every review. */
  newUid(): string;
}

/** The same with what the plug-in keeps for all its calls. */
export interface WebhookCalling extends WebhookCaller {
  readonly writer: ReviewWriter;
}

export interface CallRecord {
  readonly outcome: CallOutcome;
  /** The AdmissionReview as it was sent and as it came back, where there was one. */
  readonly request?: JsonObject;
  readonly response?: JsonValue;
}

/**
 * Calls a webhook that is to be called. Takes its warnings and audit annotations, of a refusal too; leaves a patch to the
 * caller.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/mutating/dispatcher.go, callAttrMutatingHook, and
 * validating/dispatcher.go, callHook.
 */
export async function callWebhook(
  registered: RegisteredWebhook,
  match: WebhookMatch & { readonly kind: 'matched' },
  attributes: Attributes,
  { object, oldObject }: VersionedObjects,
  mutating: boolean,
  caller: WebhookCalling,
  context: AdmissionContext,
): Promise<CallRecord> {
  const { webhook } = registered;
  const dryRun = attributes.dryRun ? dryRunOutcome(webhook) : undefined;
  if (dryRun !== undefined) return { outcome: dryRun };
  const version = reviewVersion(webhook.admissionReviewVersions);
  if (version === undefined) {
    const reason =
      'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)';
    return { outcome: callError(webhook.name, reason) };
  }
  const uid = caller.newUid();
  const review = createAdmissionReview(uid, version, attributes, {
    resource: match.resource,
    kind: match.objectKind,
    object,
    oldObject,
  });
  const result = await exchange(
    registered,
    review,
    { uid, version, mutating },
    { ...context, client: caller.client, writer: caller.writer },
  );
  // A review is made of JSON; its type leaves the objects open.
  const record = {
    request: review as unknown as JsonObject,
    ...(result.response === undefined ? {} : { response: result.response as JsonValue }),
  };
  if (result.kind === 'failed') {
    return { ...record, outcome: callError(webhook.name, result.reason, result.isCanceled) };
  }
  const { answer } = result;
  for (const [key, value] of Object.entries(answer.auditAnnotations)) {
    const problem = context.auditAnnotations.add(`${webhook.name}/${key}`, value);
    if (problem !== undefined)
      context.logger.warn('audit annotation of a webhook refused', { webhook: webhook.name, key, problem });
  }
  for (const warning of answer.warnings) context.warnings.add(warning);
  if (answer.allowed) return { ...record, outcome: { kind: 'allowed', answer } };
  return { ...record, outcome: { kind: 'rejected', status: rejectionStatus(webhook.name, answer.status) } };
}

/** A webhook with side effects is not called in a dry run: the request fails, whatever the failurePolicy. */
function dryRunOutcome({
  name,
  sideEffects,
}: Pick<ValidatingWebhook, 'name'> & { readonly sideEffects?: string }): CallOutcome | undefined {
  if (sideEffects === undefined) return callError(name, 'Webhook SideEffects is nil');
  if (sideEffects === 'None' || sideEffects === 'NoneOnDryRun') return undefined;
  return { kind: 'serverError', status: newBadRequest(`admission webhook ${quote(name)} does not support dry run`) };
}
