import type { Operation } from '../api/admission-review.ts';
import { parseResourceName, type KubernetesResources, type ResourceName } from '../api/resource-name.ts';
import type {
  FailurePolicy,
  LabelSelector,
  MatchCondition,
  MatchPolicy,
  ReinvocationPolicy,
  RuleWithOperations,
  Scope,
} from '../api/webhook-configuration.ts';
import type { Decision } from './decision.ts';
import { InvalidDefinitionError, type SourcePlace } from './errors.ts';
import type { AdmissionRequest, HandlerContext } from './request.ts';
import { quote, readMatchConditions, readRules, readSelector, type Refuse, type UncheckedTarget } from './rules.ts';

type MaybePromise<T> = T | Promise<T>;

/** Edits `request.object` in place, returns a new object, or answers with `allow()` or `deny()`. Nothing means allow. */
export type MutatingHandler<T = unknown, Op extends Operation = Operation> = (
  request: AdmissionRequest<T, Op>,
  context: HandlerContext,
) => MaybePromise<Decision | T | void>;

/** Answers with `allow()` or `deny()`. Nothing means allow. */
export type ValidatingHandler<T = unknown, Op extends Operation = Operation> = (
  request: AdmissionRequest<T, Op>,
  context: HandlerContext,
) => MaybePromise<Decision | void>;

/** Which requests reach the webhook: by resource name, or by rules written out. */
export type Target<R, Op extends Operation> =
  | {
      /** `plural[.group][/version][/subresource]`, one or several: `pods`, `deployments.apps/v1`, `pods/eviction`. */
      readonly resource: R | readonly R[];
      readonly operations: readonly Op[];
      /** Default `*`. */
      readonly scope?: Scope;
      readonly rules?: never;
    }
  | {
      /** Rules as the API has them, where a resource name does not say enough. */
      readonly rules: readonly Readonly<RuleWithOperations>[];
      readonly resource?: never;
      readonly operations?: never;
      readonly scope?: never;
    };

/** What a webhook can say about itself; the fields of the API, with defaults of ours where they are safer. */
interface CommonOptions {
  /** Unique; a DNS name of three or more segments, such as `replicas.example.com`. */
  readonly name: string;
  /** URL path. Default: `/mutate/<name>` or `/validate/<name>`. */
  readonly path?: string;
  /** Default `Equivalent`. */
  readonly matchPolicy?: MatchPolicy;
  /** In addition to the exclusion of kube-system and our own namespace. Default: every namespace. */
  readonly namespaceSelector?: LabelSelector;
  /** Default: every object. */
  readonly objectSelector?: LabelSelector;
  /** CEL conditions, all of which must hold; evaluated by the API server before it calls. Default: none. */
  readonly matchConditions?: readonly MatchCondition[];
  /** What the API server does when it gets no usable answer. Default `Fail`. */
  readonly failurePolicy?: FailurePolicy;
  /** Resources that the handlers look up through `context.lister`; read rights and caches are made from it. Default: none. */
  readonly reads?: readonly string[];
  /**
   * `thread`: the handlers run in a thread of their own, which is ended and replaced when one does not come back before its
   * deadline, so that an endless loop costs this webhook its answers and nobody else anything. Each request takes a
   * message there and one back; `reads` cannot be used, since caches live in the main thread. Heeded by
   * `sallyport serve`. Default `none`.
   */
  readonly isolation?: 'none' | 'thread';
  /** 1–30. Default 3 for mutating webhooks, which are called one after the other, and 5 for validating ones. */
  readonly timeoutSeconds?: number;
}

/**
 * A handler that changes anything outside the request says `NoneOnDryRun`, and says beside it what a dry run does
 * instead: a dry run never reaches `handler` then.
 */
type SideEffectOptions<Handler> =
  | { readonly sideEffects?: 'None'; readonly handler: Handler | readonly Handler[]; readonly dryRunHandler?: never }
  | {
      readonly sideEffects: 'NoneOnDryRun';
      readonly handler: Handler | readonly Handler[];
      readonly dryRunHandler: Handler | readonly Handler[];
    };

export type MutatorOptions<R, T, Op extends Operation> = CommonOptions &
  Target<R, Op> &
  SideEffectOptions<MutatingHandler<T, Op>> & {
    /** `IfNeeded`: call again when a later webhook changed the object. Default `Never`. */
    readonly reinvocationPolicy?: ReinvocationPolicy;
  };

export type ValidatorOptions<R, T, Op extends Operation> = CommonOptions &
  Target<R, Op> &
  SideEffectOptions<ValidatingHandler<T, Op>>;

