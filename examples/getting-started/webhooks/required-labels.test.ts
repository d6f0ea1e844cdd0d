import { admit } from 'sallyport/testing';
import { describe, expect, it } from 'vitest';
import { requiredLabels } from './required-labels.ts';

const deployment = (labels?: Record<string, string>) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'shop', ...(labels && { labels }) },
});

describe('required-labels', () => {
  it('allows an object that carries both', async () => {
    const labels = { 'app.kubernetes.io/name': 'shop', team: 'storefront' };
    await expect(admit(requiredLabels, deployment(labels))).resolves.toMatchObject({ allowed: true });
  });

  it.each([
    [undefined, 'app.kubernetes.io/name, team'],
    [{ team: 'storefront' }, 'app.kubernetes.io/name'],
    [{ team: '', 'app.kubernetes.io/name': 'shop' }, 'team'],
  ])('refuses %o', async (labels, missing) => {
    await expect(admit(requiredLabels, deployment(labels))).resolves.toMatchObject({
      allowed: false,
      code: 403,
      reason: 'Forbidden',
      message: `required labels are missing: ${missing}`,
    });
  });
});
