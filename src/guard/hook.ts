import type { Pod } from '../api/generated/core.v1.ts';
import type { RemovalVerb } from './requester.ts';

/** What a hook is told with each call. */
export interface HookCall {
  /** As last seen; must not be changed. */
  readonly pod: Pod;
  /** `namespace/name` of a DeletionGuard, or the name of a guard in a file. */
  readonly guard: string;
  /** Rises with each start over the life of the Pod. */
  readonly attempt: number;
  /** `<uid of the Pod>/<attempt>`: the same for repeated calls of one start, its status and its undoing. */
  readonly idempotencyKey: string;
  /** Milliseconds since the epoch, after which the guard decides without the hook. */
  readonly deadline: number;
  /** User name of who wants the Pod gone. */
  readonly requester: string;
  readonly verb: RemovalVerb;
  readonly signal: AbortSignal;
}

/**
 * What the application says about its clean-up.
 *
 * `Unknown`: it knows of no clean-up by this key, so one is started (again). `Failed`: it ended without success, and
 * needs another start.
 */
export interface HookReport {
  readonly phase: 'Running' | 'Done' | 'Failed' | 'Unknown';
  /** For people; Secret data must not be in it. */
  readonly message?: string | undefined;
}

/**
 * The application's clean-up. Each method is one try: throwing says that the application could not be asked, and the
 * worker asks again after a pause. A call may be repeated with the same key, after a crash of the guard for instance.
 */
export interface GuardHook {
  /** Begins the clean-up, and returns when it has begun. */
  start(call: HookCall): Promise<void>;
  /** How it stands. Only `Done` from here lets a Pod go. */
  status(call: HookCall): Promise<HookReport>;
  /** Takes the clean-up back: the Pod stays. */
  undo(call: HookCall): Promise<void>;
}
