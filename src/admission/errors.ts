import { SallyportError } from '../errors.ts';

/** Where a definition stands in the user's sources, as far as the call stack tells. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}

export function formatPlace(place: SourcePlace | undefined): string {
  return place === undefined ? 'an unknown place' : `${place.file}:${place.line}`;
}

/** A webhook definition that cannot be served or registered. `field` is its path: `rules[1].operations[0]`. */
export class InvalidDefinitionError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_DEFINITION';
  readonly field: string;
  readonly place: SourcePlace | undefined;

  constructor(field: string, problem: string, place: SourcePlace | undefined, webhook?: string) {
    super(`${formatPlace(place)}: ${webhook === undefined ? '' : `webhook ${webhook}: `}${field}: ${problem}`);
    this.field = field;
    this.place = place;
  }
}

/** Two definitions with one name or one path. */
export class DuplicateWebhookError extends SallyportError {
  readonly code = 'SALLYPORT_DUPLICATE_WEBHOOK';
  readonly property: 'name' | 'path';
  readonly value: string;

  constructor(property: 'name' | 'path', value: string, first: string, second: string) {
    super(
      `webhook ${property} "${value}" is defined twice: in ${first} and in ${second}; each ${property} must be unique`,
    );
    this.property = property;
    this.value = value;
  }
}

/** `--enable` or `--disable` names a webhook that is not there. */
export class UnknownWebhookError extends SallyportError {
  readonly code = 'SALLYPORT_UNKNOWN_WEBHOOK';

  constructor(selector: string, known: readonly string[]) {
    super(
      `no webhook has the name or path "${selector}"; ` +
        (known.length === 0 ? 'none is defined' : `defined are: ${known.join(', ')}`),
    );
  }
}

/** An answer that a handler built wrongly: a code outside 400–599, a key that cannot be an audit annotation, … */
export class InvalidAnswerError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_ANSWER';
}

/** Bytes that are not an AdmissionReview. `field` names what is wrong: `request.uid`. Answered with HTTP 400. */
export class ReviewDecodeError extends SallyportError {
  readonly code = 'SALLYPORT_REVIEW_DECODE';
  readonly field: string;

  constructor(field: string, problem: string, options?: ErrorOptions) {
    super(`${field}: ${problem}`, options);
    this.field = field;
  }
}

/** A handler threw, rejected or returned something that is no answer. Answered with HTTP 500. */
export class HandlerFaultError extends SallyportError {
  readonly code = 'SALLYPORT_HANDLER_FAULT';
  readonly webhook: string;

  constructor(webhook: string, problem: string, options?: ErrorOptions) {
    super(`webhook ${webhook}: ${problem}`, options);
    this.webhook = webhook;
  }
}

/** A handler did not answer before its deadline. Answered with HTTP 504. */
export class HandlerTimeoutError extends SallyportError {
  readonly code = 'SALLYPORT_HANDLER_TIMEOUT';
  readonly webhook: string;

  constructor(webhook: string) {
    super(`webhook ${webhook}: the handler did not answer before the deadline of the request`);
    this.webhook = webhook;
  }
}
