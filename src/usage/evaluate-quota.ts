import type { Operation } from '../api/admission-review.ts';
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../api/generated/core.v1.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { QuotaScopeError } from './errors.ts';
import type { Evaluator, GroupResource } from './evaluator.ts';
import { evaluatorFor, type EvaluationContext } from './evaluators.ts';
import { formatScopeRequirement, scopeRequirements, type QuotaScopes } from './quota-scopes.ts';
import {
  addLists,
  areEqualLists,
  exceededNames,
  formatResourceList,
  maskList,
  negativeNames,
  parseResourceList,
  removeZeros,
  sortedNames,
  subtractToZero,
  type ResourceList,
  type ResourceListBody,
} from './resource-list.ts';

/**
 * What may only be consumed where a quota covers it, from the configuration of the ResourceQuota plug-in.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/resourcequota/apis/resourcequota/v1/types.go.
 */
export interface LimitedResource {
  readonly apiGroup?: string;
  readonly resource: string;
  /** Parts of resource names: `.storageclass.storage.k8s.io/requests.storage`. */
  readonly matchContains?: readonly string[];
  readonly matchScopes?: readonly ScopedResourceSelectorRequirement[];
}

/** One write, and the quotas it meets. */
export interface QuotaRequest extends EvaluationContext {
  /** The quotas of the namespace as they are stored, with their status. They are asked in this order. */
  readonly quotas: readonly ResourceQuota[];
  /** Default: none. */
  readonly limitedResources?: readonly LimitedResource[];
  readonly operation: Operation;
  readonly resource: GroupResource;
  /** Default: `''`, the main resource. */
  readonly subresource?: string;
  /** `''` for cluster-scoped resources, which are not counted. */
  readonly namespace: string;
  /**
   * As the validating plug-ins see it: defaulted, changed by the mutating ones, and on create with the status that the API
   * server gives it. See {@link defaultPodRequests}, {@link defaultPodLevelResources}, {@link defaultDeviceRequests}.
   */
  readonly object: object | null;
  readonly oldObject: object | null;
}

export type QuotaVerdict =
  /** The write cannot change any usage. */
  | { readonly handled: false; readonly allowed: true }
  /** `usedAfter` holds the new `status.used` of each quota that changes, by its name. */
  | {
      readonly handled: true;
      readonly allowed: true;
      readonly usedAfter: { readonly [quota: string]: ResourceListBody };
    }
  /**
   * `message` is the plug-in's own text. With the reason Forbidden the client sees it after `pods "web" is forbidden: `
   * with code 403; with InternalError it sees the message alone, with code 500.
   */
  | {
      readonly handled: true;
      readonly allowed: false;
      readonly reason: 'Forbidden' | 'InternalError';
      readonly message: string;
    };

/**
 * What the ResourceQuota admission plug-in says to one write: pass, or refused with its words, and what the quotas hold
 * after it.
 *
 * An update counts what grows; an update that makes the object counts the whole. A write that adds nothing passes even when
 * the quota is exceeded already, and changes no usage: only a recount lowers it. A dry run asks the same and must not keep
 * `usedAfter`. Unlike the server this does not batch, write or retry.
 *
 * Throws {@link UncountableObjectError} for an object or quota that cannot be read.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/resourcequota/{admission,controller}.go, Validate, Evaluate,
 * CheckRequest.
 */
export function evaluateQuota(request: QuotaRequest): QuotaVerdict {
  const {
    operation,
    resource,
    namespace,
    object,
    oldObject,
    quotas,
    subresource = '',
    limitedResources = [],
  } = request;
  if (object === null || namespace === '' || isNamespaceCreation(request)) return notHandled;
  const evaluator = evaluatorFor(resource, request);
  if (evaluator === undefined || !evaluator.handles({ operation, subresource, object, oldObject })) return notHandled;
  if (quotas.length === 0 && limitedResources.length === 0) return passed(new Map());
  try {
    return check({ evaluator, request, object: inNamespace(object, namespace) }, quotas.map(readQuota));
  } catch (error) {
    if (!(error instanceof QuotaScopeError)) throw error;
    return refused('InternalError', error.message);
  }
}

/**
 * Whether all the scopes of a quota match an object. A quota without scopes matches every object; one with any scope
 * matches no object of a resource that knows no scopes.
 *
 * Throws {@link QuotaScopeError}, {@link UncountableObjectError}.
 */
