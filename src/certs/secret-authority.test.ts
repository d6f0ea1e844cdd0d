import { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Secret } from '../api/generated/core.v1.ts';
import {
  caBundleIncludes,
  ForeignSecretError,
  InvalidCertificateOptionsError,
  issueAuthority,
  ownershipLabel,
  rotateAuthority,
  SecretAuthority,
  verifyChain,
  type SecretAuthorityOptions,
  type SecretStore,
} from './index.ts';
import { clockAt } from '../../test/certs/clock-at.ts';
import type { FakeClock } from '../../test/fake-clock.ts';
import { MemoryPublication } from '../../test/certs/memory-publication.ts';
import { MemorySecretStore } from '../../test/certs/memory-secret-store.ts';
import { RecordingLogger } from '../../test/certs/recording-logger.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const now = Date.UTC(2030, 5, 1);
const serverName = 'gate.sallyport-system.svc';

let store: MemorySecretStore;
let publication: MemoryPublication;
let clock: FakeClock;
let logger: RecordingLogger;
let sources: SecretAuthority[];

beforeEach(() => {
  store = new MemorySecretStore();
  publication = new MemoryPublication();
  clock = clockAt(now);
  logger = new RecordingLogger();
  sources = [];
});
afterEach(async () => {
  await Promise.all(sources.map((source) => source.stop()));
  // Whatever happened in a test: no key has left the process but for the Secret.
  expect(logger.text()).not.toMatch(/PRIVATE KEY/);
});

function create(options: Partial<SecretAuthorityOptions> = {}): SecretAuthority {
  const source = new SecretAuthority({ store, publication, clock, logger, hosts: [serverName], ...options });
  sources.push(source);
  return source;
}

async function started(options: Partial<SecretAuthorityOptions> = {}): Promise<SecretAuthority> {
  const source = create(options);
  await source.start();
  // The Secret that it made has led to one more look: nothing is under way after this one.
  await source.confirmCaBundle();
  return source;
}

/** As the registrar does: two webhooks carry what the source confirms. */
async function publish(source: SecretAuthority): Promise<void> {
  const bundle = (await source.confirmCaBundle()) ?? '';
  publication.publish([bundle, bundle]);
}

/** Lets time pass in steps in which everybody looks and publishes. */
async function pass(milliseconds: number, everybody: readonly SecretAuthority[], step = minute): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += step) {
    clock.advance(step);
    for (const source of everybody) await publish(source);
  }
}

const secretNow = async (): Promise<Secret> => (await store.get()) ?? {};
const fieldsNow = async (): Promise<string[]> => Object.keys((await secretNow()).data ?? {}).sort();
const bundleSize = (source: SecretAuthority): number => source.caBundle()?.match(/BEGIN CERTIFICATE/g)?.length ?? 0;

function verifies(source: SecretAuthority, caBundlePem: string): boolean {
  const chain = source.get()?.certificatePem ?? '';
  return verifyChain(chain, { caBundlePem, now: clock.now(), serverName }).kind === 'verified';
}

