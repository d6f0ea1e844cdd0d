import { execFile } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertificatePairError, FileSource, issueAuthority, issueServingCertificate, type KeyPair } from './index.ts';
import { clockAt } from '../../test/certs/clock-at.ts';
import type { FakeClock } from '../../test/fake-clock.ts';
import { RecordingLogger } from '../../test/certs/recording-logger.ts';

const hour = 3_600_000;
const now = Date.UTC(2030, 5, 1);
const pollInterval = 10_000;

let authority: KeyPair;
let first: KeyPair;
let second: KeyPair;
let third: KeyPair;
let parent: string;
let directory: string;
let clock: FakeClock;
let logger: RecordingLogger;
let source: FileSource;

const issue = (issuedAt = now, issuer = authority): Promise<KeyPair> =>
  issueServingCertificate({ authority: issuer, hosts: ['localhost'], issuedAt, lifetimeMilliseconds: 10 * hour });

beforeAll(async () => {
  authority = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: 100 * hour });
  first = await issue();
  second = await issue();
  third = await issue();
});

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'sallyport-files-'));
  directory = join(parent, 'certificates');
  await mkdir(directory);
  clock = clockAt(now);
  logger = new RecordingLogger();
  source = new FileSource({ directory, logger, clock, pollIntervalMilliseconds: pollInterval });
});
afterEach(async () => {
  await source.stop();
  await rm(parent, { recursive: true });
});

async function put(pair: KeyPair, caBundle: string | null = authority.certificatePem): Promise<void> {
  await writeFile(join(directory, 'tls.crt'), pair.certificatePem);
  await writeFile(join(directory, 'tls.key'), pair.privateKeyPem);
  if (caBundle !== null) await writeFile(join(directory, 'ca.crt'), caBundle);
}

/** The next change the source tells of, should `change` lead to one. */
async function changed(change: () => Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = source.subscribe(resolve);
  await change();
  await promise;
  end();
}

/** Resolves when a watch that began after that of the source has heard of the file. */
async function heard(file: string, change: () => Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(directory, (_event, name) => {
    if (name === file) resolve();
  });
  await change();
  await promise;
  watcher.close();
}