export function matchesScopes(scopes: QuotaScopes, resource: GroupResource, object: object): boolean {
  // No scope depends on the time.
  const evaluator = evaluatorFor(resource, { now: 0 });
  // Every scope is looked at, so that an illegible one is told of wherever it stands.
  return scopeRequirements(scopes)
    .map((requirement) => evaluator?.matchesScope(requirement, object) === true)
    .every(Boolean);
}

interface ReadQuota {
  readonly name: string;
  readonly requirements: readonly ScopedResourceSelectorRequirement[];
  readonly hard: ResourceList;
  readonly used: ResourceList;
}

/** One quota the object falls under, with what it is to be charged. */
interface Charge {
  readonly quota: ReadQuota;
  readonly delta: ResourceList;
}

/** A write that is to be checked, with the evaluator of its resource. */
interface Write {
  readonly evaluator: Evaluator;
  readonly request: QuotaRequest;
  readonly object: object;
}

/** Go: CheckRequest. */
function check(write: Write, quotas: readonly ReadQuota[]): QuotaVerdict {
  const { evaluator, request, object } = write;
  const limitedScopes = matchingLimitedScopes(write);
  if (limitedScopes === undefined) return passed(new Map());
  const coveredScopes = new Set(quotas.flatMap((quota) => matchingScopeNames(write, quota)));

  const concerned = quotas.filter((quota) => matchesQuota(evaluator, quota, object));
  const coveredNames = new Set<string>();
  for (const quota of concerned) {
    const names = evaluator.matchingResources([...quota.hard.keys()]);
    const problem = problemWith(write, quota, names);
    if (problem !== undefined) return refused('Forbidden', problem);
    for (const name of names) coveredNames.add(name);
  }

  const usage = evaluator.usage(object);
  const negative = sortedNames(negativeNames(usage));
  if (negative.length > 0) {
    return refused('Forbidden', `quota usage is negative for resource(s): ${negative.join(',')}`);
  }
  if (request.operation === 'UPDATE' && request.oldObject === null) {
    return refused('Forbidden', 'unable to get previous usage since prior version of object was not found');
  }
  const charges = chargesOf(write, usage, concerned);
  if (charges === 'nothing') return passed(new Map());

  const uncovered = sortedNames(limitedNames(request, usage).filter((name) => !coveredNames.has(name)));
  if (uncovered.length > 0) {
    return refused('Forbidden', `insufficient quota to consume: ${uncovered.join(',')}`);
  }
  const uncoveredScopes = limitedScopes.filter(({ scopeName }) => !coveredScopes.has(scopeName));
  if (uncoveredScopes.length > 0) {
    const scopes = uncoveredScopes.map(formatScopeRequirement).join(' ');
    return refused('InternalError', `insufficient quota to match these scopes: [${scopes}]`);
  }
  return fit(charges, request.subresource === 'status');
}

/** The scopes that must be covered, of those that match; undefined where one is illegible, and the server lets the write pass. */
function matchingLimitedScopes({ evaluator, request, object }: Write): ScopedResourceSelectorRequirement[] | undefined {
  try {
    // Those of every limited resource, not only of this one: so the server has it.
    return (request.limitedResources ?? [])
      .flatMap(({ matchScopes }) => matchScopes ?? [])
      .filter((requirement) => evaluator.matchesScope(requirement, object));
  } catch (error) {
    if (error instanceof QuotaScopeError) return undefined;
    throw error;
  }
}

/** Names of resources that are consumed and must be covered. */
function limitedNames({ resource, limitedResources = [] }: QuotaRequest, usage: ResourceList): string[] {
  const parts = limitedResources
    .filter((limited) => limited.resource === resource.resource && (limited.apiGroup ?? '') === resource.group)
    .flatMap(({ matchContains }) => matchContains ?? []);
  const isLimited = (name: string) => parts.some((part) => name.includes(part));
  return [...usage].filter(([name, quantity]) => quantity.sign() > 0 && isLimited(name)).map(([name]) => name);
}

/** Names of the quota's scopes that match, also when the quota as a whole does not. */
function matchingScopeNames({ evaluator, object }: Write, { name, requirements }: ReadQuota): string[] {
  const matches = (requirement: ScopedResourceSelectorRequirement) => {
    try {
      return evaluator.matchesScope(requirement, object);
    } catch (error) {
      if (!(error instanceof QuotaScopeError)) throw error;
      const scope = `error on matching scope ${formatScopeRequirement(requirement)}: ${error.message}`;
      throw new QuotaScopeError(`error matching scopes of quota ${name}, err: ${scope}`, { cause: error });
    }
  };
  return requirements.filter(matches).map(({ scopeName }) => scopeName);
}