/** A checked webhook with every default filled in: what the registry holds, the server serves and the registrar writes. */
export interface WebhookDefinition {
  readonly kind: 'mutating' | 'validating';
  readonly name: string;
  readonly path: string;
  readonly rules: readonly Readonly<RuleWithOperations>[];
  readonly matchPolicy: MatchPolicy;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  readonly matchConditions: readonly MatchCondition[];
  readonly failurePolicy: FailurePolicy;
  readonly sideEffects: 'None' | 'NoneOnDryRun';
  readonly timeoutSeconds: number;
  readonly isolation: 'none' | 'thread';
  readonly reads: readonly string[];
  /** Meaningless for validating webhooks, where it is `Never`. */
  readonly reinvocationPolicy: ReinvocationPolicy;
  readonly handlers: readonly ErasedHandler[];
  /** What answers a dry run; the handlers themselves when they have no side effects. */
  readonly dryRunHandlers: readonly ErasedHandler[];
  /** Where it was defined, as far as the call stack tells. */
  readonly place: SourcePlace | undefined;
}

/** A handler whose object type is known only to its author. */
export type ErasedHandler = (request: AdmissionRequest, context: HandlerContext) => unknown;

const definitionKey = Symbol.for('sallyport.dev/webhook-definition');

/**
 * Defines a mutating webhook. The object's type follows from the resource:
 *
 *     export const defaults = defineMutator({
 *       name: 'defaults.example.com',
 *       resource: 'pods',
 *       operations: ['CREATE'],
 *       handler({ object: pod }) {
 *         pod.metadata.labels = { team: 'unknown', ...pod.metadata.labels };
 *       },
 *     });
 *
 * A custom resource's type is given as the type parameter, or once for all by augmenting `KubernetesResources`. With a
 * type parameter the operations are CREATE and UPDATE; others are named too: `defineMutator<Widget, 'CONNECT'>`.
 * Throws {@link InvalidDefinitionError} naming the field and the place in your file.
 */
export function defineMutator<const R extends ResourceName, const Op extends Operation = Operation>(
  options: MutatorOptions<R, KubernetesResources[R], Op>,
): WebhookDefinition;
export function defineMutator<T extends object, const Op extends Operation = 'CREATE' | 'UPDATE'>(
  options: MutatorOptions<string, T, Op>,
): WebhookDefinition;
export function defineMutator(options: ErasedOptions): WebhookDefinition {
  return define('mutating', options, options.reinvocationPolicy ?? 'Never', callSite(defineMutator));
}

/**
 * Defines a validating webhook; see {@link defineMutator} for types and errors.
 *
 *     export const replicas = defineValidator({
 *       name: 'replicas.example.com',
 *       resource: 'deployments.apps/v1',
 *       operations: ['CREATE', 'UPDATE'],
 *       handler({ object: deployment }) {
 *         if ((deployment.spec?.replicas ?? 1) <= 2) return deny('replicas must exceed 2');
 *       },
 *     });
 */
export function defineValidator<const R extends ResourceName, const Op extends Operation = Operation>(
  options: ValidatorOptions<R, KubernetesResources[R], Op>,
): WebhookDefinition;
export function defineValidator<T extends object, const Op extends Operation = 'CREATE' | 'UPDATE'>(
  options: ValidatorOptions<string, T, Op>,
): WebhookDefinition;
export function defineValidator(options: ErasedOptions): WebhookDefinition {
  return define('validating', options, 'Never', callSite(defineValidator));
}

/** True for what {@link defineMutator} and {@link defineValidator} return, also from another copy of this package. */
export function isWebhookDefinition(value: unknown): value is WebhookDefinition {
  return typeof value === 'object' && value !== null && definitionKey in value;
}

/** The options with the author's types taken away: what plain JavaScript may have put there is checked below. */
interface ErasedOptions extends CommonOptions, UncheckedTarget {
  readonly sideEffects?: 'None' | 'NoneOnDryRun';
  readonly handler: unknown;
  readonly dryRunHandler?: unknown;
  readonly reinvocationPolicy?: ReinvocationPolicy;
}

