import type { GuardPolicy } from './guard-policy.ts';
import type { AbortCause, GuardPhase, GuardState, ReleaseCause, Restore } from './guard-state.ts';
import type { HookReport } from './hook.ts';
import type { RemovalVerb, RequesterClass } from './requester.ts';

/** What happens to a guarded Pod. */
export type GuardEvent =
  /** Somebody wants it gone, really: no dry run, and nothing exempts it. */
  | ({ readonly kind: 'attempt' } & RemovalAttempt)
  /** The turn of a waiting one has come. */
  | { readonly kind: 'slot'; readonly restore?: Restore | undefined }
  /** Time has passed. */
  | { readonly kind: 'tick' }
  /** The hook said how that attempt stands. */
  | { readonly kind: 'report'; readonly attempt: number; readonly report: HookReport }
  /** The hook has taken that attempt back. */
  | { readonly kind: 'undone'; readonly attempt: number }
  /** A person decides. */
  | { readonly kind: 'request'; readonly action: 'abort' | 'release' }
  /** Somebody put the break-glass annotation on it. */
  | { readonly kind: 'bypass'; readonly reason: string }
  /** The replica that drove the hook is gone. */
  | { readonly kind: 'takeOver'; readonly owner: string };

export interface RemovalAttempt {
  /** Of the Pod. */
  readonly uid: string;
  /** The guard's name, as in {@link GuardState}. */
  readonly guard: string;
  readonly verb: RemovalVerb;
  readonly requester: string;
  readonly requesterClass: RequesterClass;
  readonly graceSeconds?: number | undefined;
  /** Whether the Pod may begin to leave; where the workload's places are taken it may not. */
  readonly hasSlot: boolean;
  /** The replica that will drive the hook. */
  readonly owner: string;
  /** What the claim changes on the Pod. */
  readonly restore?: Restore | undefined;
}

/**
 * What the owner is to do now. All of them may be repeated.
 *
 * `ask` is `start` for an attempt of which the owner knows that nobody has started it, else `status`.
 */
export type GuardEffect = 'requestSlot' | 'takeOutOfService' | 'ask' | 'start' | 'undo' | 'finish' | 'putBackInService';

/** The answer to an attempt. */
export type GuardAnswer =
  | { readonly kind: 'hold'; readonly phase: GuardPhase }
  | {
      readonly kind: 'allow';
      /** `Clean` when the clean-up was seen to end; else why it is let go without. */
      readonly cause: ReleaseCause;
    };

export interface GuardStep {
  /** The same object when nothing changes: then nothing is written. */
  readonly state: GuardState | undefined;
  readonly effects: readonly GuardEffect[];
  /** Only of an attempt. */
  readonly answer?: GuardAnswer | undefined;
  /** When to tick again, at the latest; milliseconds since the epoch. Undefined when time changes nothing. */
  readonly wakeAt?: number | undefined;
}

/**
 * One step of a Pod's departure. Pure: everything that decides is in the arguments, so that any replica comes to the
 * same, before and after a crash.
 *
 * `now` is milliseconds since the epoch. The caller stores a changed state before it acts on the effects, and drops the
 * step when the store was changed by somebody else in between.
 */
export function next(state: GuardState | undefined, event: GuardEvent, now: number, policy: GuardPolicy): GuardStep {
  switch (event.kind) {
    case 'attempt':
      return attempt(state, event, now, policy);
    case 'slot':
      return state?.phase === 'Waiting'
        ? tick(begin({ ...state, restore: event.restore }, now, policy), now, policy)
        : same(state);
    case 'tick':
      return tick(state, now, policy);
    case 'report':
      return report(state, event, now, policy);
    case 'undone':
      return state?.phase === 'Aborting' && state.attempt === event.attempt
        ? tick(afterUndo(state, now, policy), now, policy)
        : same(state);
    case 'request':
      return request(state, event.action, now, policy);
    case 'bypass':
      return state !== undefined && isHeld(state)
        ? tick(release(state, 'Bypass', now, event.reason), now, policy)
        : same(state);
    case 'takeOver':
      return state === undefined || state.owner === event.owner
        ? same(state)
        : { state: { ...state, owner: event.owner }, effects: [] };
  }
}

