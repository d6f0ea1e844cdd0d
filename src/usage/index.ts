export { claimUsage } from './claim-usage.ts';
export { countQuota, type StoredObject } from './count-quota.ts';
export { QuotaScopeError, UncountableObjectError } from './errors.ts';
export {
  evaluateQuota,
  matchesScopes,
  type LimitedResource,
  type QuotaRequest,
  type QuotaVerdict,
} from './evaluate-quota.ts';
export type { GroupResource } from './evaluator.ts';
export type { EvaluationContext } from './evaluators.ts';
export { objectCountUsage } from './object-count-usage.ts';
export { defaultPodLevelResources, defaultPodRequests } from './pod-defaults.ts';
export { podQosClass, type PodQosClass } from './pod-qos.ts';
export { podUsage } from './pod-usage.ts';
export type { QuotaScopes } from './quota-scopes.ts';
export { defaultDeviceRequests, resourceClaimUsage, type ResourceClaimContext } from './resource-claim-usage.ts';
export { formatResourceList, parseResourceList, type ResourceList, type ResourceListBody } from './resource-list.ts';
export { serviceUsage } from './service-usage.ts';
