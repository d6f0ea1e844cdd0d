import type { FailurePolicy } from '../../../../src/api/webhook-configuration.ts';
import type { JsonObject } from '../../../../src/json/json-value.ts';
import type { Behaviour } from '../behaviour.ts';
import type { World } from '../scenario.ts';
import { allow, cases, deny, mutating, patchText, validating } from './build.ts';

const answer = (response: JsonObject): Behaviour => ({ kind: 'answer', response });
const body = (text: string, headers?: { readonly [name: string]: string }): Behaviour => ({
  kind: 'raw',
  body: text,
  ...(headers === undefined ? {} : { headers }),
});
const good = '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"$UID","allowed":true}}';

/** Answers that are none, or not quite. */
const malformed: { readonly [name: string]: Behaviour } = {
  'no-response': body('{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'),
  'null-response': body('{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":null}'),
  'list-response': body('{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":[]}'),
  'no-uid': answer({ uid: null }),
  'wrong-uid': answer({ uid: 'another' }),
  'number-uid': answer({ uid: 7 }),
  'no-kind': { kind: 'answer', reviewKind: null },
  'no-version': { kind: 'answer', version: '' },
  'beta-version': { kind: 'answer', version: 'admission.k8s.io/v1beta1' },
  'future-version': { kind: 'answer', version: 'admission.k8s.io/v2' },
  'other-group': { kind: 'answer', version: 'example.com/v1' },
  'three-parts': { kind: 'answer', version: 'a/b/c' },
  'other-kind': { kind: 'answer', reviewKind: 'AdmissionResponse' },
  'a-status': body('{"kind":"Status","apiVersion":"v1","status":"Failure","message":"sorry","code":500}'),
  'text-allowed': answer({ allowed: 'true' }),
  'no-allowed': answer({ allowed: null }),
  'text-status': answer({ allowed: false, status: 'no' }),
  'text-code': answer({ allowed: false, status: { code: '403' } }),
  'fraction-code': answer({ allowed: false, status: { code: 403.5 } }),
  'number-message': answer({ allowed: false, status: { message: 5 } }),
  'text-causes': answer({ allowed: false, status: { details: { causes: ['x'] } } }),
  'list-annotations': answer({ auditAnnotations: ['a'] }),
  'number-annotation': answer({ auditAnnotations: { a: 1 } }),
  'text-warnings': answer({ warnings: 'careful' }),
  'number-warning': answer({ warnings: [1] }),
  'text-request': body(
    '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":"x","response":{"uid":"$UID","allowed":true}}',
  ),
  'wrong-case': body(
    '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","Response":{"uid":"$UID","allowed":true}}',
  ),
  'duplicate-keys': body(
    '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"x","uid":"$UID","allowed":false,"allowed":true}}',
  ),
  'unknown-fields': answer({ surprise: { a: 1 } }),
  empty: body(''),
  blank: body('  '),
  'null-body': body('null'),
  'no-json': body('not json'),
  'a-list': body('[]'),
  'a-number': body('12'),
  'cut-off': body('{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"$UID"'),
  'stray-text': body(`${good} x`),
  'two-documents': body(`${good}${good}`),
  'bad-escape': body('{"apiVersion":"\\x"}'),
  'single-quotes': body("{'apiVersion':'admission.k8s.io/v1'}"),
  'yaml-body': body('apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nresponse:\n  uid: $UID\n  allowed: yes\n'),
  'byte-order-mark': body(`\ufeff${good}`),
  'leading-space': body(`\n\t ${good}`),
  html: body('<html><body>no</body></html>', { 'content-type': 'text/html' }),
  'plain-type': body(good, { 'content-type': 'text/plain' }),
  'protobuf-type': body(good, { 'content-type': 'application/vnd.kubernetes.protobuf' }),
  'no-type': body(good, {}),
  'bad-type': body(good, { 'content-type': 'application/json; charset' }),
  'slash-type': body(good, { 'content-type': 'json' }),
  ...Object.fromEntries(
    [
      201, 202, 204, 206, 207, 226, 300, 304, 400, 401, 402, 403, 404, 405, 406, 409, 410, 413, 415, 418, 422, 429, 500,
      501, 502, 503, 504, 507,
    ].map((status): [string, Behaviour] => [
      `code-${status}`,
      { kind: 'raw', status, body: status === 204 || status === 304 ? '' : good },
    ]),
  ),
  'text-400': { kind: 'raw', status: 400, headers: { 'content-type': 'text/plain' }, body: ' went wrong\n' },
  'text-403': { kind: 'raw', status: 403, headers: { 'content-type': 'text/plain' }, body: 'you may not' },
  'text-406': { kind: 'raw', status: 406, headers: { 'content-type': 'text/plain' }, body: 'cannot' },
  'text-415': { kind: 'raw', status: 415, headers: { 'content-type': 'text/plain' }, body: 'what is this' },
  'text-500': {
    kind: 'raw',
    status: 500,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: ' a "bad" day\n\n',
  },
  'untyped-500': { kind: 'raw', status: 500, headers: {}, body: 'untyped text' },
  'empty-500': { kind: 'raw', status: 500, headers: { 'content-type': 'text/plain' }, body: '' },
  'long-500': { kind: 'raw', status: 500, headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(3000) },
  'status-500': {
    kind: 'raw',
    status: 500,
    body: '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"from the status","code":500}',
  },
  'status-403': {
    kind: 'raw',
    status: 403,
    body: '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"forbidden by status","reason":"Forbidden","code":403}',
  },
  'status-unversioned': {
    kind: 'raw',
    status: 500,
    body: '{"kind":"Status","status":"Failure","message":"without version"}',
  },
  'status-success': {
    kind: 'raw',
    status: 500,
    body: '{"kind":"Status","apiVersion":"v1","status":"Success","message":"fine"}',
  },
  'status-foreign': {
    kind: 'raw',
    status: 500,
    body: '{"kind":"Status","apiVersion":"v2","status":"Failure","message":"foreign"}',
  },
  'bad-type-500': { kind: 'raw', status: 500, headers: { 'content-type': ';' }, body: 'x' },
};

