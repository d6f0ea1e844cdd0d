import type { Container, Pod, PodSpec, ResourceRequirements } from '../api/generated/core.v1.ts';
import type { Quantity } from '../api/quantity.ts';
import { listAt } from './object-fields.ts';
import { aggregateSpecResources, podLevelResources, readRequirements, type PodResources } from './pod-resources.ts';
import { formatResourceList, parseResourceList, type ResourceList } from './resource-list.ts';
import { isHugePages, isNativeResource, isPodLevelResource } from './resource-names.ts';

/**
 * The Pod with the requests that the API server fills in when it reads one, before any admission: a container that limits a
 * resource and does not request it requests its limit. Quantities are rounded up to thousandths, as all of a Pod's are.
 *
 * Nothing but requests, limits and overhead is touched; their quantities come out as the API server writes them. Throws
 * {@link UncountableObjectError}.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/v1/defaults.go, SetDefaults_Pod and SetDefaults_ResourceList.
 */
export function defaultPodRequests(pod: Pod): Pod {
  const { spec } = pod;
  if (spec === undefined || spec === null) return pod;
  const containersOf = (list: 'containers' | 'initContainers') =>
    listAt(spec[list], `spec.${list}`).map((each, index) => withDefaultRequests(each, `spec.${list}[${index}]`));
  const overhead = roundToMilli(parseResourceList(spec.overhead, 'spec.overhead'));
  const { requests, limits } = podLevelResources(pod);
  return withSpec(pod, {
    ...(spec.containers ? { containers: containersOf('containers') } : {}),
    ...(spec.initContainers ? { initContainers: containersOf('initContainers') } : {}),
    ...(overhead.size > 0 ? { overhead: formatResourceList(overhead) } : {}),
    ...(spec.resources
      ? { resources: withLists(spec.resources, { requests: roundToMilli(requests), limits: roundToMilli(limits) }) }
      : {}),
  });
}

/**
 * The Pod with the pod-level requests and limits that the API server fills in when it creates one that has some:
 * between the mutating and the validating plug-ins, so that injected containers are in the sum.
 *
 * In this order: limits of huge pages from the containers; requests from the containers, except of huge pages; requests
 * from the pod-level limits; limits from the containers where each of them has one, raised to the request. Expects what
 * {@link defaultPodRequests} gives. Throws {@link UncountableObjectError}.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/api/pod/util.go, DefaultPodLevelResources, called by
 * pkg/registry/core/pod/strategy.go, PrepareForCreate.
 */
export function defaultPodLevelResources(pod: Pod): Pod {
  const resources = pod.spec?.resources;
  const podLevel = podLevelResources(pod);
  const requests = new Map(podLevel.requests);
  const limits = new Map(podLevel.limits);
  if (!resources || requests.size + limits.size === 0) return pod;

  const ofContainers = aggregateSpecResources(pod);
  for (const [name, limit] of ofContainers.limits) {
    if (isHugePages(name) && !requests.has(name) && !limits.has(name)) limits.set(name, limit);
  }
  for (const [name, request] of ofContainers.requests) {
    const isOvercommittable = isNativeResource(name) && !isHugePages(name);
    if (isPodLevelResource(name) && isOvercommittable && !requests.has(name)) requests.set(name, request);
  }
  for (const [name, limit] of limits) {
    if (isPodLevelResource(name) && !requests.has(name)) requests.set(name, limit);
  }
  const limitedEverywhere = namesLimitedByAllContainers(pod);
  for (const [name, request] of requests) {
    const limit = ofContainers.limits.get(name);
    if (!isPodLevelResource(name) || limits.has(name) || limit === undefined || !limitedEverywhere(name)) continue;
    limits.set(name, request.compare(limit) > 0 ? request : limit);
  }
  return withSpec(pod, { resources: withLists(resources, { requests, limits }) });
}

function withDefaultRequests(container: Container, field: string): Container {
  if (!container.resources) return container;
  const { requests, limits } = readRequirements(container.resources, `${field}.resources`);
  const defaulted = { requests: roundToMilli(new Map([...limits, ...requests])), limits: roundToMilli(limits) };
  return { ...container, resources: withLists(container.resources, defaulted) };
}

function namesLimitedByAllContainers(pod: Pod): (name: string) => boolean {
  const limits = (['containers', 'initContainers'] as const).flatMap((list) =>
    listAt(pod.spec?.[list], `spec.${list}`).map(({ resources }, index) =>
      parseResourceList(resources?.limits, `spec.${list}[${index}].resources.limits`),
    ),
  );
  return (name) => limits.every((each) => each.has(name));
}

function roundToMilli(list: ResourceList): ReadonlyMap<string, Quantity> {
  return new Map([...list].map(([name, quantity]) => [name, quantity.roundUp(-3)]));
}

function withSpec(pod: Pod, changed: Partial<PodSpec>): Pod {
  // A Pod without containers is refused by validation; it is not for defaulting to invent them.
  return { ...pod, spec: { ...pod.spec, ...changed } as PodSpec };
}

function withLists(resources: ResourceRequirements, { requests, limits }: PodResources): ResourceRequirements {
  return {
    ...resources,
    ...(requests.size > 0 ? { requests: { ...formatResourceList(requests) } } : {}),
    ...(limits.size > 0 ? { limits: { ...formatResourceList(limits) } } : {}),
  };
}
