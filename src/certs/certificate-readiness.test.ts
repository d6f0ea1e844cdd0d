import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertificateReadiness, issueAuthority, SelfSignedSource } from './index.ts';
import { clockAt } from '../../test/certs/clock-at.ts';
import type { FakeClock } from '../../test/fake-clock.ts';
import { MemoryPublication } from '../../test/certs/memory-publication.ts';
import { RecordingLogger } from '../../test/certs/recording-logger.ts';

const now = Date.UTC(2030, 5, 1);
const minute = 60_000;
const serverName = 'gate.sallyport-system.svc';

let otherCa: string;
let clock: FakeClock;
let logger: RecordingLogger;
let source: SelfSignedSource;
let publication: MemoryPublication;
let readiness: CertificateReadiness;

beforeAll(async () => {
  otherCa = (await issueAuthority({ issuedAt: now, lifetimeMilliseconds: 1e9 })).certificatePem;
});
beforeEach(async () => {
  clock = clockAt(now);
  logger = new RecordingLogger();
  source = new SelfSignedSource({ clock, hosts: [serverName] });
  publication = new MemoryPublication();
  readiness = new CertificateReadiness({ source, publication, logger, clock });
  await source.start();
});
afterEach(async () => {
  await readiness.stop();
  await source.stop();
});

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('CertificateReadiness', () => {
  it('is not ready before the first look', async () => {
    expect(readiness.healthy()).toMatchObject({ kind: 'unhealthy' });
    readiness.start();
    await settle();
    expect(readiness.healthy()).toEqual({ kind: 'healthy' });
  });

  it('is ready while nothing is registered: registration waits for readiness', async () => {
    publication.publish([]);
    readiness.start();
    await settle();
    expect(readiness.healthy()).toEqual({ kind: 'healthy' });
  });

  it.each<[string, () => readonly string[], RegExp | undefined]>([
    ['our CA', () => [source.caBundle() ?? ''], undefined],
    ['our CA among others', () => [otherCa + (source.caBundle() ?? '')], undefined],
    ['another CA', () => [otherCa], /webhook-0.*no certificate of the CA bundle has issued/],
    ['our CA in one webhook and another in the next', () => [source.caBundle() ?? '', otherCa], /webhook-1/],
    ['nothing: roots that do not know us', () => [''], /webhook-0.*no certificate of the CA bundle has issued/],
  ])('judges a caBundle that carries %s', async (_, bundles, reason) => {
    readiness.start();
    publication.publish(bundles());
    await settle();
    expect(readiness.healthy()).toEqual(
      reason === undefined
        ? { kind: 'healthy' }
        : { kind: 'unhealthy', reason: expect.stringMatching(reason) as string },
    );
  });

  it('is not ready when the API server dials a name the certificate does not have', async () => {
    publication.publish([source.caBundle() ?? ''], 'gate.elsewhere.svc');
    readiness.start();
    await settle();
    expect(readiness.healthy()).toMatchObject({
      kind: 'unhealthy',
      reason: expect.stringMatching(/is not for gate\.elsewhere\.svc/) as string,
    });
  });

  it('notices within a minute what no watch told of', async () => {
    publication.publish([source.caBundle() ?? '']);
    readiness.start();
    await settle();
    publication.publish([otherCa], serverName, 'untold');
    await settle();
    expect(readiness.healthy()).toEqual({ kind: 'healthy' });
    clock.advance(minute);
    await settle();
    expect(readiness.healthy()).toMatchObject({ kind: 'unhealthy' });
    expect(logger.lines('error').join()).toMatch(/the served certificate is not acceptable/);
  });

  it('keeps its verdict while the API server does not answer', async () => {
    publication.publish([source.caBundle() ?? '']);
    readiness.start();
    await settle();
    publication.failure = new Error('connection refused');
    clock.advance(minute);
    await settle();
    expect(readiness.healthy()).toEqual({ kind: 'healthy' });
    expect(logger.lines('warn').join()).toMatch(/connection refused/);
  });

  it('hands on what the source says of itself when that is worse', async () => {
    publication.publish([source.caBundle() ?? '']);
    readiness.start();
    await settle();
    await source.stop();
    clock.advance(100 * 24 * 60 * minute);
    expect(readiness.healthy()).toMatchObject({
      kind: 'unhealthy',
      reason: expect.stringMatching(/expired/) as string,
    });
  });
});
