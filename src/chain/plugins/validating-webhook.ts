import type { ValidatingWebhook } from '../../api/webhook-configuration.ts';
import type { GroupVersionKind } from '../../api/resource.ts';
import type { Attributes } from '../attributes.ts';
import { isExemptAdmissionConfigurationResource } from '../match/rules.ts';
import { ConversionError } from '../object-interfaces.ts';
import {
  refused,
  validated,
  type AdmissionContext,
  type AdmissionPlugin,
  type Refused,
  type ValidateResult,
} from '../plugin.ts';
import { newInternalError, newTimeoutError } from '../status-error.ts';
import type { WebhookMatch, WebhookStep } from '../step.ts';
import { callWebhook, type CallOutcome, type WebhookCaller, type WebhookCalling } from '../webhook/call.ts';
import type { RegisteredWebhook } from '../webhook/configurations.ts';
import { isExcludedFromWebhooks } from '../webhook/excluded-resources.ts';
import { ReviewWriter } from '../webhook/review-writer.ts';
import { shouldCall } from '../webhook/should-call.ts';
import { traceCall } from '../webhook/trace.ts';
import { versionedObjects, type VersionedObjects } from '../webhook/versioned-objects.ts';

export const validatingWebhookPluginName = 'ValidatingAdmissionWebhook';

/** What the plug-in is made with. */
export interface ValidatingWebhookOptions extends WebhookCaller {
  /** In the order of {@link registerWebhooks}. */
  readonly webhooks: readonly RegisteredWebhook[];
}

/**
 * Calls validating webhooks, all that match at once, on the same object, and waits for all of them.
 *
 * When several refuse, the one that is first in the list is told. The API server tells the one that answered first; this
 * is the one place where the engine is more certain than its model.
 *
 * Not copied: webhooks from static manifests, metrics, the wait for informers.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/validating/dispatcher.go, Dispatch.
 */
export function validatingWebhookPlugin({ webhooks, ...caller }: ValidatingWebhookOptions): AdmissionPlugin {
  const calling = { ...caller, writer: new ReviewWriter() };
  return {
    name: validatingWebhookPluginName,
    handles: () => true,
    validate(attributes, context) {
      if (isExcludedFromWebhooks(attributes.resource) || isExemptAdmissionConfigurationResource(attributes))
        return validated;
      return new ValidatingDispatch(attributes, calling, context).run(webhooks);
    },
  };
}

type Matched = WebhookMatch & { readonly kind: 'matched' };

/** One request. */
class ValidatingDispatch {
  readonly #attributes: Attributes;
  readonly #caller: WebhookCalling;
  readonly #context: AdmissionContext;
  readonly #objects = new Map<string, VersionedObjects>();

  constructor(attributes: Attributes, caller: WebhookCalling, context: AdmissionContext) {
    this.#attributes = attributes;
    this.#caller = caller;
    this.#context = context;
  }

  async run(webhooks: readonly RegisteredWebhook[]): Promise<ValidateResult> {
    const relevant: { readonly registered: RegisteredWebhook; readonly match: Matched }[] = [];
    for (const registered of webhooks) {
      const start = this.#context.clock.monotonic();
      const match = this.#match(registered);
      if (match.kind === 'matched') {
        relevant.push({ registered, match });
        continue;
      }
      this.#record(registered, -1, start, { match });
      // Nobody has been called yet, though others may have matched.
      if (match.kind === 'failed') return refused(match.status);
    }
    if (relevant.length === 0) return validated;
    const timeout = this.#timeout();
    if (timeout !== undefined) return timeout;
    const refusals = await Promise.all(
      relevant.map(({ registered, match }, index) => this.#call(registered, match, index)),
    );
    return refusals.find((refusal) => refusal !== undefined) ?? validated;
  }

  #match(registered: RegisteredWebhook): WebhookMatch {
    try {
      const match = shouldCall(registered, this.#attributes, (kind) => this.#versioned(kind), this.#context);
      if (match.kind === 'matched') this.#versioned(match.objectKind);
      return match;
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
      return { kind: 'failed', status: newInternalError(error.message) };
    }
  }

  #versioned(kind: GroupVersionKind): VersionedObjects {
    const key = `${kind.group}/${kind.version} ${kind.kind}`;
    const known = this.#objects.get(key) ?? versionedObjects(this.#attributes, kind, this.#context.objectInterfaces);
    this.#objects.set(key, known);
    return known;
  }

  async #call(registered: RegisteredWebhook, match: Matched, index: number): Promise<Refused | undefined> {
    const start = this.#context.clock.monotonic();
    const versioned = this.#versioned(match.objectKind);
    const called = await callWebhook(
      registered,
      match,
      this.#attributes,
      versioned,
      false,
      this.#caller,
      this.#context,
    );
    this.#record(registered, index, start, { match, call: traceCall(called, registered.webhook) });
    return this.#conclude(registered.webhook, called.outcome, index);
  }

  #conclude({ name, failurePolicy }: ValidatingWebhook, outcome: CallOutcome, index: number): Refused | undefined {
    switch (outcome.kind) {
      case 'allowed':
        return undefined;
      case 'rejected':
      case 'serverError':
        return refused(outcome.status);
      case 'callError':
    }
    if (failurePolicy !== 'Ignore') return refused(newInternalError(outcome.message));
    this.#context.logger.warn('failed calling webhook, failing open', { webhook: name, reason: outcome.message });
    if (!outcome.isCanceled) {
      this.#context.auditAnnotations.add(
        `failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`,
        name,
      );
    }
    return undefined;
  }

  #timeout(): Refused | undefined {
    if (!this.#context.signal.aborted) return undefined;
    return refused(newTimeoutError('request did not complete within requested timeout'));
  }

  #record(
    { configuration, webhook }: RegisteredWebhook,
    index: number,
    start: number,
    outcome: Pick<WebhookStep, 'match' | 'call'>,
  ): void {
    this.#context.record({
      kind: 'webhook',
      plugin: validatingWebhookPluginName,
      configuration,
      webhook: webhook.name,
      walk: 'validate',
      round: 0,
      index,
      ...outcome,
      milliseconds: this.#context.clock.monotonic() - start,
    });
  }
}
