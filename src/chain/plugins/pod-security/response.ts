import type { Status } from '../../../api/status.ts';
import { newAdmissionForbidden } from '../../status-error.ts';
import type { Attributes } from '../../attributes.ts';

/** What Pod Security says to a request. */
export interface Response {
  /** Why it is refused; undefined when it is allowed. */
  readonly refusal?: Status;
  readonly warnings?: readonly string[];
  /** By the part of the key after `pod-security.kubernetes.io/`. */
  readonly auditAnnotations?: { readonly [key: string]: string };
}

/** Nothing against it, nothing to say. */
export const allowed: Response = Object.freeze({});

/** Allowed without being looked at. Source of this and the next: admission/response.go. */
export function exemptBy(reason: 'user' | 'namespace' | 'runtimeClass'): Response {
  return { auditAnnotations: { exempt: reason } };
}

/** Allowed without being looked at, because nothing is forbidden. The version told is always `latest`. */
export const allowedPrivileged: Response = Object.freeze({
  auditAnnotations: Object.freeze({ 'enforce-policy': 'privileged:latest' }),
});

/**
 * Refuses because the request cannot be judged.
 *
 * The plug-in lays the parts of `status` over a refusal of its own, so that one without details gets those of the object.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 admission/response.go, errorResponse; k8s.io/kubernetes v1.37.2
 * plugin/pkg/admission/security/podsecurity/admission.go, Validate.
 */
export function errorResponse(attributes: Attributes, status: Status, cause: string): Response {
  return {
    refusal: { ...newAdmissionForbidden(attributes, 'Not allowed by PodSecurity'), ...status },
    auditAnnotations: { error: `${status.message ?? ''}: ${cause}` },
  };
}
