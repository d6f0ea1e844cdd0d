import { systemClock, type Clock, type Logger } from '../telemetry/index.ts';
import { verifyAgainstPublished, type BundlePublication } from './bundle-publication.ts';
import { CertificatePairError } from './errors.ts';
import { ReconciledSource } from './reconciled-source.ts';
import type { SecretStore } from './secret-store.ts';
import { parseServingCertificate } from './serving-certificate.ts';
import { verifyChain } from './verify-chain.ts';

export interface CertManagerSourceOptions {
  /** The Secret that a cert-manager Certificate fills: `tls.crt`, `tls.key`. Never written here. */
  readonly store: SecretStore;
  /** What cert-manager's CA injector has put into the webhook configurations. */
  readonly publication: BundlePublication;
  readonly logger: Logger;
  /** Default: the system's clock. */
  readonly clock?: Clock;
}

const checkIntervalMilliseconds = 60_000;

/**
 * Serves the certificate that cert-manager keeps in a Secret, read through the API, not by mount.
 *
 * cert-manager replaces a CA in one step, and its injector writes the new bundle some time after the Secret. So a new
 * certificate is taken only when what the configurations carry accepts it, or when it does not accept the present one
 * either. `start()` waits until the Secret holds a usable pair. `caBundle()` is undefined: the field is the injector's.
 */
export class CertManagerSource extends ReconciledSource {
  readonly #store: SecretStore;
  readonly #publication: BundlePublication;
  readonly #clock: Clock;
  readonly #origin: string;

  constructor({ store, publication, logger, clock = systemClock }: CertManagerSourceOptions) {
    const origin = `Secret ${store.namespace}/${store.name}`;
    super({ origin, clock, logger, intervalMilliseconds: checkIntervalMilliseconds });
    this.#store = store;
    this.#publication = publication;
    this.#clock = clock;
    this.#origin = origin;
  }

  override caBundle(): undefined {
    return undefined;
  }

  override async confirmCaBundle(): Promise<undefined> {
    return undefined;
  }

  protected override async reconcile(signal: AbortSignal): Promise<void> {
    const data = (await this.#store.get(signal))?.data ?? {};
    const [certificatePem, privateKeyPem] = ['tls.crt', 'tls.key'].map((field) => {
      const content = data[field];
      if (content === undefined || content === '') {
        throw new CertificatePairError(this.#origin, `there is no "${field}" yet`);
      }
      return Buffer.from(content, 'base64').toString('utf8');
    }) as [string, string];
    const candidate = parseServingCertificate(certificatePem, privateKeyPem, this.#origin);
    const served = this.get();
    if (served?.certificatePem === certificatePem) return;
    // Its own anchor: only the time and the purpose are judged here, the configurations judge the rest.
    const verdict = verifyChain(certificatePem, { caBundlePem: certificatePem, now: this.#clock.now() });
    if (verdict.kind === 'unverified') throw new CertificatePairError(this.#origin, verdict.reason);
    if (served !== undefined) {
      const published = await this.#publication.publishedBundles(signal);
      const now = this.#clock.now();
      const candidateVerdict = verifyAgainstPublished(candidate, published, now);
      if (
        candidateVerdict.kind === 'unverified' &&
        verifyAgainstPublished(served, published, now).kind === 'verified'
      ) {
        const problem = `the new certificate is held back until webhook configurations accept it: ${candidateVerdict.reason}`;
        throw new CertificatePairError(this.#origin, problem);
      }
    }
    this.serve(candidate);
  }

  protected override isHopeless(): boolean {
    return false;
  }

  protected override watch(look: () => void): (() => void)[] {
    return [this.#store.watch(look), this.#publication.subscribe(look)];
  }
}
