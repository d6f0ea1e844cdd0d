import { X509Certificate } from 'node:crypto';

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * The certificates of a PEM text, in its order. Text and blocks of other kinds between them are skipped, as Go does.
 *
 * Throws Node's error when a block is not a certificate. Source: RFC 7468 section 5; Go crypto/x509 AppendCertsFromPEM.
 */
export function parseCertificates(pem: string): X509Certificate[] {
  return (pem.match(certificateBlock) ?? []).map((block) => new X509Certificate(block));
}

/** PEM of these certificates: one block after the other, each ending in one newline. */
export function formatCertificates(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => `${certificate.toString().trim()}\n`).join('');
}
