import type { StatusCause, StatusReason } from '../api/status.ts';
import { InvalidAnswerError } from './errors.ts';

/** Found under this key, a value is an answer of ours; two copies of the package in one process still understand each other. */
const decisionKey = Symbol.for('sallyport.dev/decision');

/** What a handler answers beside its edits. Made by {@link allow} and {@link deny}. */
export type Decision = AllowDecision | DenyDecision;

export interface AllowDecision extends DecisionExtras {
  readonly [decisionKey]: 'allow';
}

export interface DenyDecision extends DecisionExtras {
  readonly [decisionKey]: 'deny';
  readonly message: string;
  readonly code: number;
  readonly reason: StatusReason;
  readonly causes: readonly StatusCause[];
}

interface DecisionExtras {
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

export interface AllowOptions {
  /** Shown to the client, also by kubectl. At most 120 characters each is good manners. Default: none. */
  readonly warnings?: readonly string[];
  /** Written to the audit log under `<webhook name>/<key>`. Default: none. */
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

export interface DenyOptions extends AllowOptions {
  /** HTTP status code that the client gets, 400–599. Default: the usual one of `reason`, else 403. */
  readonly code?: number;
  /** Machine-readable reason. Default: the usual one of `code`, else `Forbidden`. */
  readonly reason?: StatusReason;
  /** One entry for each field that is at fault. Default: none. */
  readonly causes?: readonly StatusCause[];
}

/** Lets the request through, with the edits made so far. Returning nothing says the same. */
export function allow(options: AllowOptions = {}): AllowDecision {
  return Object.freeze({ [decisionKey]: 'allow' as const, ...checkExtras(options) });
}

/**
 * Refuses the request. The client reads `admission webhook "<name>" denied the request: <message>`.
 *
 * Throws {@link InvalidAnswerError} for an empty message, a code outside 400–599 or an unfit audit annotation key.
 *
 *     return deny('replicas must exceed 2', { causes: [{ field: 'spec.replicas', message: 'is 1' }] });
 */
export function deny(message: string, options: DenyOptions = {}): DenyDecision {
  if (typeof message !== 'string' || message.trim() === '') {
    throw new InvalidAnswerError('deny(): the message is empty; say what the user should change');
  }
  const { code = codeOfReason(options.reason) ?? 403 } = options;
  if (!Number.isInteger(code) || code < 400 || code > 599) {
    throw new InvalidAnswerError(`deny(): code ${String(code)} is not an HTTP error status from 400 to 599`);
  }
  return Object.freeze({
    [decisionKey]: 'deny' as const,
    message,
    code,
    reason: options.reason ?? reasonOfCode(code) ?? 'Forbidden',
    causes: Object.freeze([...(options.causes ?? [])]),
    ...checkExtras(options),
  });
}

export function isDecision(value: unknown): value is Decision {
  return typeof value === 'object' && value !== null && decisionKey in value;
}

export function isDeny(decision: Decision): decision is DenyDecision {
  return decision[decisionKey] === 'deny';
}

/** Reasons with the code the API server pairs them with. Source: apimachinery `pkg/api/errors/errors.go`. */
const codes: ReadonlyArray<readonly [StatusReason, number]> = [
  ['BadRequest', 400],
  ['Unauthorized', 401],
  ['Forbidden', 403],
  ['NotFound', 404],
  ['MethodNotAllowed', 405],
  ['NotAcceptable', 406],
  ['Conflict', 409],
  ['AlreadyExists', 409],
  ['Gone', 410],
  ['Expired', 410],
  ['RequestEntityTooLarge', 413],
  ['UnsupportedMediaType', 415],
  ['Invalid', 422],
  ['TooManyRequests', 429],
  ['InternalError', 500],
  ['ServiceUnavailable', 503],
  ['Timeout', 504],
];

function codeOfReason(reason: StatusReason | undefined): number | undefined {
  return codes.find(([name]) => name === reason)?.[1];
}

function reasonOfCode(code: number): StatusReason | undefined {
  return codes.find(([, number]) => number === code)?.[0];
}

/**
 * The API server writes `<webhook name>/<key>` and drops, with a line in its own log only, what is then no qualified
 * name. Source: apiserver `pkg/admission/plugin/webhook/mutating/dispatcher.go`, `pkg/audit/context.go`.
 */
const annotationKeyPattern = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

function checkExtras({ warnings = [], auditAnnotations = {} }: AllowOptions): DecisionExtras {
  for (const warning of warnings) {
    if (typeof warning !== 'string') throw new InvalidAnswerError('warnings: every warning must be a string');
  }
  for (const [key, value] of Object.entries(auditAnnotations)) {
    if (!annotationKeyPattern.test(key)) {
      throw new InvalidAnswerError(
        `auditAnnotations: "${key}" cannot be a key: expected 1–63 letters, digits, "-", "_" or ".", ` +
          'beginning and ending with a letter or digit (the webhook name is put in front by the API server)',
      );
    }
    if (typeof value !== 'string')
      throw new InvalidAnswerError(`auditAnnotations: the value of "${key}" is not a string`);
  }
  return { warnings: Object.freeze([...warnings]), auditAnnotations: Object.freeze({ ...auditAnnotations }) };
}