/** Answers about patches; wrong ones are only so for some webhooks. */
const aboutPatches: { readonly [name: string]: Behaviour } = {
  'patch-without-type': answer({ patch: 'W10=' }),
  'type-without-patch': answer({ patchType: 'JSONPatch' }),
  'empty-type': answer({ patch: 'W10=', patchType: '' }),
  'merge-type': patchText('[{"op":"add","path":"/spec/a","value":1}]', { patchType: 'MergePatch' }),
  'lower-type': patchText('[{"op":"add","path":"/spec/a","value":1}]', { patchType: 'jsonpatch' }),
  'merge-type-empty': patchText('[]', { patchType: 'MergePatch' }),
  'number-type': answer({ patch: 'W10=', patchType: 1 }),
  'empty-patch': answer({ patch: '', patchType: 'JSONPatch' }),
  'null-patch': answer({ patch: null, patchType: 'JSONPatch' }),
  'raw-list': answer({ patch: [{ op: 'add', path: '/spec/a', value: 1 }], patchType: 'JSONPatch' }),
  'byte-list': answer({ patch: [91, 93], patchType: 'JSONPatch' }),
  'not-base64': answer({ patch: '!!', patchType: 'JSONPatch' }),
  'url-base64': answer({ patch: 'Pz8_', patchType: 'JSONPatch' }),
  'unpadded-base64': answer({ patch: 'W10', patchType: 'JSONPatch' }),
  'broken-base64': answer({ patch: 'W1\n0=\n', patchType: 'JSONPatch' }),
  'trailing-base64': answer({ patch: 'W10=W10=', patchType: 'JSONPatch' }),
  'denied-with-patch': answer({ allowed: false, patch: 'W10=', patchType: 'JSONPatch', status: { message: 'no' } }),
  'denied-without-type': answer({ allowed: false, patch: 'W10=', status: { message: 'no' } }),
  'denied-wrong-uid': answer({ allowed: false, uid: 'x', status: { message: 'no' } }),
  'undecodable-object': patchText('{}'),
  'undecodable-text': patchText('"x"'),
  'undecodable-blank': patchText(' '),
  'undecodable-cut': patchText('[{"op"'),
  'undecodable-element': patchText('[1]'),
  'null-document': patchText('null'),
  'null-element': patchText('[null]'),
};

