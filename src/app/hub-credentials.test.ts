import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { clientCertificate } from '../../test/client-certificate.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import { RecordingLogger, testAuthority } from '../../test/loopback-server.ts';
import { openHubCredentials } from './hub-credentials.ts';

async function credentials() {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-credentials-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  const authority = await testAuthority();
  const [former, next] = [await clientCertificate(authority, 'eu-1'), await clientCertificate(authority, 'eu-1')];
  await write('tls.crt', former.cert);
  await write('tls.key', former.key);
  await write('ca.crt', authority.certificatePem);
  const [clock, log] = [new FakeClock(), new RecordingLogger()];
  const open = () => openHubCredentials(folder, clock, log);
  return { write, former, next, clock, log, open };
}

it('are taken anew when certificate and key are both there, and kept while they are not', async () => {
  const { write, former, next, clock, log, open } = await credentials();
  const opened = await open();
  onTestFinished(() => opened.close());
  await write('tls.crt', next.cert);
  clock.advance(60_000);
  await expect
    .poll(() => log.lines)
    .toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'credentials for the hub cannot be read again and are used as they were',
      }),
    );
  expect(opened.current).toMatchObject({ certificatePem: former.cert, privateKeyPem: former.key });
  await write('tls.key', next.key);
  clock.advance(60_000);
  await expect.poll(() => opened.current).toMatchObject({ certificatePem: next.cert, privateKeyPem: next.key });
});

it.each([
  [
    'a key of another certificate',
    'tls.key',
    ({ next }: { next: { key: string } }) => next.key,
    /the private key is not that/,
  ],
  [
    'an authority that is torn',
    'ca.crt',
    () => '-----BEGIN CERTIFICATE-----\nMII',
    /ca\.crt holds no certificate in PEM/,
  ],
  ['an authority that is none', 'ca.crt', () => '', /ca\.crt holds no certificate in PEM/],
])('are refused with %s', async (_what, file, text, problem) => {
  const files = await credentials();
  await files.write(file, text(files));
  await expect(files.open()).rejects.toMatchObject({
    name: 'InvalidConfigurationError',
    message: expect.stringMatching(problem) as string,
  });
});
