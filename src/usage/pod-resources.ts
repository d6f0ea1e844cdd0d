import type { Container, ContainerStatus, Pod, ResourceRequirements } from '../api/generated/core.v1.ts';
import type { Quantity } from '../api/quantity.ts';
import { listAt } from './object-fields.ts';
import { addInto, parseResourceList, raiseTo, type ResourceList } from './resource-list.ts';
import { isPodLevelResource } from './resource-names.ts';

export interface PodResources {
  readonly requests: ResourceList;
  readonly limits: ResourceList;
}

/**
 * What a Pod takes of a cluster, in the view the quota evaluator has of it.
 *
 * Requests are the larger of containers with sidecars, and of each init container with the sidecars before it; while a
 * resize is under way the largest of what is wanted, allotted and in force. Pod-level `cpu`, `memory` and huge pages
 * replace the sums; overhead is added. The evaluator leaves pod-level *status* and devices' node resources out, and so
 * does this. Ephemeral containers never count.
 *
 * Throws {@link UncountableObjectError}. Source: k8s.io/component-helpers v0.37.2 resource/helpers.go, PodRequests and
 * PodLimits with the options of k8s.io/kubernetes v1.37.2 pkg/quota/v1/evaluator/core/pods.go, PodUsageFunc.
 */
export function podResources(pod: Pod): PodResources {
  const containers = readContainers(pod);
  const podLevel = podLevelResources(pod);
  const overhead = parseResourceList(pod.spec?.overhead, 'spec.overhead');

  const requests = effectiveRequests(containers, isResizeInfeasible(pod));
  for (const [name, quantity] of podLevel.requests) if (isPodLevelResource(name)) requests.set(name, quantity);
  addInto(requests, overhead);

  const limits = effectiveLimits(containers, isResizeInfeasible(pod));
  for (const [name, quantity] of podLevel.limits) if (isPodLevelResource(name)) limits.set(name, quantity);
  for (const [name, quantity] of overhead) {
    const limit = limits.get(name);
    if (limit !== undefined && !limit.isZero()) limits.set(name, limit.add(quantity));
  }
  return { requests, limits };
}

/** The containers' part alone, from the spec alone: what pod-level defaulting goes by. Go: AggregateContainerRequests, -Limits. */
export function aggregateSpecResources(pod: Pod): PodResources {
  const containers = readContainers(pod);
  return { requests: aggregate(containers, ({ requests }) => requests), limits: aggregate(containers, specLimits) };
}

/** `spec.resources` of the Pod. */
export function podLevelResources(pod: Pod): PodResources {
  return readRequirements(pod.spec?.resources, 'spec.resources');
}

/** Whether `spec.resources` says something that counts. Go: IsPodLevelResourcesSet. */
export function isPodLevelResourcesSet({ requests, limits }: PodResources): boolean {
  return [...requests.keys(), ...limits.keys()].some(isPodLevelResource);
}

/** `resources` of a container or Pod; `field` is its path. */
export function readRequirements(resources: ResourceRequirements | null | undefined, field: string): PodResources {
  return {
    requests: parseResourceList(resources?.requests, `${field}.requests`),
    limits: parseResourceList(resources?.limits, `${field}.limits`),
  };
}

interface ContainerResources extends PodResources {
  readonly role: 'container' | 'sidecar' | 'init container';
  /** Undefined where the status does not say. An empty list says: nothing. */
  readonly allocated: ResourceList | undefined;
  readonly actuatedRequests: ResourceList | undefined;
  readonly actuatedLimits: ResourceList | undefined;
}

/** Containers first, then init containers in their order. */
function readContainers(pod: Pod): ContainerResources[] {
  const { status } = pod;
  const statuses = new Map<string, { readonly status: ContainerStatus; readonly field: string }>();
  for (const list of ['containerStatuses', 'initContainerStatuses'] as const) {
    listAt(status?.[list], `status.${list}`).forEach((each, index) => {
      // The first status of a name counts.
      if (!statuses.has(each.name)) statuses.set(each.name, { status: each, field: `status.${list}[${index}]` });
    });
  }
  const read = (container: Container, field: string, role: ContainerResources['role']): ContainerResources => {
    const reported = statuses.get(container.name);
    const optional = (body: unknown, path: string) =>
      body === null || body === undefined ? undefined : parseResourceList(body, `${reported?.field}.${path}`);
    return {
      ...readRequirements(container.resources, `${field}.resources`),
      role,
      allocated: optional(reported?.status.allocatedResources, 'allocatedResources'),
      actuatedRequests: optional(reported?.status.resources?.requests, 'resources.requests'),
      actuatedLimits: optional(reported?.status.resources?.limits, 'resources.limits'),
    };
  };
  return [
    ...listAt(pod.spec?.containers, 'spec.containers').map((each, index) =>
      read(each, `spec.containers[${index}]`, 'container'),
    ),
    ...listAt(pod.spec?.initContainers, 'spec.initContainers').map((each, index) =>
      read(each, `spec.initContainers[${index}]`, each.restartPolicy === 'Always' ? 'sidecar' : 'init container'),
    ),
  ];
}

const noResources: ResourceList = new Map();
const specLimits = ({ limits }: ContainerResources): ResourceList => limits;

/** The three views are summed up whole before the largest is taken, not container by container. */
function effectiveRequests(containers: readonly ContainerResources[], infeasible: boolean): Map<string, Quantity> {
  const wanted = ({ requests }: ContainerResources) => requests;
  const fallback = infeasible ? () => noResources : wanted;
  const allocated = (each: ContainerResources) => each.allocated ?? fallback(each);
  const actuated = (each: ContainerResources) => each.actuatedRequests ?? allocated(each);
  const result = infeasible ? new Map<string, Quantity>() : aggregate(containers, wanted);
  raiseTo(result, aggregate(containers, actuated));
  raiseTo(result, aggregate(containers, allocated));
  return result;
}

function effectiveLimits(containers: readonly ContainerResources[], infeasible: boolean): Map<string, Quantity> {
  const fallback = infeasible ? () => noResources : specLimits;
  const actuated = (each: ContainerResources) => each.actuatedLimits ?? fallback(each);
  const result = infeasible ? new Map<string, Quantity>() : aggregate(containers, specLimits);
  raiseTo(result, aggregate(containers, actuated));
  return result;
}

/** Go: aggregateContainerResourcesByFn. */
function aggregate(
  containers: readonly ContainerResources[],
  view: (container: ContainerResources) => ResourceList,
): Map<string, Quantity> {
  const running = new Map<string, Quantity>();
  const sidecars = new Map<string, Quantity>();
  const initializing = new Map<string, Quantity>();
  for (const container of containers) {
    const resources = view(container);
    switch (container.role) {
      case 'container':
        addInto(running, resources);
        break;
      case 'sidecar':
        addInto(running, resources);
        addInto(sidecars, resources);
        raiseTo(initializing, sidecars);
        break;
      case 'init container': {
        const together = new Map(resources);
        addInto(together, sidecars);
        raiseTo(initializing, together);
      }
    }
  }
  raiseTo(running, initializing);
  return running;
}

function isResizeInfeasible(pod: Pod): boolean {
  const pending = listAt(pod.status?.conditions, 'status.conditions').find(({ type }) => type === 'PodResizePending');
  return pending?.reason === 'Infeasible';
}
