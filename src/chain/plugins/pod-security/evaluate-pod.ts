import type { Attributes } from '../../attributes.ts';
import { newForbidden } from '../../status-error.ts';
import { aggregateText } from '../aggregate.ts';
import type { Evaluator } from './evaluator.ts';
import { equalLevelVersions, formatLevelVersion } from './level-version.ts';
import type { NamespacePolicy } from './namespace-policy.ts';
import type { Pod } from './pod.ts';
import { exemptBy, type Response } from './response.ts';

/** By what, and how, a Pod is judged. */
export interface EvaluatePodOptions {
  readonly attributes: Attributes;
  readonly namespacePolicy: NamespacePolicy;
  readonly evaluator: Evaluator;
  readonly exemptRuntimeClasses: ReadonlySet<string>;
  /** False for a pod template: the Pods that are made from it will be refused, not their controller. */
  readonly enforce: boolean;
}

/**
 * Judges a Pod by the policy of its namespace: refuses what it must not be, notes it for the audit log, and warns, which
 * a refusal makes superfluous.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 admission/admission.go, EvaluatePod.
 */
export function evaluatePod(
  pod: Pod,
  { attributes, namespacePolicy, evaluator, exemptRuntimeClasses, enforce }: EvaluatePodOptions,
): Response {
  if (exemptRuntimeClasses.has(pod.spec.runtimeClassName)) return exemptBy('runtimeClass');

  const { policy, errors } = namespacePolicy;
  const enforced = enforce ? evaluator(policy.enforce, pod) : undefined;
  const audited =
    enforced !== undefined && equalLevelVersions(policy.audit, policy.enforce)
      ? enforced
      : evaluator(policy.audit, pod);
  const auditAnnotations = {
    ...(errors.length === 0
      ? {}
      : { error: `Failed to parse policy: ${aggregateText(errors.map(({ field, body }) => `${field}: ${body}`))}` }),
    ...(enforce ? { 'enforce-policy': formatLevelVersion(policy.enforce) } : {}),
    ...(audited.allowed
      ? {}
      : {
          'audit-violations': `would violate PodSecurity "${formatLevelVersion(policy.audit)}": ${audited.forbiddenDetail}`,
        }),
  };
  if (enforced?.allowed === false) {
    const reason = `violates PodSecurity "${formatLevelVersion(policy.enforce)}": ${enforced.forbiddenDetail}`;
    return { refusal: newForbidden(attributes.resource, attributes.name, reason), auditAnnotations };
  }
  const warned = equalLevelVersions(policy.warn, policy.audit) ? audited : evaluator(policy.warn, pod);
  if (warned.allowed) return { auditAnnotations };
  const warning = `would violate PodSecurity "${formatLevelVersion(policy.warn)}": ${warned.forbiddenDetail}`;
  return { warnings: [warning], auditAnnotations };
}