describe('FileSource', () => {
  it('serves tls.crt and tls.key and gives ca.crt as the bundle', async () => {
    await put(first);
    await source.start();
    expect(source.get()).toMatchObject({ certificatePem: first.certificatePem, notAfter: new Date(now + 10 * hour) });
    expect(source.get()?.privateKeyPem).toBe(first.privateKeyPem);
    expect(source.caBundle()).toBe(authority.certificatePem);
    expect(await source.confirmCaBundle()).toBe(authority.certificatePem);
    expect(source.healthy()).toEqual({ kind: 'healthy' });
  });

  it('needs no ca.crt', async () => {
    await put(first, null);
    await source.start();
    expect(source.get()?.certificatePem).toBe(first.certificatePem);
    expect(source.caBundle()).toBeUndefined();
  });

  it('hears of new files by the watch, without a poll', async () => {
    await put(first);
    await source.start();
    await changed(() => put(second));
    expect(source.get()?.certificatePem).toBe(second.certificatePem);
    expect(source.healthy()).toEqual({ kind: 'healthy' });
  });

  it('hears of a bundle that alone changes', async () => {
    await put(first);
    await source.start();
    const other = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: hour });
    const both = authority.certificatePem + other.certificatePem;
    await changed(() => writeFile(join(directory, 'ca.crt'), both));
    expect(source.caBundle()).toBe(both);
    expect(source.get()?.certificatePem).toBe(first.certificatePem);
  });

  it('looks at nothing when others write beside its files', async () => {
    await put(first);
    let looks = 0;
    source = new (class extends FileSource {
      protected override async reconcile(): Promise<void> {
        looks += 1;
        await super.reconcile();
      }
    })({ directory, logger, clock, pollIntervalMilliseconds: pollInterval });
    await source.start();
    // What came of the first files is over: whoever watches one folder hears of each change in the order of the watches.
    await heard('settled', () => writeFile(join(directory, 'settled'), ''));
    await source.confirmCaBundle();
    const before = looks;
    await heard('gate.log', () => writeFile(join(directory, 'gate.log'), 'a line'));
    await heard('gate.log.1', () => rename(join(directory, 'gate.log'), join(directory, 'gate.log.1')));
    expect(looks).toBe(before);
    await changed(() => put(second));
    expect(looks).toBeGreaterThan(before);
  });

  describe('with a mounted Secret', () => {
    /** As the kubelet writes volumes: files in a folder of their own, links to `..data`, which is a link swapped by rename. */
    async function mount(version: string, pair: KeyPair): Promise<void> {
      const previous = (await readdir(directory)).filter((name) => name.startsWith('..2'));
      await mkdir(join(directory, version));
      for (const [file, content] of Object.entries({
        'tls.crt': pair.certificatePem,
        'tls.key': pair.privateKeyPem,
        'ca.crt': authority.certificatePem,
      })) {
        await writeFile(join(directory, version, file), content);
        if (previous.length === 0) await symlink(join('..data', file), join(directory, file));
      }
      await symlink(version, join(directory, '..data_tmp'));
      await rename(join(directory, '..data_tmp'), join(directory, '..data'));
      for (const old of previous) await rm(join(directory, old), { recursive: true });
    }

    it('hears of each swapped link', async () => {
      await mount('..2030_06_01_00_00_00.1', first);
      await source.start();
      expect(source.get()?.certificatePem).toBe(first.certificatePem);
      await changed(() => mount('..2030_06_01_00_00_01.2', second));
      expect(source.get()?.certificatePem).toBe(second.certificatePem);
      await changed(() => mount('..2030_06_01_00_00_02.3', first));
      expect(source.get()?.certificatePem).toBe(first.certificatePem);
      expect(source.caBundle()).toBe(authority.certificatePem);
    });

    it('reads again when the link is swapped while it reads', async () => {
      await mount('..2030_1', first);
      await source.start();
      const served: (string | undefined)[] = [];
      source.subscribe(() => served.push(source.get()?.certificatePem));
      // A bundle that cannot be read until somebody writes it: the source stands in the middle of version 2.
      await mkdir(join(directory, '..2030_2'));
      await writeFile(join(directory, '..2030_2', 'tls.crt'), second.certificatePem);
      await writeFile(join(directory, '..2030_2', 'tls.key'), second.privateKeyPem);
      await promisify(execFile)('mkfifo', [join(directory, '..2030_2', 'ca.crt')]);
      await symlink('..2030_2', join(directory, '..data_tmp'));
      await rename(join(directory, '..data_tmp'), join(directory, '..data'));
      const pipe = await open(join(directory, '..2030_2', 'ca.crt'), 'w');
      await mount('..2030_3', third);
      await changed(async () => {
        await pipe.writeFile(authority.certificatePem);
        await pipe.close();
      });
      expect(served).toEqual([third.certificatePem]);
    });
  });

  it('polls, for what the watch cannot see: a link to the directory that is pointed elsewhere', async () => {
    await put(first);
    const link = join(parent, 'link');
    await symlink(directory, link);
    source = new FileSource({ directory: link, logger, clock, pollIntervalMilliseconds: pollInterval });
    await source.start();
    directory = join(parent, 'elsewhere');
    await mkdir(directory);
    await put(second);
    await symlink(directory, join(parent, 'new-link'));
    await rename(join(parent, 'new-link'), link);
    await changed(async () => clock.advance(pollInterval));
    expect(source.get()?.certificatePem).toBe(second.certificatePem);
  });

  describe('keeps the last good pair and says why', () => {
    const bad: [string, () => Promise<unknown>, RegExp][] = [
      [
        'a torn pair: the certificate is new, the key is not',
        () => writeFile(join(directory, 'tls.crt'), second.certificatePem),
        /the private key is not that of the certificate/,
      ],
      [
        'a torn pair: the key is new, the certificate is not',
        () => writeFile(join(directory, 'tls.key'), second.privateKeyPem),
        /the private key is not that of the certificate/,
      ],
      [
        'a certificate cut short',
        () => writeFile(join(directory, 'tls.crt'), second.certificatePem.slice(0, 200)),
        /has no "BEGIN CERTIFICATE" block/,
      ],
      [
        'a certificate that is none',
        () =>
          writeFile(
            join(directory, 'tls.crt'),
            '-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n',
          ),
        /the certificate does not parse/,
      ],
      ['an empty key', () => writeFile(join(directory, 'tls.key'), ''), /the private key does not parse/],
      ['a missing key', () => unlink(join(directory, 'tls.key')), /tls\.key is missing/],
      ['an expired certificate', async () => put(await issue(now - 20 * hour)), /has expired at/],
      ['a certificate of the future', async () => put(await issue(now + 20 * hour)), /is not valid before/],
      [
        'a ca.crt that did not issue it',
        async () => put(first, (await issueAuthority({ issuedAt: now, lifetimeMilliseconds: hour })).certificatePem),
        /no certificate of the CA bundle has issued/,
      ],
      ['a directory that is gone', () => rename(directory, join(parent, 'gone')), /tls\.crt is missing/],
      ['a ca.crt that is gone', () => unlink(join(directory, 'ca.crt')), /ca\.crt is gone/],
      [
        'a key that may not be read',
        async () => {
          await unlink(join(directory, 'tls.key'));
          await mkdir(join(directory, 'tls.key'));
        },
        /a file cannot be read: EISDIR/,
      ],
    ];

    it.each(bad)('%s', async (_, spoil, reason) => {
      await put(first);
      await source.start();
      await spoil();
      // Not the watch's doing alone: this look begins after the change, whether or not the watch has told of it.
      await expect(source.confirmCaBundle()).rejects.toThrow(CertificatePairError);
      expect(source.get()?.privateKeyPem).toBe(first.privateKeyPem);
      expect(source.caBundle()).toBe(authority.certificatePem);
      expect(source.healthy()).toEqual({ kind: 'degraded', reason: expect.stringMatching(reason) as string });
      expect(logger.lines('error').join()).toMatch(reason);
      expect(logger.text()).not.toContain('PRIVATE KEY');
    });
  });

  it('says the same failure loudly once, and recovers from it', async () => {
    await put(first);
    await source.start();
    // At once, so that nobody reads it half written.
    await writeFile(join(directory, 'tls.key.new'), second.privateKeyPem);
    await rename(join(directory, 'tls.key.new'), join(directory, 'tls.key'));
    for (let i = 0; i < 3; i++) await source.confirmCaBundle().catch(() => undefined);
    expect(logger.lines('error')).toHaveLength(1);
    await changed(() => writeFile(join(directory, 'tls.crt'), second.certificatePem));
    expect(source.get()?.privateKeyPem).toBe(second.privateKeyPem);
    expect(source.healthy()).toEqual({ kind: 'healthy' });
  });

  it('takes a certificate of the future when its time comes', async () => {
    await put(first);
    await source.start();
    const future = await issue(now + 5 * hour);
    await put(future);
    await source.confirmCaBundle().catch(() => undefined);
    expect(source.get()?.certificatePem).toBe(first.certificatePem);
    await changed(async () => clock.advance(5 * hour));
    expect(source.get()?.certificatePem).toBe(future.certificatePem);
  });

  it('is unhealthy once the pair it kept has expired', async () => {
    await put(first);
    await source.start();
    clock.advance(11 * hour);
    expect(source.healthy()).toMatchObject({
      kind: 'unhealthy',
      reason: expect.stringMatching(/^the certificate has expired at 2030-06-01T10:00:00/) as string,
    });
  });

  it.each([
    ['nothing is there', async () => undefined],
    ['the pair does not match', async () => put({ ...first, privateKeyPem: second.privateKeyPem })],
    ['the pair has expired', async () => put(await issue(now - 20 * hour))],
  ])('start() rejects when %s', async (_, prepare) => {
    await prepare();
    await expect(source.start()).rejects.toThrow(CertificatePairError);
    expect(source.get()).toBeUndefined();
    expect(source.healthy().kind).toBe('unhealthy');
  });

  it('ends with its signal', async () => {
    await put(first);
    const abort = new AbortController();
    await source.start(abort.signal);
    abort.abort();
    await expect(source.confirmCaBundle()).rejects.toThrow();
    expect(source.get()?.certificatePem).toBe(first.certificatePem);
  });
});
