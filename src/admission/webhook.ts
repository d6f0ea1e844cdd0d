import type { Status } from '../api/status.ts';
import {
  diff,
  Draft,
  NotJsonError,
  type ImpreciseLiterals,
  type JsonValue,
  type PatchOperation,
} from '../json/index.ts';
import type { Decision } from './decision.ts';
import { isDecision, isDeny } from './decision.ts';
import type { ErasedHandler, WebhookDefinition } from './definition.ts';
import { HandlerFaultError, HandlerTimeoutError } from './errors.ts';
import type { AdmissionRequest, HandlerContext } from './request.ts';
import { deliverableWarnings } from './warnings.ts';

/** What a webhook decided about one request. */
export interface AdmissionOutcome {
  readonly allowed: boolean;
  /** Why not; only when refused. */
  readonly status: Status | undefined;
  /** What the handlers changed; empty when nothing, and always when refused. */
  readonly patch: readonly PatchOperation[];
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/**
 * Runs the handlers of a webhook in order over one draft of the object; the first refusal ends it. The patch is computed
 * once, after the last of them. The request itself is never changed. `literals` are those of the text that the request
 * came in; they follow the numbers into the draft.
 *
 * Throws {@link HandlerFaultError} when a handler throws, rejects or returns what is no answer, and
 * {@link HandlerTimeoutError} as soon as `context.signal` aborts while a handler's promise is awaited, whether or not the
 * handler heeds it. The signal is not asked for otherwise: it costs more to make than most handlers to run.
 */
export async function admit(
  definition: WebhookDefinition,
  request: AdmissionRequest,
  context: HandlerContext,
  literals?: ImpreciseLiterals,
): Promise<AdmissionOutcome> {
  const handlers = request.dryRun ? definition.dryRunHandlers : definition.handlers;
  const isMutating = definition.kind === 'mutating';
  const warnings: string[] = [];
  const auditAnnotations: Record<string, string> = {};
  // A lone validating handler may see the request itself: nobody looks at the object after it.
  const needsDraft = isMutating || handlers.length > 1;
  let draft = needsDraft ? draftOf(request, literals) : undefined;
  let current = draft === undefined ? request : withObject(request, draft.root);

  for (const handler of handlers) {
    const called = callHandler(definition, handler, current, context);
    const answer: unknown = called instanceof Promise ? await called : called;
    if (isDecision(answer)) {
      warnings.push(...answer.warnings);
      Object.assign(auditAnnotations, answer.auditAnnotations);
      if (isDeny(answer)) {
        return {
          allowed: false,
          status: statusOf(answer),
          patch: [],
          warnings: deliverableWarnings(warnings),
          auditAnnotations,
        };
      }
    } else if (answer !== undefined) {
      if (!isMutating || request.object === null || !isPlainObject(answer)) {
        const expected = isMutating ? 'allow(), deny(), an object or nothing' : 'allow(), deny() or nothing';
        throw new HandlerFaultError(definition.name, `the handler returned ${nameOf(answer)}; expected ${expected}`);
      }
      current = withObject(current, answer);
    }
    // Validating handlers must not see what an earlier one did to the object.
    if (!isMutating && draft !== undefined) {
      draft = draftOf(request, literals);
      current = withObject(request, draft?.root);
    }
  }
  return {
    allowed: true,
    status: undefined,
    patch: isMutating && draft !== undefined ? changes(definition, request, draft.finish(current.object)) : [],
    warnings: deliverableWarnings(warnings),
    auditAnnotations,
  };
}

/** Undefined when there is no object. */
function draftOf({ object }: AdmissionRequest, literals: ImpreciseLiterals | undefined): Draft | undefined {
  // The object came out of JSON.parse, so it is a JSON value.
  return object === null ? undefined : new Draft(object as JsonValue, literals);
}

/** Same request with another object; the operation, on which the union turns, stays. */
function withObject(request: AdmissionRequest, object: unknown): AdmissionRequest {
  return { ...request, object } as AdmissionRequest;
}

function changes(definition: WebhookDefinition, { object }: AdmissionRequest, after: unknown): PatchOperation[] {
  try {
    // Casts: the object came out of JSON.parse; NotJsonError below is the check that the handler left a JSON value.
    return diff(object as JsonValue, after as JsonValue);
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    throw new HandlerFaultError(definition.name, `the handler left what JSON cannot carry: ${error.message}`, {
      cause: error,
    });
  }
}

/** What the handler answered, or a promise of it when it did not answer at once. */
function callHandler(
  definition: WebhookDefinition,
  handler: ErasedHandler,
  request: AdmissionRequest,
  context: HandlerContext,
): unknown {
  let answer: unknown;
  try {
    answer = handler(request, context);
  } catch (error) {
    throw faultOf(definition, error, context);
  }
  return answer instanceof Promise || isThenable(answer) ? awaitHandler(definition, answer, context) : answer;
}

async function awaitHandler(
  definition: WebhookDefinition,
  answer: PromiseLike<unknown>,
  context: HandlerContext,
): Promise<unknown> {
  const { signal } = context;
  if (signal.aborted) throw new HandlerTimeoutError(definition.name);
  try {
    return await raceAbort(answer, signal, definition.name);
  } catch (error) {
    throw faultOf(definition, error, context);
  }
}

function faultOf(definition: WebhookDefinition, error: unknown, { signal }: HandlerContext): Error {
  if (error instanceof HandlerTimeoutError || error instanceof HandlerFaultError) return error;
  if (signal.aborted) return new HandlerTimeoutError(definition.name);
  // The text of the error stays out of the message: it may quote the object. It is logged as the cause.
  return new HandlerFaultError(definition.name, 'the handler failed', { cause: error });
}

function raceAbort(answer: PromiseLike<unknown>, signal: AbortSignal, webhook: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new HandlerTimeoutError(webhook));
    signal.addEventListener('abort', onAbort, { once: true });
    answer.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error instanceof Error ? error : new Error(`rejected with ${nameOf(error)}`));
      },
    );
  });
}

function statusOf(decision: Extract<Decision, { message: string }>): Status {
  const { message, code, reason, causes } = decision;
  return { status: 'Failure', message, reason, code, ...(causes.length > 0 && { details: { causes: [...causes] } }) };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
