import type { GroupVersionKind } from '../../../api/resource.ts';
import type { JsonObject } from '../../../json/json-value.ts';
import type { Attributes } from '../../attributes.ts';
import type { ClusterState } from '../../cluster-state.ts';
import { newBadRequest, newInternalError } from '../../status-error.ts';
import type { ResolvedConfiguration } from './configuration.ts';
import { evaluatePod } from './evaluate-pod.ts';
import type { Evaluator } from './evaluator.ts';
import { lookUpPolicy, lookupFailure } from './namespace.ts';
import { isFullyPrivileged } from './namespace-policy.ts';
import { decodePod, type Pod } from './pod.ts';
import { allowed, allowedPrivileged, errorResponse, exemptBy, type Response } from './response.ts';
import type { Decoded } from './shape.ts';
import { isSignificantPodUpdate } from './significant-pod-update.ts';

/**
 * Judges a Pod, on the subresources too that can change its spec.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 admission/admission.go, ValidatePod.
 */
export function validatePod(
  attributes: Attributes,
  state: ClusterState,
  { configuration, evaluator }: { configuration: ResolvedConfiguration; evaluator: Evaluator },
): Response {
  if (ignoredSubresources.has(attributes.subresource)) return allowed;
  const { defaultPolicy, exemptions } = configuration;
  if (exemptions.namespaces.has(attributes.namespace)) return exemptBy('namespace');
  if (exemptions.usernames.has(attributes.userInfo.username ?? '')) return exemptBy('user');

  const namespacePolicy = lookUpPolicy(attributes.namespace, state, defaultPolicy);
  if ('problem' in namespacePolicy) {
    const status = newInternalError(lookupFailure(attributes.namespace));
    return errorResponse(attributes, status, namespacePolicy.problem);
  }
  if (namespacePolicy.errors.length === 0 && isFullyPrivileged(namespacePolicy.policy)) return allowedPrivileged;

  const pod = readPod(attributes.object, attributes.kind);
  if ('problem' in pod) return errorResponse(attributes, newBadRequest('failed to decode object'), pod.problem);
  if (attributes.operation === 'UPDATE') {
    const oldPod = readPod(attributes.oldObject, attributes.kind);
    if ('problem' in oldPod) {
      return errorResponse(attributes, newBadRequest('failed to decode old object'), oldPod.problem);
    }
    if (!isSignificantPodUpdate(pod.value, oldPod.value)) return allowed;
  }
  return evaluatePod(pod.value, {
    attributes,
    namespacePolicy,
    evaluator,
    exemptRuntimeClasses: exemptions.runtimeClasses,
    enforce: true,
  });
}

/** All others are taken for Pods, so that one which is not known here is refused rather than let through. */
const ignoredSubresources: ReadonlySet<string> = new Set([
  'exec',
  'attach',
  'binding',
  'eviction',
  'log',
  'portforward',
  'proxy',
  'status',
]);

function readPod(object: JsonObject | null, { group, kind }: GroupVersionKind): Decoded<Pod> {
  return group === '' && kind === 'Pod' ? decodePod(object) : { problem: `unexpected type ${kind}` };
}
