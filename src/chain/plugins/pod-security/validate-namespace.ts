import { quote } from '../../../api/go-quote.ts';
import type { Attributes } from '../../attributes.ts';
import type { AdmissionContext } from '../../plugin.ts';
import { newBadRequest, newInvalid, type InvalidField } from '../../status-error.ts';
import type { ResolvedConfiguration } from './configuration.ts';
import type { Evaluator } from './evaluator.ts';
import { warnAboutExistingPods } from './existing-pods.ts';
import { compareLevels, equalLevelVersions, formatLevelVersion } from './level-version.ts';
import { namespaceShape, type Namespace } from './namespace.ts';
import { areEquivalent, isFullyPrivileged, labelPrefix, policyToEvaluate, type Policy } from './namespace-policy.ts';
import { allowed, errorResponse, type Response } from './response.ts';
import { decode } from './shape.ts';

/**
 * Judges a Namespace: its labels must be readable, unless an update leaves the unreadable ones as they were; when it
 * becomes stricter, who made it so is told which Pods would not be admitted any more.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 admission/admission.go, ValidateNamespace.
 */
export function validateNamespace(
  attributes: Attributes,
  context: AdmissionContext,
  { configuration, evaluator }: { configuration: ResolvedConfiguration; evaluator: Evaluator },
): Response {
  if (attributes.subresource !== '') return allowed;
  const decoded = decode(namespaceShape, attributes.object);
  if ('problem' in decoded) {
    return errorResponse(attributes, newBadRequest('failed to decode object'), decoded.problem);
  }
  const { defaultPolicy, exemptions } = configuration;
  const namespace = decoded.value;
  const { policy, errors } = policyToEvaluate(namespace.metadata.labels, defaultPolicy);
  const exemption = (): Response | undefined =>
    exemptions.namespaces.has(attributes.namespace) ? exemptResponse(namespace, policy, defaultPolicy) : undefined;

  if (attributes.operation === 'CREATE') {
    if (errors.length > 0) return invalidResponse(attributes, errors);
    return exemption() ?? allowed;
  }

  const oldDecoded = decode(namespaceShape, attributes.oldObject);
  if ('problem' in oldDecoded) {
    // The API server's text has two blanks here.
    return errorResponse(attributes, newBadRequest('failed to decode  old object'), oldDecoded.problem);
  }
  const old = policyToEvaluate(oldDecoded.value.metadata.labels, defaultPolicy);
  if (errors.length > 0 && !areSameErrors(errors, old.errors)) return invalidResponse(attributes, errors);

  const enforce = policy.enforce;
  const oldEnforce = old.policy.enforce;
  if (equalLevelVersions(enforce, oldEnforce) || enforce.level === 'privileged') return allowed;
  if (enforce.version === oldEnforce.version && compareLevels(enforce.level, oldEnforce.level) < 0) return allowed;
  return (
    exemption() ?? {
      warnings: warnAboutExistingPods(
        {
          namespace: namespace.metadata.name,
          enforce,
          evaluator,
          exemptRuntimeClasses: exemptions.runtimeClasses,
        },
        context,
      ),
    }
  );
}

function invalidResponse({ kind, name }: Attributes, errors: readonly InvalidField[]): Response {
  return { refusal: newInvalid(kind, name, errors) };
}

function areSameErrors(a: readonly InvalidField[], b: readonly InvalidField[]): boolean {
  return (
    a.length === b.length && a.every(({ field, body }, index) => field === b[index]?.field && body === b[index].body)
  );
}

/**
 * Warns that labels have no effect on an exempt namespace, if they ask for more than the defaults.
 *
 * Source: admission/admission.go, exemptNamespaceWarning.
 */
function exemptResponse({ metadata }: Namespace, policy: Policy, defaultPolicy: Policy): Response {
  if (isFullyPrivileged(policy) || areEquivalent(policy, defaultPolicy)) return allowed;
  const set = (['enforce', 'audit', 'warn'] as const).filter(
    (mode) =>
      policy[mode].level !== 'privileged' &&
      (metadata.labels.has(labelPrefix + mode) || metadata.labels.has(`${labelPrefix}${mode}-version`)),
  );
  const settings = set.map((mode) => `${mode}=${formatLevelVersion(policy[mode])}`).join(', ');
  return {
    warnings: [
      `namespace ${quote(metadata.name)} is exempt from Pod Security, and the policy (${settings}) will be ignored`,
    ],
  };
}
