import type { WebhookDefinition } from './definition.ts';
import { HandlerFaultError, HandlerTimeoutError } from './errors.ts';
import type { AdmissionRequest } from './request.ts';

/**
 * Whether words about this request, by the author of its webhook, may quote what a Secret holds: the request is about one, or
 * the webhook looks Secrets up.
 */
export function mayQuoteSecrets({ reads }: WebhookDefinition, request: AdmissionRequest): boolean {
  return isSecrets(request.resource) || isSecrets(request.requestResource) || reads.some((name) => secrets.test(name));
}

/**
 * The same error for a log that holds no object content: of what a handler threw, words that stand in the object are
 * withheld; all words are when a Secret is near. Class, code and the lines of the stack stay.
 *
 * Errors of others quote freely: `JSON.parse` the text that it was given, a client library the body that it sent.
 */
export function withoutContent(error: Error, definition: WebhookDefinition, request: AdmissionRequest): Error {
  const content = mayQuoteSecrets(definition, request) ? undefined : contentOf(request);
  return copyOf(error, (text) => (content === undefined ? withheld : withoutWordsOf(content, text)), maxCauses);
}

/** The same for an error of which nobody knows the request: none of its words, nor of its causes'. */
export function withoutWords(error: Error): Error {
  return copyOf(error, () => withheld, maxCauses);
}

const withheld = '[withheld]';
const secrets = /^secrets(?:\/v1)?$/;
/** Errors may name each other as causes in a ring. */
const maxCauses = 5;

function isSecrets({ group, resource }: { readonly group: string; readonly resource: string }): boolean {
  return group === '' && resource === 'secrets';
}

/** What the framework says of a fault holds none of it, but the causes may. */
function copyOf(error: Error, redact: (text: string) => string, causesLeft: number): Error {
  const isOurs = error instanceof HandlerFaultError || error instanceof HandlerTimeoutError;
  const message = isOurs ? error.message : redact(error.message);
  const cause =
    error.cause instanceof Error && causesLeft > 0 ? copyOf(error.cause, redact, causesLeft - 1) : undefined;
  const copy = new Error(message, cause === undefined ? undefined : { cause });
  copy.name = error.name;
  copy.stack = `${error.name}: ${message}${framesOf(error)}`;
  if ('code' in error && typeof error.code === 'string') Object.assign(copy, { code: error.code });
  return copy;
}

/** What follows the message, so that no line of a message passes for a place in a file. */
function framesOf({ message, stack = '' }: Error): string {
  const start = stack.indexOf(message);
  return start === -1 ? '' : stack.slice(start + message.length);
}

/** Words of four letters and more; shorter ones tell nothing. */
function withoutWordsOf(content: string, text: string): string {
  return text.replaceAll(/[^\s"'`,;:=()[\]{}<>]{4,}/g, (word) => (content.includes(word) ? withheld : word));
}

/** Every value in the objects, one a line. Keys are no content. */
function contentOf({ object, oldObject }: AdmissionRequest): string {
  const values: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'string' || typeof value === 'number') values.push(String(value));
    else if (typeof value === 'object' && value !== null) {
      // What kubectl keeps there is the object once more, its keys among it.
      for (const [key, member] of Object.entries(value)) if (key !== lastApplied) collect(member);
    }
  };
  collect(object);
  collect(oldObject);
  return values.join('\n');
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
