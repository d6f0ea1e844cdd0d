import type { KubernetesObject } from '../api/object-meta.ts';
import { requesterClasses, type RemovalVerb, type RequesterClass } from './requester.ts';

/** The truth about one Pod's departure, as JSON. Written by the guard alone. */
export const stateAnnotation = 'sallyport.dev/guard-state';
/** Lets the Pod go at once; the value says why. Seen by the API server itself, so that it works while no guard answers. */
export const bypassAnnotation = 'sallyport.dev/guard-bypass';
/** What a person wants of a hold: `abort` or `release`. The guard carries it out and removes it. */
export const requestAnnotation = 'sallyport.dev/guard-request';
/** On a Pod: it is guarded. On a Namespace: guarding is allowed there. */
export const guardLabel = 'sallyport.dev/guard';
export const guardLabelValue = 'enabled';

/**
 * - `Waiting`: another Pod of the same workload is leaving; this one's turn comes.
 * - `Cleaning`: the hook is at work.
 * - `Retrying`: the hook failed and is started again after a pause.
 * - `Held`: the deadline passed, or the hook failed, and the policy is to hold; a person decides, or the hook is done yet.
 * - `Released`: the Pod may leave.
 * - `Aborting`: the clean-up is being undone.
 * - `Aborted`: as if nothing had been, but for the number of the last attempt.
 */
export type GuardPhase = 'Waiting' | 'Cleaning' | 'Retrying' | 'Held' | 'Released' | 'Aborting' | 'Aborted';

/** Why a Pod may leave. Anything but `Clean` is counted: its clean-up was not seen to end. */
export type ReleaseCause = 'Clean' | 'Deadline' | 'HookFailed' | 'Requested' | 'Bypass';

/** Why a clean-up is undone. */
export type AbortCause = 'Idle' | 'Requested' | 'NotDeleted';

/** What the guard knows about one Pod. Times are milliseconds since the epoch here, ISO 8601 in the annotation. */
export interface GuardState {
  /** Of the Pod: a copy of the annotation on another Pod says nothing. */
  readonly uid: string;
  readonly phase: GuardPhase;
  /** `namespace/name` of the DeletionGuard that holds it, or the name of a guard in a file. */
  readonly guard: string;
  /** When this phase began. */
  readonly since: number;
  /** When it must end: the policy's deadline, or that of the undoing. Absent while `Waiting` and once `Aborted`. */
  readonly deadline?: number | undefined;
  /** Counts starts of the hook over the whole life of the Pod, so that no two share an idempotency key. */
  readonly attempt: number;
  /** User name of whoever asks for the Pod's removal. */
  readonly requester: string;
  readonly requesterClass: RequesterClass;
  readonly verb: RemovalVerb;
  /** As the request said; absent for the Pod's own. */
  readonly graceSeconds?: number | undefined;
  /** When removal was last asked for, give or take half a minute. */
  readonly lastAttempt: number;
  /** When the requester was last woken to see whether it still asks. */
  readonly pokedAt?: number | undefined;
  /** The replica that drives the hook. Absent where there is nothing to drive. */
  readonly owner?: string | undefined;
  /** In `Retrying`: when the hook is started again. */
  readonly retryAt?: number | undefined;
  /** Failures of the hook in this hold. */
  readonly failures?: number | undefined;
  readonly releaseCause?: ReleaseCause | undefined;
  readonly abortCause?: AbortCause | undefined;
  /** For people. */
  readonly message?: string | undefined;
  /** What the guard changed on the Pod and puts back when the hold is called off. */
  readonly restore?: Restore | undefined;
}

/** Former values; null for none. */
export interface Restore {
  readonly deletionCost?: string | null | undefined;
  readonly trafficLabel?: { readonly key: string; readonly value: string } | undefined;
}

const timeFields = ['since', 'deadline', 'lastAttempt', 'pokedAt', 'retryAt'] as const;
const phases: readonly string[] = ['Waiting', 'Cleaning', 'Retrying', 'Held', 'Released', 'Aborting', 'Aborted'];

/** The annotation's text. Equal states give equal texts. */
export function formatState(state: GuardState): string {
  const fields: Record<string, unknown> = { ...state };
  for (const name of timeFields) {
    const time = state[name];
    if (time !== undefined) fields[name] = new Date(time).toISOString();
  }
  return JSON.stringify(fields);
}

/**
 * The state that a Pod's annotation tells; undefined for none, for a text that is no state, and for the state of another
 * Pod.
 */
export function stateOf({ metadata }: Pick<KubernetesObject, 'metadata'>): GuardState | undefined {
  const state = parseState(metadata?.annotations?.[stateAnnotation]);
  return state !== undefined && state.uid === metadata?.uid ? state : undefined;
}

/** The state that a text tells; undefined for a text that is none. */
export function parseState(text: string | undefined): GuardState | undefined {
  if (text === undefined) return undefined;
  let fields: Record<string, unknown>;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    fields = { ...value };
  } catch {
    return undefined;
  }
  for (const name of timeFields) {
    const time = fields[name];
    if (time === undefined) continue;
    const milliseconds = typeof time === 'string' ? Date.parse(time) : NaN;
    if (Number.isNaN(milliseconds)) return undefined;
    fields[name] = milliseconds;
  }
  const isState =
    phases.includes(String(fields['phase'])) &&
    typeof fields['uid'] === 'string' &&
    typeof fields['guard'] === 'string' &&
    Number.isSafeInteger(fields['attempt']) &&
    typeof fields['requester'] === 'string' &&
    (requesterClasses as readonly unknown[]).includes(fields['requesterClass']) &&
    (fields['verb'] === 'DELETE' || fields['verb'] === 'eviction') &&
    typeof fields['since'] === 'number' &&
    typeof fields['lastAttempt'] === 'number';
  // Checked field by field above, as far as decisions depend on them.
  return isState ? (fields as unknown as GuardState) : undefined;
}

/** Whether a Pod in this state takes one of its workload's places among those that may leave at one time. */
export function takesSlot(state: GuardState | undefined): boolean {
  return state !== undefined && state.phase !== 'Waiting' && state.phase !== 'Aborted';
}
