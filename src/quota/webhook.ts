import {
  allow,
  defineValidator,
  deny,
  type AdmissionRequest,
  type Decision,
  type HandlerContext,
  type WebhookDefinition,
} from '../admission/index.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { formatGroupResource } from '../api/resource.ts';
import type { Clock } from '../telemetry/index.ts';
import type { Evaluator } from '../usage/evaluator.ts';
import type { GroupResource } from '../usage/index.ts';
import { maskList, negativeNames, removeZeros, sortedNames, subtractToZero } from '../usage/resource-list.ts';
import { count, evaluatorAt, type CountedObject, type CountingContext } from './counting.ts';
import type { GlobalQuota } from './global-quota.ts';
import type { Reservation, Verdict } from './ledger/index.ts';
import { exceededMessage, nearLimitMessage } from './messages.ts';
import type { QuotaSelection } from './selection.ts';
import { quotaMatchConditions, quotaRules } from './webhook-rules.ts';

const quotaWebhookName = 'quota.sallyport.dev';

/** Who says whether a write fits: the ledger that all share, or a slice of it. */
export interface Admitter {
  /** Resolves when the verdict is durable. Rejects when there is none to be had; nothing is held then, or it is given back. */
  reserve(
    reservation: Reservation,
    options: { readonly signal: AbortSignal; readonly afterAbort: 'give-back' | 'keep' },
  ): Promise<Verdict>;
}

export interface QuotaWebhookOptions {
  /** Id of this cluster: the uid of its namespace kube-system. */
  readonly clusterId: string;
  readonly selection: QuotaSelection;
  readonly admitter: Admitter;
  readonly context: CountingContext;
  /** Whether the ledger knows all that this quota counts of a resource in this cluster. */
  readonly isCounted: (quota: GlobalQuota, resource: GroupResource) => boolean;
  /** Labels of a namespace; undefined when there is none of this name. */
  readonly labelsOf: (namespace: string, signal: AbortSignal) => Promise<KubernetesLabels>;
  /** Told of every write that was let pass and may be stored: of the next version of the object more is to be heard. */
  readonly onAdmitted: (reservation: Reservation) => void;
  /** Told what became of a write that the ledger gave no verdict on. */
  readonly onFault: (outcome: 'refused' | 'allowed') => void;
  readonly clock: Clock;
}

type KubernetesLabels = Readonly<Record<string, string>> | undefined;

/**
 * The webhook that asks the ledger before an object is stored; undefined while no quota is in force in this cluster.
 *
 * It is a validating one: there the uid of a new object is the one that will be stored, and its name is known. A dry run is
 * judged and leaves nothing behind. Its failurePolicy is Ignore only if every quota says `onFault: allow`.
 */
export function quotaWebhook(options: QuotaWebhookOptions): WebhookDefinition | undefined {
  return definitionFor(options.selection.quotas, (request, context) => decide(request, context, options));
}

/** The same webhook for a process that registers what another one serves. */
export function registeredQuotaWebhook(quotas: readonly GlobalQuota[]): WebhookDefinition | undefined {
  return definitionFor(quotas, () => Promise.reject(new Error('this process serves no webhooks')));
}

function definitionFor(
  quotas: readonly GlobalQuota[],
  handler: (request: AdmissionRequest<object>, context: HandlerContext) => Promise<Decision>,
): WebhookDefinition | undefined {
  const rules = quotaRules(quotas);
  if (rules.length === 0) return undefined;
  return defineValidator<object>({
    name: quotaWebhookName,
    path: '/validate/quota',
    rules,
    matchConditions: quotaMatchConditions,
    failurePolicy: failurePolicyOf(quotas),
    sideEffects: 'NoneOnDryRun',
    handler,
    dryRunHandler: handler,
  });
}

function failurePolicyOf(quotas: readonly GlobalQuota[]): 'Ignore' | 'Fail' {
  return quotas.every(({ onFault }) => onFault === 'allow') ? 'Ignore' : 'Fail';
}

