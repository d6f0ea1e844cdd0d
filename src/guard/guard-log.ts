import type { AuditSink, Clock } from '../telemetry/index.ts';
import type { GuardObserver } from './observer.ts';

/**
 * Writes each change of phase and each removal by the guard itself into the decision log, beside the requests, which the
 * server writes: with the requester on whose behalf it happens, since the API server's audit log shows the guard.
 */
export function guardDecisions(sink: Pick<AuditSink, 'write'>, clock: Clock): GuardObserver {
  const write = (fields: Readonly<Record<string, unknown>>): void =>
    sink.write(JSON.stringify({ ...fields, time: new Date(clock.now()).toISOString() }));
  return {
    phaseChanged({ pod, before, after }) {
      if (after === undefined || before?.phase === after.phase) return;
      const { guard, requester, requesterClass, verb, attempt, releaseCause, abortCause, message } = after;
      write({
        kind: 'GuardPhase',
        namespace: pod.metadata?.namespace,
        name: pod.metadata?.name,
        uid: pod.metadata?.uid,
        guard,
        from: before?.phase,
        to: after.phase,
        requester,
        requesterClass,
        verb,
        attempt,
        releaseCause,
        abortCause,
        message,
      });
    },
    finished({ pod, state, outcome }) {
      write({
        kind: 'GuardFinish',
        namespace: pod.metadata?.namespace,
        name: pod.metadata?.name,
        uid: pod.metadata?.uid,
        guard: state.guard,
        requester: state.requester,
        requesterClass: state.requesterClass,
        verb: state.verb,
        outcome,
      });
    },
  };
}

/** Tells all of them, in order. */
export function guardObservers(observers: readonly GuardObserver[]): GuardObserver {
  return {
    answered: (facts) => observers.forEach((observer) => observer.answered?.(facts)),
    phaseChanged: (change) => observers.forEach((observer) => observer.phaseChanged?.(change)),
    hookCalled: (facts) => observers.forEach((observer) => observer.hookCalled?.(facts)),
    finished: (facts) => observers.forEach((observer) => observer.finished?.(facts)),
    gone: (facts) => observers.forEach((observer) => observer.gone?.(facts)),
  };
}
