/**
 * Every code a {@link SallyportError} may carry. Each has a line in docs/errors.md, held by a test.
 */
export type SallyportErrorCode =
  | 'SALLYPORT_API_STATUS'
  | 'SALLYPORT_API_UNREACHABLE'
  | 'SALLYPORT_AUTHORITY_SECRET'
  | 'SALLYPORT_CERTIFICATE_PAIR'
  | 'SALLYPORT_CLUSTER_CONFIG'
  | 'SALLYPORT_CONTROL_PLANE_BINARIES'
  | 'SALLYPORT_CONTROL_PLANE_START'
  | 'SALLYPORT_CONVERSION'
  | 'SALLYPORT_DUPLICATE_CEL_OVERLOAD'
  | 'SALLYPORT_DUPLICATE_WEBHOOK'
  | 'SALLYPORT_FOREIGN_SECRET'
  | 'SALLYPORT_HANDLER_FAULT'
  | 'SALLYPORT_HANDLER_TIMEOUT'
  | 'SALLYPORT_INVALID_ANSWER'
  | 'SALLYPORT_INVALID_CERTIFICATE_OPTIONS'
  | 'SALLYPORT_INVALID_CONFIGURATION'
  | 'SALLYPORT_INVALID_DEFINITION'
  | 'SALLYPORT_INVALID_LABEL_SELECTOR'
  | 'SALLYPORT_INVALID_PLUGIN_FLAGS'
  | 'SALLYPORT_INVALID_POINTER'
  | 'SALLYPORT_INVALID_QUANTITY'
  | 'SALLYPORT_INVALID_QUOTA_SCOPE'
  | 'SALLYPORT_INVALID_REGISTRATION'
  | 'SALLYPORT_JSON_SYNTAX'
  | 'SALLYPORT_NOT_JSON'
  | 'SALLYPORT_NO_CONVERTER'
  | 'SALLYPORT_PATCH_APPLY'
  | 'SALLYPORT_PATCH_NOT_APPLICABLE'
  | 'SALLYPORT_PATCH_PANIC'
  | 'SALLYPORT_REVIEW_DECODE'
  | 'SALLYPORT_UNCOUNTABLE_OBJECT'
  | 'SALLYPORT_UNDECODABLE_PATCH'
  | 'SALLYPORT_UNKNOWN_WEBHOOK'
  | 'SALLYPORT_UNSAFE_REGISTRATION'
  | 'SALLYPORT_USAGE'
  | 'SALLYPORT_WEBHOOK_CALL'
  | 'SALLYPORT_WEBHOOK_CLIENT_CONFIG'
  | 'SALLYPORT_WEBHOOK_FILE'
  | 'SALLYPORT_WEBHOOK_THREAD';

/**
 * Base of everything Sallyport throws. A fault, never a refusal: refusals are values.
 *
 * Subclasses live in the folder that throws them, carry the facts as fields and say in the message what was wrong,
 * where, and what was expected.
 */
export abstract class SallyportError extends Error {
  abstract readonly code: SallyportErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
