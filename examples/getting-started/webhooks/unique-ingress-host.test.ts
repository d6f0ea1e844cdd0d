import { admit } from 'sallyport/testing';
import { describe, expect, it } from 'vitest';
import { uniqueIngressHost } from './unique-ingress-host.ts';

const ingress = (name: string, ...hosts: Array<string | undefined>) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name, namespace: 'default' },
  spec: { rules: hosts.map((host) => ({ host })) },
});
const stored = [ingress('shop', 'shop.example.com', 'www.example.com')];

describe('unique-ingress-host', () => {
  it.each([
    ['another host', ingress('blog', 'blog.example.com')],
    ['no host', ingress('any', undefined)],
    ['its own hosts', ingress('shop', 'shop.example.com')],
  ])('allows %s', async (_name, object) => {
    await expect(admit(uniqueIngressHost, object, { objects: stored })).resolves.toMatchObject({ allowed: true });
  });

  it('refuses a host that another Ingress claims', async () => {
    const second = ingress('second', 'new.example.com', 'www.example.com');
    await expect(admit(uniqueIngressHost, second, { objects: stored })).resolves.toMatchObject({
      allowed: false,
      code: 409,
      message: 'host www.example.com is already claimed by Ingress default/shop',
    });
  });
});
