import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertManagerSource, issueAuthority, issueServingCertificate, type KeyPair } from './index.ts';
import { clockAt } from '../../test/certs/clock-at.ts';
import type { FakeClock } from '../../test/fake-clock.ts';
import { MemoryPublication } from '../../test/certs/memory-publication.ts';
import { MemorySecretStore } from '../../test/certs/memory-secret-store.ts';
import { RecordingLogger } from '../../test/certs/recording-logger.ts';

const hour = 3_600_000;
const now = Date.UTC(2030, 5, 1);
const serverName = 'gate.sallyport-system.svc';

let oldCa: KeyPair;
let newCa: KeyPair;
let oldLeaf: KeyPair;
let newLeaf: KeyPair;
let store: MemorySecretStore;
let publication: MemoryPublication;
let clock: FakeClock;
let logger: RecordingLogger;
let source: CertManagerSource;

const issue = (authority: KeyPair, issuedAt = now): Promise<KeyPair> =>
  issueServingCertificate({ authority, hosts: [serverName], issuedAt, lifetimeMilliseconds: 10 * hour });

beforeAll(async () => {
  oldCa = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: 100 * hour });
  newCa = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: 100 * hour });
  oldLeaf = await issue(oldCa);
  newLeaf = await issue(newCa);
});

beforeEach(() => {
  store = new MemorySecretStore('webhook-tls');
  publication = new MemoryPublication();
  clock = clockAt(now);
  logger = new RecordingLogger();
  source = new CertManagerSource({ store, publication, logger, clock });
});
afterEach(async () => {
  await source.stop();
  expect(logger.text()).not.toContain('PRIVATE KEY');
});

/** As cert-manager writes it. */
function fill(pair: KeyPair, ca: KeyPair): void {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  store.overwrite({
    type: 'kubernetes.io/tls',
    data: {
      'tls.crt': base64(pair.certificatePem),
      'tls.key': base64(pair.privateKeyPem),
      'ca.crt': base64(ca.certificatePem),
    },
  });
}

async function look(): Promise<void> {
  clock.advance(60_000);
  await new Promise((resolve) => setImmediate(resolve));
}

describe('CertManagerSource', () => {
  it('serves what the Secret holds, and leaves the bundle to the injector', async () => {
    fill(oldLeaf, oldCa);
    await source.start();
    expect(source.get()?.certificatePem).toBe(oldLeaf.certificatePem);
    expect(source.get()?.privateKeyPem).toBe(oldLeaf.privateKeyPem);
    expect(source.caBundle()).toBeUndefined();
    expect(await source.confirmCaBundle()).toBeUndefined();
    expect(source.healthy()).toEqual({ kind: 'healthy' });
  });

  it('waits until cert-manager has filled the Secret, and never writes one', async () => {
    const starting = source.start();
    await look();
    expect(source.healthy()).toEqual({
      kind: 'unhealthy',
      reason: 'Secret sallyport-system/webhook-tls: there is no "tls.crt" yet',
    });
    expect(await store.get()).toBeUndefined();
    fill(oldLeaf, oldCa);
    await starting;
    expect(source.healthy()).toEqual({ kind: 'healthy' });
  });

  it('takes a renewed leaf of the same CA at once', async () => {
    fill(oldLeaf, oldCa);
    publication.publish([oldCa.certificatePem]);
    await source.start();
    const renewed = await issue(oldCa);
    const changed = new Promise<void>((resolve) => source.subscribe(resolve));
    fill(renewed, oldCa);
    await changed;
    expect(source.get()?.certificatePem).toBe(renewed.certificatePem);
  });

  it('holds a leaf of a new CA back until the injector has reached every configuration', async () => {
    fill(oldLeaf, oldCa);
    publication.publish([oldCa.certificatePem, oldCa.certificatePem]);
    await source.start();
    fill(newLeaf, newCa);
    await look();
    expect(source.get()?.certificatePem).toBe(oldLeaf.certificatePem);
    expect(source.healthy()).toMatchObject({
      kind: 'degraded',
      reason: expect.stringMatching(/held back until webhook configurations accept it: .*webhook-0/) as string,
    });
    // Now neither of the two is accepted everywhere: the new one is where things are going.
    const changed = new Promise<void>((resolve) => source.subscribe(resolve));
    publication.publish([oldCa.certificatePem, newCa.certificatePem]);
    await changed;
    expect(source.get()?.certificatePem).toBe(newLeaf.certificatePem);
  });

  it('takes a leaf that nobody accepts yet once the old one has expired', async () => {
    fill(oldLeaf, oldCa);
    publication.publish([oldCa.certificatePem]);
    await source.start();
    fill(await issue(newCa, now + 9 * hour), newCa);
    clock.advance(11 * hour);
    await look();
    expect(source.get()?.certificatePem).not.toBe(oldLeaf.certificatePem);
  });

  it.each<[string, () => void, RegExp]>([
    ['a Secret that is gone', () => store.overwrite(undefined), /there is no "tls\.crt" yet/],
    ['a key of another', () => fill({ ...newLeaf, privateKeyPem: oldLeaf.privateKeyPem }, newCa), /is not that of/],
    ['a certificate that is none', () => fill({ ...newLeaf, certificatePem: 'hello' }, newCa), /BEGIN CERTIFICATE/],
  ])('keeps the last good pair through %s', async (_, spoil, reason) => {
    fill(oldLeaf, oldCa);
    await source.start();
    spoil();
    await look();
    expect(source.get()?.privateKeyPem).toBe(oldLeaf.privateKeyPem);
    expect(source.healthy()).toMatchObject({ kind: 'degraded', reason: expect.stringMatching(reason) as string });
  });

  it('refuses an expired certificate', async () => {
    fill(oldLeaf, oldCa);
    await source.start();
    fill(await issue(oldCa, now - 20 * hour), oldCa);
    await look();
    expect(source.get()?.certificatePem).toBe(oldLeaf.certificatePem);
    expect(source.healthy()).toMatchObject({ kind: 'degraded', reason: expect.stringMatching(/expired/) as string });
  });
});
