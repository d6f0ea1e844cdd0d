import { beforeAll, describe, expect, it } from 'vitest';
import type { Secret } from '../api/generated/core.v1.ts';
import {
  caBundleOf,
  decodeAuthorityState,
  encodeAuthorityState,
  isOwnedSecret,
  parseAuthority,
  type Authority,
  type AuthorityState,
} from './authority-state.ts';
import { AuthoritySecretError, issueAuthority, issueServingCertificate, ownershipLabel } from './index.ts';

const hour = 3_600_000;
const now = Date.UTC(2030, 5, 1);
const name = { name: 'authority', namespace: 'sallyport-system' };
const text = (content: string): string => Buffer.from(content).toString('base64');

let first: Authority;
let second: Authority;
let third: Authority;

beforeAll(async () => {
  const issue = async (age: number): Promise<Authority> =>
    parseAuthority(await issueAuthority({ issuedAt: now - age, lifetimeMilliseconds: 10 * hour }), 'signing');
  [first, second, third] = await Promise.all([issue(3), issue(2), issue(1)]);
});

describe('encodeAuthorityState() and decodeAuthorityState()', () => {
  const states: [string, () => AuthorityState][] = [
    ['one authority', () => ({ signing: first })],
    ['one that waits', () => ({ signing: first, next: second })],
    ['retired ones', () => ({ signing: third, retired: { certificates: [first.certificate, second.certificate] } })],
    [
      'retired ones with their time',
      () => ({ signing: second, retired: { certificates: [first.certificate], since: new Date(now) } }),
    ],
    ['dropped ones', () => ({ signing: second, next: third, dropped: [first.certificate.fingerprint256, 'AB:CD'] })],
  ];

  it.each(states)('keep %s', (_, make) => {
    const decoded = decodeAuthorityState(encodeAuthorityState(make(), name));
    expect(comparable(decoded)).toEqual(comparable(make()));
  });

  function comparable({ signing, next, retired, dropped }: AuthorityState) {
    return {
      signing: signing.certificatePem + signing.privateKeyPem,
      next: next && next.certificatePem + next.privateKeyPem,
      retired: retired?.certificates.map(({ fingerprint256 }) => fingerprint256),
      since: retired?.since,
      dropped,
    };
  }

  it('label a new Secret as ours', () => {
    const secret = encodeAuthorityState({ signing: first }, name);
    expect(secret).toMatchObject({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { ...name, labels: { [ownershipLabel.name]: ownershipLabel.value } },
    });
    expect(isOwnedSecret(secret)).toBe(true);
  });

  it('leave metadata of others and the resourceVersion as they are, and no field of the previous state', () => {
    const metadata = { ...name, resourceVersion: '7', labels: { team: 'edge' }, annotations: { note: 'kept' } };
    const previous: Secret = { apiVersion: 'v1', kind: 'Secret', metadata, data: { 'next.crt': text('old') } };
    const secret = encodeAuthorityState({ signing: first }, previous);
    expect(secret.metadata).toEqual({
      ...metadata,
      labels: { team: 'edge', [ownershipLabel.name]: ownershipLabel.value },
    });
    expect(Object.keys(secret.data ?? {})).toEqual(['signing.crt', 'signing.key']);
  });

  const damages: [string, (data: { [field: string]: string }) => unknown, string][] = [
    ['signing.crt missing', (data) => delete data['signing.crt'], 'signing.crt'],
    ['signing.key missing', (data) => delete data['signing.key'], 'signing.key'],
    ['everything missing', (data) => Object.keys(data).forEach((field) => delete data[field]), 'signing.crt'],
    ['signing.crt no PEM', (data) => (data['signing.crt'] = text('hello')), 'signing.crt'],
    [
      'signing.crt no certificate',
      (data) => (data['signing.crt'] = text('-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----')),
      'signing.crt',
    ],
    ['signing.key no key', (data) => (data['signing.key'] = text('hello')), 'signing.key'],
    ["signing.key another's", (data) => (data['signing.key'] = text(second.privateKeyPem)), 'signing.key'],
    ['next.key missing', (data) => delete data['next.key'], 'next.key'],
    ['next.crt missing', (data) => delete data['next.crt'], 'next.crt'],
    ["next.key another's", (data) => (data['next.key'] = text(first.privateKeyPem)), 'next.key'],
    ['retired.crt empty', (data) => (data['retired.crt'] = ''), 'retired.crt'],
    ['retired-since no time', (data) => (data['retired-since'] = text('yesterday')), 'retired-since'],
  ];

  it.each(damages)('refuse %s, and never with the content', (_, damage, field) => {
    const retired = { certificates: [third.certificate], since: new Date(now) };
    const secret = encodeAuthorityState({ signing: first, next: second, retired }, name);
    damage(secret.data ?? {});
    const error = caught(() => decodeAuthorityState(secret));
    expect(error).toBeInstanceOf(AuthoritySecretError);
    expect(error).toMatchObject({ field, code: 'SALLYPORT_AUTHORITY_SECRET' });
    expect(String((error as Error).message)).not.toMatch(/BEGIN|hello/);
  });

  it('refuse a certificate that is no CA', async () => {
    const leaf = await issueServingCertificate({
      authority: first,
      hosts: ['localhost'],
      issuedAt: now,
      lifetimeMilliseconds: hour,
    });
    expect(() => parseAuthority(leaf, 'signing')).toThrow('data["signing.crt"] is not a CA certificate');
  });

  function caught(action: () => unknown): unknown {
    try {
      return action();
    } catch (error) {
      return error;
    }
  }
});

describe('isOwnedSecret()', () => {
  it.each<[boolean, Secret]>([
    [true, { metadata: { labels: { [ownershipLabel.name]: ownershipLabel.value } } }],
    [false, {}],
    [false, { metadata: { labels: {} } }],
    [false, { metadata: { labels: { [ownershipLabel.name]: 'mine' } } }],
    [false, { metadata: { annotations: { [ownershipLabel.name]: ownershipLabel.value } } }],
  ])('is %s for %j', (isOwned, secret) => {
    expect(isOwnedSecret(secret)).toBe(isOwned);
  });
});

describe('caBundleOf()', () => {
  it('carries every authority once, in an order that does not depend on what each is for', () => {
    const before = caBundleOf({ signing: first, next: second });
    const after = caBundleOf({ signing: second, retired: { certificates: [first.certificate, first.certificate] } });
    expect(after).toBe(before);
    expect(before).toBe(caBundleOf({ signing: second, next: first }));
    expect(before.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(before).not.toContain('PRIVATE KEY');
  });
});
