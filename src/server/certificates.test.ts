import { once } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { defineValidator, encodeReviewRequest } from '../admission/index.ts';
import type { KeyPair } from '../certs/index.ts';
import { buildRequest } from '../testing/index.ts';
import { clientCertificate } from '../../test/client-certificate.ts';
import { serve, SettableCertificates, testAuthority, testCertificate } from '../../test/loopback-server.ts';
import { AdmissionServer, InvalidServerOptionsError } from './index.ts';
import { WebhookRegistry } from '../admission/index.ts';

let authority: KeyPair;
let clientAuthority: KeyPair;
beforeAll(async () => {
  authority = await testAuthority();
  clientAuthority = await testAuthority();
});

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } };
const review = encodeReviewRequest('v1', buildRequest(pod));
const allow = defineValidator({
  name: 'allow.example.com',
  path: '/allow',
  resource: 'pods',
  operations: ['CREATE'],
  handler: () => undefined,
});

describe('a certificate that changes', () => {
  it('is used by new handshakes, while open connections go on', async () => {
    await using gate = await serve(authority, [allow]);
    using before = await gate.connect();
    const first = before.socket.getPeerCertificate().fingerprint256;
    const [session] = (await once(before.socket, 'session')) as [Buffer];

    const renewed = await testCertificate(authority);
    gate.certificates.set(renewed);
    using after = await gate.connect();
    expect(after.socket.getPeerCertificate().fingerprint256).toBe(renewed.fingerprint);
    expect(renewed.fingerprint).not.toBe(first);
    // A ticket of the old certificate does not bring it back.
    using resuming = await gate.connect({ session });
    expect(resuming.socket.getPeerCertificate().fingerprint256).toBe(renewed.fingerprint);

    for (const client of [before, after]) {
      client.post('/allow', review);
      expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    }
    expect(gate.observer.certificates).toHaveLength(2);
    expect(gate.observer.certificates[1]).toEqual(renewed.notAfter);
  });

  it('that OpenSSL does not take leaves the one before in use', async () => {
    await using gate = await serve(authority, [allow]);
    const good = gate.certificates.get();
    const other = await testCertificate(authority);
    gate.certificates.set({ ...other, privateKeyPem: 'torn' });
    using client = await gate.connect();
    expect(client.socket.getPeerCertificate().fingerprint256).toBe(good?.fingerprint);
    expect(gate.logger.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: 'the new certificate cannot be served; the one before stays',
      }),
    );
    expect(JSON.stringify(gate.logger.lines)).not.toContain('torn');
  });

  it('that becomes unhealthy makes the server unready; degraded does not', async () => {
    await using gate = await serve(authority, [allow]);
    using client = await gate.connect();
    const ready = async (): Promise<number | undefined> => {
      client.get('/readyz');
      return (await client.answer())?.httpStatus;
    };
    gate.certificates.health = { kind: 'degraded', reason: 'renewal fails' };
    expect(await ready()).toBe(200);
    gate.certificates.health = { kind: 'unhealthy', reason: 'expired' };
    expect(await ready()).toBe(503);
    gate.certificates.health = { kind: 'healthy' };
    expect(await ready()).toBe(200);
  });

  it('that is not there yet is refused', () => {
    const options = { registry: new WebhookRegistry(), certificates: new SettableCertificates() };
    expect(() => new AdmissionServer(options)).toThrow(InvalidServerOptionsError);
  });
});

