import type { MutatingWebhook } from '../../api/webhook-configuration.ts';
import { withObject, type Attributes } from '../attributes.ts';
import { patchText } from '../json-patch/patch.ts';
import { isExemptAdmissionConfigurationResource } from '../match/rules.ts';
import { ConversionError } from '../object-interfaces.ts';
import {
  admitted,
  refused,
  type AdmissionContext,
  type AdmissionPlugin,
  type AdmitResult,
  type Refused,
} from '../plugin.ts';
import { newInternalError, newTimeoutError, newUnknownError } from '../status-error.ts';
import type { WebhookMatch } from '../step.ts';
import {
  callWebhook,
  type CallOutcome,
  type CallRecord,
  type WebhookCaller,
  type WebhookCalling,
} from '../webhook/call.ts';
import type { RegisteredWebhook } from '../webhook/configurations.ts';
import { isExcludedFromWebhooks } from '../webhook/excluded-resources.ts';
import { applyAnswer, type PatchOutcome } from '../webhook/patched-object.ts';
import { WebhookReinvocation } from '../webhook/reinvocation-state.ts';
import { equalObjects } from '../webhook/semantic-equality.ts';
import { ReviewWriter } from '../webhook/review-writer.ts';
import { shouldCall } from '../webhook/should-call.ts';
import { traceCall } from '../webhook/trace.ts';
import { MutableVersionedObjects, type VersionedObjects } from '../webhook/versioned-objects.ts';

export const mutatingWebhookPluginName = 'MutatingAdmissionWebhook';

/** What the plug-in is made with. */
export interface MutatingWebhookOptions extends WebhookCaller {
  /** In the order of {@link registerWebhooks}. */
  readonly webhooks: readonly RegisteredWebhook<MutatingWebhook>[];
}

/**
 * Calls mutating webhooks one after the other, each on the object that the one before it left.
 *
 * In the second pass over the mutating plug-ins it calls again those webhooks with `reinvocationPolicy: IfNeeded` after
 * which somebody else changed the object; a webhook skipped in the first pass is never called in the second.
 *
 * Not copied: webhooks from static manifests, metrics, the wait for informers.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/mutating/dispatcher.go, Dispatch.
 */
export function mutatingWebhookPlugin({ webhooks, ...caller }: MutatingWebhookOptions): AdmissionPlugin {
  const calling = { ...caller, writer: new ReviewWriter() };
  return {
    name: mutatingWebhookPluginName,
    handles: () => true,
    admit(attributes, context) {
      if (isExcludedFromWebhooks(attributes.resource) || isExemptAdmissionConfigurationResource(attributes)) {
        return admitted(attributes.object);
      }
      return new MutatingDispatch(attributes, calling, context).run(webhooks);
    },
  };
}

/** One pass over the webhooks for one request. */
class MutatingDispatch {
  readonly #attributes: Attributes;
  readonly #caller: WebhookCalling;
  readonly #context: AdmissionContext;
  readonly #reinvocation: WebhookReinvocation;
  readonly #round: 0 | 1;
  readonly #objects: MutableVersionedObjects;

  constructor(attributes: Attributes, caller: WebhookCalling, context: AdmissionContext) {
    this.#attributes = attributes;
    this.#caller = caller;
    this.#context = context;
    this.#reinvocation = context.reinvocation.valueOf(mutatingWebhookPluginName, () => new WebhookReinvocation());
    this.#round = context.reinvocation.isReinvoke ? 1 : 0;
    this.#objects = new MutableVersionedObjects(attributes, context.objectInterfaces);
  }

