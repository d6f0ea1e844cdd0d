import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatCaBundle, trustedCertificates } from './ca-bundle.ts';
import { caBundleIncludes, isPublished, issueAuthority } from './index.ts';

const now = Date.UTC(2030, 5, 1);
let a: string;
let b: string;

beforeAll(async () => {
  [a, b] = await Promise.all(
    [1, 2].map(async (age) => {
      const { certificatePem } = await issueAuthority({ issuedAt: now + age * 1000, lifetimeMilliseconds: 1e9 });
      return certificatePem;
    }),
  ).then(([first = '', second = '']) => [first, second]);
});

const garbage = '-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----\n';

describe('formatCaBundle()', () => {
  it('puts the oldest first, each once, with one newline after each', async () => {
    const ages = [1, 2, 3, 4, 5];
    const pairs = await Promise.all(
      ages.map((age) => issueAuthority({ issuedAt: now + age * 1000, lifetimeMilliseconds: 1e9 })),
    );
    const certificates = pairs.map(({ certificatePem }) => new X509Certificate(certificatePem));
    const inOrder = pairs.map(({ certificatePem }) => certificatePem).join('');
    expect(formatCaBundle([...certificates, ...certificates].reverse())).toBe(inOrder);
    expect(formatCaBundle([])).toBe('');
  });
});

describe('caBundleIncludes()', () => {
  it.each<[string, () => [string, string], boolean]>([
    ['the same', () => [a, a], true],
    ['one of two', () => [a + b, b], true],
    ['two in another order', () => [b + a, a + b], true],
    ['Windows line ends and comments', () => [`# ours\r\n${a.replaceAll('\n', '\r\n')}`, a], true],
    ['garbage beside it', () => [garbage + a, a], true],
    ['nothing wanted', () => ['', ''], true],
    ['another', () => [a, b], false],
    ['one of two missing', () => [a, a + b], false],
    ['an empty bundle', () => ['', a], false],
    ['garbage alone', () => [garbage, a], false],
  ])('%s', (_, make, expected) => {
    const [bundle, wanted] = make();
    expect(caBundleIncludes(bundle, wanted)).toBe(expected);
  });
});

describe('trustedCertificates()', () => {
  it('passes over what does not parse, keys and text', () => {
    const key = '-----BEGIN PRIVATE KEY-----\neA==\n-----END PRIVATE KEY-----\n';
    const found = trustedCertificates(`text\n${garbage}${a}${key}${b}`);
    expect(found.map((certificate) => certificate.fingerprint256)).toEqual(
      [a, b].map((pem) => new X509Certificate(pem).fingerprint256),
    );
  });
});

describe('isPublished()', () => {
  const holding = (...bundles: string[]) =>
    bundles.map((caBundlePem) => ({ holder: 'a webhook', caBundlePem, serverName: 'gate' }));

  it('asks every configuration, and nobody when there is none', () => {
    expect(isPublished(holding(a + b, b), b)).toBe(true);
    expect(isPublished(holding(a + b, a), b)).toBe(false);
    expect(isPublished(holding(''), b)).toBe(false);
    expect(isPublished([], b)).toBe(true);
  });
});
