import { admit } from 'sallyport/testing';
import { describe, expect, it } from 'vitest';
import { trustedRegistry } from './trusted-registry.ts';

const pod = (spec: object) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec });
const good = { name: 'good', image: 'registry.example.com/web:1' };

describe('trusted-registry', () => {
  it.each([
    'registry.example.com/web',
    'registry.example.com/team/web:1.2',
    `registry.example.com/web@sha256:${'a'.repeat(64)}`,
  ])('allows %s', async (image) => {
    await expect(admit(trustedRegistry, pod({ containers: [{ name: 'a', image }] }))).resolves.toMatchObject({
      allowed: true,
    });
  });

  it.each([
    ['nginx', 'docker.io'],
    ['library/nginx', 'docker.io'],
    ['index.docker.io/library/nginx', 'docker.io'],
    ['registry.example.com', 'docker.io'],
    ['registry.example.com.evil.io/x', 'registry.example.com.evil.io'],
    ['registry.example.com:5000/x', 'registry.example.com:5000'],
    ['evil.io/registry.example.com/x', 'evil.io'],
    ['localhost/x', 'localhost'],
    ['', 'docker.io'],
  ])('refuses "%s", which comes from %s', async (image, registry) => {
    const result = await admit(trustedRegistry, pod({ containers: [{ name: 'a', image }] }));
    expect(result.allowed).toBe(false);
    expect(result.message).toContain(`comes from ${registry}`);
  });

  it('lets a Pod be changed that runs such an image already, but not to another', async () => {
    const oldObject = pod({ containers: [{ name: 'a', image: 'nginx:1' }] });
    const labelled = { ...oldObject, metadata: { name: 'web', labels: { team: 'shop' } } };
    await expect(admit(trustedRegistry, labelled, { oldObject })).resolves.toMatchObject({ allowed: true });
    const changed = pod({ containers: [{ name: 'a', image: 'nginx:2' }] });
    await expect(admit(trustedRegistry, changed, { oldObject })).resolves.toMatchObject({ allowed: false });
  });

  it.each([
    ['initContainers', 'spec.initContainers[0].image'],
    ['ephemeralContainers', 'spec.ephemeralContainers[0].image'],
  ])('looks at %s too', async (list, field) => {
    const result = await admit(trustedRegistry, pod({ containers: [good], [list]: [{ name: 'a', image: 'nginx' }] }));
    expect(result).toMatchObject({ allowed: false, causes: [{ field }] });
  });
});
