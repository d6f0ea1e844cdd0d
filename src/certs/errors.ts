import { SallyportError } from '../errors.ts';

/** A certificate and key that cannot be served together: torn, mismatched, unparsable, outside their time, or not issued by the CA beside them. */
export class CertificatePairError extends SallyportError {
  readonly code = 'SALLYPORT_CERTIFICATE_PAIR';
  /** Where the pair came from: a directory, `Secret namespace/name`. */
  readonly origin: string;
  readonly problem: string;

  constructor(origin: string, problem: string, options?: ErrorOptions) {
    super(`${origin}: ${problem}`, options);
    this.origin = origin;
    this.problem = problem;
  }
}

/** The Secret that should hold the authority was made by somebody else, and is left as it is. */
export class ForeignSecretError extends SallyportError {
  readonly code = 'SALLYPORT_FOREIGN_SECRET';
  /** `namespace/name`. */
  readonly secret: string;

  constructor(secret: string, ownershipLabel: string) {
    super(
      `Secret ${secret} does not carry the label ${ownershipLabel}, so it is not ours and is left untouched: ` +
        'delete it, choose another Secret name, or put the label on it to hand it over',
    );
    this.secret = secret;
  }
}

/** The Secret is ours but what it holds is no authority: a field is missing, unparsable, or a key does not match. */
export class AuthoritySecretError extends SallyportError {
  readonly code = 'SALLYPORT_AUTHORITY_SECRET';
  /** The key under `data` that is wrong. */
  readonly field: string;

  constructor(field: string, problem: string, options?: ErrorOptions) {
    super(`data["${field}"] ${problem}`, options);
    this.field = field;
  }
}

/** There is no authority that could sign yet, and this process may not make one. */
export class MissingAuthorityError extends SallyportError {
  readonly code = 'SALLYPORT_MISSING_AUTHORITY';

  constructor(origin: string, step: string) {
    super(`${origin} holds no authority that can sign (next step: ${step}); waiting for the process that registers`);
  }
}

/** An option of a certificate source that cannot work. */
export class InvalidCertificateOptionsError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_CERTIFICATE_OPTIONS';
  readonly option: string;

  constructor(option: string, problem: string) {
    super(`${option}: ${problem}`);
    this.option = option;
  }
}