async function decide(
  request: AdmissionRequest<object>,
  { signal, log }: HandlerContext,
  options: QuotaWebhookOptions,
): Promise<Decision> {
  const { selection, clock, context } = options;
  const { namespace, operation, subResource, resource } = request;
  if (request.object === null || namespace === '') return allow();
  const evaluator = evaluatorAt(resource, namespace, clock.now(), context);
  const write = { operation, subresource: subResource, object: request.object, oldObject: request.oldObject };
  if (evaluator?.handles(write) !== true) return allow();
  const quotas = selection.ofNamespace(namespace, await options.labelsOf(namespace, signal));
  const object = inNamespace(request.object, namespace);
  const counted = count(evaluator, object, quotas);
  if (counted.quotas.length === 0) return allow();

  const notes = new Notes();
  for (const quota of counted.quotas) {
    notes.add(quota, missingProblem(quota, evaluator, object));
    if (!options.isCounted(quota, resource)) notes.add(quota, unknownProblem(quota, evaluator));
  }
  if (notes.refusal !== undefined) return deny(notes.refusal);
  const negative = sortedNames(negativeNames(counted.usage));
  if (negative.length > 0) return deny(`quota usage is negative for resource(s): ${negative.join(',')}`);

  const before = request.oldObject === null ? undefined : countBefore(evaluator, request.oldObject, namespace, quotas);
  if (before !== undefined && !grows(counted, before)) return notes.decision();
  // Servers that are not the API server itself may fill in the uid later. Then nothing confirms this reservation: it stays
  // charged beside the object until a read finds that nobody has this uid.
  const key = {
    cluster: options.clusterId,
    resource: formatGroupResource(resource),
    uid: object.metadata?.uid || `review-${request.uid}`,
  };
  const reservation: Reservation = {
    key,
    namespace,
    name: object.metadata?.name ?? request.name,
    attempt: request.uid,
    usage: counted.usage,
    quotas: counted.quotas.map(({ id }) => id),
    ...(before !== undefined && {
      old: {
        usage: before.usage,
        quotas: before.quotas.map(({ id }) => id),
        resourceVersion: before.resourceVersion,
      },
    }),
    // A status tells what has happened already: it is charged, fit or not.
    unchecked: subResource === 'status',
    dryRun: request.dryRun,
  };
  let verdict: Verdict;
  try {
    // What is answered too late is let in by the API server when the webhook's policy is Ignore.
    const afterAbort = failurePolicyOf(selection.quotas) === 'Ignore' ? 'keep' : 'give-back';
    verdict = await options.admitter.reserve(reservation, { signal, afterAbort });
  } catch (error) {
    // Nobody waits for an answer any more.
    if (signal.aborted) throw error;
    log.error('the quota ledger gave no verdict', { error: error instanceof Error ? error : undefined });
    return onFault(counted.quotas, notes, options);
  }
  for (const each of verdict.refusals) notes.exceeded(each.mode, exceededMessage(each));
  // Of what went unchecked quotas that enforce are among them.
  for (const each of verdict.overruns) if (each.mode !== 'enforce') notes.exceeded(each.mode, exceededMessage(each));
  for (const nearLimit of verdict.nearLimits) notes.warn(nearLimitMessage(nearLimit));
  if (verdict.allowed && verdict.charged) options.onAdmitted(reservation);
  return notes.decision();
}

/** What is to be said beside yes or no, by the mode of the quota that says it. */
class Notes {
  readonly #refusals: string[] = [];
  readonly #warnings: string[] = [];
  readonly #audit: string[] = [];

  add({ mode }: GlobalQuota, problem: string | undefined): void {
    if (problem !== undefined) this.exceeded(mode, problem);
  }

  exceeded(mode: GlobalQuota['mode'], problem: string): void {
    const notes = { enforce: this.#refusals, warn: this.#warnings, audit: this.#audit };
    notes[mode].push(problem);
  }

  warn(warning: string): void {
    this.#warnings.push(warning);
  }

  get refusal(): string | undefined {
    return this.#refusals.length === 0 ? undefined : this.#refusals.join('; ');
  }

  decision(): Decision {
    const extras = {
      warnings: this.#warnings,
      ...(this.#audit.length > 0 && { auditAnnotations: { exceeded: this.#audit.join('; ') } }),
    };
    return this.refusal === undefined ? allow(extras) : deny(this.refusal, extras);
  }
}

/** What the object must say because a quota names it. Source: CheckRequest, step "must specify". */
function missingProblem(quota: GlobalQuota, evaluator: Evaluator, object: object): string | undefined {
  const missing = evaluator.missing(evaluator.matchingResources([...quota.hard.keys()]), object);
  return missing === undefined ? undefined : `failed quota: ${quota.name}: must specify ${missing}`;
}

/** As the ResourceQuota plug-in says it of a quota whose status has not been computed. */
function unknownProblem({ name, hard }: GlobalQuota, evaluator: Evaluator): string {
  const names = sortedNames(evaluator.matchingResources([...hard.keys()]));
  return `status unknown for quota: ${name}, resources: ${names.join(',')}`;
}

interface CountedBefore extends CountedObject {
  readonly resourceVersion: bigint;
}

/** Undefined when the write makes the object: what has no resourceVersion is not stored yet. */
function countBefore(
  evaluator: Evaluator,
  oldObject: KubernetesObject,
  namespace: string,
  quotas: readonly GlobalQuota[],
): CountedBefore | undefined {
  const resourceVersion = oldObject.metadata?.resourceVersion ?? '';
  if (resourceVersion === '') return undefined;
  return { ...count(evaluator, inNamespace(oldObject, namespace), quotas), resourceVersion: BigInt(resourceVersion) };
}

/** Whether any quota has to count more than it did. */
function grows(after: CountedObject, before: CountedObject): boolean {
  return after.quotas.some((quota) => {
    const wasCounted = before.quotas.some(({ id }) => id === quota.id);
    const growth = wasCounted ? subtractToZero(after.usage, before.usage) : after.usage;
    return removeZeros(maskList(growth, quota.hard.keys())).size > 0;
  });
}

function onFault(quotas: readonly GlobalQuota[], notes: Notes, options: QuotaWebhookOptions): Decision {
  const refusing = quotas.filter((quota) => quota.mode === 'enforce' && quota.onFault === 'refuse');
  options.onFault(refusing.length > 0 ? 'refused' : 'allowed');
  if (refusing.length > 0) {
    const names = refusing.map(({ name }) => name).join(', ');
    const message = `cannot check quota ${names}: the quota ledger gives no answer; try again later`;
    return deny(message, { code: 503, reason: 'ServiceUnavailable' });
  }
  for (const { mode, name } of quotas) {
    if (mode !== 'audit') notes.warn(`quota ${name} was not checked: the ledger gives no answer; counted afterwards`);
  }
  return notes.decision();
}

/** A claim is counted together with other objects of its namespace, which it may not name yet. */
function inNamespace(object: KubernetesObject, namespace: string): KubernetesObject {
  if (object.metadata?.namespace) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}
