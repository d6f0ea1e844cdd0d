import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import { issueAuthority, issueServingCertificate, verifyChain, type KeyPair } from './index.ts';

const hour = 3_600_000;
const now = Date.UTC(2030, 5, 1);
const hosts = ['gate.sallyport-system.svc', '*.wild.example.com', '10.0.0.7'];

let authority: KeyPair;
let other: KeyPair;
let leaf: KeyPair;

beforeAll(async () => {
  authority = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: 10 * hour });
  other = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: 10 * hour });
  leaf = await issueServingCertificate({ authority, hosts, issuedAt: now, lifetimeMilliseconds: 5 * hour });
});

describe('verifyChain()', () => {
  it.each(['gate.sallyport-system.svc', 'a.wild.example.com', '10.0.0.7', undefined])(
    'verifies for %s',
    (serverName) => {
      expect(verifyChain(leaf.certificatePem, { caBundlePem: authority.certificatePem, now, serverName })).toEqual({
        kind: 'verified',
      });
    },
  );

  it('finds the CA among others, whatever stands around it', () => {
    const noise = '# a comment\n-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n';
    const caBundlePem = noise + other.certificatePem + authority.certificatePem;
    expect(verifyChain(leaf.certificatePem, { caBundlePem, now }).kind).toBe('verified');
  });

  it('accepts a served certificate that is an anchor itself', () => {
    expect(verifyChain(leaf.certificatePem, { caBundlePem: leaf.certificatePem, now }).kind).toBe('verified');
  });

  const refusals: [string, () => ReturnType<typeof verifyChain>, RegExp][] = [
    [
      'another CA',
      () => verifyChain(leaf.certificatePem, { caBundlePem: other.certificatePem, now }),
      /no certificate of the CA bundle has issued/,
    ],
    [
      'an empty bundle',
      () => verifyChain(leaf.certificatePem, { caBundlePem: '', now }),
      /no certificate of the CA bundle/,
    ],
    [
      'no certificate',
      () => verifyChain('', { caBundlePem: authority.certificatePem, now }),
      /there is no certificate/,
    ],
    [
      'another name',
      () => verifyChain(leaf.certificatePem, { caBundlePem: authority.certificatePem, now, serverName: 'example.com' }),
      /not for example\.com, but for DNS:gate/,
    ],
    [
      'two labels under a wildcard',
      () =>
        verifyChain(leaf.certificatePem, {
          caBundlePem: authority.certificatePem,
          now,
          serverName: 'a.b.wild.example.com',
        }),
      /not for a\.b/,
    ],
    [
      'another address',
      () => verifyChain(leaf.certificatePem, { caBundlePem: authority.certificatePem, now, serverName: '10.0.0.8' }),
      /not for 10\.0\.0\.8/,
    ],
    [
      'a time after its end',
      () => verifyChain(leaf.certificatePem, { caBundlePem: authority.certificatePem, now: now + 5 * hour + 1 }),
      /has expired at 2030-06-01T05:00:00/,
    ],
    [
      'a time before its beginning',
      () => verifyChain(leaf.certificatePem, { caBundlePem: authority.certificatePem, now: now - 2 * hour }),
      /is not valid before 2030-05-31T23:00:00/,
    ],
  ];
  it.each(refusals)('refuses %s', (_, judge, reason) => {
    const verdict = judge();
    expect(verdict).toMatchObject({ kind: 'unverified', reason: expect.stringMatching(reason) as string });
  });

  it('refuses a leaf that was issued by a leaf', async () => {
    const forged = await issueServingCertificate({ authority: leaf, hosts, issuedAt: now, lifetimeMilliseconds: hour });
    const chain = forged.certificatePem + leaf.certificatePem;
    expect(verifyChain(chain, { caBundlePem: authority.certificatePem, now }).kind).toBe('unverified');
  });
});