function define(
  kind: WebhookDefinition['kind'],
  options: ErasedOptions,
  reinvocationPolicy: ReinvocationPolicy,
  place: SourcePlace | undefined,
): WebhookDefinition {
  const refuse = (field: string, problem: string): never => {
    throw new InvalidDefinitionError(
      field,
      problem,
      place,
      typeof options.name === 'string' ? options.name : undefined,
    );
  };
  const oneOf = <T extends string>(field: string, value: T | undefined, allowed: readonly T[], otherwise: T): T => {
    if (value === undefined) return otherwise;
    return allowed.includes(value) ? value : refuse(field, `${quote(value)} is not one of ${allowed.join(', ')}`);
  };
  if (typeof options !== 'object' || options === null) refuse('options', 'expected an object');
  checkName(options.name, refuse);

  const path = options.path ?? `/${kind === 'mutating' ? 'mutate' : 'validate'}/${options.name}`;
  if (typeof path !== 'string' || !pathPattern.test(path)) {
    refuse('path', `${quote(path)} is not a path such as "/mutate/pods" of lower-case names, digits, "-" and "."`);
  }
  const timeoutSeconds = options.timeoutSeconds ?? (kind === 'mutating' ? 3 : 5);
  if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 1 || timeoutSeconds > 30) {
    refuse('timeoutSeconds', `${quote(timeoutSeconds)} is not a whole number from 1 to 30`);
  }
  const sideEffects = oneOf('sideEffects', options.sideEffects, ['None', 'NoneOnDryRun'], 'None');
  const handlers = readHandlers('handler', options.handler, refuse);
  if (sideEffects === 'NoneOnDryRun' && options.dryRunHandler === undefined) {
    refuse('dryRunHandler', 'is missing: a webhook with side effects must say what a dry run does instead');
  }
  const isolation = oneOf('isolation', options.isolation, ['none', 'thread'], 'none');
  if (isolation === 'thread' && options.reads !== undefined && options.reads.length > 0) {
    refuse(
      'reads',
      'cannot be used with isolation "thread": the caches are in another thread; leave one of the two out',
    );
  }
  const dryRunHandlers =
    options.dryRunHandler === undefined ? handlers : readHandlers('dryRunHandler', options.dryRunHandler, refuse);

  const definition: WebhookDefinition = {
    kind,
    name: options.name,
    path,
    rules: readRules(options, refuse),
    matchPolicy: oneOf('matchPolicy', options.matchPolicy, ['Exact', 'Equivalent'], 'Equivalent'),
    namespaceSelector: readSelector('namespaceSelector', options.namespaceSelector ?? {}, refuse),
    objectSelector: readSelector('objectSelector', options.objectSelector ?? {}, refuse),
    matchConditions: readMatchConditions(options.matchConditions ?? [], refuse),
    failurePolicy: oneOf('failurePolicy', options.failurePolicy, ['Ignore', 'Fail'], 'Fail'),
    sideEffects,
    timeoutSeconds,
    isolation,
    reads: readReads(options.reads ?? [], refuse),
    reinvocationPolicy: oneOf('reinvocationPolicy', reinvocationPolicy, ['Never', 'IfNeeded'], 'Never'),
    handlers,
    dryRunHandlers,
    place,
  };
  return Object.freeze(Object.defineProperty(definition, definitionKey, { value: true }));
}

/** Source: kubernetes `pkg/apis/admissionregistration/validation/validation.go`: a subdomain of at least three segments. */
const namePattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?){2,}$/;
/** A service's path may hold only DNS-1123 subdomain segments; the same for `url`, so that both forms stay possible. */
const pathPattern = /^(?:\/[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)+$/;

function checkName(name: unknown, refuse: Refuse): void {
  if (typeof name !== 'string' || name.length > 253 || !namePattern.test(name)) {
    refuse('name', `${quote(name)} is not a DNS name of at least three segments, such as "replicas.example.com"`);
  }
}

function readHandlers(field: string, value: unknown, refuse: Refuse): readonly ErasedHandler[] {
  const handlers: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (handlers.length === 0) refuse(field, 'needs at least one function');
  for (const handler of handlers) if (typeof handler !== 'function') refuse(field, 'is not a function');
  // The author's types are erased here and nowhere else: the rules make sure that the object is of that resource.
  return handlers as readonly ErasedHandler[];
}

function readReads(reads: readonly string[], refuse: Refuse): readonly string[] {
  reads.forEach((name, index) => {
    const parsed = parseResourceName(name);
    if ('problem' in parsed) refuse(`reads[${index}]`, parsed.problem);
    else if (parsed.version === undefined)
      refuse(`reads[${index}]`, `"${name}" leaves its version open; write "${name}/v1"`);
    else if (parsed.subresource !== undefined)
      refuse(`reads[${index}]`, `"${name}" is a subresource; those cannot be listed`);
  });
  return [...reads];
}

/** The caller of `below`, which is one of our two exported functions. */
function callSite(below: (...options: never[]) => unknown): SourcePlace | undefined {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, below);
  const frame = /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^()]*?):(\d+):\d+\)?$/m.exec(holder.stack ?? '');
  if (frame?.[1] === undefined) return undefined;
  const file = frame[1].startsWith('file://') ? decodeURI(frame[1].slice('file://'.length)) : frame[1];
  return { file, line: Number(frame[2]) };
}
