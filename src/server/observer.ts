import type { Operation } from '../api/admission-review.ts';

/** How a request to a webhook ended. */
export type RequestOutcome =
  | 'allowed'
  | 'patched'
  | 'denied'
  /** Answered with an error: not a review, or the handler failed or was too slow. */
  | 'fault'
  /** Answered 503 without being looked at, since it could not have been answered in time. */
  | 'shed'
  /** The caller went away, or did not send its body, before there was an answer. */
  | 'abandoned';

export interface FinishedRequest {
  readonly webhook: string;
  /** Undefined when the request ended before a webhook was asked. */
  readonly operation: Operation | undefined;
  /** `pods`, `deployments.apps`, `pods/eviction`; undefined as `operation` is. As the caller wrote it: not a checked name. */
  readonly resource: string | undefined;
  readonly dryRun: boolean;
  readonly outcome: RequestOutcome;
  /** From the headers to the answer. */
  readonly durationMilliseconds: number;
}

/** What the server has at hand at this moment. */
export interface ServerLoad {
  readonly requestsInWork: number;
  readonly requestsQueued: number;
  /** Request bodies held in memory. */
  readonly bufferedBytes: number;
  readonly connections: number;
  readonly handshakes: number;
  readonly eventLoop: EventLoopDelay;
}

export interface EventLoopDelay {
  /** How long something that arrives at any moment has to wait until the loop turns to it, on average. */
  readonly expectedMilliseconds: number;
  /** The longest that the loop was away. */
  readonly maxMilliseconds: number;
}

/** Who wants to know what the server does, such as metrics. Called on the hot path: must be quick and must not throw. */
export interface ServerObserver {
  /** Once, when the server starts. `load` may be called at any time after. */
  started(load: () => ServerLoad): void;
  requestFinished(request: FinishedRequest): void;
  /** A request that no webhook was asked about: an unknown path, a wrong method, … */
  requestRefused(httpStatus: number): void;
  /** A handler kept the event loop to itself. */
  handlerBlocked(webhook: string, milliseconds: number): void;
  certificateLoaded(notAfter: Date): void;
}

/** Looks away. */
export const noObserver: ServerObserver = {
  started: () => undefined,
  requestFinished: () => undefined,
  requestRefused: () => undefined,
  handlerBlocked: () => undefined,
  certificateLoaded: () => undefined,
};
