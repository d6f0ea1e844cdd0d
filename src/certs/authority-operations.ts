import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../telemetry/index.ts';
import {
  decodeAuthorityState,
  encodeAuthorityState,
  isOwnedSecret,
  ownershipLabelText,
  parseAuthority,
  type AuthorityState,
} from './authority-state.ts';
import { ForeignSecretError } from './errors.ts';
import { defaultAuthorityLifetimeMilliseconds } from './secret-authority-options.ts';
import type { SecretStore } from './secret-store.ts';
import { issueAuthority, renewalTime } from './x509.ts';

/** What operators ask of a shared authority. */
export interface AuthorityStatus {
  /**
   * `steady`: one CA. `publishing`: a new one waits until every configuration carries it. `retiring`: the new one signs,
   * the old one is still published.
   */
  readonly phase: 'steady' | 'publishing' | 'retiring';
  readonly signing: AuthorityCertificateStatus;
  readonly next?: AuthorityCertificateStatus | undefined;
  readonly retired: readonly AuthorityCertificateStatus[];
  /** Since when the retired ones do not sign any more, where a replica has noted it. */
  readonly retiredSince?: Date | undefined;
}

export interface AuthorityCertificateStatus {
  /** SHA-256 of the certificate, `AB:CD:…`. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** When replicas begin to replace it. */
  readonly renewAt: Date;
}

export interface RotateAuthorityOptions {
  readonly store: SecretStore;
  readonly clock: Clock;
  /** Life of the new CA. Default: 365 days, as that of {@link SecretAuthority}. */
  readonly authorityLifetimeMilliseconds?: number;
}

/** `started`: the replicas take it from here. `already-rotating`: a new CA is already waiting to be published. */
export type RotateAuthorityResult = 'started' | 'already-rotating' | 'no-authority';

/**
 * The shared authority as its Secret says; `undefined` when there is no Secret.
 * Throws {@link ForeignSecretError}, {@link AuthoritySecretError}, and what the store throws.
 */
export async function readAuthorityStatus(
  store: SecretStore,
  signal?: AbortSignal,
): Promise<AuthorityStatus | undefined> {
  const found = await readAuthority(store, signal);
  if (found === undefined) return undefined;
  const { signing, next, retired } = found.state;
  return {
    phase: next !== undefined ? 'publishing' : retired !== undefined ? 'retiring' : 'steady',
    signing: certificateStatus(signing.certificate),
    next: next && certificateStatus(next.certificate),
    retired: (retired?.certificates ?? []).map(certificateStatus),
    retiredSince: retired?.since,
  };
}

/**
 * Begins to replace the CA now, before it is due: puts a new one beside it, which the running replicas publish and move
 * to. Returns once that is stored. Throws as {@link readAuthorityStatus}.
 */
export async function rotateAuthority(
  options: RotateAuthorityOptions,
  signal?: AbortSignal,
): Promise<RotateAuthorityResult> {
  const { store, clock, authorityLifetimeMilliseconds = defaultAuthorityLifetimeMilliseconds } = options;
  // Ends: each lost race is a step that a replica took, and a rotation has few.
  for (;;) {
    const found = await readAuthority(store, signal);
    if (found === undefined) return 'no-authority';
    if (found.state.next !== undefined) return 'already-rotating';
    const pair = await issueAuthority({
      issuedAt: clock.now(),
      lifetimeMilliseconds: authorityLifetimeMilliseconds,
    });
    const state: AuthorityState = { ...found.state, next: parseAuthority(pair, 'next') };
    const outcome = await store.replace(encodeAuthorityState(state, found.secret), signal);
    if (outcome.kind === 'stored') return 'started';
  }
}

async function readAuthority(store: SecretStore, signal: AbortSignal | undefined) {
  const secret = await store.get(signal);
  if (secret === undefined) return undefined;
  if (!isOwnedSecret(secret)) throw new ForeignSecretError(`${store.namespace}/${store.name}`, ownershipLabelText);
  return { secret, state: decodeAuthorityState(secret) };
}

function certificateStatus(certificate: X509Certificate): AuthorityCertificateStatus {
  return {
    fingerprint: certificate.fingerprint256,
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
    renewAt: new Date(renewalTime(certificate)),
  };
}
