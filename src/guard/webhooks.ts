import type { UserInfo } from '../api/admission-review.ts';
import type { Pod } from '../api/generated/core.v1.ts';
import {
  allow,
  defineMutator,
  defineValidator,
  deny,
  type Decision,
  type WebhookDefinition,
} from '../admission/index.ts';
import { exemptionConditions } from './exemption.ts';
import type { Gatekeeper, Removal, RemovalAnswer } from './gatekeeper.ts';
import type { GuardSet } from './guard.ts';
import { guardLabel, guardLabelValue, stateAnnotation } from './guard-state.ts';
import { addInServiceGate } from './in-service.ts';

export interface GuardWebhooksOptions {
  readonly gatekeeper: Pick<Gatekeeper, 'decide'>;
  readonly guards: GuardSet;
  /** User name under which the guard writes to Pods. */
  readonly user: string;
}

const enabled = { matchLabels: { [guardLabel]: guardLabelValue } };

/** The guard asks the API server before a hold begins; still well inside of the 34 s that a DELETE has. */
const timeoutSeconds = 10;

/**
 * The guard's webhooks, for Pods with the label in Namespaces with the label:
 *
 * - DELETE of Pods. What must never be held is kept away by the API server itself.
 * - eviction. The object is the Eviction, which has no labels: every eviction of those Namespaces comes here.
 * - UPDATE of Pods: nobody but the guard writes its state.
 * - CREATE of Pods: adds the readiness gate where a policy wants it. A guard that is down keeps no Pod from being made.
 */
