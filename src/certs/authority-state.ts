import { createPrivateKey, type X509Certificate } from 'node:crypto';
import type { Secret } from '../api/generated/core.v1.ts';
import { formatCaBundle } from './ca-bundle.ts';
import { formatCertificates, parseCertificates } from './certificate-pem.ts';
import { AuthoritySecretError } from './errors.ts';
import type { KeyPair } from './x509.ts';

/** A CA certificate with its key. */
export interface Authority extends KeyPair {
  readonly certificate: X509Certificate;
}

/** What the replicas share: the authorities of one webhook server, by what each is for at the moment. */
export interface AuthorityState {
  /** Signs leaves. */
  readonly signing: Authority;
  /** Will sign once every webhook configuration has carried it for a while; only there while a rotation is in its first half. */
  readonly next?: Authority | undefined;
  /** Signed leaves that may still be served. Their keys are gone. Only there in the second half of a rotation. */
  readonly retired?: RetiredAuthorities | undefined;
  /**
   * Fingerprints of those that were dropped last, so that a configuration that still carries them is known to be behind.
   * Any other authority of ours that a configuration carries and that is not here has been lost, and is in use.
   */
  readonly dropped?: readonly string[] | undefined;
}

export interface RetiredAuthorities {
  readonly certificates: readonly X509Certificate[];
  /**
   * A moment at which none of them could sign any more. Absent until a replica has seen them retired and noted its time:
   * who retires them cannot know when the write will arrive, should the process be suspended on the way.
   */
  readonly since?: Date | undefined;
}

/**
 * The label by which a Secret is ours to write. A Secret without it is never changed; an empty one that carries it is
 * filled, for clusters where we may not create Secrets.
 */
export const ownershipLabel = { name: 'certs.sallyport.dev/authority', value: 'self-managed' } as const;

/** `certs.sallyport.dev/authority=self-managed` */
export const ownershipLabelText = `${ownershipLabel.name}=${ownershipLabel.value}`;

export function isOwnedSecret(secret: Secret): boolean {
  return secret.metadata?.labels?.[ownershipLabel.name] === ownershipLabel.value;
}

/** PEM of all authorities whose leaves may be met: what webhook configurations must carry. */
export function caBundleOf(state: AuthorityState): string {
  return formatCaBundle([
    state.signing.certificate,
    ...(state.next === undefined ? [] : [state.next.certificate]),
    ...(state.retired?.certificates ?? []),
  ]);
}

/** Throws {@link AuthoritySecretError} when the pair is no CA or its halves do not match. `name` is the field's, without ending. */
export function parseAuthority(pair: KeyPair, name: string): Authority {
  const [certificate] = parseField(`${name}.crt`, () => parseCertificates(pair.certificatePem));
  if (certificate === undefined) throw new AuthoritySecretError(`${name}.crt`, 'holds no certificate');
  if (!certificate.ca) throw new AuthoritySecretError(`${name}.crt`, 'is not a CA certificate');
  const privateKey = parseField(`${name}.key`, () => createPrivateKey(pair.privateKeyPem));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new AuthoritySecretError(`${name}.key`, `is not the key of ${name}.crt`);
  }
  return { ...pair, certificate };
}

/**
 * Reads what {@link encodeAuthorityState} wrote. Throws {@link AuthoritySecretError} naming the first field that is
 * missing or wrong; never with a field's content.
 */
export function decodeAuthorityState(secret: Secret): AuthorityState {
  const fields = new Map(
    Object.entries(secret.data ?? {}).map(([name, base64]) => [name, Buffer.from(base64, 'base64').toString('utf8')]),
  );
  const signing = readAuthority(fields, 'signing');
  if (signing === undefined) throw new AuthoritySecretError('signing.crt', 'is missing');
  return {
    signing,
    next: readAuthority(fields, 'next'),
    retired: readRetired(fields),
    dropped: fields.get('dropped')?.split('\n'),
  };
}

/**
 * The Secret that holds `state`: `previous` with our label and data, everything else left as it was (its
 * `resourceVersion` too, for compare-and-swap), or a new one of this name.
 */
export function encodeAuthorityState(
  state: AuthorityState,
  previous: Secret | { readonly name: string; readonly namespace: string },
): Secret {
  const base: Secret =
    'name' in previous ? { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { ...previous } } : previous;
  const fields = {
    'signing.crt': state.signing.certificatePem,
    'signing.key': state.signing.privateKeyPem,
    ...(state.next && { 'next.crt': state.next.certificatePem, 'next.key': state.next.privateKeyPem }),
    ...(state.retired && {
      'retired.crt': formatCertificates(state.retired.certificates),
      ...(state.retired.since && { 'retired-since': state.retired.since.toISOString() }),
    }),
    ...(state.dropped && { dropped: state.dropped.join('\n') }),
  };
  return {
    ...base,
    metadata: { ...base.metadata, labels: { ...base.metadata?.labels, [ownershipLabel.name]: ownershipLabel.value } },
    data: Object.fromEntries(
      Object.entries(fields).map(([name, text]) => [name, Buffer.from(text, 'utf8').toString('base64')]),
    ),
  };
}

function readAuthority(fields: ReadonlyMap<string, string>, name: string): Authority | undefined {
  const certificatePem = fields.get(`${name}.crt`);
  const privateKeyPem = fields.get(`${name}.key`);
  if (certificatePem === undefined && privateKeyPem === undefined) return undefined;
  if (certificatePem === undefined) throw new AuthoritySecretError(`${name}.crt`, `is missing beside ${name}.key`);
  if (privateKeyPem === undefined) throw new AuthoritySecretError(`${name}.key`, `is missing beside ${name}.crt`);
  return parseAuthority({ certificatePem, privateKeyPem }, name);
}

function readRetired(fields: ReadonlyMap<string, string>): RetiredAuthorities | undefined {
  const pem = fields.get('retired.crt');
  if (pem === undefined) return undefined;
  const certificates = parseField('retired.crt', () => parseCertificates(pem));
  if (certificates.length === 0) throw new AuthoritySecretError('retired.crt', 'holds no certificate');
  const noted = fields.get('retired-since');
  if (noted === undefined) return { certificates };
  const since = new Date(noted);
  if (Number.isNaN(since.getTime())) throw new AuthoritySecretError('retired-since', 'is not a time as in RFC 3339');
  return { certificates, since };
}

function parseField<T>(field: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new AuthoritySecretError(field, 'does not parse', { cause });
  }
}