describe('clientCertificates', () => {
  const options = (allowedNames?: string[]) => ({
    clientCertificates: { ca: clientAuthority.certificatePem, ...(allowedNames && { allowedNames }) },
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: the right name may call, also over a resumed session',
    async (version) => {
      const { cert, key } = await clientCertificate(clientAuthority, 'kube-apiserver');
      await using gate = await serve(authority, [allow], options(['kube-apiserver', 'other']));
      const tls = { cert, key, minVersion: version, maxVersion: version };
      using client = await gate.connect(tls);
      const sessionCame = once(client.socket, 'session') as Promise<[Buffer]>;
      client.post('/allow', review);
      expect(await client.answer()).toMatchObject({ httpStatus: 200 });
      const session = version === 'TLSv1.2' ? client.socket.getSession() : (await sessionCame)[0];
      using resumed = await gate.connect({ ...tls, session });
      expect(resumed.socket.isSessionReused()).toBe(true);
      resumed.post('/allow', review);
      expect(await resumed.answer()).toMatchObject({ httpStatus: 200 });
    },
  );

  it('any name may call when none is named', async () => {
    await using gate = await serve(authority, [allow], options());
    using client = await gate.connect(await clientCertificate(clientAuthority, 'whoever'));
    client.post('/allow', review);
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
  });

  it('another name is 403', async () => {
    await using gate = await serve(authority, [allow], options(['kube-apiserver']));
    using client = await gate.connect(await clientCertificate(clientAuthority, 'kube-apiserver2'));
    client.post('/allow', review);
    const answer = await client.answer();
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ kind: 'Status', code: 403, reason: 'Forbidden' });
  });

  it('another authority is 401', async () => {
    await using gate = await serve(authority, [allow], options(['kube-apiserver']));
    using client = await gate.connect(await clientCertificate(await testAuthority(), 'kube-apiserver'));
    client.post('/allow', review);
    expect(await client.answer()).toMatchObject({ httpStatus: 401 });
  });

  it('authorities that change are asked for from the next handshake on', async () => {
    const nextAuthority = await testAuthority();
    const [former, next] = await Promise.all(
      [clientAuthority, nextAuthority].map((issuer) => clientCertificate(issuer, 'kube-apiserver')),
    );
    await using gate = await serve(authority, [allow], options(['kube-apiserver']));
    using open = await gate.connect(former);
    const sessionCame = once(open.socket, 'session') as Promise<[Buffer]>;
    const statusFor = async (tls: ConnectionOptions = {}): Promise<number | undefined> => {
      using client = await gate.connect(tls);
      client.post('/allow', review);
      return (await client.answer())?.httpStatus;
    };
    expect(await Promise.all([statusFor(former), statusFor(next)])).toEqual([200, 401]);
    const [session] = await sessionCame;
    gate.server.setClientAuthority(clientAuthority.certificatePem + nextAuthority.certificatePem);
    expect(await Promise.all([statusFor(former), statusFor(next)])).toEqual([200, 200]);
    gate.server.setClientAuthority(nextAuthority.certificatePem);
    expect(await Promise.all([statusFor(former), statusFor(next), statusFor()])).toEqual([401, 200, 401]);
    // Nor by a ticket of before.
    expect(await statusFor({ ...former, session })).toBe(401);
    open.post('/allow', review);
    expect(await open.answer()).toMatchObject({ httpStatus: 200 });

    expect(() => gate.server.setClientAuthority('torn')).toThrow(InvalidServerOptionsError);
    // As who reads a file sees it that is being written.
    const torn = nextAuthority.certificatePem + clientAuthority.certificatePem.slice(0, 200);
    expect(() => gate.server.setClientAuthority(torn)).toThrow(InvalidServerOptionsError);
    // A new serving certificate brings the former authorities not back.
    gate.certificates.set(await testCertificate(authority));
    expect(await Promise.all([statusFor(former), statusFor(next), statusFor()])).toEqual([401, 200, 401]);
  });

  it('cannot be asked for by a server that was made without', async () => {
    await using gate = await serve(authority, [allow]);
    expect(() => gate.server.setClientAuthority(clientAuthority.certificatePem)).toThrow(InvalidServerOptionsError);
  });

  it('none is 401 for webhooks and mounted routes, and enough for probes', async () => {
    const routes = [{ path: '/metrics', handle: () => expect.unreachable() }];
    await using gate = await serve(authority, [allow], { ...options(['kube-apiserver']), routes });
    using client = await gate.connect();
    client.post('/allow', review);
    const answer = await client.answer();
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ kind: 'Status', code: 401, reason: 'Unauthorized' });
    client.get('/metrics');
    expect(await client.answer()).toMatchObject({ httpStatus: 401 });
    client.get('/readyz');
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
  });

  it.each(['', 'no PEM', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'authority %j is refused',
    async (ca) => {
      const certificates = new SettableCertificates(await testCertificate(authority));
      const registry = new WebhookRegistry();
      expect(() => new AdmissionServer({ registry, certificates, clientCertificates: { ca } })).toThrow(
        /^clientCertificates\.ca: /,
      );
    },
  );
});