describe('SecretAuthority at its start', () => {
  it('makes the Secret, serves a leaf of its own and gives the bundle it verifies against', async () => {
    const source = await started();
    expect((await secretNow()).metadata).toMatchObject({
      name: 'webhook-authority',
      namespace: 'sallyport-system',
      labels: { [ownershipLabel.name]: ownershipLabel.value },
    });
    expect(await fieldsNow()).toEqual(['signing.crt', 'signing.key']);
    expect(verifies(source, source.caBundle() ?? '')).toBe(true);
    expect(source.get()?.notAfter).toEqual(new Date(now + 7 * day));
    expect(source.healthy()).toEqual({ kind: 'healthy' });
  });

  it('agrees with every replica that starts at the same moment', async () => {
    const replicas = [create(), create(), create(), create()];
    await Promise.all(replicas.map((replica) => replica.start()));
    const bundles = new Set(replicas.map((replica) => replica.caBundle()));
    expect(bundles.size).toBe(1);
    expect(bundleSize(create())).toBe(0);
    const leaves = new Set(replicas.map((replica) => replica.get()?.fingerprint));
    expect(leaves.size).toBe(4);
    for (const replica of replicas) expect(verifies(replica, [...bundles][0] ?? '')).toBe(true);
  });

  it('takes the authority that is there', async () => {
    const first = await started();
    const second = await started();
    expect(second.caBundle()).toBe(first.caBundle());
  });

  it('fills an empty Secret that carries our label, and keeps what else is on it', async () => {
    store.overwrite({
      metadata: { labels: { [ownershipLabel.name]: ownershipLabel.value }, annotations: { owner: 'edge team' } },
    });
    const source = await started();
    expect((await secretNow()).metadata?.annotations).toEqual({ owner: 'edge team' });
    expect(verifies(source, source.caBundle() ?? '')).toBe(true);
  });

  it.each([
    ['one without labels', {}],
    ['one with labels of others', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }],
  ])('refuses a Secret that is not ours and leaves it: %s', async (_, metadata) => {
    store.overwrite({ metadata, data: { 'tls.crt': 'eA==', 'tls.key': 'eA==' } });
    const before = await secretNow();
    const start = create().start();
    await expect(start).rejects.toThrow(ForeignSecretError);
    await expect(start).rejects.toThrow(
      /Secret sallyport-system\/webhook-authority does not carry the label certs\.sallyport\.dev\/authority=self-managed/,
    );
    expect(await secretNow()).toEqual(before);
  });

  it('waits for an API server that does not answer', async () => {
    publication.failure = new Error('connection refused');
    const source = create();
    const starting = source.start();
    await settle();
    expect(source.healthy()).toEqual({ kind: 'unhealthy', reason: 'connection refused' });
    publication.failure = undefined;
    clock.advance(1000);
    await starting;
    expect(source.healthy()).toEqual({ kind: 'healthy' });
  });

  it('ends with its signal, before and after', async () => {
    publication.failure = new Error('connection refused');
    const abort = new AbortController();
    const waiting = create().start(abort.signal);
    abort.abort(new Error('shutting down'));
    await expect(waiting).rejects.toThrow('shutting down');

    publication.failure = undefined;
    const later = new AbortController();
    const source = create();
    await source.start(later.signal);
    later.abort();
    await expect(source.confirmCaBundle()).rejects.toThrow();
    expect(source.get()).toBeDefined();
  });

  it.each<[string, Partial<SecretAuthorityOptions>]>([
    ['hosts', { hosts: [] }],
    ['leafLifetimeMilliseconds', { leafLifetimeMilliseconds: 1000 }],
    ['authorityLifetimeMilliseconds', { authorityLifetimeMilliseconds: 20 * day }],
    ['overlapMilliseconds', { overlapMilliseconds: 7 * day - 1 }],
    ['checkIntervalMilliseconds', { checkIntervalMilliseconds: 2 * day }],
    ['checkIntervalMilliseconds', { checkIntervalMilliseconds: 0 }],
  ])('refuses %s that cannot work', (option, options) => {
    expect(() => create(options)).toThrow(InvalidCertificateOptionsError);
    expect(() => create(options)).toThrow(new RegExp(`^${option}: `));
  });
});

