import type { AdmissionRequestBody, AdmissionReviewBody, ReviewVersion, UserInfo } from '../../api/admission-review.ts';
import type { GroupVersionKind, GroupVersionResource } from '../../api/resource.ts';
import type { JsonObject } from '../../json/json-value.ts';
import type { Attributes } from '../attributes.ts';

/** Under which resource and kind a webhook gets the request, and the objects in that kind. */
export interface Invocation {
  readonly resource: GroupVersionResource;
  readonly kind: GroupVersionKind;
  readonly object: JsonObject | null;
  readonly oldObject: JsonObject | null;
}

/** The first of the webhook's versions that there is, in the webhook's order; undefined when it takes none of ours. */
export function reviewVersion(admissionReviewVersions: readonly string[]): ReviewVersion | undefined {
  return admissionReviewVersions.find((version) => version === 'v1' || version === 'v1beta1');
}

/**
 * The AdmissionReview to send. Members stand in the order of the Go types; empty ones are left out where Go leaves them
 * out, while `object`, `oldObject` and `options` are null when there is none.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/request/admissionreview.go, CreateV1AdmissionReview.
 */
export function createAdmissionReview(
  uid: string,
  version: ReviewVersion,
  attributes: Attributes,
  invocation: Invocation,
): AdmissionReviewBody {
  const { subresource, name, namespace, operation, userInfo, dryRun, options } = attributes;
  const request: AdmissionRequestBody = {
    uid,
    kind: invocation.kind,
    resource: invocation.resource,
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: attributes.kind,
    requestResource: attributes.resource,
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: withoutEmpty(userInfo),
    object: invocation.object,
    oldObject: invocation.oldObject,
    dryRun,
    options,
  };
  return { kind: 'AdmissionReview', apiVersion: `admission.k8s.io/${version}`, request };
}

/**
 * The AdmissionRequest that match conditions see as `request`: without uid and objects. `resource` stays the requested
 * one even where an equivalent resource matched, `kind` is that of the converted object.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/cel/condition.go, CreateAdmissionRequest, and its use in
 * pkg/admission/plugin/webhook/matchconditions/matcher.go.
 */
export function conditionRequest(attributes: Attributes, kind: GroupVersionKind): JsonObject {
  const { subresource, name, namespace, operation, userInfo, dryRun, options, resource } = attributes;
  return {
    kind: { ...kind },
    resource: { ...resource },
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: { ...attributes.kind },
    requestResource: { ...resource },
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    // Plain data of texts and lists of texts.
    userInfo: withoutEmpty(userInfo) as JsonObject,
    dryRun,
    // There even when null, unlike the other members.
    options,
  };
}

function withoutEmpty({ username = '', uid = '', groups = [], extra = {} }: UserInfo): UserInfo {
  return {
    ...(username === '' ? {} : { username }),
    ...(uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
