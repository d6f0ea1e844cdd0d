import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../api/generated/core.v1.ts';
import { Quantity } from '../../api/quantity.ts';
import { parseResourceList, type ResourceList } from '../../usage/index.ts';
import {
  aggregateSpecResources,
  podLevelResources,
  readRequirements,
  type PodResources,
} from '../../usage/pod-resources.ts';
import { sortedNames } from '../../usage/resource-list.ts';

/**
 * What a Pod does that a LimitRange forbids, in the API server's words; [] when nothing. Expects both defaulted.
 *
 * Throws UncountableObjectError. Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/limitranger/admission.go,
 * PodValidateLimitFunc.
 */
export function podViolations(limitRange: LimitRange, pod: Pod): string[] {
  return (limitRange.spec?.limits ?? []).flatMap((item) => {
    switch (item.type) {
      case 'Container':
        return containersOf(pod).flatMap((resources) => violations(item, resources));
      case 'Pod':
        return violations(item, wholePod(pod));
      default:
        return [];
    }
  });
}

/**
 * The same for a PersistentVolumeClaim, of which only requests count. Go: PersistentVolumeClaimValidateLimitFunc.
 */
export function claimViolations(limitRange: LimitRange, claim: PersistentVolumeClaim): string[] {
  const requests = parseResourceList(claim.spec?.resources?.requests, 'spec.resources.requests');
  return (limitRange.spec?.limits ?? [])
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap((item) => [
      ...each(item, 'min', (limit) => belowMinimum(limit, { requests, limits: new Map() })),
      ...each(item, 'max', (limit) => aboveRequestedMaximum(limit, requests)),
    ]);
}

/** One limit of a LimitRange: `Container`, `memory`, 1Gi. */
interface Limit {
  readonly type: string;
  readonly name: string;
  readonly enforced: Quantity;
}

function containersOf(pod: Pod): PodResources[] {
  return (['containers', 'initContainers'] as const).flatMap((list) =>
    (pod.spec?.[list] ?? []).map(({ resources }: Container, index) =>
      readRequirements(resources, `spec.${list}[${index}].resources`),
    ),
  );
}

/** Go: podRequests and podLimits there, which take cpu and memory from the Pod's own resources, but not huge pages. */
function wholePod(pod: Pod): PodResources {
  const ofContainers = aggregateSpecResources(pod);
  const podLevel = podLevelResources(pod);
  const override = (list: 'requests' | 'limits') =>
    new Map([...ofContainers[list], ...[...podLevel[list]].filter(([name]) => name === 'cpu' || name === 'memory')]);
  return { requests: override('requests'), limits: override('limits') };
}

function violations(item: LimitRangeItem, resources: PodResources): string[] {
  return [
    ...each(item, 'min', (limit) => belowMinimum(limit, resources)),
    ...each(item, 'max', (limit) => aboveMaximum(limit, resources)),
    ...each(item, 'maxLimitRequestRatio', (limit) => aboveRatio(limit, resources)),
  ];
}

function each(
  item: LimitRangeItem,
  list: 'min' | 'max' | 'maxLimitRequestRatio',
  violation: (limit: Limit) => string | undefined,
): string[] {
  const limits = parseResourceList(item[list], list);
  return sortedNames(limits.keys()).flatMap((name) => {
    const enforced = limits.get(name) ?? Quantity.zero;
    return violation({ type: item.type, name, enforced }) ?? [];
  });
}

/** Go: minConstraint. */
function belowMinimum({ type, name, enforced }: Limit, { requests, limits }: PodResources): string | undefined {
  const [request, limit] = [requests.get(name), limits.get(name)];
  const values = comparable(request, limit, enforced);
  const minimum = `minimum ${name} usage per ${type} is ${enforced.toString()}`;
  if (request === undefined) return `${minimum}.  No request is specified`;
  if (values.request < values.enforced) return `${minimum}, but request is ${request.toString()}`;
  if (limit !== undefined && values.limit < values.enforced) return `${minimum}, but limit is ${limit.toString()}`;
  return undefined;
}

/** Go: maxConstraint. */
function aboveMaximum({ type, name, enforced }: Limit, { requests, limits }: PodResources): string | undefined {
  const [request, limit] = [requests.get(name), limits.get(name)];
  const values = comparable(request, limit, enforced);
  const maximum = `maximum ${name} usage per ${type} is ${enforced.toString()}`;
  if (limit === undefined) return `${maximum}.  No limit is specified`;
  if (values.limit > values.enforced) return `${maximum}, but limit is ${limit.toString()}`;
  if (request !== undefined && values.request > values.enforced)
    return `${maximum}, but request is ${request.toString()}`;
  return undefined;
}

/** Go: maxRequestConstraint. */
function aboveRequestedMaximum({ type, name, enforced }: Limit, requests: ResourceList): string | undefined {
  const request = requests.get(name);
  const values = comparable(request, undefined, enforced);
  const maximum = `maximum ${name} usage per ${type} is ${enforced.toString()}`;
  if (request === undefined) return `${maximum}.  No request is specified`;
  return values.request > values.enforced ? `${maximum}, but request is ${request.toString()}` : undefined;
}

/** Go: limitRequestRatioConstraint. */
function aboveRatio({ type, name, enforced }: Limit, { requests, limits }: PodResources): string | undefined {
  const { request, limit } = comparable(requests.get(name), limits.get(name), enforced);
  const maximum = `${name} max limit to request ratio per ${type} is ${enforced.toString()}`;
  if (request === 0n) return `${maximum}, but no request is specified or request is 0`;
  if (limit === 0n) return `${maximum}, but no limit is specified or limit is 0`;
  const ratio = Number(limit) / Number(request);
  const isExact = enforced.scaledValue(0) <= maxMilliValue;
  const isAbove = isExact ? ratio * 1000 > Number(enforced.scaledValue(-3)) : ratio > Number(enforced.scaledValue(0));
  return isAbove ? `${maximum}, but provided ratio is ${sixDecimals(ratio)}` : undefined;
}

/** In thousandths where all of them are small enough for that, else in whole units. Go: requestLimitEnforcedValues. */
function comparable(
  request = Quantity.zero,
  limit = Quantity.zero,
  enforced: Quantity,
): { readonly request: bigint; readonly limit: bigint; readonly enforced: bigint } {
  const isSmall = [request, limit, enforced].every((quantity) => quantity.scaledValue(0) <= maxMilliValue);
  const scale = isSmall ? -3 : 0;
  return {
    request: request.scaledValue(scale),
    limit: limit.scaledValue(scale),
    enforced: enforced.scaledValue(scale),
  };
}

/** Source: k8s.io/apimachinery v0.37.2 pkg/api/resource/scale_int.go, MaxMilliValue. */
const maxMilliValue = (2n ** 63n - 1n) / 1000n;

/**
 * Go's `%f`. It differs from toFixed for a number in the middle between two of six decimals, where Go takes the even one;
 * those are the odd multiples of 1/128.
 */
function sixDecimals(value: number): string {
  const isHalfway = Math.abs((value * 128) % 2) === 1;
  const text = value.toFixed(6);
  if (!isHalfway || Number(text.at(-1)) % 2 === 0) return text;
  // toFixed took the larger one, which is odd here, so the even one is below.
  return `${text.slice(0, -1)}${Number(text.at(-1)) - 1}`;
}
