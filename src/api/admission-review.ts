import type { GroupVersionKind, GroupVersionResource } from './resource.ts';
import type { Status } from './status.ts';

/** What a request does to the object. */
export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
export const operations: readonly Operation[] = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'];

/** Versions of AdmissionReview that Sallyport reads and writes. Both have the same shape. */
export type ReviewVersion = 'v1' | 'v1beta1';
export const reviewGroup = 'admission.k8s.io';

export interface UserInfo {
  username?: string;
  uid?: string;
  groups?: string[];
  extra?: { [key: string]: string[] };
}

/**
 * `admission.k8s.io/v1` AdmissionRequest as it stands on the wire. `object`, `oldObject` and `options` are null where
 * the operation has none.
 *
 * Source: k8s.io/api v0.37.2 admission/v1/types.go.
 */
export interface AdmissionRequestBody {
  uid: string;
  kind: GroupVersionKind;
  resource: GroupVersionResource;
  subResource?: string;
  requestKind?: GroupVersionKind;
  requestResource?: GroupVersionResource;
  requestSubResource?: string;
  name?: string;
  namespace?: string;
  operation: Operation;
  userInfo: UserInfo;
  object?: unknown;
  oldObject?: unknown;
  dryRun?: boolean;
  options?: unknown;
}

/** `admission.k8s.io/v1` AdmissionResponse as it stands on the wire. */
export interface AdmissionResponseBody {
  uid: string;
  allowed: boolean;
  status?: Status;
  /** JSON Patch, JSON text in base64. */
  patch?: string;
  patchType?: 'JSONPatch';
  auditAnnotations?: { [key: string]: string };
  warnings?: string[];
}

export interface AdmissionReviewBody {
  apiVersion: `admission.k8s.io/${ReviewVersion}`;
  kind: 'AdmissionReview';
  request?: AdmissionRequestBody;
  response?: AdmissionResponseBody;
}
