import type { Pod } from '../api/generated/core.v1.ts';
import type { DeviceClass, ResourceClaim } from '../api/generated/resource.v1.ts';
import { Quantity } from '../api/quantity.ts';
import { noScopes, nothingMissing, type Evaluator } from './evaluator.ts';
import { integerAt, listAt } from './object-fields.ts';
import { podUsage } from './pod-usage.ts';
import type { ResourceList } from './resource-list.ts';
import {
  devicesOfClassSuffix,
  deviceClassPrefix,
  isExtendedResourceForQuota,
  requestsPrefix,
} from './resource-names.ts';

/** What counting a ResourceClaim needs to know besides the claim. */
export interface ResourceClaimContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** All device classes: they say which extended resource a device stands for. */
  readonly deviceClasses: readonly DeviceClass[];
  /** At least the Pods of the claim's namespace. */
  readonly pods: readonly Pod[];
  /** At least the stored claims of the claim's namespace. */
  readonly resourceClaims: readonly ResourceClaim[];
}

/**
 * What a ResourceClaim counts: itself, the devices it may take of each class, and the same devices as extended resources
 * as far as the Pod that owns the claim does not count them already.
 *
 * Of alternatives the most expensive counts, class by class. A request for all devices counts 32, the most that can be
 * allocated. Expects defaulted requests, see {@link defaultDeviceRequests}; an unknown mode counts none. Where two classes
 * stand for one extended resource the API server counts either one, by chance; here it is the one that comes last.
 *
 * Throws {@link UncountableObjectError}. Source: k8s.io/kubernetes v1.37.2 pkg/quota/v1/evaluator/core/resource_claims.go.
 */
export function resourceClaimUsage(claim: ResourceClaim, context: ResourceClaimContext): ResourceList {
  const usage = new Map([['count/resourceclaims.resource.k8s.io', Quantity.one]]);
  const devices = devicesByClass(claim);
  for (const [className, count] of devices) usage.set(className + devicesOfClassSuffix, count);

  const extended = new Map<string, Quantity>();
  for (const [className, count] of devices) {
    if (className === '') continue;
    extended.set(requestsPrefix + deviceClassPrefix + className, count);
    const resource = extendedResourceOf(className, context.deviceClasses);
    if (resource !== undefined) extended.set(requestsPrefix + resource, count);
  }
  const ofOwner = usageOfOwner(claim, context);
  for (const [name, count] of extended) {
    const counted = ofOwner.get(name);
    const rest = counted === undefined ? count : count.subtract(counted);
    if (rest.sign() > 0) usage.set(name, rest);
  }
  return usage;
}

/**
 * The claim with `allocationMode` and `count` filled in as the API server does when it reads one.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/apis/resource/v1/defaults.go.
 */
export function defaultDeviceRequests(claim: ResourceClaim): ResourceClaim {
  const requests = claim.spec?.devices?.requests;
  if (!Array.isArray(requests)) return claim;
  const defaulted = listAt(requests, 'spec.devices.requests').map((request) => ({
    ...request,
    ...(request.exactly ? { exactly: defaultDeviceRequest(request.exactly) } : {}),
    ...(request.firstAvailable ? { firstAvailable: request.firstAvailable.map(defaultDeviceRequest) } : {}),
  }));
  return { ...claim, spec: { ...claim.spec, devices: { ...claim.spec?.devices, requests: defaulted } } };
}

export function resourceClaimEvaluator(context: ResourceClaimContext): Evaluator {
  const isClass = (name: string) => context.deviceClasses.some((each) => each.metadata?.name === name);
  const isMapped = (name: string) => context.deviceClasses.some((each) => each.spec?.extendedResourceName === name);
  return {
    ...noScopes,
    ...nothingMissing,
    handles: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
    matchingResources: (names) =>
      names.filter((name) => {
        if (name === 'count/resourceclaims.resource.k8s.io' || name.endsWith(devicesOfClassSuffix)) return true;
        if (!isExtendedResourceForQuota(name)) return false;
        const resource = name.slice(requestsPrefix.length);
        return resource.startsWith(deviceClassPrefix)
          ? isClass(resource.slice(deviceClassPrefix.length))
          : isMapped(resource);
      }),
    usage: (claim: ResourceClaim) => resourceClaimUsage(claim, context),
  };
}

