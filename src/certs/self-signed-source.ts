import { X509Certificate } from 'node:crypto';
import { silentLogger, systemClock, type Clock, type Logger } from '../telemetry/index.ts';
import { ReconciledSource } from './reconciled-source.ts';
import { parseServingCertificate } from './serving-certificate.ts';
import { issueAuthority, issueServingCertificate, renewalTime, type KeyPair } from './x509.ts';

export interface SelfSignedSourceOptions {
  /** DNS names and IP addresses besides `localhost`, `127.0.0.1` and `::1`. Default: none. */
  readonly hosts?: readonly string[];
  /** Default: says nothing. */
  readonly logger?: Logger;
  /** Default: the system's clock. */
  readonly clock?: Clock;
}

const loopbackHosts = ['localhost', '127.0.0.1', '::1'];
const origin = 'self-signed authority';
const checkIntervalMilliseconds = 60_000;
const dayMilliseconds = 24 * 60 * 60_000;
/** Longer than any development process runs: this authority is not rotated. */
const authorityLifetimeMilliseconds = 3650 * dayMilliseconds;
const leafLifetimeMilliseconds = 90 * dayMilliseconds;

/**
 * An authority for development, made at the start and kept in memory only: one process, loopback, no Secret. The leaf is
 * renewed at two thirds of its life; the CA lives as long as the process.
 */
export class SelfSignedSource extends ReconciledSource {
  readonly #hosts: readonly string[];
  readonly #clock: Clock;
  #authority: KeyPair | undefined;
  /** Milliseconds since the epoch. */
  #renewAt = -Infinity;

  constructor(options: SelfSignedSourceOptions = {}) {
    const { hosts = [], logger = silentLogger, clock = systemClock } = options;
    super({ origin, clock, logger, intervalMilliseconds: checkIntervalMilliseconds });
    this.#hosts = [...new Set([...loopbackHosts, ...hosts])];
    this.#clock = clock;
  }

  override caBundle(): string | undefined {
    return this.#authority?.certificatePem;
  }

  override async confirmCaBundle(): Promise<string | undefined> {
    return this.caBundle();
  }

  protected override async reconcile(): Promise<void> {
    const issuedAt = this.#clock.now();
    if (issuedAt < this.#renewAt) return;
    this.#authority ??= await issueAuthority({ issuedAt, lifetimeMilliseconds: authorityLifetimeMilliseconds });
    const pair = await issueServingCertificate({
      authority: this.#authority,
      hosts: this.#hosts,
      issuedAt,
      lifetimeMilliseconds: leafLifetimeMilliseconds,
    });
    this.#renewAt = renewalTime(new X509Certificate(pair.certificatePem));
    this.serve(parseServingCertificate(pair.certificatePem, pair.privateKeyPem, origin));
  }

  protected override isHopeless(): boolean {
    return true;
  }

  protected override watch(): [] {
    return [];
  }
}