  async run(webhooks: readonly RegisteredWebhook<MutatingWebhook>[]): Promise<AdmitResult> {
    const { object, kind } = this.#attributes;
    // Between the passes the object is only changed by the API server's own plug-ins.
    if (this.#round === 1 && !equalObjects(kind, this.#reinvocation.lastOutput, object)) {
      this.#reinvocation.requireReinvokingPreviouslyInvoked();
    }
    for (const [index, registered] of webhooks.entries()) {
      const refusal = await this.#visit(registered, index);
      if (refusal !== undefined) return refusal;
    }
    try {
      this.#reinvocation.lastOutput = this.#objects.finish();
      return admitted(this.#reinvocation.lastOutput);
    } catch (error) {
      if (error instanceof ConversionError) return refused(newUnknownError(error.message));
      throw error;
    }
  }

  /** Returns the refusal that ends the request, if this webhook brought one. */
  async #visit(registered: RegisteredWebhook<MutatingWebhook>, index: number): Promise<Refused | undefined> {
    const { clock } = this.#context;
    const { configuration, webhook } = registered;
    const start = clock.monotonic();
    const step = { kind: 'webhook', plugin: mutatingWebhookPluginName, configuration, webhook: webhook.name } as const;
    const place = { ...step, walk: 'admit', round: this.#round, index } as const;
    const match = this.#match(registered);
    if (match.kind !== 'matched') {
      this.#context.record({ ...place, match, milliseconds: clock.monotonic() - start });
      return match.kind === 'failed' ? refused(match.status) : undefined;
    }
    const versioned = this.#objects.as(match.objectKind);
    const called = await callWebhook(registered, match, this.#attributes, versioned, true, this.#caller, this.#context);
    const patched = this.#applyPatch(webhook.name, called, versioned);
    const changed = patched.kind === 'applied' && patched.changed;
    // A patch that cannot be had takes the place of the "allowed" it came with.
    const outcome = patched.kind === 'callError' || patched.kind === 'serverError' ? patched : called.outcome;
    const call = traceCall(
      { ...called, outcome },
      webhook,
      patched.kind === 'none' ? undefined : patched.patch,
      changed,
    );
    this.#context.record({ ...place, match, call, milliseconds: clock.monotonic() - start });
    this.#annotate(registered, index, patched);
    if (changed) {
      this.#reinvocation.requireReinvokingPreviouslyInvoked();
      this.#context.reinvocation.requestReinvocation();
    }
    if (webhook.reinvocationPolicy === 'IfNeeded') this.#reinvocation.addReinvocable(registered.uid);
    return this.#conclude(webhook, outcome, index);
  }

  #match(registered: RegisteredWebhook<MutatingWebhook>): WebhookMatch {
    try {
      const attributes = withObject(this.#attributes, this.#objects.current);
      const match = shouldCall(registered, attributes, (kind) => this.#objects.as(kind), this.#context);
      if (match.kind !== 'matched') return match;
      // So a webhook that was skipped in the first pass is not called for the first time in the second.
      if (this.#round === 1 && !this.#reinvocation.shouldReinvoke(registered.uid)) return { kind: 'notReinvoked' };
      this.#objects.as(match.objectKind);
      return match;
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
      // The API server wraps it twice.
      return { kind: 'failed', status: newInternalError(`Internal error occurred: ${error.message}`) };
    }
  }

  #applyPatch(webhook: string, { outcome }: CallRecord, versioned: VersionedObjects): PatchOutcome {
    if (outcome.kind !== 'allowed') return { kind: 'none' };
    const patched = applyAnswer(webhook, outcome.answer, versioned, this.#context.objectInterfaces);
    if (patched.kind === 'applied') this.#objects.update(versioned, patched.object);
    return patched;
  }

  /** Source: mutating/dispatcher.go, webhookAnnotator. */
  #annotate(
    { configuration, webhook }: RegisteredWebhook<MutatingWebhook>,
    index: number,
    patched: PatchOutcome,
  ): void {
    const { auditAnnotations } = this.#context;
    if (patched.kind === 'serverError' && patched.panicked === true) {
      auditAnnotations.discard();
      return;
    }
    const key = `webhook.admission.k8s.io/round_${this.#round}_index_${index}`;
    const who = { configuration, webhook: webhook.name };
    if (patched.kind === 'applied') {
      const head = JSON.stringify(who).slice(0, -1);
      auditAnnotations.add(
        `patch.${key}`,
        `${head},"patch":${patchText(patched.patch)},"patchType":"JSONPatch"}`,
        'Request',
      );
    }
    const mutated = patched.kind === 'applied' && patched.changed;
    auditAnnotations.add(`mutation.${key}`, JSON.stringify({ ...who, mutated }));
  }

  #conclude({ name, failurePolicy }: MutatingWebhook, outcome: CallOutcome, index: number): Refused | undefined {
    switch (outcome.kind) {
      case 'allowed':
        return undefined;
      case 'rejected':
      case 'serverError':
        return refused(outcome.status);
      case 'callError':
    }
    if (failurePolicy !== 'Ignore') return refused(newInternalError(outcome.message));
    const { auditAnnotations, logger, signal } = this.#context;
    logger.warn('failed calling webhook, failing open', { webhook: name, reason: outcome.message });
    if (!outcome.isCanceled) {
      auditAnnotations.add(`failed-open.mutation.webhook.admission.k8s.io/round_${this.#round}_index_${index}`, name);
    }
    return signal.aborted ? refused(newTimeoutError('request did not complete within requested timeout')) : undefined;
  }
}
