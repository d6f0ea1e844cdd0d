import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  clockSkewMilliseconds,
  issueAuthority,
  issueServingCertificate,
  renewalTime,
  serviceHosts,
  type KeyPair,
} from './index.ts';

const run = promisify(execFile);
const hour = 3_600_000;
const now = Math.floor(Date.now() / 1000) * 1000;
const service = serviceHosts({ name: 'gate', namespace: 'sallyport-system' });
const hosts = [...service, 'localhost', '127.0.0.1', '::1'];

let authority: KeyPair;
let serving: KeyPair;
let directory: string;

beforeAll(async () => {
  authority = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: 1000 * hour });
  serving = await issueServingCertificate({ authority, hosts, issuedAt: now, lifetimeMilliseconds: 10 * hour });
  directory = await mkdtemp(join(tmpdir(), 'sallyport-x509-'));
  await writeFile(join(directory, 'ca.crt'), authority.certificatePem);
  await writeFile(join(directory, 'tls.crt'), serving.certificatePem);
  await writeFile(join(directory, 'tls.key'), serving.privateKeyPem, { mode: 0o600 });
});
afterAll(() => rm(directory, { recursive: true }));

describe('issueAuthority()', () => {
  it('makes a self-signed P-256 CA that may sign leaves only', () => {
    const certificate = new X509Certificate(authority.certificatePem);
    expect(certificate.ca).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  it('gives each CA a subject and a serial number of its own', async () => {
    const other = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: hour });
    const [a, b] = [authority, other].map(({ certificatePem }) => new X509Certificate(certificatePem));
    expect(a?.subject).not.toBe(b?.subject);
    expect(a?.serialNumber).not.toBe(b?.serialNumber);
    expect(a?.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it('is valid before its issue, for clients whose clocks are behind, and counts its life from the issue', () => {
    const certificate = new X509Certificate(authority.certificatePem);
    expect(certificate.validFromDate.getTime()).toBe(now - clockSkewMilliseconds);
    expect(certificate.validToDate.getTime()).toBe(now + 1000 * hour);
    expect(renewalTime(certificate)).toBeCloseTo(now + (2 / 3) * 1000 * hour, 0);
  });
});

describe('issueServingCertificate()', () => {
  function named({ certificatePem }: KeyPair, host: string): string | undefined {
    const certificate = new X509Certificate(certificatePem);
    return isIP(host) === 0 ? certificate.checkHost(host, { subject: 'never' }) : certificate.checkIP(host);
  }

  it.each([...hosts])('is valid for %s', (host) => {
    expect(named(serving, host)).toBe(host);
  });

  it.each(['gate.other', 'gate.sallyport-system.svc.example.com', 'example.com', '127.0.0.2'])(
    'is not valid for %s',
    (host) => {
      expect(named(serving, host)).toBeUndefined();
    },
  );

  it('never outlives its authority', async () => {
    const short = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: hour });
    const leaf = await issueServingCertificate({
      authority: short,
      hosts,
      issuedAt: now,
      lifetimeMilliseconds: 10 * hour,
    });
    expect(new X509Certificate(leaf.certificatePem).validToDate.getTime()).toBe(now + hour);
  });

  it('takes a host too long for a common name', async () => {
    const long = serviceHosts({ name: 'a'.repeat(63), namespace: 'b'.repeat(63) }).slice(1);
    const leaf = await issueServingCertificate({
      authority,
      hosts: long,
      issuedAt: now,
      lifetimeMilliseconds: hour,
    });
    const certificate = new X509Certificate(leaf.certificatePem);
    expect(certificate.checkHost(long[1] ?? '')).toBe(long[1]);
    expect(certificate.subject).toBe('O=Sallyport');
  });

  it('dates past 2049 in the form RFC 5280 asks for', async () => {
    const in2060 = Date.UTC(2060, 0, 1);
    const ca = await issueAuthority({ issuedAt: in2060, lifetimeMilliseconds: 1000 * hour });
    const leaf = await issueServingCertificate({ authority: ca, hosts, issuedAt: in2060, lifetimeMilliseconds: hour });
    expect(new X509Certificate(leaf.certificatePem).validToDate.getTime()).toBe(in2060 + hour);
  });
});

describe('openssl verify', () => {
  /** Debian always has it; without it nothing here has been verified, so the test must not pass. */
  async function openssl(...args: string[]): Promise<string> {
    try {
      const { stdout, stderr } = await run('openssl', args);
      return stdout + stderr;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        throw new Error('the openssl program is not installed (Debian: apt install openssl)', { cause: error });
      }
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return stdout + stderr;
    }
  }

  const verify = (caFile: string, ...more: string[]): Promise<string> =>
    openssl(
      ...['verify', '-x509_strict', '-no-CApath', '-no-CAstore', '-purpose', 'sslserver'],
      ...['-CAfile', join(directory, caFile), ...more, join(directory, 'tls.crt')],
    );

  it('accepts the chain, strictly, for the name the API server dials', async () => {
    const host = 'gate.sallyport-system.svc';
    expect(await verify('ca.crt', '-verify_hostname', host)).toContain('tls.crt: OK');
  });

  it('accepts it by IP address', async () => {
    expect(await verify('ca.crt', '-verify_ip', '::1')).toContain('tls.crt: OK');
  });

  it('refuses another name', async () => {
    expect(await verify('ca.crt', '-verify_hostname', 'example.com')).toContain('hostname mismatch');
  });

  it('refuses another CA', async () => {
    const other = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: hour });
    await writeFile(join(directory, 'other.crt'), other.certificatePem);
    expect(await verify('other.crt')).toContain('unable to get local issuer certificate');
  });

  it('refuses a leaf that acts as a CA', async () => {
    const forged = await issueServingCertificate({
      authority: serving,
      hosts,
      issuedAt: now,
      lifetimeMilliseconds: hour,
    });
    await writeFile(join(directory, 'forged.crt'), forged.certificatePem);
    const verdict = await openssl(
      ...['verify', '-x509_strict', '-no-CApath', '-CAfile', join(directory, 'ca.crt')],
      ...['-untrusted', join(directory, 'tls.crt'), join(directory, 'forged.crt')],
    );
    expect(verdict).toContain('invalid CA certificate');
  });

  it('finds the extensions that belong there', async () => {
    const ca = await openssl('x509', '-in', join(directory, 'ca.crt'), '-noout', '-text');
    expect(ca).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(ca).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
    const leaf = await openssl('x509', '-in', join(directory, 'tls.crt'), '-noout', '-text');
    expect(leaf).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(leaf).toMatch(/Key Usage: critical\s+Digital Signature/);
    expect(leaf).toMatch(/Extended Key Usage: ?\s+TLS Web Server Authentication/);
    const [subjectKeyIdentifier] = /(?<=Subject Key Identifier: ?\s+)\S+/.exec(ca) ?? [];
    const [authorityKeyIdentifier] = /(?<=Authority Key Identifier: ?\s+)\S+/.exec(leaf) ?? [];
    expect(subjectKeyIdentifier).toMatch(/^([0-9A-F]{2}:){19}/);
    expect(authorityKeyIdentifier).toBe(subjectKeyIdentifier);
  });

  it('reads the key', async () => {
    expect(await openssl('pkey', '-in', join(directory, 'tls.key'), '-check', '-noout')).toContain('Key is valid');
  });
});