export function guardWebhooks(options: GuardWebhooksOptions): WebhookDefinition[] {
  const { gatekeeper } = options;
  const onDelete = async (
    { namespace, name, oldObject, userInfo, dryRun, options: deleteOptions }: DeleteRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Decision> => {
    const { gracePeriodSeconds, preconditions, isDryRun } = readDeleteOptions(deleteOptions);
    const removal: Removal = {
      verb: 'DELETE',
      namespace,
      // Empty where a collection is deleted.
      name: name === '' ? (oldObject.metadata?.name ?? '') : name,
      pod: oldObject,
      user: userInfo,
      dryRun: dryRun || isDryRun,
      graceSeconds: gracePeriodSeconds,
      uidPrecondition: preconditions?.uid,
    };
    return answer(await gatekeeper.decide(removal, signal), 403);
  };
  const onEviction = async (
    { namespace, name, object, userInfo, dryRun }: EvictionRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Decision> => {
    // kubectl drain --dry-run=server says it here, and not in the query.
    const { gracePeriodSeconds, preconditions, isDryRun } = readDeleteOptions(object?.deleteOptions);
    const removal: Removal = {
      verb: 'eviction',
      // Bodies may leave both out.
      namespace,
      name,
      pod: undefined,
      user: userInfo,
      dryRun: dryRun || isDryRun,
      graceSeconds: gracePeriodSeconds,
      uidPrecondition: preconditions?.uid,
    };
    return answer(await gatekeeper.decide(removal, signal), 429);
  };
  return [
    defineValidator({
      name: 'delete.guard.sallyport.dev',
      resource: 'pods',
      operations: ['DELETE'],
      namespaceSelector: enabled,
      objectSelector: enabled,
      matchConditions: exemptionConditions,
      timeoutSeconds,
      sideEffects: 'NoneOnDryRun',
      handler: onDelete,
      dryRunHandler: onDelete,
    }),
    defineValidator<EvictionBody, 'CREATE'>({
      name: 'evict.guard.sallyport.dev',
      resource: 'pods/eviction',
      operations: ['CREATE'],
      namespaceSelector: enabled,
      timeoutSeconds,
      sideEffects: 'NoneOnDryRun',
      handler: onEviction,
      dryRunHandler: onEviction,
    }),
    stateProtection(options.user),
    defineMutator({
      name: 'create.guard.sallyport.dev',
      resource: 'pods',
      operations: ['CREATE'],
      namespaceSelector: enabled,
      objectSelector: enabled,
      failurePolicy: 'Ignore',
      handler({ object: pod, namespace }) {
        const placed = { ...pod, metadata: { ...pod.metadata, namespace } };
        if (options.guards.guardOf(placed)?.policy.takeOutOfService.readinessGate === true) addInServiceGate(pod);
      },
    }),
  ];
}

/**
 * The same webhooks for a process that registers them and does not serve them. `user` as in {@link GuardWebhooksOptions}.
 */
export function declareGuardWebhooks(user: string): WebhookDefinition[] {
  const decide = (): never => {
    throw new TypeError('declared only: another process serves the webhooks of the guard');
  };
  return guardWebhooks({ gatekeeper: { decide }, guards: { guardOf: () => undefined }, user });
}

interface DeleteRequest {
  readonly namespace: string;
  readonly name: string;
  readonly oldObject: Pod;
  readonly userInfo: UserInfo;
  readonly dryRun: boolean;
  readonly options: unknown;
}

interface EvictionRequest {
  readonly namespace: string;
  readonly name: string;
  readonly object: EvictionBody | null;
  readonly userInfo: UserInfo;
  readonly dryRun: boolean;
}

/** policy/v1 or v1beta1; they have one shape. */
interface EvictionBody {
  readonly deleteOptions?: unknown;
}

interface ReadDeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  readonly preconditions: { readonly uid?: string } | undefined;
  readonly isDryRun: boolean;
}

/** DeleteOptions, which the API server has checked. */
function readDeleteOptions(options: unknown): ReadDeleteOptions {
  const { gracePeriodSeconds, preconditions, dryRun } = (options ?? {}) as {
    readonly gracePeriodSeconds?: number | null;
    readonly preconditions?: { readonly uid?: string };
    readonly dryRun?: readonly string[] | null;
  };
  return {
    gracePeriodSeconds: gracePeriodSeconds ?? undefined,
    preconditions,
    isDryRun: (dryRun ?? []).length > 0,
  };
}

/**
 * 403 makes a client of DELETE give up or back off; 429 is the one refusal of an eviction that drains repeat. Never 404
 * nor 409, which they read as done.
 */
function answer(reply: RemovalAnswer, code: 403 | 429): Decision {
  if (reply.kind === 'hold') return deny(reply.message, { code, causes: reply.causes });
  return allow({ warnings: reply.warnings, auditAnnotations: reply.auditAnnotations });
}

const stateText = (object: string): string =>
  `(has(${object}.metadata.annotations) && "${stateAnnotation}" in ${object}.metadata.annotations ? ` +
  `${object}.metadata.annotations["${stateAnnotation}"] : "")`;

/** A forged state would let a Pod go, or hold it for ever. */
function stateProtection(user: string): WebhookDefinition {
  return defineValidator({
    name: 'state.guard.sallyport.dev',
    rules: [
      {
        operations: ['UPDATE'],
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: ['pods', 'pods/ephemeralcontainers', 'pods/resize', 'pods/status'],
        scope: 'Namespaced',
      },
    ],
    namespaceSelector: enabled,
    objectSelector: enabled,
    matchConditions: [
      { name: 'not-by-guard', expression: `request.userInfo.username != ${JSON.stringify(user)}` },
      { name: 'changes-state', expression: `${stateText('object')} != ${stateText('oldObject')}` },
    ],
    handler({ object, oldObject, userInfo }) {
      const before = (oldObject as Pod | null)?.metadata?.annotations?.[stateAnnotation];
      const after = (object as Pod | null)?.metadata?.annotations?.[stateAnnotation];
      if (before === after || userInfo.username === user) return;
      return deny(
        `the annotation ${stateAnnotation} is written by the deletion guard alone; ` +
          'see sallyport guard abort and sallyport guard release',
        { causes: [{ field: `metadata.annotations[${stateAnnotation}]`, message: 'was changed' }] },
      );
    },
  });
}