describe('verifyChain() with certificates of other issuers', () => {
  interface Issued {
    readonly pem: string;
    readonly keys: webcrypto.CryptoKeyPair;
    readonly name: string;
  }

  async function issue(
    name: string,
    issuer: Issued | undefined,
    extensions: x509.Extension[],
    { notAfter = now + hour, keys: given }: { notAfter?: number; keys?: webcrypto.CryptoKeyPair } = {},
  ): Promise<Issued> {
    const p256 = { name: 'ECDSA', namedCurve: 'P-256' };
    const keys = given ?? (await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify']));
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: `CN=${issuer?.name ?? name}`,
      notBefore: new Date(now - hour),
      notAfter: new Date(notAfter),
      publicKey: keys.publicKey,
      signingKey: (issuer?.keys ?? keys).privateKey,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions,
    });
    return { pem: `${certificate.toString('pem')}\n`, keys, name };
  }

  const ca = new x509.BasicConstraintsExtension(true, undefined, true);
  const serverAuth = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]);

  it('climbs through intermediates, whatever their order', async () => {
    const root = await issue('root', undefined, [ca]);
    const upper = await issue('upper', root, [ca]);
    const lower = await issue('lower', upper, [ca]);
    const { pem } = await issue('leaf', lower, [serverAuth]);
    for (const chain of [pem + lower.pem + upper.pem, pem + upper.pem + lower.pem]) {
      expect(verifyChain(chain, { caBundlePem: root.pem, now })).toEqual({ kind: 'verified' });
    }
    expect(verifyChain(pem + lower.pem, { caBundlePem: root.pem, now }).kind).toBe('unverified');
    expect(verifyChain(pem, { caBundlePem: lower.pem, now })).toEqual({ kind: 'verified' });
  });

  it('ends when intermediates vouch for each other', async () => {
    const a = await issue('a', undefined, [ca]);
    const b = await issue('b', a, [ca]);
    const aByB = await issue('a', b, [ca], { keys: a.keys });
    const { pem } = await issue('leaf', b, [serverAuth]);
    const stranger = await issue('stranger', undefined, [ca]);
    expect(verifyChain(pem + b.pem + aByB.pem, { caBundlePem: stranger.pem, now }).kind).toBe('unverified');
    expect(verifyChain(pem + b.pem + aByB.pem, { caBundlePem: a.pem, now }).kind).toBe('verified');
  });

  it('refuses an expired CA and an expired intermediate', async () => {
    const expired = await issue('expired', undefined, [ca], { notAfter: now - 1 });
    const byExpired = await issue('leaf', expired, [serverAuth]);
    expect(verifyChain(byExpired.pem, { caBundlePem: expired.pem, now })).toMatchObject({
      reason: expect.stringMatching(/its CA "CN=expired" has expired/) as string,
    });
    const root = await issue('root', undefined, [ca]);
    const intermediate = await issue('intermediate', root, [ca], { notAfter: now - 1 });
    const leafBelow = await issue('leaf', intermediate, [serverAuth]);
    expect(verifyChain(leafBelow.pem + intermediate.pem, { caBundlePem: root.pem, now })).toMatchObject({
      reason: expect.stringMatching(/the intermediate "CN=intermediate" has expired/) as string,
    });
  });

  it('refuses an issuer that is no CA', async () => {
    const noCa = await issue('no CA', undefined, []);
    const { pem } = await issue('leaf', noCa, [serverAuth]);
    expect(verifyChain(pem, { caBundlePem: noCa.pem, now }).kind).toBe('unverified');
  });

  it('refuses a namesake of the CA', async () => {
    const root = await issue('root', undefined, [ca]);
    const namesake = await issue('root', undefined, [ca]);
    const { pem } = await issue('leaf', namesake, [serverAuth]);
    expect(verifyChain(pem, { caBundlePem: root.pem, now }).kind).toBe('unverified');
    expect(verifyChain(pem, { caBundlePem: root.pem + namesake.pem, now }).kind).toBe('verified');
  });

  it('takes no name from the subject, as the API server does not', async () => {
    const root = await issue('root', undefined, [ca]);
    const { pem } = await issue('gate.example.com', root, [serverAuth]);
    expect(verifyChain(pem, { caBundlePem: root.pem, now, serverName: 'gate.example.com' })).toMatchObject({
      reason: 'the certificate is not for gate.example.com, but for no name at all',
    });
  });

  it.each([
    ['serverAuth', [serverAuth], 'verified'],
    ['no extended key usage', [], 'verified'],
    ['any extended key usage', [new x509.ExtendedKeyUsageExtension(['2.5.29.37.0'])], 'verified'],
    ['clientAuth only', [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])], 'unverified'],
  ])('judges a leaf with %s', async (_, extensions, kind) => {
    const root = await issue('root', undefined, [ca]);
    const { pem } = await issue('leaf', root, extensions);
    expect(verifyChain(pem, { caBundlePem: root.pem, now }).kind).toBe(kind);
  });
});