/**
 * How much older than the truth `lastAttempt` may be: each write wakes the owner's controller, which asks again at once,
 * so that a write for each request would never end. Less than half of the idle time, for that to be told rightly.
 */
export function lastAttemptLagMilliseconds({ idleAfterSeconds }: GuardPolicy): number {
  return Math.min(30_000, idleAfterSeconds * 500);
}

/** Whether the hook may be at work, or was: what {@link GuardEffect} `undo` is for. */
function mayHaveStarted(state: GuardState, now: number, policy: GuardPolicy): boolean {
  if (state.phase === 'Waiting') return false;
  return state.phase !== 'Cleaning' || now >= startAt(state, policy);
}

/** The Pod goes out of service first; after a failure it is already. */
function startAt({ since, failures = 0 }: GuardState, { settleSeconds }: GuardPolicy): number {
  return failures === 0 ? since + settleSeconds * 1000 : since;
}

const same = (state: GuardState | undefined, effects: readonly GuardEffect[] = []): GuardStep => ({ state, effects });

/** Whether a Pod in this state may not leave and is not being put back. */
export function isHeld({ phase }: GuardState): boolean {
  return phase === 'Waiting' || phase === 'Cleaning' || phase === 'Retrying' || phase === 'Held';
}

function attempt(state: GuardState | undefined, event: RemovalAttempt, now: number, policy: GuardPolicy): GuardStep {
  if (state === undefined || state.phase === 'Aborted') return claim(state, event, now, policy);
  switch (state.phase) {
    case 'Released':
      return { state, effects: [], answer: { kind: 'allow', cause: state.releaseCause ?? 'Clean' } };
    case 'Cleaning':
    case 'Retrying':
      // Whether or not anybody lives who could write it: no hold outlasts its deadline.
      if (isExpired(state, now) && policy.onDeadline === 'Release')
        return { state, effects: [], answer: { kind: 'allow', cause: 'Deadline' } };
      break;
    case 'Waiting':
    case 'Held':
    case 'Aborting':
      break;
  }
  return { state: touch(state, event, now, policy), effects: [], answer: { kind: 'hold', phase: state.phase } };
}

function claim(state: GuardState | undefined, event: RemovalAttempt, now: number, policy: GuardPolicy): GuardStep {
  const { uid, guard, verb, requester, requesterClass, graceSeconds, owner, restore } = event;
  const waiting: GuardState = {
    uid,
    phase: 'Waiting',
    guard,
    since: now,
    attempt: state?.attempt ?? 0,
    requester,
    requesterClass,
    verb,
    ...(graceSeconds !== undefined && { graceSeconds }),
    lastAttempt: now,
    owner,
  };
  if (event.hasSlot) {
    const cleaning = begin({ ...waiting, ...(restore !== undefined && { restore }) }, now, policy);
    return { state: cleaning, effects: [], answer: { kind: 'hold', phase: 'Cleaning' }, wakeAt: now };
  }
  // Who comes back by himself needs no place in the queue, and may have chosen another Pod by then.
  const kept = policy.finisher[requesterClass] === 'Delete' ? waiting : state;
  return { state: kept, effects: [], answer: { kind: 'hold', phase: 'Waiting' } };
}

function begin(state: GuardState, now: number, policy: GuardPolicy): GuardState {
  return {
    ...state,
    phase: 'Cleaning',
    since: now,
    deadline: now + policy.deadlineSeconds * 1000,
    attempt: state.attempt + 1,
  };
}

