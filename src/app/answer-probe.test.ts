import { connect, createServer, type AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { defineMutator, defineValidator, WebhookRegistry } from '../admission/index.ts';
import type { KeyPair } from '../certs/index.ts';
import { findFreePort } from '../testing/control-plane/free-port.ts';
import { serve, testAuthority } from '../../test/loopback-server.ts';
import { findUnanswered } from './answer-probe.ts';

const target = { resource: 'pods', operations: ['CREATE'], handler: () => undefined } as const;
const one = defineMutator({ name: 'one.example.com', ...target });
const two = defineValidator({ name: 'two.example.com', ...target });

let authority: KeyPair;
beforeAll(async () => {
  authority = await testAuthority();
});

describe('findUnanswered()', () => {
  it('is silent about a gate that serves every webhook', async () => {
    await using gate = await serve(authority, [one, two]);
    const address = { url: `https://127.0.0.1:${gate.port}` };
    const registry = new WebhookRegistry([one, two]);
    expect(await findUnanswered(address, registry, gate.ca)).toBeUndefined();
    // Without a bundle of ours somebody else answers for the trust.
    expect(await findUnanswered(address, registry, undefined)).toBeUndefined();
    expect(gate.observer.finished).toEqual([]);
  });

  it('is silent about one that wants a client certificate, which the API server has', async () => {
    await using gate = await serve(authority, [one], { clientCertificates: { ca: authority.certificatePem } });
    const address = { url: `https://127.0.0.1:${gate.port}` };
    expect(await findUnanswered(address, new WebhookRegistry([one]), gate.ca)).toBeUndefined();
    // What it does not serve it says without one.
    expect(await findUnanswered(address, new WebhookRegistry([one, two]), gate.ca)).toBe(
      'two.example.com: nothing is served at /validate/two.example.com yet',
    );
  });

  it('tells which webhook is not served yet, as in a rollout that brings one', async () => {
    await using gate = await serve(authority, [one]);
    const address = { url: `https://127.0.0.1:${gate.port}` };
    expect(await findUnanswered(address, new WebhookRegistry([one, two]), gate.ca)).toBe(
      'two.example.com: nothing is served at /validate/two.example.com yet',
    );
  });

  it('asks as often as it is told to: behind one address may be several replicas', async () => {
    // Every other connection leads to a replica that does not know the webhook.
    await using former = await serve(authority, [one]);
    await using next = await serve(authority, [one, two]);
    const ports = [next.port, former.port];
    let connections = 0;
    const balancer = createServer((socket) => {
      const port = ports[connections++ % 2];
      const upstream = connect({ host: '127.0.0.1', port: port ?? 0 });
      socket.pipe(upstream).pipe(socket);
      for (const each of [socket, upstream]) each.on('error', () => each.destroy());
    });
    await new Promise<void>((listening) => void balancer.listen(0, '127.0.0.1', listening));
    const address = { url: `https://127.0.0.1:${(balancer.address() as AddressInfo).port}` };
    const registry = new WebhookRegistry([two]);
    expect(await findUnanswered(address, registry, next.ca)).toBeUndefined();
    expect(await findUnanswered(address, registry, next.ca, 2)).toContain('nothing is served');
    balancer.close();
  });

  it('tells of a certificate that the bundle does not vouch for', async () => {
    await using gate = await serve(authority, [one]);
    const other = await testAuthority();
    const address = { url: `https://127.0.0.1:${gate.port}` };
    const unanswered = await findUnanswered(address, new WebhookRegistry([one]), other.certificatePem);
    expect(unanswered).toMatch(/^one\.example\.com: .*certificate/);
  });

  it('tells that nobody is there', async () => {
    const port = await findFreePort();
    const registry = new WebhookRegistry([one]);
    expect(await findUnanswered({ url: `https://127.0.0.1:${port}` }, registry, undefined)).toContain('ECONNREFUSED');
    const service = { namespace: 'nowhere', name: 'gate' };
    expect(await findUnanswered({ service }, registry, undefined)).toContain('gate.nowhere.svc');
  });
});
