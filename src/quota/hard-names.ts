import { qualifiedNameProblems } from '../api/names.ts';
import { objectCountName, type GroupResource } from '../usage/evaluator.ts';
import { evaluatorFor } from '../usage/evaluators.ts';
import { QuotaScopeError, matchesScopes, type QuotaScopes } from '../usage/index.ts';
import { isExtendedResourceForQuota, isHugePages, requestsPrefix } from '../usage/resource-names.ts';

/**
 * What is wrong with a name under `hard`; undefined when a ResourceQuota could have it.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/validation/validation.go, ValidateResourceQuotaResourceName;
 * pkg/apis/core/helper/helpers.go, IsStandardQuotaResourceName.
 */
export function hardNameProblem(name: string): string | undefined {
  const [problem] = qualifiedNameProblems(name);
  if (problem !== undefined) return problem;
  if (name.includes('/') || standardNames.has(name)) return undefined;
  if (isHugePages(name) || isHugePages(name.slice(requestsPrefix.length))) return undefined;
  return `is no resource that a quota can name; expected such as ${examples}`;
}

const examples = 'requests.cpu, limits.memory, requests.example.com/gpu, pods, count/deployments.apps';

const standardNames: ReadonlySet<string> = new Set([
  ...['cpu', 'memory', 'ephemeral-storage'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
  'requests.storage',
  'pods',
  'services',
  'services.nodeports',
  'services.loadbalancers',
  'persistentvolumeclaims',
  'configmaps',
  'secrets',
  'replicationcontrollers',
  'resourcequotas',
]);

export const pods: GroupResource = { group: '', resource: 'pods' };
export const persistentVolumeClaims: GroupResource = { group: '', resource: 'persistentvolumeclaims' };
export const resourceClaims: GroupResource = { group: 'resource.k8s.io', resource: 'resourceclaims' };

/** Resources whose objects count towards more than `count/…`. */
const countedByName: readonly GroupResource[] = [
  pods,
  persistentVolumeClaims,
  resourceClaims,
  ...['services', 'configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas'].map((resource) => ({
    group: '',
    resource,
  })),
];

/**
 * The resources whose objects count towards any of these names. Of extended resources it is not known here whether a device
 * class stands for them, so claims of devices are among them.
 */
export function resourcesCounted(names: readonly string[]): GroupResource[] {
  const found = countedByName.filter((resource) => countsTowards(resource, names).length > 0);
  for (const name of names) {
    const counted = countedObject(name);
    if (counted !== undefined && !found.some((known) => objectCountName(known) === name)) found.push(counted);
  }
  return found.filter((resource) => evaluatorFor(resource, { now: 0 }) !== undefined);
}

/** `count/deployments.apps` counts deployments of the group apps. */
function countedObject(name: string): GroupResource | undefined {
  if (!name.startsWith('count/')) return undefined;
  const [resource = '', ...group] = name.slice('count/'.length).split('.');
  return resource === '' ? undefined : { resource, group: group.join('.') };
}

function countsTowards(resource: GroupResource, names: readonly string[]): string[] {
  const own = evaluatorFor(resource, { now: 0 })?.matchingResources(names) ?? [];
  if (resource !== resourceClaims) return own;
  return [...own, ...names.filter(isExtendedResourceForQuota)];
}

/** What keeps these scopes from meaning anything, with the path of the field below `spec`. */
export function scopeProblem(
  scopes: QuotaScopes,
  hardNames: readonly string[],
): { readonly path: readonly PropertyKey[]; readonly message: string } | undefined {
  const path = scopes.scopeSelector === undefined ? ['scopes'] : ['scopeSelector'];
  const named = [
    ...(scopes.scopes ?? []),
    ...(scopes.scopeSelector?.matchExpressions ?? []).map(({ scopeName }) => scopeName),
  ];
  for (const scope of named) {
    if (!podScopes.has(scope) && scope !== claimScope) {
      return { path, message: `"${scope}" is no scope; expected ${[...podScopes, claimScope].join(', ')}` };
    }
  }
  for (const [one, other] of contradictions) {
    if (named.includes(one) && named.includes(other)) {
      return { path, message: `${one} and ${other} together match nothing` };
    }
  }
  if (named.length === 0) return undefined;
  const counted = named.includes(claimScope) ? persistentVolumeClaims : pods;
  if (named.some((scope) => podScopes.has(scope)) && named.includes(claimScope)) {
    return {
      path,
      message: `${claimScope} is a scope of claims and the others are of Pods; together they match nothing`,
    };
  }
  const selected = scopes.scopeSelector?.matchExpressions ?? [];
  const odd = selected.find(({ scopeName, operator }) => !comparedScopes.has(scopeName) && operator !== 'Exists');
  if (odd !== undefined) {
    return {
      path,
      message: `${odd.scopeName} is there or not; expected the operator Exists instead of ${odd.operator}`,
    };
  }
  const countable = named.includes('BestEffort') ? ['pods', 'count/pods'] : countsTowards(counted, hardNames);
  const uncounted = hardNames.filter((name) => !countable.includes(name));
  if (uncounted.length > 0) {
    return { path, message: `no object with these scopes counts towards ${uncounted.join(', ')}` };
  }
  try {
    matchesScopes(scopes, counted, {});
  } catch (error) {
    if (!(error instanceof QuotaScopeError)) throw error;
    return { path, message: error.message };
  }
  return undefined;
}

const claimScope = 'VolumeAttributesClass';
const podScopes: ReadonlySet<string> = new Set([
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
]);
/** All that there are. */
export const scopeNames: readonly string[] = [...podScopes, claimScope];
/** Scopes with a value; of the others it is only said that they are there. */
const comparedScopes: ReadonlySet<string> = new Set(['PriorityClass', claimScope]);
const contradictions = [
  ['Terminating', 'NotTerminating'],
  ['BestEffort', 'NotBestEffort'],
] as const;