function touch(state: GuardState, event: RemovalAttempt, now: number, policy: GuardPolicy): GuardState {
  const { requester, requesterClass, verb, graceSeconds } = event;
  const isStronger = policy.finisher[requesterClass] === 'Delete' && policy.finisher[state.requesterClass] === 'Abort';
  const isStale = now - state.lastAttempt >= lastAttemptLagMilliseconds(policy);
  const wasPoked = state.pokedAt !== undefined && state.pokedAt > state.lastAttempt;
  // The requester of a Pod that is put back in service may never come again.
  const isNewWish = state.phase === 'Aborting' && state.lastAttempt < state.since;
  if (!isStronger && !isStale && !wasPoked && !isNewWish) return state;
  const touched = { ...state, lastAttempt: Math.max(now, state.lastAttempt) };
  if (!isStronger && !isNewWish) return touched;
  const { graceSeconds: _former, ...rest } = touched;
  return { ...rest, requester, requesterClass, verb, ...(graceSeconds !== undefined && { graceSeconds }) };
}

function isExpired({ deadline }: GuardState, now: number): boolean {
  return deadline !== undefined && now >= deadline;
}

function tick(state: GuardState | undefined, now: number, policy: GuardPolicy): GuardStep {
  if (state === undefined) return { state, effects: ['putBackInService'] };
  const soon = now + policy.pollSeconds * 1000;
  switch (state.phase) {
    case 'Waiting':
      return { state, effects: ['requestSlot'], wakeAt: soon };
    case 'Cleaning':
    case 'Retrying':
      if (isExpired(state, now)) return expire(state, now, policy);
      return (
        idle(state, now, policy) ??
        (state.phase === 'Cleaning' ? cleaning(state, now, policy, soon) : retrying(state, now, policy))
      );
    case 'Held':
      return idle(state, now, policy) ?? { state, effects: ['ask'], wakeAt: soon };
    case 'Released':
      return released(state, now, policy);
    case 'Aborting':
      if (!isExpired(state, now)) return { state, effects: ['undo'], wakeAt: Math.min(soon, state.deadline ?? soon) };
      return tick({ ...afterUndo(state, now, policy), message: 'the undoing was not confirmed in time' }, now, policy);
    case 'Aborted':
      return { state, effects: ['putBackInService'] };
  }
}

function cleaning(state: GuardState, now: number, policy: GuardPolicy, soon: number): GuardStep {
  const start = startAt(state, policy);
  const wakeAt = Math.min(now < start ? start : soon, state.deadline ?? soon);
  return { state, effects: now < start ? ['takeOutOfService'] : ['takeOutOfService', 'ask'], wakeAt };
}

function retrying(state: GuardState, now: number, policy: GuardPolicy): GuardStep {
  const { retryAt = now, ...rest } = state;
  if (now < retryAt) return { state, effects: [], wakeAt: Math.min(retryAt, state.deadline ?? retryAt) };
  return tick({ ...rest, phase: 'Cleaning', since: now, attempt: state.attempt + 1 }, now, policy);
}

function expire(state: GuardState, now: number, policy: GuardPolicy): GuardStep {
  const message = `not done after ${policy.deadlineSeconds} s`;
  if (policy.onDeadline === 'Release') return tick(release(state, 'Deadline', now, message), now, policy);
  return tick({ ...state, phase: 'Held', since: now, message }, now, policy);
}

/** How long a controller that was woken has to ask again; at once is usual. */
const pokeMilliseconds = 15_000;

/** Calls the hold off when nobody wants the Pod gone any more; undefined when somebody may. */
function idle(state: GuardState, now: number, policy: GuardPolicy): GuardStep | undefined {
  if (policy.finisher[state.requesterClass] === 'Delete') return undefined;
  const idleMilliseconds = policy.idleAfterSeconds * 1000;
  if (now - state.lastAttempt < idleMilliseconds) return undefined;
  if (state.requesterClass === 'Workload') {
    // Its back-off may be longer than the idle time, up to 1000 s. A write to the Pod makes it look again.
    if (state.pokedAt === undefined || state.pokedAt <= state.lastAttempt) {
      return { state: { ...state, pokedAt: now }, effects: [], wakeAt: now + policy.pollSeconds * 1000 };
    }
    if (now - state.pokedAt < Math.min(pokeMilliseconds, idleMilliseconds)) return undefined;
  }
  return tick(abort(state, 'Idle', now, policy), now, policy);
}

