import { describe, expect, it } from 'vitest';
import { encodeReviewRequest } from '../admission/index.ts';
import { buildRequest } from '../testing/index.ts';
import { isControlPlaneRequest } from './urgency.ts';

const pod = (namespace: string, extra: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace },
  ...extra,
});
const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'n1', namespace: 'shop' } };
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } };
const kubelet = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };

describe('isControlPlaneRequest()', () => {
  it.each([
    ['a lease', buildRequest(lease)],
    ['a node', buildRequest(node)],
    ['the status of a node', buildRequest(node, { subresource: 'status' })],
    ['a Pod in kube-system', buildRequest(pod('kube-system'))],
    ['a Pod that goes, in kube-system', buildRequest(pod('kube-system'), { operation: 'DELETE' })],
    ['whatever a kubelet asks', buildRequest(pod('shop'), { user: kubelet })],
  ])('yes: %s', (_name, request) => {
    expect(isControlPlaneRequest(encodeReviewRequest('v1', request))).toBe(true);
  });

  it.each([
    ['a Pod elsewhere', buildRequest(pod('shop'))],
    ['a namespace that begins alike', buildRequest(pod('kube-systems'))],
    ['fields inside the object', buildRequest(pod('shop', { namespace: 'kube-system', resource: 'nodes' }))],
    ['a name that looks like a field', buildRequest(pod('shop'), { name: '","namespace":"kube-system' })],
    [
      'a user that is called like the group',
      buildRequest(pod('shop'), { user: { username: 'system:nodes', groups: [] } }),
    ],
    [
      'an extra that is called like the group',
      buildRequest(pod('shop'), { user: { username: 'u', groups: ['g'], extra: { x: ['system:nodes'] } } }),
    ],
  ])('no: %s', (_name, request) => {
    expect(isControlPlaneRequest(encodeReviewRequest('v1', request))).toBe(false);
  });
});
