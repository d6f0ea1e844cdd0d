import type { X509Certificate } from 'node:crypto';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and the key that matches it, both PEM (the key PKCS#8). */
export interface KeyPair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface Lifetime {
  /** The moment of issue, milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly lifetimeMilliseconds: number;
}

export interface ServingRequest extends Lifetime {
  readonly authority: KeyPair;
  /** DNS names and IP addresses for the subject alternative names; at least one. */
  readonly hosts: readonly string[];
}

/**
 * How long before its issue a certificate is already valid, for clients whose clocks are behind.
 * Source: client-go v0.37.2 util/cert/cert.go, GenerateSelfSignedCertKeyWithOptions, "valid an hour earlier to avoid flakes due to clock skew".
 */
export const clockSkewMilliseconds = 3_600_000;

const p256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const ecdsaWithSha256 = { name: 'ECDSA', hash: 'SHA-256' } as const;
const organization = 'Sallyport';
const authorityNamePrefix = 'webhook CA ';
/** Upper bound of a common name. Source: RFC 5280 appendix A.1, ub-common-name. */
const maxCommonNameLength = 64;

/**
 * A new self-signed CA with a P-256 key, which may sign leaves only (path length 0). Each has a subject of its own, so
 * that a bundle of two generations is never ambiguous.
 */
export async function issueAuthority(lifetime: Lifetime): Promise<KeyPair> {
  const x509 = await loadX509();
  const serialNumber = randomSerialNumber();
  const keys = await generateKeys();
  const keyIdentifier = await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: [{ O: [organization] }, { CN: [`${authorityNamePrefix}${serialNumber.slice(0, 8)}`] }],
    ...validity(lifetime),
    keys,
    signingAlgorithm: ecdsaWithSha256,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      keyIdentifier,
      new x509.AuthorityKeyIdentifierExtension(keyIdentifier.keyId),
    ],
  });
  return keyPair(certificate.toString('pem'), keys.privateKey);
}

/**
 * A new serving certificate with a P-256 key, signed by `authority`. It never outlives its authority: `notAfter` is cut.
 * P-256 because each new connection of the API server is a full handshake.
 */
export async function issueServingCertificate(request: ServingRequest): Promise<KeyPair> {
  const x509 = await loadX509();
  const authority = new x509.X509Certificate(request.authority.certificatePem);
  const signingKey = createPrivateKey(request.authority.privateKeyPem).toCryptoKey(p256, false, ['sign']);
  const keys = await generateKeys();
  const { notBefore, notAfter } = validity(request);
  const commonName = request.hosts.find((host) => host.length <= maxCommonNameLength);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerialNumber(),
    subject: [{ O: [organization] }, ...(commonName === undefined ? [] : [{ CN: [commonName] }])],
    issuer: authority.subjectName,
    notBefore,
    notAfter: new Date(Math.min(notAfter.getTime(), authority.notAfter.getTime())),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ecdsaWithSha256,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        request.hosts.map((host) => ({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey, false),
    ],
  });
  return keyPair(certificate.toString('pem'), keys.privateKey);
}

/**
 * The names under which a Service is dialled, shortest first. The API server uses `<name>.<namespace>.svc`.
 * Source: apiserver v0.37.2 pkg/util/webhook/client.go, hookClientConfig.
 */
export function serviceHosts(service: { readonly name: string; readonly namespace: string }): string[] {
  const qualified = `${service.name}.${service.namespace}`;
  return [service.name, qualified, `${qualified}.svc`, `${qualified}.svc.cluster.local`];
}

/** Whether a CA certificate looks like one of {@link issueAuthority}, by its subject. */
export function isAuthorityOfOurs(certificate: X509Certificate): boolean {
  return certificate.ca && certificate.subject.startsWith(`O=${organization}\nCN=${authorityNamePrefix}`);
}

/**
 * When a certificate issued here is to be replaced: at two thirds of its life, milliseconds since the epoch. Life is
 * counted from the issue, not from `notBefore`, which lies {@link clockSkewMilliseconds} earlier.
 */
export function renewalTime(certificate: X509Certificate): number {
  const issuedAt = certificate.validFromDate.getTime() + clockSkewMilliseconds;
  return issuedAt + (certificate.validToDate.getTime() - issuedAt) * (2 / 3);
}

/** Loaded at the first issue: a replica that reads its certificate from files never pays the tenth of a second. */
async function loadX509() {
  // @peculiar/x509 refuses to load before the polyfill its decorators need.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(p256, true, ['sign', 'verify']);
}

/**
 * 16 random octets, hexadecimal. The first is kept between 40 and 7f, so that the DER integer is positive and always 16
 * octets long. Source: RFC 5280 section 4.1.2.2.
 */
function randomSerialNumber(): string {
  const octets = randomBytes(16);
  octets.writeUInt8((octets.readUInt8(0) & 0x3f) | 0x40, 0);
  return octets.toString('hex');
}

function validity({ issuedAt, lifetimeMilliseconds }: Lifetime): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: new Date(issuedAt - clockSkewMilliseconds),
    notAfter: new Date(issuedAt + lifetimeMilliseconds),
  };
}

async function keyPair(certificatePem: string, privateKey: webcrypto.CryptoKey): Promise<KeyPair> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  const lines = pkcs8.toString('base64').replace(/.{1,64}/g, '$&\n');
  return {
    certificatePem: `${certificatePem.trim()}\n`,
    privateKeyPem: `-----BEGIN PRIVATE KEY-----\n${lines}-----END PRIVATE KEY-----\n`,
  };
}
