import { admit } from 'sallyport/testing';
import { describe, expect, it } from 'vitest';
import { defaultResources } from './default-resources.ts';

const pod = (resources?: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'web', image: 'registry.example.com/web:1', ...(resources && { resources }) }] },
});

describe('default-resources', () => {
  it.each([
    ['nothing', undefined, { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } }],
    [
      'a CPU request',
      { requests: { cpu: '1' } },
      { requests: { cpu: '1', memory: '128Mi' }, limits: { memory: '256Mi' } },
    ],
    [
      'a memory limit',
      { limits: { memory: '64Mi' } },
      { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '64Mi' } },
    ],
    ['a memory request', { requests: { memory: '1Gi' } }, { requests: { cpu: '100m', memory: '1Gi' }, limits: {} }],
  ])('fills in what is missing beside %s', async (_name, given, expected) => {
    const { object } = await admit(defaultResources, pod(given));
    expect(object.spec.containers[0]).toHaveProperty('resources', expected);
  });

  it('does not touch what is complete', async () => {
    const complete = { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi' } };
    const { patch } = await admit(defaultResources, pod(complete));
    expect(patch).toEqual([]);
  });
});
