import type { Attributes } from '../../attributes.ts';
import type { ClusterState } from '../../cluster-state.ts';
import type { ResolvedConfiguration } from './configuration.ts';
import { evaluatePod } from './evaluate-pod.ts';
import type { Evaluator } from './evaluator.ts';
import { lookUpPolicy, lookupFailure } from './namespace.ts';
import type { PodTemplate } from './pod-templates.ts';
import { allowed, exemptBy, type Response } from './response.ts';

/**
 * Judges the pod template of a workload, and never refuses it.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 admission/admission.go, ValidatePodController.
 */
export function validatePodController(
  attributes: Attributes,
  state: ClusterState,
  {
    configuration,
    evaluator,
    podTemplate,
  }: { configuration: ResolvedConfiguration; evaluator: Evaluator; podTemplate: PodTemplate },
): Response {
  if (attributes.subresource !== '') return allowed;
  const { defaultPolicy, exemptions } = configuration;
  if (exemptions.namespaces.has(attributes.namespace)) return exemptBy('namespace');
  if (exemptions.usernames.has(attributes.userInfo.username ?? '')) return exemptBy('user');

  const namespacePolicy = lookUpPolicy(attributes.namespace, state, defaultPolicy);
  if ('problem' in namespacePolicy) {
    return { auditAnnotations: { error: `${lookupFailure(attributes.namespace)}: ${namespacePolicy.problem}` } };
  }
  const { policy, errors } = namespacePolicy;
  if (errors.length === 0 && policy.warn.level === 'privileged' && policy.audit.level === 'privileged') return allowed;

  const template = podTemplate(attributes.object);
  if ('problem' in template) {
    return { auditAnnotations: { error: `failed to decode object: ${template.problem}` } };
  }
  if (template.value === undefined) return allowed;
  return evaluatePod(template.value, {
    attributes,
    namespacePolicy,
    evaluator,
    exemptRuntimeClasses: exemptions.runtimeClasses,
    enforce: false,
  });
}
