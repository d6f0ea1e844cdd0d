import { describe, expect, it } from 'vitest';
import { buildRequest } from '../testing/review-builder.ts';
import { decodeReview, encodeReview, encodeReviewRequest, ReviewDecodeError } from './index.ts';

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } };
const request = buildRequest(pod, {
  uid: 'u1',
  user: { username: 'ada', groups: ['dev'], extra: { scope: ['a', 'b'] } },
});

describe('decodeReview()', () => {
  it('reads every field', () => {
    const scale = { ...request, subResource: 'scale', requestSubResource: 'scale', dryRun: true };
    const { version, request: decoded } = decodeReview(encodeReviewRequest('v1', scale));
    expect(version).toBe('v1');
    expect(decoded).toMatchObject({
      uid: 'u1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      subResource: 'scale',
      requestSubResource: 'scale',
      name: 'web',
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: { username: 'ada', groups: ['dev'], extra: { scope: ['a', 'b'] } },
      object: pod,
      oldObject: null,
      dryRun: true,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    });
  });

  it.each(['v1', 'v1beta1'] as const)('answers %s in the same version', (version) => {
    const { version: decoded } = decodeReview(encodeReviewRequest(version, request));
    expect(JSON.parse(encodeReview(decoded, { uid: 'u1', allowed: true }))).toEqual({
      apiVersion: `admission.k8s.io/${version}`,
      kind: 'AdmissionReview',
      response: { uid: 'u1', allowed: true },
    });
  });

  it('takes absent request* fields from their counterparts', () => {
    const { requestKind: _kind, requestResource: _resource, ...old } = request;
    expect(decodeReview(encodeReviewRequest('v1beta1', old)).request).toMatchObject({
      requestKind: request.kind,
      requestResource: request.resource,
    });
  });

  const review = (change: object) =>
    JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request, ...change });
  const changed = (change: object) => review({ request: { ...request, ...change } });
  it.each([
    ['body', 'not json'],
    ['body', ''],
    ['body', '[]'],
    ['body', '"text"'],
    ['body', 'null'],
    ['kind', review({ kind: 'Review' })],
    ['kind', review({ kind: undefined })],
    ['apiVersion', review({ apiVersion: 'admission.k8s.io/v2' })],
    ['apiVersion', review({ apiVersion: { toString: 'x' } })],
    ['request', review({ request: undefined })],
    ['request', review({ request: [] })],
    ['request.uid', changed({ uid: '' })],
    ['request.uid', changed({ uid: 7 })],
    ['request.operation', changed({ operation: 'PATCH' })],
    ['request.operation', changed({ operation: 'create' })],
    ['request.kind', changed({ kind: 'Pod' })],
    ['request.kind.kind', changed({ kind: { kind: 1 } })],
    ['request.resource', changed({ resource: undefined })],
    ['request.object', changed({ object: undefined })],
    ['request.object', changed({ object: [] })],
    ['request.oldObject', changed({ operation: 'UPDATE' })],
    ['request.dryRun', changed({ dryRun: 'no' })],
    ['request.name', changed({ name: {} })],
    ['request.userInfo', changed({ userInfo: 'ada' })],
    ['request.userInfo.groups', changed({ userInfo: { groups: [1] } })],
    ['request.userInfo.extra', changed({ userInfo: { extra: { a: 'b' } } })],
  ])('names the field: %s', (field, text) => {
    expect(() => decodeReview(text)).toThrow(ReviewDecodeError);
    expect(() => decodeReview(text)).toThrow(expect.objectContaining({ field }) as Error);
  });

  it('does not spill content into its message', () => {
    const secret = 'x'.repeat(100);
    expect(() => decodeReview(changed({ operation: secret }))).not.toThrow(secret);
  });
});
