import { admit } from 'sallyport/testing';
import { describe, expect, it } from 'vitest';
import { minimumReplicas } from './minimum-replicas.ts';

const deployment = (replicas?: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'shop', namespace: 'default' },
  spec: replicas === undefined ? {} : { replicas },
});

describe('minimum-replicas', () => {
  it.each([3, 4, 100])('allows %i', async (replicas) => {
    await expect(admit(minimumReplicas, deployment(replicas))).resolves.toMatchObject({ allowed: true });
  });

  it.each([undefined, 0, 1, 2])('refuses %s', async (replicas) => {
    await expect(admit(minimumReplicas, deployment(replicas))).resolves.toMatchObject({
      allowed: false,
      code: 403,
      message: expect.stringContaining('replicas must exceed 2') as string,
      causes: [{ field: 'spec.replicas' }],
    });
  });

  it('lets one be changed that is too small already', async () => {
    const labelled = { ...deployment(1), metadata: { name: 'shop', namespace: 'default', labels: { team: 'shop' } } };
    await expect(admit(minimumReplicas, labelled, { oldObject: deployment(1) })).resolves.toMatchObject({
      allowed: true,
    });
  });

  it('refuses scaling down', async () => {
    const scale = (replicas: number) => ({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'shop', namespace: 'default' },
      spec: { replicas },
    });
    const result = await admit(minimumReplicas, scale(1), {
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      subresource: 'scale',
      oldObject: scale(3),
    });
    expect(result).toMatchObject({ allowed: false });
  });
});
