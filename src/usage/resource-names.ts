import { qualifiedNameProblems } from '../api/names.ts';

/*
 * Kinds of resource names. Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/v1/helper/helpers.go, pkg/scheduler/util/utils.go,
 * pkg/quota/v1/evaluator/core/pods.go; k8s.io/api v0.37.2 core/v1/types.go, resource/v1/types.go.
 */

export const requestsPrefix = 'requests.';
export const hugePagesPrefix = 'hugepages-';
/** Name of an extended resource that stands for every device of a class without naming it otherwise. */
export const deviceClassPrefix = 'deviceclass.resource.kubernetes.io/';
/** Quota for the devices that claims take from one class: `gold.deviceclass.resource.k8s.io/devices`. */
export const devicesOfClassSuffix = '.deviceclass.resource.k8s.io/devices';
/** Quota for one storage class: `gold.storageclass.storage.k8s.io/requests.storage`. */
export const storageClassInfix = '.storageclass.storage.k8s.io/';

/** Without a prefix, or below `kubernetes.io`. Go: IsNativeResource. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

export function isHugePages(name: string): boolean {
  return name.startsWith(hugePagesPrefix);
}

/** What a container may ask of a device plug-in or a device class: `example.com/gpu`. Go: IsDRAExtendedResourceName. */
export function isExtendedResource(name: string): boolean {
  if (name.startsWith(deviceClassPrefix)) return true;
  if (isNativeResource(name) || name.startsWith(requestsPrefix)) return false;
  return qualifiedNameProblems(requestsPrefix + name).length === 0;
}

/** `requests.example.com/gpu`: quota for an extended resource. Go: isExtendedResourceNameForQuota. */
export function isExtendedResourceForQuota(name: string): boolean {
  if (name.startsWith(requestsPrefix + deviceClassPrefix)) return true;
  return !isNativeResource(name) && name.startsWith(requestsPrefix);
}

/** What `spec.resources` of a Pod may name. Go: resource.IsSupportedPodLevelResource. */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || isHugePages(name);
}