/** Denials, as they reach the client. */
const denials: { readonly [name: string]: Behaviour } = {
  bare: deny(),
  message: deny({ message: 'because' }),
  reason: deny({ reason: 'Forbidden' }),
  'reason-and-message': deny({ reason: 'Forbidden', message: 'because', code: 403 }),
  'code-200': deny({ code: 200, message: 'ok?' }),
  'code-399': deny({ code: 399 }),
  'code-400': deny({ code: 400 }),
  'code-418': deny({ code: 418, message: 'teapot' }),
  'code-503': deny({ code: 503, message: 'later' }),
  'status-success': deny({ status: 'Success', message: 'x' }),
  'status-other': deny({ status: 'Odd', message: 'x' }),
  metadata: deny({ metadata: { continue: 'abc', remainingItemCount: 3 }, message: 'x' }),
  details: deny({
    code: 422,
    reason: 'Invalid',
    message: 'wrong',
    details: {
      name: 'n',
      group: 'g',
      kind: 'k',
      causes: [{ reason: 'FieldValueInvalid', message: 'm', field: 'f' }],
      retryAfterSeconds: 5,
    },
  }),
  'unknown-fields': deny({ message: 'x', surprise: 1, details: { surprise: 2 } }),
  empties: deny({ message: '', reason: '', metadata: {}, details: {} }),
  multiline: deny({ message: 'one\ntwo "three" <four>' }),
  conflict: deny({ code: 409, reason: 'Conflict', message: 'try again' }),
  'too-many': deny({ code: 429, reason: 'TooManyRequests', details: { retryAfterSeconds: 1 }, message: 'slowly' }),
  unauthorized: deny({ code: 401, reason: 'Unauthorized', message: 'who' }),
};

function answering(
  name: string,
  about: string,
  kind: 'mutating' | 'validating',
  behaviours: { readonly [name: string]: Behaviour },
  failurePolicy: FailurePolicy,
  admissionReviewVersions: string[] = ['v1'],
): World {
  const { webhooks, ...rest } = cases(name, behaviours, { failurePolicy, admissionReviewVersions });
  return {
    name,
    about,
    [kind]: [kind === 'mutating' ? mutating(name, webhooks) : validating(name, webhooks)],
    ...rest,
  };
}

const unusable = 'an answer that is none is a call error';

export const answers: readonly World[] = [
  answering('malformed-v-fail', unusable, 'validating', { ...malformed, ...aboutPatches }, 'Fail'),
  answering('malformed-v-ignore', unusable, 'validating', { ...malformed, ...aboutPatches }, 'Ignore'),
  answering('malformed-m-fail', unusable, 'mutating', { ...malformed, ...aboutPatches }, 'Fail'),
  answering('malformed-m-ignore', unusable, 'mutating', { ...malformed, ...aboutPatches }, 'Ignore'),
  answering(
    'malformed-m-beta',
    'of a v1beta1 answer only the response must be there',
    'mutating',
    { ...malformed, ...aboutPatches },
    'Fail',
    ['v1beta1'],
  ),
  answering(
    'malformed-v-beta',
    'of a v1beta1 answer only the response must be there',
    'validating',
    { ...malformed, ...aboutPatches },
    'Fail',
    ['v1beta1'],
  ),
  answering(
    'denied-m',
    'a denial reaches the client with what the webhook said, whatever the failurePolicy',
    'mutating',
    denials,
    'Ignore',
  ),
  answering(
    'denied-v',
    'a denial reaches the client with what the webhook said, whatever the failurePolicy',
    'validating',
    denials,
    'Fail',
  ),
  answering(
    'allowed',
    'a status beside allowed: true is not looked at',
    'validating',
    { status: answer({ status: { code: 403, message: 'x' } }), plain: allow },
    'Fail',
  ),
];