describe('SecretAuthority renewing its leaf', () => {
  it('renews at two thirds of its life, not before, and tells', async () => {
    const source = await started();
    const first = source.get()?.fingerprint;
    let told = 0;
    source.subscribe(() => (told += 1));
    clock.advance((7 * day * 2) / 3 - minute);
    await source.confirmCaBundle();
    expect(source.get()?.fingerprint).toBe(first);
    expect(told).toBe(0);
    clock.advance(minute);
    await source.confirmCaBundle();
    expect(source.get()?.fingerprint).not.toBe(first);
    expect(told).toBe(1);
  });

  it('notices by the wall clock within a minute, whatever the timers did meanwhile', async () => {
    const source = await started();
    const first = source.get()?.fingerprint;
    const renewed = new Promise<void>((resolve) => source.subscribe(resolve));
    // One timer of a minute, and a clock that has gone on by days: a machine that was suspended.
    clock.advance(6 * day);
    await renewed;
    expect(source.get()?.fingerprint).not.toBe(first);
    expect(source.healthy()).toEqual({ kind: 'healthy' });
  });

  it('keeps its leaf while the API server is away, says so, and is unhealthy once the leaf has expired', async () => {
    const source = await started();
    const first = source.get()?.fingerprint;
    publication.failure = new Error('connection refused');
    clock.advance(6 * day);
    await source.confirmCaBundle().catch(() => undefined);
    expect(source.get()?.fingerprint).toBe(first);
    expect(source.healthy()).toEqual({ kind: 'degraded', reason: 'connection refused' });
    clock.advance(2 * day);
    await source.confirmCaBundle().catch(() => undefined);
    expect(source.healthy()).toMatchObject({
      kind: 'unhealthy',
      reason: expect.stringMatching(/expired at 2030-06-08.*connection refused/) as string,
    });
    publication.failure = undefined;
    await source.confirmCaBundle();
    expect(source.healthy()).toEqual({ kind: 'healthy' });
  });

  it('dates a leaf by the time before it read the Secret, so that sleep in between cannot stretch its life', async () => {
    const sleepy: SecretStore = {
      name: store.name,
      namespace: store.namespace,
      create: store.create.bind(store),
      replace: store.replace.bind(store),
      watch: store.watch.bind(store),
      get: async () => {
        const secret = await store.get();
        clock.advance(3 * hour);
        return secret;
      },
    };
    await started();
    const before = clock.now();
    const source = await started({ store: sleepy });
    expect(source.get()?.notAfter).toEqual(new Date(before + 7 * day));
  });

  it('lets no leaf outlive its CA', async () => {
    const source = await started({ authorityLifetimeMilliseconds: 30 * day });
    // Nobody publishes, so the CA stays until its end.
    publication.publish(['']);
    for (let days = 0; days < 29; days++) {
      clock.advance(day);
      await source.confirmCaBundle();
      const [authority] = (source.caBundle() ?? '').split(/(?=-----BEGIN)/).map((pem) => new X509Certificate(pem));
      expect(source.get()?.notAfter.getTime()).toBeLessThanOrEqual(authority?.validToDate.getTime() ?? 0);
      expect(source.get()?.notAfter.getTime()).toBeGreaterThan(clock.now());
    }
  });
});

