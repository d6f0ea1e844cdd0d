import {
  operations,
  reviewGroup,
  type AdmissionRequestBody,
  type AdmissionResponseBody,
  type AdmissionReviewBody,
  type ReviewVersion,
} from '../api/admission-review.ts';
import type { GroupVersionKind, GroupVersionResource } from '../api/resource.ts';
import { readJson, JsonSyntaxError, type ImpreciseLiterals } from '../json/index.ts';
import { ReviewDecodeError } from './errors.ts';
import type { AdmissionRequest } from './request.ts';

/** A request as it came, with what is needed to answer it in kind. */
export interface DecodedReview {
  /** The answer must carry the same version. */
  readonly version: ReviewVersion;
  readonly request: AdmissionRequest;
  /** Number literals of the body that a double does not hold exactly; a patch writes them as they came. */
  readonly literals: ImpreciseLiterals | undefined;
}

/**
 * Reads an AdmissionReview, `admission.k8s.io/v1` or `v1beta1` (both have one shape), from JSON text.
 *
 * Throws {@link ReviewDecodeError} naming the field that is missing or of another shape.
 * Source: k8s.io/api v0.37.2 `admission/v1/types.go`.
 */
export function decodeReview(text: string): DecodedReview {
  const { value, literals } = readBody(text);
  const review = asRecord('body', value);
  if (review['kind'] !== 'AdmissionReview') {
    throw new ReviewDecodeError('kind', `${show(review['kind'])} is not "AdmissionReview"`);
  }
  const version = versions.get(review['apiVersion']);
  if (version === undefined) {
    throw new ReviewDecodeError(
      'apiVersion',
      `${show(review['apiVersion'])} is not one of ${[...versions.keys()].map(show).join(', ')}`,
    );
  }
  return { version, request: readRequest(asRecord('request', review['request'])), literals };
}

/** Who asks what in a review that gets no answer of its webhook, for the records; undefined when the text is no review. */
export function requestOf(text: string): AdmissionRequest | undefined {
  try {
    return decodeReview(text).request;
  } catch {
    return undefined;
  }
}

/** The answer to a request, as JSON text in the version that was asked. */
export function encodeReview(version: ReviewVersion, response: AdmissionResponseBody): string {
  const review: AdmissionReviewBody = { kind: 'AdmissionReview', apiVersion: `${reviewGroup}/${version}`, response };
  return JSON.stringify(review);
}

/** A review as the API server would send it; for test kits and offline review. */
export function encodeReviewRequest(version: ReviewVersion, request: AdmissionRequestBody): string {
  const review: AdmissionReviewBody = { kind: 'AdmissionReview', apiVersion: `${reviewGroup}/${version}`, request };
  return JSON.stringify(review);
}

const versions: ReadonlyMap<unknown, ReviewVersion> = new Map([
  [`${reviewGroup}/v1`, 'v1'],
  [`${reviewGroup}/v1beta1`, 'v1beta1'],
]);

function readBody(text: string): ReturnType<typeof readJson> {
  try {
    return readJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) {
      throw new ReviewDecodeError('body', 'is not JSON; expected an AdmissionReview', { cause: error });
    }
    throw error;
  }
}

type JsonRecord = Readonly<Record<string, unknown>>;

function readRequest(request: JsonRecord): AdmissionRequest {
  const operation = operations.find((name) => name === request['operation']);
  if (operation === undefined) {
    throw new ReviewDecodeError(
      'request.operation',
      `${show(request['operation'])} is not one of ${operations.join(', ')}`,
    );
  }
  const uid = request['uid'];
  if (typeof uid !== 'string' || uid === '')
    throw new ReviewDecodeError('request.uid', 'expected a text that is not empty');
  const kind = readKind('request.kind', request['kind']);
  const resource = readResource('request.resource', request['resource']);
  const subResource = readText('request.subResource', request['subResource']);
  const object = readObject('request.object', request['object']);
  const oldObject = readObject('request.oldObject', request['oldObject']);
  if (operation !== 'DELETE' && object === null) {
    throw new ReviewDecodeError('request.object', `is missing; ${operation} has an object`);
  }
  // v1beta1 servers of old sent DELETE without oldObject (before Kubernetes 1.15); none that is supported does.
  if ((operation === 'UPDATE' || operation === 'DELETE') && oldObject === null) {
    throw new ReviewDecodeError('request.oldObject', `is missing; ${operation} has an old object`);
  }
  const dryRun = request['dryRun'] ?? false;
  if (typeof dryRun !== 'boolean') throw new ReviewDecodeError('request.dryRun', `${show(dryRun)} is not a boolean`);
  // The union over operations was checked just above; the compiler cannot follow it through the variables.
  return {
    uid,
    kind,
    resource,
    subResource,
    requestKind: request['requestKind'] == null ? kind : readKind('request.requestKind', request['requestKind']),
    requestResource:
      request['requestResource'] == null
        ? resource
        : readResource('request.requestResource', request['requestResource']),
    requestSubResource:
      request['requestSubResource'] === undefined
        ? subResource
        : readText('request.requestSubResource', request['requestSubResource']),
    name: readText('request.name', request['name']),
    namespace: readText('request.namespace', request['namespace']),
    operation,
    userInfo: readUserInfo(request['userInfo']),
    object: operation === 'DELETE' ? null : object,
    oldObject: operation === 'UPDATE' || operation === 'DELETE' ? oldObject : null,
    dryRun,
    options: request['options'] ?? null,
  } as AdmissionRequest;
}

function readKind(field: string, value: unknown): GroupVersionKind {
  const record = asRecord(field, value);
  return {
    group: readText(`${field}.group`, record['group']),
    version: readText(`${field}.version`, record['version']),
    kind: readText(`${field}.kind`, record['kind']),
  };
}

function readResource(field: string, value: unknown): GroupVersionResource {
  const record = asRecord(field, value);
  return {
    group: readText(`${field}.group`, record['group']),
    version: readText(`${field}.version`, record['version']),
    resource: readText(`${field}.resource`, record['resource']),
  };
}

function readUserInfo(value: unknown): AdmissionRequestBody['userInfo'] {
  if (value == null) return {};
  const record = asRecord('request.userInfo', value);
  const { groups, extra } = record;
  if (groups != null && !isTextList(groups))
    throw new ReviewDecodeError('request.userInfo.groups', 'expected a list of texts');
  if (extra != null && !Object.values(asRecord('request.userInfo.extra', extra)).every(isTextList)) {
    throw new ReviewDecodeError('request.userInfo.extra', 'expected a map of lists of texts');
  }
  return {
    username: readText('request.userInfo.username', record['username']),
    uid: readText('request.userInfo.uid', record['uid']),
    groups: groups == null ? [] : groups,
    // Checked one line above: a record of text lists.
    extra: (extra ?? {}) as { [key: string]: string[] },
  };
}

function readObject(field: string, value: unknown): JsonRecord | null {
  return value == null ? null : asRecord(field, value);
}

function asRecord(field: string, value: unknown): JsonRecord {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonRecord;
  throw new ReviewDecodeError(
    field,
    value === undefined ? 'is missing; expected an object' : `${show(value)} is not an object`,
  );
}

function readText(field: string, value: unknown): string {
  if (value == null) return '';
  if (typeof value !== 'string') throw new ReviewDecodeError(field, `${show(value)} is not a text`);
  return value;
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Names a value without spilling its content: objects of users may hold secrets. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return value.length > 64 ? 'a long text' : JSON.stringify(value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}
