import { X509Certificate } from 'node:crypto';
import type { Secret } from '../api/generated/core.v1.ts';
import type { LogFacts } from '../telemetry/index.ts';
import {
  caBundleOf,
  decodeAuthorityState,
  encodeAuthorityState,
  isOwnedSecret,
  ownershipLabelText,
  parseAuthority,
  type Authority,
  type AuthorityState,
} from './authority-state.ts';
import { isPublished, type PublishedBundle } from './bundle-publication.ts';
import { AuthoritySecretError, CertificatePairError, ForeignSecretError, MissingAuthorityError } from './errors.ts';
import { ReconciledSource } from './reconciled-source.ts';
import { planRotation, type RotationStep } from './rotation.ts';
import {
  resolveSecretAuthorityOptions,
  type ResolvedSecretAuthorityOptions,
  type SecretAuthorityOptions,
} from './secret-authority-options.ts';
import type { SecretStore } from './secret-store.ts';
import { parseServingCertificate } from './serving-certificate.ts';
import { verifyChain } from './verify-chain.ts';
import { renewalTime } from './x509.ts';

/**
 * A self-signed authority kept in a Secret that all replicas share; each replica signs its own short-lived leaf in memory.
 *
 * The Secret is read through the API, by watch and once a minute, never by mount: a mounted Secret arrives up to a minute
 * and a half late. The CA is replaced **with overlap** (see {@link planRotation}); every step is a compare-and-swap that
 * any keeper may do, so it does not matter who dies, sleeps or comes late.
 *
 * What keeps a served leaf acceptable at every moment:
 * 1. The signing authority changes only when every configuration has carried the new one long enough.
 * 2. A replica signs only after reading the Secret anew, and dates the leaf by the time before that read. So no leaf of a
 *    retired authority ends later than one leaf's life after the retirement, and the overlap is at least that.
 * 3. A replica leaves a leaf that still holds only for one whose CA it has itself seen in every configuration long enough.
 * 4. When the Secret was lost or restored, what configurations carry is kept in the bundle beside what signs now.
 *
 * `start()` rejects with {@link ForeignSecretError} when the Secret is somebody else's. Keys are never logged.
 */
export class SecretAuthority extends ReconciledSource {
  readonly #options: ResolvedSecretAuthorityOptions;
  /** Since when each authority, by fingerprint, has been seen in every configuration; monotonic milliseconds. */
  #publishedSince = new Map<string, number>();
  #state: AuthorityState | undefined;
  /** Which authority has signed the served leaf, and when that is to be renewed (milliseconds since the epoch). */
  #leaf: { readonly issuer: string; readonly renewAt: number } | undefined;

  /** Throws {@link InvalidCertificateOptionsError}. */
  constructor(options: SecretAuthorityOptions) {
    const resolved = resolveSecretAuthorityOptions(options);
    super({ ...resolved, origin: originOf(resolved), intervalMilliseconds: resolved.checkIntervalMilliseconds });
    this.#options = resolved;
  }

  override caBundle(): string | undefined {
    return this.#state && caBundleOf(this.#state);
  }

  override async confirmCaBundle(signal?: AbortSignal): Promise<string | undefined> {
    await this.look(signal);
    return this.caBundle();
  }

  protected override async reconcile(signal: AbortSignal): Promise<void> {
    const { store, publication, clock } = this.#options;
    // Ends: each lost race is a step that another replica took, and a rotation has few.
    for (;;) {
      const readAfter = clock.now();
      const secret = await store.get(signal);
      if (secret !== undefined && !isOwnedSecret(secret)) {
        throw new ForeignSecretError(`${store.namespace}/${store.name}`, ownershipLabelText);
      }
      const state = this.#decode(secret);
      const published = await publication.publishedBundles(signal);
      this.#observe(state, published);
      const step = planRotation(state, {
        now: clock.now(),
        published,
        hasSettled: (certificate) => this.#hasSettled(certificate),
        overlapMilliseconds: this.#options.overlapMilliseconds,
      });
      // A state that lacks what configurations carry must be mended before anybody publishes it.
      if (state !== undefined && step.kind !== 'retain') await this.#adopt(state, readAfter);
      if (step.kind === 'rest') return;
      if (this.#options.role === 'follower') return this.#awaitKeeper(step.kind);
      await this.#take(step, secret, signal);
    }
  }

  protected override isHopeless(error: unknown): boolean {
    return error instanceof ForeignSecretError;
  }

  protected override watch(look: () => void): (() => void)[] {
    return [this.#options.store.watch(look), this.#options.publication.subscribe(look)];
  }

  /** The step is a keeper's to take, and the Secret tells when it has. */
  #awaitKeeper(step: string): void {
    if (this.get() !== undefined) return;
    throw new MissingAuthorityError(originOf(this.#options), step);
  }

  /** Writes the state after `step`, unless another replica has changed the Secret. */
  async #take(
    step: Exclude<RotationStep, { kind: 'rest' }>,
    secret: Secret | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, logger } = this.#options;
    const state = 'state' in step ? step.state : step.stateWith(await this.#issueAuthority());
    const outcome =
      secret === undefined
        ? await store.create(encodeAuthorityState(state, { name: store.name, namespace: store.namespace }), signal)
        : await store.replace(encodeAuthorityState(state, secret), signal);
    if (outcome.kind === 'stored')
      logger.info('certificate authority changed', { step: step.kind, ...describe(state) });
    else logger.debug('another replica changed the certificate authority first', { step: step.kind });
  }

  /** What the Secret holds; `undefined` when it is empty, absent or damaged, which all call for a new authority. */
  #decode(secret: Secret | undefined): AuthorityState | undefined {
    if (secret === undefined || Object.keys(secret.data ?? {}).length === 0) return undefined;
    try {
      return decodeAuthorityState(secret);
    } catch (error) {
      if (!(error instanceof AuthoritySecretError)) throw error;
      this.#options.logger.error('the Secret of the certificate authority is damaged and will be replaced', {
        secret: originOf(this.#options),
        error,
      });
      return undefined;
    }
  }

