import type { ReviewVersion } from '../../api/admission-review.ts';
import { quote } from '../../api/go-quote.ts';
import type { Status } from '../../api/status.ts';
import type { ReceivedReview } from './review-decoder.ts';

/** What a webhook answered, once the answer is found to be one. */
export interface Answer {
  readonly allowed: boolean;
  /** `response.status`; only looked at when not allowed. */
  readonly status: Status | undefined;
  /** Decoded `response.patch`; empty when there was none. */
  readonly patch: Uint8Array;
  /** `JSONPatch`, or whatever else a v1 webhook said; `""` when there is no patch. */
  readonly patchType: string;
  readonly auditAnnotations: { readonly [key: string]: string };
  readonly warnings: readonly string[];
}

/** What was asked, to check the answer against. */
export interface Question {
  readonly uid: string;
  readonly version: ReviewVersion;
  /** Whether a patch is welcome. */
  readonly mutating: boolean;
}

/**
 * Checks an answer in the API server's order; `problem` is its text. All checks are made of a denial too.
 *
 * Version v1beta1 is only asked for a response: uid, kind and patchType are not looked at, and every patch is a JSON
 * Patch.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/request/admissionreview.go, VerifyAdmissionResponse.
 */
export function verifyAnswer(review: ReceivedReview, question: Question): Answer | { readonly problem: string } {
  const { response } = review;
  if (response === undefined) return { problem: 'webhook response was absent' };
  const patch = Buffer.from(response.patch ?? '', 'base64');
  const patchType = response.patchType;
  if (question.version === 'v1') {
    const problem =
      wrongUid(response.uid ?? '', question.uid) ??
      wrongKind(review) ??
      (question.mutating ? incompletePatch(patch, patchType) : unwantedPatch(patch, patchType));
    if (problem !== undefined) return { problem };
  }
  const pinned = question.version === 'v1' ? (patchType ?? '') : 'JSONPatch';
  return {
    allowed: response.allowed ?? false,
    status: response.status,
    patch: question.mutating ? patch : new Uint8Array(),
    patchType: question.mutating && patch.length > 0 ? pinned : '',
    auditAnnotations: response.auditAnnotations ?? {},
    warnings: response.warnings ?? [],
  };
}

function wrongUid(uid: string, expected: string): string | undefined {
  return uid === expected ? undefined : `expected response.uid=${quote(expected)}, got ${quote(uid)}`;
}

/** What the answer itself says, though absent fields were read as if they were right. */
function wrongKind({ apiVersion = '', kind = '' }: ReceivedReview): string | undefined {
  if (apiVersion === 'admission.k8s.io/v1' && kind === 'AdmissionReview') return undefined;
  // The core group is written with its slash: "/v1, Kind=Status"; nothing at all is "/, Kind=".
  const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  return `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${groupVersion}, Kind=${kind}`;
}

function incompletePatch(patch: Uint8Array, patchType: string | undefined): string | undefined {
  if (patch.length > 0 && patchType === undefined) return 'webhook returned response.patch but not response.patchType';
  if (patch.length === 0 && patchType !== undefined)
    return 'webhook returned response.patchType but not response.patch';
  return patchType === '' ? 'webhook returned invalid response.patchType of ""' : undefined;
}

function unwantedPatch(patch: Uint8Array, patchType: string | undefined): string | undefined {
  if (patch.length > 0) return 'validating webhook may not return response.patch';
  return patchType === undefined ? undefined : 'validating webhook may not return response.patchType';
}