describe('SecretAuthority rotating its CA', () => {
  it('overlaps: publishes the new CA, waits, moves the leaf, waits, drops the old', async () => {
    const source = await started();
    await publish(source);
    const oldBundle = source.caBundle() ?? '';
    clock.advance(250 * day);

    await publish(source);
    expect(await fieldsNow()).toEqual(['next.crt', 'next.key', 'signing.crt', 'signing.key']);
    expect(bundleSize(source)).toBe(2);
    expect(verifies(source, oldBundle)).toBe(true);

    await pass(2 * minute, [source]);
    expect(await fieldsNow()).toEqual(['retired-since', 'retired.crt', 'signing.crt', 'signing.key']);
    expect(bundleSize(source)).toBe(2);
    expect(verifies(source, oldBundle)).toBe(false);
    expect(verifies(source, source.caBundle() ?? '')).toBe(true);

    await pass(7 * day, [source], 8 * hour);
    await pass(30 * minute, [source], 10 * minute);
    expect(bundleSize(source)).toBe(2);
    await pass(hour, [source], 30 * minute);
    expect(bundleSize(source)).toBe(1);
    expect(caBundleIncludes(source.caBundle() ?? '', oldBundle)).toBe(false);
    expect(verifies(source, source.caBundle() ?? '')).toBe(true);
  });

  it('tells those who listen as soon as there is a new bundle to publish', async () => {
    const source = await started();
    await publish(source);
    const leaf = source.get()?.fingerprint;
    const told: number[] = [];
    source.subscribe(() => told.push(bundleSize(source)));
    await rotateAuthority({ store, clock, authorityLifetimeMilliseconds: 365 * day });
    await source.confirmCaBundle();
    expect(told).toEqual([2]);
    expect(source.get()?.fingerprint).toBe(leaf);
  });

  it('serves nothing from a CA that is not valid yet by its own clock', async () => {
    await started({ clock: clockAt(now + 2 * day) });
    const source = create();
    const starting = source.start();
    await expect(source.confirmCaBundle()).rejects.toThrow(/is not valid before 2030-06-0/);
    expect(source.get()).toBeUndefined();
    clock.advance(2 * day);
    await starting;
    expect(verifies(source, source.caBundle() ?? '')).toBe(true);
  });

  it('does not move the leaf while one configuration of two lacks the new CA', async () => {
    const source = await started();
    await publish(source);
    const oldBundle = source.caBundle() ?? '';
    clock.advance(250 * day);
    for (let minutes = 0; minutes < 10; minutes++) {
      clock.advance(minute);
      publication.publish([(await source.confirmCaBundle()) ?? '', oldBundle]);
    }
    expect(verifies(source, oldBundle)).toBe(true);
    await pass(3 * minute, [source]);
    expect(verifies(source, oldBundle)).toBe(false);
  });

  it('does not move the leaf in the minute in which API servers hear of the new CA', async () => {
    const source = await started();
    await publish(source);
    const oldBundle = source.caBundle() ?? '';
    clock.advance(250 * day);
    await publish(source);
    await publish(source);
    clock.advance(minute - 1);
    await publish(source);
    expect(verifies(source, oldBundle)).toBe(true);
    clock.advance(1);
    await publish(source);
    expect(verifies(source, oldBundle)).toBe(false);
  });

  it('goes on where a replica that crashed left off', async () => {
    const first = await started();
    await publish(first);
    clock.advance(250 * day);
    await publish(first);
    await first.stop();
    const second = await started();
    await pass(3 * minute, [second]);
    expect(await fieldsNow()).toContain('retired.crt');
    expect(verifies(second, second.caBundle() ?? '')).toBe(true);
  });

  it('takes a replica that slept through two rotations along', async () => {
    const awake = await started();
    const asleep = await started();
    await publish(awake);
    const sleeperBundle = asleep.caBundle() ?? '';
    await asleep.stop();
    for (let rotation = 0; rotation < 2; rotation++) {
      clock.advance(250 * day);
      await pass(10 * minute, [awake]);
      await pass(8 * day, [awake], 6 * hour);
    }
    expect(caBundleIncludes(awake.caBundle() ?? '', sleeperBundle)).toBe(false);
    const woken = await started();
    expect(woken.caBundle()).toBe(awake.caBundle());
    expect(verifies(woken, awake.caBundle() ?? '')).toBe(true);
  });

  it('confirmCaBundle() knows the newest bundle where caBundle() still has the old one', async () => {
    const deaf: SecretStore = {
      name: store.name,
      namespace: store.namespace,
      get: () => store.get(),
      create: store.create.bind(store),
      replace: store.replace.bind(store),
      watch: () => () => undefined,
    };
    const late = await started({ store: deaf });
    await rotateAuthority({ store, clock, authorityLifetimeMilliseconds: 365 * day });
    expect(bundleSize(late)).toBe(1);
    expect((await late.confirmCaBundle())?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  it('recovers from a clock that is moved a year ahead', async () => {
    const source = await started();
    await publish(source);
    clock.advance(366 * day);
    await pass(2 * minute, [source]);
    expect(verifies(source, source.caBundle() ?? '')).toBe(true);
    expect(source.healthy()).toEqual({ kind: 'healthy' });
    await pass(9 * day, [source], 8 * hour);
    expect(bundleSize(source)).toBe(1);
  });
});

describe('SecretAuthority that follows', () => {
  let written: string[];
  beforeEach(() => {
    written = [];
  });
  /** What a Secret without write rights is to it. */
  const readOnly = (): SecretStore => {
    const refuse = (what: string): never => {
      written.push(what);
      throw new Error('forbidden');
    };
    return {
      name: store.name,
      namespace: store.namespace,
      get: () => store.get(),
      watch: (onChange) => store.watch(onChange),
      create: () => refuse('created'),
      replace: () => refuse('replaced'),
    };
  };

  it('waits for a keeper, then signs its own leaf', async () => {
    const follower = create({ role: 'follower', store: readOnly() });
    const start = follower.start();
    await expect.poll(() => logger.text()).toContain('waiting for the process that registers');
    expect(follower.healthy()).toMatchObject({
      kind: 'unhealthy',
      reason: expect.stringContaining('waiting') as string,
    });
    const keeper = await started();
    await start;
    expect(follower.get()?.fingerprint).not.toBe(keeper.get()?.fingerprint);
    expect(verifies(follower, keeper.caBundle() ?? '')).toBe(true);
    expect(written).toEqual([]);
  });

  it('goes along with a rotation of the keeper, and stays where it is while there is none', async () => {
    const keeper = await started();
    const follower = await started({ role: 'follower', store: readOnly() });
    await publish(keeper);
    await rotateAuthority({ store, clock });
    const before = follower.caBundle();
    await pass(10 * minute, [follower]);
    expect(bundleSize(follower)).toBe(2);
    expect(follower.healthy()).toEqual({ kind: 'healthy' });
    await pass(10 * minute, [keeper, follower]);
    expect(verifies(follower, keeper.caBundle() ?? '')).toBe(true);
    expect(verifies(follower, before ?? '')).toBe(false);
    expect(written).toEqual([]);
  });
});

describe('SecretAuthority whose Secret was touched', () => {
  async function expectOverlap(touch: (secret: Secret) => void): Promise<void> {
    const source = await started();
    await publish(source);
    const oldBundle = source.caBundle() ?? '';
    const shown: (string | undefined)[] = [];
    source.subscribe(() => shown.push(source.caBundle()));
    touch(await secretNow());
    await publish(source);
    // The leaf stays with the CA that configurations carry until the new one has settled there.
    expect(bundleSize(source)).toBe(2);
    expect(verifies(source, oldBundle)).toBe(true);
    await pass(2 * minute, [source]);
    expect(verifies(source, oldBundle)).toBe(false);
    expect(verifies(source, source.caBundle() ?? '')).toBe(true);
    await pass(8 * day, [source], 8 * hour);
    expect(bundleSize(source)).toBe(1);
    expect(source.healthy()).toEqual({ kind: 'healthy' });
    expect(shown.length).toBeGreaterThanOrEqual(2);
    expect(shown.slice(0, 2).every((bundle) => caBundleIncludes(bundle ?? '', oldBundle))).toBe(true);
  }

  it('overlaps when it was deleted', async () => {
    await expectOverlap(() => store.overwrite(undefined));
  });

  it('overlaps when it was damaged, and says so', async () => {
    await expectOverlap((secret) => store.overwrite({ ...secret, data: { ...secret.data, 'signing.key': 'eA==' } }));
    expect(logger.lines('error').join()).toMatch(/damaged.*signing\.key/s);
  });

  it('overlaps when it was emptied', async () => {
    await expectOverlap((secret) => store.overwrite({ ...secret, data: {} }));
  });

  it('overlaps when another authority took its place, as from a backup', async () => {
    const other = await issueAuthority({ issuedAt: now - day, lifetimeMilliseconds: 365 * day });
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    await expectOverlap((secret) =>
      store.overwrite({
        ...secret,
        data: { 'signing.crt': base64(other.certificatePem), 'signing.key': base64(other.privateKeyPem) },
      }),
    );
  });

  it('keeps serving, and writes nothing, when somebody else puts a Secret of theirs there', async () => {
    const source = await started();
    await publish(source);
    const served = source.get()?.fingerprint;
    store.overwrite({ data: { password: 'eA==' } });
    await expect(source.confirmCaBundle()).rejects.toThrow(ForeignSecretError);
    clock.advance(hour);
    await source.confirmCaBundle().catch(() => undefined);
    expect((await secretNow()).data).toEqual({ password: 'eA==' });
    expect(source.get()?.fingerprint).toBe(served);
    expect(source.healthy()).toMatchObject({
      kind: 'degraded',
      reason: expect.stringMatching(/is not ours and is left untouched/) as string,
    });
  });
});

describe('SecretAuthority and its keys', () => {
  it('shows none to inspectors and serializers', async () => {
    const source = await started();
    const certificate = source.get();
    expect(certificate?.privateKeyPem).toContain('PRIVATE KEY');
    for (const shown of [
      inspect(source, { depth: 10 }),
      inspect(certificate, { depth: 10 }),
      JSON.stringify(certificate),
      JSON.stringify({ ...certificate }),
    ]) {
      expect(shown).not.toContain('PRIVATE KEY');
    }
  });

  it('keeps none of a retired authority', async () => {
    const source = await started();
    await publish(source);
    const oldKey = (await secretNow()).data?.['signing.key'];
    clock.advance(250 * day);
    await pass(3 * minute, [source]);
    expect(Object.values((await secretNow()).data ?? {})).not.toContain(oldKey);
  });
});

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
