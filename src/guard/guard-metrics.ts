import type { Metrics } from '../telemetry/index.ts';
import type { GuardPhase } from './guard-state.ts';
import type { GuardObserver } from './observer.ts';

/** From a member that leaves at once to a database that moves its shards. */
const cleaningBuckets = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14_400];
/** A decision from the cache takes well under a millisecond, one that begins a hold some requests to the API server. */
const decisionBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

const phases: readonly GuardPhase[] = ['Waiting', 'Cleaning', 'Retrying', 'Held', 'Released', 'Aborting'];

/**
 * The figures of the guard. Requesters are told apart by their class, a closed set: never a user, a namespace or a Pod.
 *
 * `active` gives the phases of all Pods known to this replica: the same on each replica, so that a dashboard takes the
 * maximum. The others count what this replica did; sum them.
 */
export function guardMetrics(metrics: Metrics, active: () => Iterable<{ readonly phase: string }>): GuardObserver {
  const holds = metrics.counter({
    name: 'sallyport_guard_holds_total',
    help: 'Holds that began, by how and by whom the Pod was asked to leave.',
    labels: ['verb', 'requester_class'],
  });
  const attempts = metrics.counter({
    name: 'sallyport_guard_attempts_total',
    help: 'Requests to remove guarded Pods, by the answer: hold, allow, exempt, budget.',
    labels: ['answer'],
  });
  const releases = metrics.counter({
    name: 'sallyport_guard_releases_total',
    help: 'Pods that were let go, by the reason: Clean, Deadline, HookFailed, Requested, Bypass.',
    labels: ['cause'],
  });
  const aborts = metrics.counter({
    name: 'sallyport_guard_aborts_total',
    help: 'Holds that were called off, by the reason: Idle, Requested, NotDeleted.',
    labels: ['cause'],
  });
  const cleaning = metrics.histogram(
    { name: 'sallyport_guard_cleaning_seconds', help: 'From the start of a clean-up to its end as the hook told it.' },
    cleaningBuckets,
  );
  const activeHolds = metrics.gauge({
    name: 'sallyport_guard_active',
    help: 'Pods by the phase of their hold; the same on every replica.',
    labels: ['phase'],
  });
  const deadlines = metrics.counter({
    name: 'sallyport_guard_deadline_exceeded_total',
    help: 'Holds that reached their deadline, whether they were released or held on.',
  });
  const bypasses = metrics.counter({
    name: 'sallyport_guard_bypass_total',
    help: 'Pods let go by the bypass annotation, as far as the guard was asked: deletes of Pods not held pass without it.',
  });
  const finishes = metrics.counter({
    name: 'sallyport_guard_finisher_deletes_total',
    help: 'Removals of released Pods by the guard itself, by how the API server answered: accepted, refused, gone.',
    labels: ['outcome'],
  });
  const hookErrors = metrics.counter({
    name: 'sallyport_guard_hook_errors_total',
    help: 'Calls of hooks that failed, or reported a failure.',
    labels: ['call'],
  });
  const decisions = metrics.histogram(
    { name: 'sallyport_guard_decision_seconds', help: 'Time to answer a request to remove a guarded Pod.' },
    decisionBuckets,
  );
  metrics.beforeRead(() => {
    const counts = new Map<string, number>();
    for (const { phase } of active()) counts.set(phase, (counts.get(phase) ?? 0) + 1);
    for (const phase of phases) activeHolds.set({ phase }, counts.get(phase) ?? 0);
  });
  return {
    answered({ answer, dryRun, seconds }) {
      decisions.observe({}, seconds);
      if (dryRun) return;
      attempts.increment({ answer: answer.kind });
      if (answer.kind === 'exempt' && answer.reason === 'not-bypassed') bypasses.increment({});
    },
    phaseChanged({ before, after }) {
      if (after === undefined) return;
      const { phase, verb, requesterClass, since, releaseCause, abortCause } = after;
      const hadHold = before !== undefined && before.phase !== 'Aborted';
      if (!hadHold && phase !== 'Aborted') holds.increment({ verb, requester_class: requesterClass });
      if (before?.phase === phase) return;
      if (phase === 'Released') {
        releases.increment({ cause: releaseCause ?? 'Clean' });
        if (releaseCause === 'Clean' && before !== undefined) cleaning.observe({}, (since - before.since) / 1000);
        if (releaseCause === 'Bypass') bypasses.increment({});
      }
      const isExpired = before?.deadline !== undefined && since >= before.deadline;
      if (releaseCause === 'Deadline' || (phase === 'Held' && isExpired)) deadlines.increment({});
      if (phase === 'Aborting' || (phase === 'Aborted' && before?.phase !== 'Aborting')) {
        aborts.increment({ cause: abortCause ?? 'Requested' });
      }
    },
    hookCalled({ call, outcome }) {
      if (outcome === 'error' || outcome === 'Failed') hookErrors.increment({ call });
    },
    finished({ outcome }) {
      finishes.increment({ outcome });
    },
  };
}
