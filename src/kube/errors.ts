import type { Status } from '../api/status.ts';
import { SallyportError } from '../errors.ts';

/** The API server was asked and refused, or failed to answer with success. */
export class ApiStatusError extends SallyportError {
  override readonly code = 'SALLYPORT_API_STATUS';
  readonly status: Status;
  /** HTTP status code. */
  readonly statusCode: number;
  /** As the API server says it: `NotFound`, `Conflict`, … Undefined when it gave none. */
  readonly reason: string | undefined;
  /** Seconds after which the server wants to be asked again; undefined when it did not say. */
  readonly retryAfterSeconds: number | undefined;

  /** `request` says what was asked, as in `GET /api/v1/pods`. */
  constructor(request: string, statusCode: number, status: Status, retryAfterSeconds?: number) {
    super(`${request}: ${status.message ?? status.reason ?? 'refused'} (HTTP ${statusCode})`);
    this.status = status;
    this.statusCode = statusCode;
    this.reason = status.reason;
    this.retryAfterSeconds = retryAfterSeconds ?? status.details?.retryAfterSeconds;
  }
}

/**
 * The API server could not be asked, or its answer did not arrive whole: refused or broken connection, failed TLS
 * handshake, timeout, an answer by something that is no API server. A write may have been carried out all the same.
 */
export class ApiUnreachableError extends SallyportError {
  override readonly code = 'SALLYPORT_API_UNREACHABLE';

  constructor(request: string, reason: string, options?: ErrorOptions) {
    super(`${request}: ${reason}`, options);
  }
}

/** A kubeconfig or the service account's files cannot be used; the message names the file, the entry and what is supported. */
export class ClusterConfigError extends SallyportError {
  override readonly code = 'SALLYPORT_CLUSTER_CONFIG';
}

/** There is no such object, or no such resource. Source: apimachinery pkg/api/errors, IsNotFound. */
export function isNotFound(error: unknown): error is ApiStatusError {
  return error instanceof ApiStatusError && error.statusCode === 404;
}

/** Somebody else changed the object in between, or owns the field that was applied. */
export function isConflict(error: unknown): error is ApiStatusError {
  return error instanceof ApiStatusError && error.statusCode === 409 && error.reason === 'Conflict';
}

export function isAlreadyExists(error: unknown): error is ApiStatusError {
  return error instanceof ApiStatusError && error.statusCode === 409 && error.reason === 'AlreadyExists';
}

/** The resourceVersion or continue token is too old to go on from: list anew. The server says `Gone` or `Expired`. */
export function isExpired(error: unknown): error is ApiStatusError {
  return error instanceof ApiStatusError && (error.statusCode === 410 || error.reason === 'Expired');
}

export function isForbidden(error: unknown): error is ApiStatusError {
  return error instanceof ApiStatusError && error.statusCode === 403;
}