  #observe(state: AuthorityState | undefined, published: readonly PublishedBundle[]): void {
    const now = this.#options.clock.monotonic();
    const authorities = state === undefined ? [] : [state.signing, ...(state.next === undefined ? [] : [state.next])];
    this.#publishedSince = new Map(
      authorities
        .filter(({ certificatePem }) => isPublished(published, certificatePem))
        .map(({ certificate: { fingerprint256 } }) => [
          fingerprint256,
          this.#publishedSince.get(fingerprint256) ?? now,
        ]),
    );
  }

  #hasSettled({ fingerprint256 }: X509Certificate): boolean {
    const { clock, propagationMilliseconds } = this.#options;
    const since = this.#publishedSince.get(fingerprint256);
    return since !== undefined && clock.monotonic() - since >= propagationMilliseconds;
  }

  async #adopt(state: AuthorityState, readAfter: number): Promise<void> {
    const previousBundle = this.caBundle();
    this.#state = state;
    if (this.caBundle() !== previousBundle) this.notify();
    if (this.#needsLeafOf(state.signing)) await this.#serveLeaf(state, readAfter);
  }

  #needsLeafOf({ certificate }: Authority): boolean {
    const now = this.#options.clock.now();
    // Nothing that it signs could be served; the rotation that is due replaces it.
    if (now > certificate.validToDate.getTime()) return false;
    const served = this.get();
    if (served === undefined || this.#leaf === undefined || this.hasExpired(served)) return true;
    if (this.#leaf.issuer !== certificate.fingerprint256) return this.#hasSettled(certificate);
    return now >= this.#leaf.renewAt;
  }

  async #serveLeaf(state: AuthorityState, issuedAt: number): Promise<void> {
    const { issuer, hosts, leafLifetimeMilliseconds: lifetimeMilliseconds, clock } = this.#options;
    const request = { authority: state.signing, hosts, issuedAt, lifetimeMilliseconds };
    const { certificatePem, privateKeyPem } = await issuer.issueServingCertificate(request);
    const certificate = parseServingCertificate(certificatePem, privateKeyPem, originOf(this.#options));
    const verdict = verifyChain(certificatePem, { caBundlePem: caBundleOf(state), now: clock.now() });
    if (verdict.kind === 'unverified') throw new CertificatePairError(originOf(this.#options), verdict.reason);
    this.#leaf = {
      issuer: state.signing.certificate.fingerprint256,
      renewAt: renewalTime(new X509Certificate(certificatePem)),
    };
    this.serve(certificate);
  }

  async #issueAuthority(): Promise<Authority> {
    const { issuer, clock, authorityLifetimeMilliseconds } = this.#options;
    const lifetime = { issuedAt: clock.now(), lifetimeMilliseconds: authorityLifetimeMilliseconds };
    return parseAuthority(await issuer.issueAuthority(lifetime), 'signing');
  }
}

function originOf({ store }: { readonly store: SecretStore }): string {
  return `Secret ${store.namespace}/${store.name}`;
}

function describe(state: AuthorityState): LogFacts {
  return {
    signing: state.signing.certificate.fingerprint256,
    next: state.next?.certificate.fingerprint256,
    retired: state.retired?.certificates.map(({ fingerprint256 }) => fingerprint256),
  };
}
