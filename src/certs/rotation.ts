import type { X509Certificate } from 'node:crypto';
import { caBundleOf, type Authority, type AuthorityState } from './authority-state.ts';
import type { PublishedBundle } from './bundle-publication.ts';
import { caBundleIncludes, trustedCertificates } from './ca-bundle.ts';
import { describeUntimely } from './verify-chain.ts';
import { isAuthorityOfOurs, renewalTime } from './x509.ts';

/**
 * The next thing to do to the shared state, if anything. Each is one compare-and-swap that any replica may do, so a
 * rotation survives whoever began it:
 *
 *     steady ──prepare──▶ next is published ──promote──▶ old is retired ──date-retired──▶ ──drop-retired──▶ steady
 *
 * - `found`: there is no usable state; begin with a new authority, keeping what configurations carry now as retired.
 * - `retain`: configurations carry an authority of ours that the state has lost (the Secret was restored from a backup, or
 *   made anew by somebody who could not know it); keep it as retired, so that publishing breaks no leaf that is served.
 * - `prepare`: the signing authority is due; put a new one beside it, to be published.
 * - `promote`: the new one has reached every API server; leaves are signed by it from now on.
 * - `date-retired`: note when the old one was surely unable to sign.
 * - `drop-retired`: no leaf of the old one can still be valid.
 */
export type RotationStep =
  | { readonly kind: 'rest' }
  | { readonly kind: 'found' | 'prepare'; readonly stateWith: (newAuthority: Authority) => AuthorityState }
  | {
      readonly kind: 'retain' | 'promote' | 'date-retired' | 'drop-retired';
      readonly state: AuthorityState;
    };

export interface RotationFacts {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly published: readonly PublishedBundle[];
  /** Whether every configuration has carried this authority for so long that every API server works with it. */
  readonly hasSettled: (certificate: X509Certificate) => boolean;
  /** How long a retired authority stays published: at least the life of a leaf. */
  readonly overlapMilliseconds: number;
}

/** Plans one step from the shared state, `undefined` when there is none that can be read. */
export function planRotation(state: AuthorityState | undefined, facts: RotationFacts): RotationStep {
  if (state === undefined) {
    const retired = liveAuthorities(facts);
    return { kind: 'found', stateWith: (signing) => ({ signing, ...retire(retired) }) };
  }
  const { signing, next, retired } = state;
  const alreadyRetired = retired?.certificates ?? [];
  const lost = liveAuthorities(facts).filter(
    (one) =>
      isAuthorityOfOurs(one) &&
      !caBundleIncludes(caBundleOf(state), one.toString()) &&
      state.dropped?.includes(one.fingerprint256) !== true,
  );
  if (lost.length > 0) return { kind: 'retain', state: { ...state, ...retire([...alreadyRetired, ...lost]) } };
  if (retired !== undefined) {
    const { certificates, since } = retired;
    if (since === undefined) {
      return { kind: 'date-retired', state: { ...state, retired: { certificates, since: new Date(facts.now) } } };
    }
    const isOver = facts.now >= since.getTime() + facts.overlapMilliseconds;
    if (isOver && facts.hasSettled(signing.certificate)) {
      const dropped = certificates.map(({ fingerprint256 }) => fingerprint256);
      return { kind: 'drop-retired', state: { signing, next, dropped } };
    }
  }
  if (next !== undefined && mayPromote(signing, next, facts)) {
    const retiring = retire([...alreadyRetired, signing.certificate]);
    return { kind: 'promote', state: { ...state, signing: next, next: undefined, ...retiring } };
  }
  if (facts.now < renewalTime((next ?? signing).certificate)) return { kind: 'rest' };
  return { kind: 'prepare', stateWith: (newAuthority) => ({ ...state, next: newAuthority }) };
}

function mayPromote(signing: Authority, next: Authority, facts: RotationFacts): boolean {
  // One replica whose clock is far ahead must not make the others move to a CA that is not valid yet.
  if (describeUntimely(next.certificate, facts.now) !== undefined) return false;
  // With the signing authority expired no leaf can be served, and without a leaf nobody would publish the next one.
  return facts.hasSettled(next.certificate) || facts.now > signing.certificate.validToDate.getTime();
}

/** CAs that configurations carry and that could still vouch for a leaf. */
function liveAuthorities({ published, now }: RotationFacts): X509Certificate[] {
  const carried = published.flatMap(({ caBundlePem }) => trustedCertificates(caBundlePem));
  const unique = new Map(carried.map((certificate) => [certificate.fingerprint256, certificate]));
  return [...unique.values()].filter((one) => one.ca && now <= one.validToDate.getTime());
}

function retire(certificates: readonly X509Certificate[]): Pick<AuthorityState, 'retired'> {
  return certificates.length === 0 ? {} : { retired: { certificates } };
}
