import type { Operation } from '../api/admission-review.ts';
import type { Status } from '../api/status.ts';
import type { JsonObject } from '../json/json-value.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import type { Attributes } from './attributes.ts';
import type { AuditAnnotations } from './audit-annotations.ts';
import type { Authorizer } from './authorizer.ts';
import type { ClusterState } from './cluster-state.ts';
import type { ObjectInterfaces } from './object-interfaces.ts';
import type { ReinvocationContext } from './reinvocation.ts';
import type { WebhookStep } from './step.ts';
import type { Warnings } from './warnings.ts';

/**
 * One plug-in of the API server's admission chain.
 *
 * `admit` belongs to the mutating walk, `validate` to the validating one; a plug-in has either or both. A decision is a
 * returned value; what is thrown is a fault of the engine or of its surroundings and ends the run.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/interfaces.go.
 */
export interface AdmissionPlugin {
  /** As `--enable-admission-plugins` spells it. */
  readonly name: string;
  handles(operation: Operation): boolean;
  admit?(attributes: Attributes, context: AdmissionContext): AdmitResult | Promise<AdmitResult>;
  validate?(attributes: Attributes, context: AdmissionContext): ValidateResult | Promise<ValidateResult>;
}

/** The request may go on, with `object` in the place of the one the plug-in was given (the same when unchanged). */
export interface Admitted {
  readonly kind: 'allowed';
  readonly object: JsonObject | null;
}

export interface Validated {
  readonly kind: 'allowed';
}

/** The request ends here and the client gets `status`. */
export interface Refused {
  readonly kind: 'refused';
  readonly status: Status;
}

export type AdmitResult = Admitted | Refused;
export type ValidateResult = Validated | Refused;

/** Lets the request go on with `object`, which may be the one that came. */
export function admitted(object: JsonObject | null): Admitted {
  return { kind: 'allowed', object };
}

/** The answer of a validating plug-in that has nothing against the request. */
export const validated: Validated = Object.freeze({ kind: 'allowed' });

/** Ends the request; see status-error.ts for the statuses the API server builds. */
export function refused(status: Status): Refused {
  return { kind: 'refused', status };
}

/** What the plug-ins of one request share. A plug-in keeps nothing of a request in itself. */
export interface AdmissionContext {
  /** The cluster as it stood when the request arrived, as the plug-ins' listers show it. */
  readonly state: ClusterState;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  readonly logger: Logger;
  /** `Warning:` headers for the client; delivered on refusal too. */
  readonly warnings: Warnings;
  readonly auditAnnotations: AuditAnnotations;
  /** State that outlives one pass over the mutating plug-ins, and the wish for a second pass. */
  readonly reinvocation: ReinvocationContext;
  /** Equivalent resources, conversion and defaulting for the requested kind. */
  readonly objectInterfaces: ObjectInterfaces;
  /** When the whole request must be done, on `clock.monotonic()`. */
  readonly deadline: number;
  /** Aborted when the client goes away or `deadline` passes. */
  readonly signal: AbortSignal;
  /** Adds a webhook to the trace. */
  record(step: WebhookStep): void;
}
