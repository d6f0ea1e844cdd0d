import type { ReviewVersion } from '../../api/admission-review.ts';
import type { GoStruct, GoType } from '../go-json/decode.ts';

const string: GoType = named('string');
const bool: GoType = { kind: 'bool', name: 'bool' };
const uid: GoType = named('types.UID');
const strings: GoType = { kind: 'slice', name: '[]string', element: string };
const any: GoType = { kind: 'any' };

/**
 * The Go type AdmissionReview of one version, as the API server decodes answers into it.
 *
 * Source: k8s.io/api v0.37.2 admission/v1/types.go and admission/v1beta1/types.go; metav1 types.go.
 */
export function admissionReviewType(version: ReviewVersion): GoStruct {
  return struct(`${version}.AdmissionReview`, {
    kind: string,
    apiVersion: string,
    request: admissionRequestType(version),
    response: struct(`${version}.AdmissionResponse`, {
      uid,
      allowed: bool,
      status: statusType,
      patch: { kind: 'bytes', name: '[]uint8' },
      patchType: named(`${version}.PatchType`),
      auditAnnotations: { kind: 'map', name: 'map[string]string', element: string },
      warnings: strings,
    }),
  });
}

/** metav1.Status, in `response.status` and as the body of an HTTP error. */
export const statusType: GoStruct = struct('v1.Status', {
  kind: string,
  apiVersion: string,
  metadata: struct('v1.ListMeta', {
    selfLink: string,
    resourceVersion: string,
    continue: string,
    remainingItemCount: { kind: 'int64', name: 'int64' },
    shardInfo: struct('v1.ShardInfo', { selector: string }),
  }),
  status: string,
  message: string,
  reason: named('v1.StatusReason'),
  details: struct('v1.StatusDetails', {
    name: string,
    group: string,
    kind: string,
    uid: named('types.UID'),
    causes: {
      kind: 'slice',
      name: '[]v1.StatusCause',
      element: struct('v1.StatusCause', { reason: named('v1.CauseType'), message: string, field: string }),
    },
    retryAfterSeconds: { kind: 'int32', name: 'int32' },
  }),
  code: { kind: 'int32', name: 'int32' },
});

/** Webhooks may send the request back; what of it has a wrong type fails the whole answer. */
function admissionRequestType(version: ReviewVersion): GoStruct {
  const kind = struct('v1.GroupVersionKind', { group: string, version: string, kind: string });
  const resource = struct('v1.GroupVersionResource', { group: string, version: string, resource: string });
  return struct(`${version}.AdmissionRequest`, {
    uid,
    kind,
    resource,
    subResource: string,
    requestKind: kind,
    requestResource: resource,
    requestSubResource: string,
    name: string,
    namespace: string,
    operation: named(`${version}.Operation`),
    userInfo: struct('v1.UserInfo', {
      username: string,
      uid: string,
      groups: strings,
      extra: {
        kind: 'map',
        name: 'map[string]v1.ExtraValue',
        element: { kind: 'slice', name: 'v1.ExtraValue', element: string },
      },
    }),
    object: any,
    oldObject: any,
    dryRun: bool,
    options: any,
  });
}

function named(name: string): GoType {
  return { kind: 'string', name };
}

function struct(name: string, fields: GoStruct['fields']): GoStruct {
  return { kind: 'struct', name, fields };
}
