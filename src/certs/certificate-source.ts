/**
 * Where the server's certificate comes from. The server and the registrar know certificates only by this interface:
 * the server swaps its secure context when told of a change, the registrar writes the CA bundle.
 *
 * Source of the shape: cert-manager pkg/server/tls/source.go, CertificateSource.
 */
export interface CertificateSource {
  /**
   * Begins to watch, and resolves once {@link get} has a certificate. Waits while waiting can help (an API server that
   * does not answer yet, a Secret that another controller will fill) and rejects with the source's own error when only
   * a person can help. Aborting `signal` ends the waiting and stops the source.
   */
  start(signal?: AbortSignal): Promise<void>;
  /** Ends watching; what {@link get} answers stays. Safe to call twice. */
  stop(): Promise<void>;
  /** The certificate that new handshakes are to use; `undefined` before the first. */
  get(): ServingCertificate | undefined;
  /** How the source is now, judged by the clock at the time of the call. */
  healthy(): Health;
  /** Calls `listener` after {@link get} or {@link caBundle} changed. Returns how to end it. */
  subscribe(listener: () => void): () => void;
  /**
   * The CA certificates, PEM, that webhook configurations must carry, as last known here.
   * `undefined` when the source has none to give: another controller injects it, or the issuer is publicly trusted.
   */
  caBundle(): string | undefined;
  /**
   * {@link caBundle} after asking its owner anew, for a writer that must not undo a rotation it slept through: read the
   * configuration, call this, then write with the `resourceVersion` that was read. Rejects when the owner does not answer.
   */
  confirmCaBundle(signal?: AbortSignal): Promise<string | undefined>;
}

/** A certificate with the private key that matches it. */
export interface ServingCertificate {
  /** The leaf, then the intermediates in the order of the chain. PEM. */
  readonly certificatePem: string;
  /** PKCS#8 or the key's traditional form, PEM, unencrypted. Not enumerable, so that no logger or inspector prints it. */
  readonly privateKeyPem: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 of the leaf's DER, as `openssl x509 -fingerprint -sha256` prints it: `AB:CD:…`. */
  readonly fingerprint: string;
}

/**
 * Whether a part of the process can do its work. `degraded`: it still can, but somebody must look before it no longer does.
 * Only `unhealthy` may take a replica out of service: all replicas degrade together when a shared Secret goes bad.
 */
export type Health =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'degraded'; readonly reason: string }
  | { readonly kind: 'unhealthy'; readonly reason: string };
