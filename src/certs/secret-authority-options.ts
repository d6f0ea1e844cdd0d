import { systemClock, type Clock, type Logger } from '../telemetry/index.ts';
import type { BundlePublication } from './bundle-publication.ts';
import { InvalidCertificateOptionsError } from './errors.ts';
import type { SecretStore } from './secret-store.ts';
import {
  clockSkewMilliseconds,
  issueAuthority,
  issueServingCertificate,
  type KeyPair,
  type Lifetime,
  type ServingRequest,
} from './x509.ts';

/** Who makes keys and signs. */
export interface CertificateIssuer {
  issueAuthority(lifetime: Lifetime): Promise<KeyPair>;
  issueServingCertificate(request: ServingRequest): Promise<KeyPair>;
}

/** Options of {@link SecretAuthority}. Every replica of one webhook server must run with the same times. */
export interface SecretAuthorityOptions {
  /** The Secret that the replicas share. */
  readonly store: SecretStore;
  /** What the API server's webhook configurations carry. */
  readonly publication: BundlePublication;
  /** DNS names and IP addresses the API server may dial; see {@link serviceHosts}. At least one. */
  readonly hosts: readonly string[];
  readonly logger: Logger;
  /**
   * A `keeper` makes the authority and rotates it; any number may. A `follower` only reads the Secret and signs its own leaf,
   * for a process whose identity may not write it; it waits for a keeper. Default: `keeper`.
   */
  readonly role?: 'keeper' | 'follower';
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Life of a CA; it is replaced at two thirds. Default: 365 days. */
  readonly authorityLifetimeMilliseconds?: number;
  /** Life of the leaf that each replica signs for itself; it is replaced at two thirds. Default: 7 days, as cert-manager's webhook. */
  readonly leafLifetimeMilliseconds?: number;
  /**
   * How long a CA stays published after it stopped signing. At least the life of a leaf, so that a replica that sleeps
   * through a rotation wakes with a leaf that is either accepted or expired; longer by what the replicas' clocks may
   * differ. Default: life of a leaf and one hour.
   */
  readonly overlapMilliseconds?: number;
  /**
   * From the moment a configuration is stored until every API server works with it: each has an informer of its own.
   * Default: one minute.
   */
  readonly propagationMilliseconds?: number;
  /** Time between two looks at the Secret when nothing has been heard. Default: one minute. */
  readonly checkIntervalMilliseconds?: number;
  /** Default: keys and signatures of this process. */
  readonly issuer?: CertificateIssuer;
}

export type ResolvedSecretAuthorityOptions = Required<SecretAuthorityOptions>;

const minuteMilliseconds = 60_000;
const dayMilliseconds = 24 * 60 * minuteMilliseconds;
export const defaultAuthorityLifetimeMilliseconds = 365 * dayMilliseconds;
/** Validity in certificates counts whole seconds; below this the rounding eats the last third of a life. */
const shortestLeafMilliseconds = 3000;

/** Throws {@link InvalidCertificateOptionsError} when the times cannot work together. */
export function resolveSecretAuthorityOptions(options: SecretAuthorityOptions): ResolvedSecretAuthorityOptions {
  const leafLifetimeMilliseconds = options.leafLifetimeMilliseconds ?? 7 * dayMilliseconds;
  const resolved: ResolvedSecretAuthorityOptions = {
    role: 'keeper',
    clock: systemClock,
    authorityLifetimeMilliseconds: defaultAuthorityLifetimeMilliseconds,
    leafLifetimeMilliseconds,
    overlapMilliseconds: leafLifetimeMilliseconds + clockSkewMilliseconds,
    propagationMilliseconds: minuteMilliseconds,
    checkIntervalMilliseconds: minuteMilliseconds,
    issuer: { issueAuthority, issueServingCertificate },
    ...options,
  };
  const { hosts, authorityLifetimeMilliseconds, overlapMilliseconds, checkIntervalMilliseconds } = resolved;
  if (hosts.length === 0) throw new InvalidCertificateOptionsError('hosts', 'at least one name or address is needed');
  require(leafLifetimeMilliseconds >=
    shortestLeafMilliseconds, 'leafLifetimeMilliseconds', `${leafLifetimeMilliseconds} is less than ${shortestLeafMilliseconds}`);
  require(authorityLifetimeMilliseconds >=
    3 *
      leafLifetimeMilliseconds, 'authorityLifetimeMilliseconds', `${authorityLifetimeMilliseconds} is less than three lives of a leaf (${leafLifetimeMilliseconds} each): a leaf signed just before the CA is replaced would outlive it`);
  require(overlapMilliseconds >=
    leafLifetimeMilliseconds, 'overlapMilliseconds', `${overlapMilliseconds} is less than the life of a leaf, ${leafLifetimeMilliseconds}: leaves would lose their CA while they are served`);
  require(checkIntervalMilliseconds > 0 &&
    checkIntervalMilliseconds <=
      leafLifetimeMilliseconds /
        6, 'checkIntervalMilliseconds', `${checkIntervalMilliseconds} is not above 0 and at most a sixth of a leaf's life, ${leafLifetimeMilliseconds}: its last third must hold two looks`);
  return resolved;
}

function require(isGood: boolean, option: string, problem: string): void {
  if (!isGood) throw new InvalidCertificateOptionsError(option, problem);
}
