import type { Clock, Logger } from '../telemetry/index.ts';
import type { CertificateSource, Health, ServingCertificate } from './certificate-source.ts';
import { ChangeListeners, ReconcileLoop } from '../kube/index.ts';

export interface ReconciledSourceOptions {
  /** Where the certificate comes from, for the log: `Secret sallyport/webhook-ca`. */
  readonly origin: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Time between two looks when nothing has been heard. */
  readonly intervalMilliseconds: number;
}

/**
 * What the sources have in common: a loop that looks after one certificate, keeps the last good one through every
 * failure, says what is wrong, and tells who listens.
 */
export abstract class ReconciledSource implements CertificateSource {
  readonly #options: ReconciledSourceOptions;
  readonly #loop: ReconcileLoop;
  readonly #listeners: ChangeListeners;
  #served: ServingCertificate | undefined;
  #problem: string | undefined;
  #endings: (() => void)[] = [];

  protected constructor(options: ReconciledSourceOptions) {
    this.#options = options;
    this.#listeners = new ChangeListeners((error) =>
      options.logger.error('a listener to certificate changes failed', { error: asError(error) }),
    );
    this.#loop = new ReconcileLoop({
      clock: options.clock,
      intervalMilliseconds: options.intervalMilliseconds,
      reconcile: async (signal) => {
        await this.reconcile(signal);
        this.#problem = undefined;
      },
      onFailure: (error) => this.#fail(error),
      isHopeless: (error) => this.isHopeless(error),
    });
  }

  abstract caBundle(): string | undefined;
  abstract confirmCaBundle(signal?: AbortSignal): Promise<string | undefined>;

  /**
   * One look: returns when the certificate that should be served is served, and throws when it cannot be, with what is
   * served left as it was. Never runs twice at once.
   */
  protected abstract reconcile(signal: AbortSignal): Promise<void>;
  /** Failures of the first look that waiting cannot heal: they end the start. */
  protected abstract isHopeless(error: unknown): boolean;
  /** Arranges for `look` to be called when something may have changed. Returns how to end that. */
  protected abstract watch(look: () => void): (() => void)[];

  async start(signal?: AbortSignal): Promise<void> {
    this.#endings = this.watch(() => this.#loop.trigger());
    try {
      await this.#loop.start(signal);
      signal?.throwIfAborted();
    } catch (error) {
      await this.stop();
      throw error;
    }
    const stop = (): void => void this.stop();
    signal?.addEventListener('abort', stop, { once: true });
    this.#endings.push(() => signal?.removeEventListener('abort', stop));
  }

  async stop(): Promise<void> {
    for (const end of this.#endings.splice(0)) end();
    await this.#loop.stop();
  }

  get(): ServingCertificate | undefined {
    return this.#served;
  }

  healthy(): Health {
    const problem = this.#problem;
    if (this.#served === undefined) return { kind: 'unhealthy', reason: problem ?? 'no certificate yet' };
    if (this.hasExpired(this.#served)) {
      const expired = `the certificate has expired at ${this.#served.notAfter.toISOString()}`;
      return { kind: 'unhealthy', reason: problem === undefined ? expired : `${expired}; ${problem}` };
    }
    return problem === undefined ? { kind: 'healthy' } : { kind: 'degraded', reason: problem };
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** A look that begins after this call; rejects with what it throws. */
  protected look(signal?: AbortSignal): Promise<void> {
    return this.#loop.pass(signal);
  }

  protected serve(certificate: ServingCertificate): void {
    this.#served = certificate;
    const { fingerprint, notAfter } = certificate;
    this.#options.logger.info('serving certificate changed', {
      origin: this.#options.origin,
      fingerprint,
      notAfter: notAfter.toISOString(),
    });
    this.notify();
  }

  protected hasExpired(certificate: ServingCertificate): boolean {
    return this.#options.clock.now() > certificate.notAfter.getTime();
  }

  protected notify(): void {
    this.#listeners.notify();
  }

  #fail(error: unknown): void {
    const { logger, origin } = this.#options;
    const { message } = asError(error);
    // The same failure comes back with every look: it is said loudly once.
    const level = message === this.#problem ? 'debug' : 'error';
    this.#problem = message;
    logger[level]('the serving certificate could not be brought up to date', { origin, error: asError(error) });
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
