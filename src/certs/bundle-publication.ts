import { getCACertificates } from 'node:tls';
import { caBundleIncludes } from './ca-bundle.ts';
import type { ServingCertificate } from './certificate-source.ts';
import { verifyChain, type ChainVerdict } from './verify-chain.ts';

/** What the API server has: given by whoever writes the webhook configurations. */
export interface BundlePublication {
  /**
   * The `caBundle` of each of our webhooks in each of our configurations, as the API server has it: by a read that begins
   * after the call, not from a cache. Empty when none of ours is registered. Rejects when the API server does not answer.
   * Must not wait for a write of a configuration: that write may be waiting for `CertificateSource.confirmCaBundle`.
   */
  publishedBundles(signal?: AbortSignal): Promise<readonly PublishedBundle[]>;
  /** Calls `listener` after {@link publishedBundles} may have changed. Returns how to end it. */
  subscribe(listener: () => void): () => void;
}

export interface PublishedBundle {
  /** Whose it is, for messages: `ValidatingWebhookConfiguration/sallyport, replicas.example.com`. */
  readonly holder: string;
  /** PEM, decoded from the base64 of `clientConfig.caBundle`; `''` when the field is empty. */
  readonly caBundlePem: string;
  /** The name or IP address the API server dials: `<name>.<namespace>.svc` of a Service, else the host of the URL. */
  readonly serverName: string;
}

/** Whether every one of `published` carries each certificate of `caBundlePem`. Nothing registered: nobody to wait for, true. */
export function isPublished(published: readonly PublishedBundle[], caBundlePem: string): boolean {
  return published.every((bundle) => caBundleIncludes(bundle.caBundlePem, caBundlePem));
}

/**
 * Whether the API server accepts this certificate for each of our webhooks: chain, time and the name it dials. The first
 * webhook that would fail is named in the reason. Nothing registered: verified.
 *
 * A webhook without `caBundle` is judged by the roots this Node trusts, in the place of those on the API server's host.
 */
export function verifyAgainstPublished(
  certificate: ServingCertificate,
  published: readonly PublishedBundle[],
  now: number,
): ChainVerdict {
  for (const { holder, caBundlePem, serverName } of published) {
    const anchors = caBundlePem === '' ? getCACertificates('default').join('\n') : caBundlePem;
    const verdict = verifyChain(certificate.certificatePem, { caBundlePem: anchors, now, serverName });
    if (verdict.kind === 'unverified') return { kind: 'unverified', reason: `${holder}: ${verdict.reason}` };
  }
  return { kind: 'verified' };
}