/** Go: generic.Matches. */
function matchesQuota(evaluator: Evaluator, { hard, requirements }: ReadQuota, object: object): boolean {
  return (
    evaluator.matchingResources([...hard.keys()]).length > 0 &&
    requirements.every((requirement) => evaluator.matchesScope(requirement, object))
  );
}

/** What keeps the write from being counted at all. */
function problemWith(write: Write, { name, used }: ReadQuota, names: readonly string[]): string | undefined {
  const missing = write.evaluator.missing(names, write.object);
  if (missing !== undefined) return `failed quota: ${name}: must specify ${missing}`;
  if (names.every((each) => used.has(each))) return undefined;
  return `status unknown for quota: ${name}, resources: ${sortedNames(names).join(',')}`;
}

/** `'nothing'` when no usage would change, be there a quota or not. */
function chargesOf(
  { evaluator, request }: Write,
  usage: ResourceList,
  concerned: readonly ReadQuota[],
): Charge[] | 'nothing' {
  const old: KubernetesObject | null = request.operation === 'UPDATE' ? request.oldObject : null;
  // An update of what has no resourceVersion makes the object, and counts the whole.
  const before = old?.metadata?.resourceVersion ? old : null;
  const growth = before === null ? usage : subtractToZero(usage, evaluator.usage(before));
  if (concerned.length === 0) return removeZeros(growth).size === 0 ? 'nothing' : [];
  const charges = concerned
    .map((quota) => {
      const countedBefore = before !== null && matchesQuota(evaluator, quota, before);
      return { quota, delta: removeZeros(countedBefore ? growth : usage) };
    })
    .filter(({ delta }) => delta.size > 0);
  return charges.length === 0 ? 'nothing' : charges;
}

/** All charges fit, or the first that does not refuses. A status tells what has happened already: it is charged, fit or not. */
function fit(charges: readonly Charge[], isStatus: boolean): QuotaVerdict {
  const usedAfter = new Map<string, ResourceList>();
  for (const { quota, delta } of charges) {
    const { name, hard, used } = quota;
    const requested = maskList(delta, hard.keys());
    const after = addLists(used, requested);
    const exceeded = isStatus ? [] : exceededNames(maskList(after, requested.keys()), hard);
    if (exceeded.length > 0) {
      const print = (list: ResourceList) => printList(maskList(list, exceeded));
      const numbers = `requested: ${print(requested)}, used: ${print(used)}, limited: ${print(hard)}`;
      return refused('Forbidden', `exceeded quota: ${name}, ${numbers}`);
    }
    if (!areEqualLists(used, after)) usedAfter.set(name, after);
  }
  return passed(usedAfter);
}

const notHandled: QuotaVerdict = { handled: false, allowed: true };

function passed(usedAfter: ReadonlyMap<string, ResourceList>): QuotaVerdict {
  const bodies = [...usedAfter].map(([quota, used]) => [quota, formatResourceList(used)] as const);
  return { handled: true, allowed: true, usedAfter: Object.fromEntries(bodies) };
}

function refused(reason: 'Forbidden' | 'InternalError', message: string): QuotaVerdict {
  return { handled: true, allowed: false, reason, message };
}

/** A new namespace carries its own name as its namespace, and no quota can be in it yet. */
function isNamespaceCreation({ operation, resource }: QuotaRequest): boolean {
  return operation === 'CREATE' && resource.group === '' && resource.resource === 'namespaces';
}

function readQuota({ metadata, spec, status }: ResourceQuota): ReadQuota {
  return {
    name: metadata?.name ?? '',
    requirements: scopeRequirements(spec ?? {}),
    // The status: a limit that was raised or lowered counts when the controller has seen it.
    hard: parseResourceList(status?.hard, 'status.hard'),
    used: parseResourceList(status?.used, 'status.used'),
  };
}

/** A claim is counted together with other objects of its namespace, which it may not name yet. */
function inNamespace(object: KubernetesObject, namespace: string): object {
  if (object.metadata?.namespace) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** `cpu=2,memory=1Gi`. Go: prettyPrint. */
function printList(list: ResourceList): string {
  return sortedNames(list.keys())
    .map((name) => `${name}=${String(list.get(name))}`)
    .join(',');
}
