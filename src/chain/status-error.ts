import { formatGroupResource } from '../api/resource.ts';
import type { Status, StatusCause } from '../api/status.ts';
import type { Attributes } from './attributes.ts';

interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/**
 * 403 for this request, as plug-ins refuse: `pods "web" is forbidden: <reason>`. Without a name in the request it is the
 * object's name, its generateName, or `Unknown`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/errors.go, NewForbidden. Unlike there, `reason` is a text and never a
 * status, so the case "already forbidden, leave it" is the caller's.
 */
export function newAdmissionForbidden(attributes: Attributes, reason: string): Status {
  return newForbidden(attributes.resource, extractResourceName(attributes), reason);
}

/** Source for this and all below: k8s.io/apimachinery v0.37.2 pkg/api/errors/errors.go. */
export function newForbidden(resource: GroupResource, name: string, reason: string): Status {
  return failure(403, 'Forbidden', forbiddenMessage(resource, name, reason), nameDetails(resource, name));
}

export function newNotFound(resource: GroupResource, name: string): Status {
  const message = `${formatGroupResource(resource)} ${quote(name)} not found`;
  return failure(404, 'NotFound', message, nameDetails(resource, name));
}

/** One field error of {@link newInvalid}: `body` is the text after the field, such as `Required value`. */
export interface InvalidField {
  readonly field: string;
  /** The cause's reason: `FieldValueRequired`, `FieldValueInvalid`, … */
  readonly reason: string;
  readonly body: string;
}

/** 422; several errors print as `[a: x, b: y]`, exact repetitions once. */
export function newInvalid(kind: GroupKind, name: string, errors: readonly InvalidField[]): Status {
  const qualifiedKind = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.body}`))];
  const aggregate = texts.length === 1 ? texts.join('') : `[${texts.join(', ')}]`;
  const subject = `${qualifiedKind} ${quote(name)} is invalid`;
  return failure(422, 'Invalid', texts.length === 0 ? subject : `${subject}: ${aggregate}`, {
    ...(name === '' ? {} : { name }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    ...(errors.length === 0
      ? {}
      : { causes: errors.map(({ field, reason, body }): StatusCause => ({ reason, message: body, field })) }),
  });
}

export function newBadRequest(reason: string): Status {
  return failure(400, 'BadRequest', reason);
}

export function newInternalError(reason: string): Status {
  return failure(500, 'InternalError', `Internal error occurred: ${reason}`, { causes: [{ message: reason }] });
}

/** 504 with the text the request handler and the webhook plug-ins use when the whole request is out of time. */
export function newTimeoutError(message: string): Status {
  return failure(504, 'Timeout', `Timeout: ${message}`, {});
}

/**
 * Stands for an answer that never comes: the handler of the request panics and the connection is closed. The code and the
 * text are ours.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/server/filters/wrap.go, WithPanicRecovery, after which net/http aborts.
 */
export function newPanicked(): Status {
  return failure(500, '', 'the API server panics on this request and closes the connection without an answer');
}

/**
 * An error that is no Status gets code 500, no reason and its bare text.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/endpoints/handlers/responsewriters/status.go, ErrorToAPIStatus.
 */
export function newUnknownError(message: string): Status {
  return failure(500, '', message);
}

function failure(code: number, reason: string, message: string, details?: Status['details']): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details ? { details } : {}),
    code,
  };
}

function forbiddenMessage(resource: GroupResource, name: string, reason: string): string {
  if (resource.group === '' && resource.resource === '') return `forbidden: ${reason}`;
  const subject = formatGroupResource(resource);
  return name === '' ? `${subject} is forbidden: ${reason}` : `${subject} ${quote(name)} is forbidden: ${reason}`;
}

function nameDetails({ group, resource }: GroupResource, name: string): NonNullable<Status['details']> {
  return { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource };
}

/** Source: pkg/admission/errors.go, extractResourceName. */
function extractResourceName({ name, object }: Attributes): string {
  if (name !== '') return name;
  if (object === null) return 'Unknown';
  const metadata = object['metadata'];
  // Kinds without metadata, such as PodExecOptions: a name with a slash is never legal, so it cannot be mistaken.
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return 'Unknown/errorGettingName';
  for (const text of [metadata['name'], metadata['generateName']]) {
    if (typeof text === 'string' && text !== '') return text;
  }
  return 'Unknown';
}

/** Go's %q for names, which are printable. */
function quote(text: string): string {
  return JSON.stringify(text);
}
