import { request, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { SelfSignedSource, verifyChain } from './index.ts';
import { clockAt } from '../../test/certs/clock-at.ts';

const day = 24 * 3_600_000;
const now = Date.UTC(2030, 5, 1);

describe('SelfSignedSource', () => {
  it('serves loopback and the hosts it is given', async () => {
    const clock = clockAt(now);
    const source = new SelfSignedSource({ clock, hosts: ['gate.test', '10.0.0.50', 'localhost'] });
    await source.start();
    const chain = source.get()?.certificatePem ?? '';
    const caBundlePem = source.caBundle() ?? '';
    for (const serverName of ['localhost', '127.0.0.1', '::1', 'gate.test', '10.0.0.50']) {
      expect(verifyChain(chain, { caBundlePem, now, serverName })).toEqual({ kind: 'verified' });
    }
    expect(verifyChain(chain, { caBundlePem, now, serverName: 'other.test' }).kind).toBe('unverified');
    expect(await source.confirmCaBundle()).toBe(caBundlePem);
    expect(source.healthy()).toEqual({ kind: 'healthy' });
    await source.stop();
  });

  it('answers HTTPS at once, by the real clock', async () => {
    const source = new SelfSignedSource();
    await source.start();
    const { certificatePem: cert, privateKeyPem: key } = source.get() ?? {};
    const server = createServer({ cert, key }, (_, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    const options = { host: '127.0.0.1', port, ca: source.caBundle(), agent: false };
    request(options, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
    expect(await promise).toBe(200);
    server.close();
    await source.stop();
  });

  it('renews the leaf at two thirds of its life and keeps the CA', async () => {
    const clock = clockAt(now);
    const source = new SelfSignedSource({ clock });
    await source.start();
    const [leaf, bundle] = [source.get()?.fingerprint, source.caBundle()];
    const renewed = new Promise<void>((resolve) => source.subscribe(resolve));
    clock.advance(60 * day);
    await renewed;
    expect(source.get()?.fingerprint).not.toBe(leaf);
    expect(source.caBundle()).toBe(bundle);
    await source.stop();
  });

  it('shares no authority with another', async () => {
    const [one, other] = [new SelfSignedSource(), new SelfSignedSource()];
    await Promise.all([one.start(), other.start()]);
    expect(one.caBundle()).not.toBe(other.caBundle());
    await Promise.all([one.stop(), other.stop()]);
  });

  it('has nothing before its start', () => {
    const source = new SelfSignedSource();
    expect(source.get()).toBeUndefined();
    expect(source.caBundle()).toBeUndefined();
    expect(source.healthy()).toEqual({ kind: 'unhealthy', reason: 'no certificate yet' });
  });
});
