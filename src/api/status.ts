/** `metav1.Status`: what the API server, and we, answer when something is not right. */
export interface Status {
  kind?: 'Status';
  apiVersion?: 'v1';
  metadata?: { [field: string]: unknown };
  status?: 'Success' | 'Failure' | (string & {});
  message?: string;
  reason?: StatusReason;
  details?: StatusDetails;
  /** HTTP status code. */
  code?: number;
}

/** The reasons of apimachinery `pkg/apis/meta/v1/types.go`; any other text is carried as it is. */
export type StatusReason =
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'ServerTimeout'
  | 'StoreReadError'
  | 'Timeout'
  | 'TooManyRequests'
  | 'BadRequest'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'InternalError'
  | 'Expired'
  | 'ServiceUnavailable'
  | (string & {});

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface StatusCause {
  reason?: string;
  message?: string;
  /** The field as a path: `spec.containers[0].image`. */
  field?: string;
}
