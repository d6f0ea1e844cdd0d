import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { trustedCertificates } from './ca-bundle.ts';
import { parseCertificates } from './certificate-pem.ts';

/** Whether a TLS client would accept a certificate, and if not, why. */
export type ChainVerdict = { readonly kind: 'verified' } | { readonly kind: 'unverified'; readonly reason: string };

export interface ChainExpectation {
  /** Trust anchors, PEM. */
  readonly caBundlePem: string;
  /** The moment to judge at, milliseconds since the epoch. */
  readonly now: number;
  /** The DNS name or IP address the client dials; without it names are not checked. */
  readonly serverName?: string | undefined;
}

const serverAuth = '1.3.6.1.5.5.7.3.1';
const anyExtendedKeyUsage = '2.5.29.37.0';

/**
 * Judges a served chain (leaf first, PEM) as the API server's TLS client does: time of every certificate, signatures up
 * to an anchor, CA flags, serverAuth, and the name by subject alternative names only. Path lengths, name constraints
 * and policies are not judged.
 *
 * Throws Node's error when the chain itself does not parse. Source: Go crypto/x509 Certificate.Verify and isValid.
 */
export function verifyChain(certificatePem: string, expectation: ChainExpectation): ChainVerdict {
  const [leaf, ...intermediates] = parseCertificates(certificatePem);
  if (leaf === undefined) return unverified('there is no certificate');
  const untimely = describeUntimely(leaf, expectation.now);
  if (untimely !== undefined) return unverified(`the certificate ${untimely}`);
  if (!allowsServerAuth(leaf))
    return unverified('the certificate is not for servers: its extended key usage lacks serverAuth');
  const { serverName } = expectation;
  if (serverName !== undefined && !namesServer(leaf, serverName)) {
    return unverified(`the certificate is not for ${serverName}, but for ${leaf.subjectAltName ?? 'no name at all'}`);
  }
  return climb(leaf, intermediates, trustedCertificates(expectation.caBundlePem), expectation.now);
}

/** Follows issuers from `certificate` to an anchor; each intermediate is used at most once, so that loops end. */
function climb(
  certificate: X509Certificate,
  intermediates: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  now: number,
): ChainVerdict {
  // An anchor may be the served certificate itself, with or without the CA flag: Go asks Roots.contains(c) first.
  if (anchors.some(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256)) return { kind: 'verified' };
  let reason = `no certificate of the CA bundle has issued ${describe(certificate)}`;
  for (const anchor of anchors.filter((candidate) => hasIssued(candidate, certificate))) {
    const untimely = describeUntimely(anchor, now);
    if (untimely === undefined) return { kind: 'verified' };
    reason = `its CA ${describe(anchor)} ${untimely}`;
  }
  for (const intermediate of intermediates.filter((candidate) => hasIssued(candidate, certificate))) {
    const untimely = describeUntimely(intermediate, now);
    const rest = intermediates.filter((other) => other !== intermediate);
    const verdict =
      untimely === undefined
        ? climb(intermediate, rest, anchors, now)
        : unverified(`the intermediate ${describe(intermediate)} ${untimely}`);
    if (verdict.kind === 'verified') return verdict;
    reason = verdict.reason;
  }
  return unverified(reason);
}

function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function allowsServerAuth(leaf: X509Certificate): boolean {
  // Node's `keyUsage` is the *extended* key usage, undefined without the extension: then every usage is allowed.
  const usages = leaf.keyUsage as string[] | undefined;
  return usages === undefined || usages.includes(serverAuth) || usages.includes(anyExtendedKeyUsage);
}

function namesServer(leaf: X509Certificate, serverName: string): boolean {
  if (isIP(serverName) !== 0) return leaf.checkIP(serverName) !== undefined;
  return leaf.checkHost(serverName, { subject: 'never' }) !== undefined;
}

/** `undefined` when the certificate is valid at `now`; both ends belong to its time. Source: RFC 5280 section 4.1.2.5. */
export function describeUntimely(certificate: X509Certificate, now: number): string | undefined {
  if (now < certificate.validFromDate.getTime()) {
    return `is not valid before ${certificate.validFromDate.toISOString()}`;
  }
  if (now > certificate.validToDate.getTime()) return `has expired at ${certificate.validToDate.toISOString()}`;
  return undefined;
}

function describe(certificate: X509Certificate): string {
  return `"${certificate.subject.replaceAll('\n', ', ')}"`;
}

function unverified(reason: string): ChainVerdict {
  return { kind: 'unverified', reason };
}
