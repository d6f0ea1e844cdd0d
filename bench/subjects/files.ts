import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueAuthority, issueServingCertificate } from '../../src/certs/index.ts';
import { podReview, reviewSizes, type ReviewSize } from '../pod-reviews.ts';

/** What all subjects of one run share: a folder with an ECDSA P-256 certificate, reviews to send, and their logs. */
export interface BenchFiles extends Disposable {
  readonly directory: string;
  /** tls.crt, tls.key and ca.crt, and nothing else: a server may watch it. */
  readonly certificates: string;
  /** PEM of the authority that signed the certificate. */
  readonly ca: string;
  /** A small review. */
  readonly probe: string;
  /** Path of a file with a review. */
  review(size: ReviewSize): string;
}

export async function benchFiles(): Promise<BenchFiles> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  const lifetimeMilliseconds = 24 * 3_600_000;
  const issuedAt = Date.now();
  const authority = await issueAuthority({ issuedAt, lifetimeMilliseconds });
  const hosts = ['localhost', '127.0.0.1', hostname()];
  const pair = await issueServingCertificate({ authority, hosts, issuedAt, lifetimeMilliseconds });
  const ca = authority.certificatePem;
  const certificates = join(directory, 'certificates');
  mkdirSync(certificates);
  writeFileSync(join(certificates, 'ca.crt'), ca);
  writeFileSync(join(certificates, 'tls.crt'), pair.certificatePem);
  writeFileSync(join(certificates, 'tls.key'), pair.privateKeyPem, { mode: 0o600 });
  const review = (size: ReviewSize): string => join(directory, `review-${size}.json`);
  for (const size of reviewSizes) writeFileSync(review(size), podReview(size));
  return {
    directory,
    certificates,
    ca,
    probe: podReview(4),
    review,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
