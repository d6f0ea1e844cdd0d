import { isDeepStrictEqual } from 'node:util';
import type { Clock, Logger } from '../telemetry/index.ts';
import { verifyAgainstPublished, type BundlePublication } from './bundle-publication.ts';
import type { CertificateSource, Health } from './certificate-source.ts';
import { ReconcileLoop } from '../kube/index.ts';

export interface CertificateReadinessOptions {
  readonly source: CertificateSource;
  readonly publication: BundlePublication;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Acceptable or not: nothing in between. */
type Verdict = Exclude<Health, { readonly kind: 'degraded' }>;

const checkIntervalMilliseconds = 60_000;

/**
 * Answers the question of readiness: would the API server accept the certificate that is served now, by the `caBundle`
 * and the name that it has for each of our webhooks?
 *
 * Looked into when the source or the configurations change, and once a minute. While the API server does not answer, the
 * last verdict stands: an API server that restarts must not take every replica out of service. With nothing registered a
 * certificate is accepted, because registration waits for a server that is ready.
 */
export class CertificateReadiness {
  readonly #options: CertificateReadinessOptions;
  readonly #loop: ReconcileLoop;
  #verdict: Verdict = { kind: 'unhealthy', reason: 'the certificate has not been checked against the API server yet' };
  #endings: (() => void)[] = [];

  constructor(options: CertificateReadinessOptions) {
    this.#options = options;
    this.#loop = new ReconcileLoop({
      clock: options.clock,
      intervalMilliseconds: checkIntervalMilliseconds,
      reconcile: (signal) => this.#check(signal),
      onFailure: (error) =>
        options.logger.warn('what webhook configurations carry could not be read; readiness stays as it was', {
          error: error instanceof Error ? error : new Error(String(error)),
        }),
      isHopeless: () => false,
    });
  }

  /** Begins to look. Does not wait for the first verdict; until then {@link healthy} is unhealthy. */
  start(): void {
    const { source, publication } = this.#options;
    const look = (): void => this.#loop.trigger();
    this.#endings = [source.subscribe(look), publication.subscribe(look)];
    look();
  }

  async stop(): Promise<void> {
    for (const end of this.#endings.splice(0)) end();
    await this.#loop.stop();
  }

  /** The source's own health when that is worse than good, else the last verdict. */
  healthy(): Health {
    const own = this.#options.source.healthy();
    return own.kind === 'unhealthy' || this.#verdict.kind === 'healthy' ? own : this.#verdict;
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { source, publication, clock, logger } = this.#options;
    const published = await publication.publishedBundles(signal);
    // Taken after the answer: a certificate that changed meanwhile is the one to judge.
    const certificate = source.get();
    const verdict =
      certificate === undefined
        ? ({ kind: 'unverified', reason: 'no certificate yet' } as const)
        : verifyAgainstPublished(certificate, published, clock.now());
    const next: Verdict =
      verdict.kind === 'verified'
        ? { kind: 'healthy' }
        : { kind: 'unhealthy', reason: `the API server would not accept our certificate: ${verdict.reason}` };
    if (!isDeepStrictEqual(next, this.#verdict)) {
      if (next.kind === 'unhealthy') logger.error('the served certificate is not acceptable', { reason: next.reason });
      else logger.info('the API server accepts the served certificate');
    }
    this.#verdict = next;
  }
}