describe('a TLS handshake', () => {
  /** What the client says of the server: the name in the certificate, or the error's code. */
  async function shake(client: { readonly ca: string; readonly servername: string }): Promise<string> {
    const server = createServer({ cert: serving.certificatePem, key: serving.privateKeyPem });
    // The client hangs up when it does not like the certificate.
    server.on('tlsClientError', () => undefined);
    const listening = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', listening.resolve);
    await listening.promise;
    const { port } = server.address() as AddressInfo;
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = connect({ port, host: '127.0.0.1', ...client }, () =>
      resolve(socket.getCipher().standardName === '' ? 'no cipher' : 'accepted'),
    );
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    const outcome = await promise;
    socket.destroy();
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    await closed.promise;
    return outcome;
  }

  it('succeeds with the CA bundle and the name the API server sends', async () => {
    expect(await shake({ ca: authority.certificatePem, servername: 'gate.sallyport-system.svc' })).toBe('accepted');
  });

  it('succeeds while the bundle carries a second CA', async () => {
    const other = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: hour });
    const ca = other.certificatePem + authority.certificatePem;
    expect(await shake({ ca, servername: 'gate.sallyport-system.svc' })).toBe('accepted');
  });

  it('fails for another name and for another CA', async () => {
    const other = await issueAuthority({ issuedAt: now, lifetimeMilliseconds: hour });
    expect(await shake({ ca: authority.certificatePem, servername: 'example.com' })).toBe(
      'ERR_TLS_CERT_ALTNAME_INVALID',
    );
    expect(await shake({ ca: other.certificatePem, servername: 'localhost' })).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });
});