/** Go: AllocationResultsMaxSize. */
const maxDevices = 32n;

interface DeviceCount {
  readonly allocationMode?: string | undefined;
  readonly count?: number | undefined;
}

function defaultDeviceRequest<Request extends DeviceCount>(request: Request): Request {
  const allocationMode = request.allocationMode || 'ExactCount';
  const count = integerAt(request.count, 'count') ?? 0n;
  return { ...request, allocationMode, ...(allocationMode === 'ExactCount' && count === 0n ? { count: 1 } : {}) };
}

function devicesByClass(claim: ResourceClaim): ReadonlyMap<string, Quantity> {
  const devices = new Map<string, Quantity>();
  const requests = listAt(claim.spec?.devices?.requests, 'spec.devices.requests');
  requests.forEach(({ exactly, firstAvailable }, index) => {
    const field = `spec.devices.requests[${index}]`;
    const alternatives = listAt(firstAvailable, `${field}.firstAvailable`);
    const ofRequest = new Map<string, Quantity>();
    alternatives.forEach((alternative, at) => {
      const count = numberOfDevices(alternative, `${field}.firstAvailable[${at}]`);
      const most = ofRequest.get(alternative.deviceClassName) ?? Quantity.zero;
      if (count.compare(most) > 0) ofRequest.set(alternative.deviceClassName, count);
    });
    if (alternatives.length === 0 && exactly !== undefined && exactly !== null) {
      ofRequest.set(exactly.deviceClassName, numberOfDevices(exactly, `${field}.exactly`));
    }
    for (const [className, count] of ofRequest) {
      devices.set(className, (devices.get(className) ?? Quantity.zero).add(count));
    }
  });
  return devices;
}

function numberOfDevices({ allocationMode, count }: DeviceCount, field: string): Quantity {
  switch (allocationMode) {
    case 'ExactCount':
      return Quantity.of(integerAt(count, `${field}.count`) ?? 0n);
    case 'All':
      return Quantity.of(maxDevices);
    default:
      return Quantity.zero;
  }
}

function extendedResourceOf(className: string, deviceClasses: readonly DeviceClass[]): string | undefined {
  return deviceClasses.find(({ metadata }) => metadata?.name === className)?.spec?.extendedResourceName || undefined;
}

/** What the Pod counts for which the scheduler made this claim; nothing unless the two name each other. Go: getVerifiedPodUsage. */
function usageOfOwner(claim: ResourceClaim, { now, pods, resourceClaims }: ResourceClaimContext): ResourceList {
  const owner = extendedResourceOwner(claim);
  const { namespace, name } = claim.metadata ?? {};
  const pod = pods.find(
    ({ metadata }) =>
      owner !== undefined &&
      metadata?.namespace === namespace &&
      metadata?.name === owner.name &&
      metadata.uid === owner.uid,
  );
  if (pod === undefined) return new Map();
  const status = pod.status?.extendedResourceClaimStatus;
  if (status !== undefined && status !== null) {
    return status.resourceClaimName === name ? podUsage(pod, { now }) : new Map();
  }
  // A Pod that does not name its claim yet pays for the oldest.
  const isOlder = (other: ResourceClaim) =>
    createdAt(other) < createdAt(claim) ||
    (createdAt(other) === createdAt(claim) && (other.metadata?.name ?? '') < (name ?? ''));
  const hasOlder = resourceClaims.some(
    (other) =>
      other.metadata?.namespace === namespace && extendedResourceOwner(other)?.uid === owner?.uid && isOlder(other),
  );
  return hasOlder ? new Map() : podUsage(pod, { now });
}

function extendedResourceOwner({ metadata }: ResourceClaim): { name: string; uid: string } | undefined {
  if (metadata?.annotations?.['resource.kubernetes.io/extended-resource-claim'] !== 'true') return undefined;
  const references = listAt(metadata.ownerReferences, 'metadata.ownerReferences');
  const controller = references.find((reference) => reference.controller === true);
  return controller?.kind === 'Pod' && controller.apiVersion === 'v1' ? controller : undefined;
}

/** Go's zero time for a claim that is not stored yet. */
function createdAt({ metadata }: ResourceClaim): number {
  return Date.parse(metadata?.creationTimestamp ?? '0001-01-01T00:00:00Z');
}
