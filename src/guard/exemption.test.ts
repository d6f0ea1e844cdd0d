import { describe, expect, it } from 'vitest';
import { checkMatchConditions } from '../registrar/index.ts';
import { WebhookRegistry } from '../admission/index.ts';
import type { Pod } from '../api/generated/core.v1.ts';
import { exemptionOf } from './exemption.ts';
import { guardWebhooks } from './webhooks.ts';

const user = { username: 'jane' };
const running: Pod = {
  metadata: { name: 'db', namespace: 'shop' },
  spec: { nodeName: 'n1', containers: [] },
  status: { phase: 'Running' },
};
const annotated = (annotations: Record<string, string>): Pod => ({
  ...running,
  metadata: { ...running.metadata, annotations },
});

describe('exemptionOf()', () => {
  it.each<[string, Pod, { username: string; groups?: string[] }, string | undefined]>([
    ['a running Pod', running, user, undefined],
    ['other annotations', annotated({ a: 'b' }), user, undefined],
    ['other groups', running, { username: 'jane', groups: ['system:masters'] }, undefined],
    [
      'a terminating Pod',
      { ...running, metadata: { ...running.metadata, deletionTimestamp: 'now' } },
      user,
      'not-terminating',
    ],
    ['a Pod that succeeded', { ...running, status: { phase: 'Succeeded' } }, user, 'not-ended'],
    ['a Pod that failed', { ...running, status: { phase: 'Failed' } }, user, 'not-ended'],
    ['a Pod without a node', { ...running, spec: { containers: [] } }, user, 'scheduled'],
    ['a mirror Pod', annotated({ 'kubernetes.io/config.mirror': 'x' }), user, 'not-mirror'],
    ['a node', running, { username: 'system:node:n1', groups: ['system:nodes'] }, 'not-by-node'],
    ['a broken glass', annotated({ 'sallyport.dev/guard-bypass': 'why' }), user, 'not-bypassed'],
  ])('%s', (_what, pod, who, expected) => {
    expect(exemptionOf(pod, who)).toBe(expected);
  });
});

it('the match conditions of the webhooks compile', () => {
  const gatekeeper = { decide: () => Promise.reject(new Error('never called')) };
  const definitions = guardWebhooks({ gatekeeper, guards: { guardOf: () => undefined }, user: 'system:"odd"' });
  expect(() => checkMatchConditions(new WebhookRegistry(definitions))).not.toThrow();
});