function released(state: GuardState, now: number, policy: GuardPolicy): GuardStep {
  const abortAt = state.since + policy.releaseSeconds * 1000;
  if (now >= abortAt) return tick(abort(state, 'NotDeleted', now, policy), now, policy);
  if (policy.finisher[state.requesterClass] === 'Abort') return { state, effects: [], wakeAt: abortAt };
  const finishAt = state.since + policy.finishAfterSeconds * 1000;
  if (now < finishAt) return { state, effects: [], wakeAt: Math.min(finishAt, abortAt) };
  return { state, effects: ['finish'], wakeAt: Math.min(now + Math.max(1, policy.finishAfterSeconds) * 1000, abortAt) };
}

function report(
  state: GuardState | undefined,
  { attempt: reported, report: { phase, message } }: Extract<GuardEvent, { kind: 'report' }>,
  now: number,
  policy: GuardPolicy,
): GuardStep {
  const isAwaited = state?.phase === 'Cleaning' || state?.phase === 'Held';
  if (state === undefined || !isAwaited || state.attempt !== reported) return same(state);
  switch (phase) {
    case 'Done':
      return tick(release(state, 'Clean', now, message), now, policy);
    case 'Running':
      return same(state);
    case 'Unknown':
      return same(state, ['start']);
    case 'Failed':
      return state.phase === 'Held' ? same(state) : fail(state, message, now, policy);
  }
}

function fail(state: GuardState, message: string | undefined, now: number, policy: GuardPolicy): GuardStep {
  const failures = (state.failures ?? 0) + 1;
  const failed = { ...state, failures, since: now, ...(message !== undefined && { message }) };
  switch (policy.onHookFailure) {
    case 'Release':
      return tick(release(failed, 'HookFailed', now, message), now, policy);
    case 'Hold':
      return tick({ ...failed, phase: 'Held' }, now, policy);
    case 'Retry': {
      const factor = Math.min(12, 2 ** (failures - 1));
      return tick({ ...failed, phase: 'Retrying', retryAt: now + policy.retrySeconds * 1000 * factor }, now, policy);
    }
  }
}

function release(state: GuardState, releaseCause: ReleaseCause, now: number, message: string | undefined): GuardState {
  const { deadline: _deadline, retryAt: _retryAt, message: _message, ...rest } = state;
  return { ...rest, phase: 'Released', since: now, releaseCause, ...(message !== undefined && { message }) };
}

function request(
  state: GuardState | undefined,
  action: 'abort' | 'release',
  now: number,
  policy: GuardPolicy,
): GuardStep {
  if (state === undefined) return same(state);
  if (action === 'release')
    return isHeld(state) ? tick(release(state, 'Requested', now, undefined), now, policy) : same(state);
  const canAbort = isHeld(state) || state.phase === 'Released';
  return canAbort ? tick(abort(state, 'Requested', now, policy), now, policy) : same(state);
}

function abort(state: GuardState, abortCause: AbortCause, now: number, policy: GuardPolicy): GuardState {
  const { releaseCause: _cause, retryAt: _retryAt, pokedAt: _pokedAt, message: _message, ...rest } = state;
  const aborting: GuardState = {
    ...rest,
    phase: 'Aborting',
    since: now,
    deadline: now + policy.deadlineSeconds * 1000,
    abortCause,
  };
  return mayHaveStarted(state, now, policy) ? aborting : afterUndo(aborting, now, policy);
}

function afterUndo(state: GuardState, now: number, policy: GuardPolicy): GuardState {
  const { deadline: _deadline, failures: _failures, restore: _restore, ...rest } = state;
  // Asked for again while it was put back: whoever asked may not come a second time.
  if (state.lastAttempt > state.since && policy.finisher[state.requesterClass] === 'Delete') {
    const { abortCause: _cause, ...waiting } = rest;
    return { ...waiting, phase: 'Waiting', since: now };
  }
  const { owner: _owner, ...aborted } = rest;
  return { ...aborted, phase: 'Aborted', since: now };
}
