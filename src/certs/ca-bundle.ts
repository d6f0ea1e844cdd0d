import type { X509Certificate } from 'node:crypto';
import { formatCertificates, parseCertificates } from './certificate-pem.ts';

/**
 * One CA bundle of these certificates, PEM, without repetitions. The order depends on the certificates alone (oldest
 * first), so that replicas that know them in different roles write the same bytes.
 */
export function formatCaBundle(certificates: readonly X509Certificate[]): string {
  const unique = new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate]));
  const ordered = [...unique.values()].sort(
    (a, b) => a.validFromDate.getTime() - b.validFromDate.getTime() || (a.fingerprint256 < b.fingerprint256 ? -1 : 1),
  );
  return formatCertificates(ordered);
}

/** Whether every certificate of `wanted` is in `bundle`; order, repetitions and text around the blocks do not count. */
export function caBundleIncludes(bundle: string, wanted: string): boolean {
  const present = new Set(trustedCertificates(bundle).map((certificate) => certificate.fingerprint256));
  return parseCertificates(wanted).every((certificate) => present.has(certificate.fingerprint256));
}

/**
 * The certificates of a bundle that somebody else wrote. A block that cannot be parsed trusts nobody and is passed over.
 * Source: Go crypto/x509 AppendCertsFromPEM, which the API server's TLS client uses.
 */
export function trustedCertificates(bundle: string): X509Certificate[] {
  try {
    return parseCertificates(bundle);
  } catch {
    return bundle.split(/(?=-----BEGIN )/).flatMap((part) => {
      try {
        return parseCertificates(part);
      } catch {
        return [];
      }
    });
  }
}
