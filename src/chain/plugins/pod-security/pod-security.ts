import { formatGroupResource } from '../../../api/resource.ts';
import type { Attributes } from '../../attributes.ts';
import { refused, validated, type AdmissionContext, type AdmissionPlugin } from '../../plugin.ts';
import { defaultChecks } from './checks.ts';
import { resolvePodSecurityConfiguration, type PodSecurityConfiguration } from './configuration.ts';
import { createEvaluator } from './evaluator.ts';
import { labelPrefix } from './namespace-policy.ts';
import { podTemplateOf } from './pod-templates.ts';
import { allowed, type Response } from './response.ts';
import { validateNamespace } from './validate-namespace.ts';
import { validatePod } from './validate-pod.ts';
import { validatePodController } from './validate-pod-controller.ts';

/**
 * Holds Pods to the Pod Security Standards that the labels of their namespace ask for.
 *
 * Pods and templates are read as users wrote them, with those defaults that Pod Security can see.
 *
 * Not copied: metrics; log lines; reading `PodSecurityConfiguration` from a file; an emulated older version; that the API
 * server looks for a namespace a second time, past its cache.
 *
 * Throws {@link PodSecurityConfigurationError}.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/security/podsecurity/admission.go;
 * k8s.io/pod-security-admission v0.37.2 admission/admission.go.
 */
export function podSecurityPlugin(configuration: PodSecurityConfiguration = {}): AdmissionPlugin {
  const options = {
    configuration: resolvePodSecurityConfiguration(configuration),
    evaluator: createEvaluator(defaultChecks),
  };
  const respond = (attributes: Attributes, context: AdmissionContext): Response => {
    const resource = formatGroupResource(attributes.resource);
    if (resource === 'namespaces') return validateNamespace(attributes, context, options);
    if (resource === 'pods') return validatePod(attributes, context.state, options);
    const podTemplate = podTemplateOf(attributes.resource);
    if (podTemplate === undefined) return allowed;
    return validatePodController(attributes, context.state, { ...options, podTemplate });
  };
  return {
    name: 'PodSecurity',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    validate(attributes, context) {
      const { refusal, warnings = [], auditAnnotations = {} } = respond(attributes, context);
      for (const warning of warnings) context.warnings.add(warning);
      for (const [key, value] of Object.entries(auditAnnotations)) {
        context.auditAnnotations.add(labelPrefix + key, value);
      }
      return refusal === undefined ? validated : refused(refusal);
    },
  };
}
