import { describe, expect, it } from 'vitest';
import type { Pod } from '../api/generated/core.v1.ts';
import { silentLogger, systemClock } from '../telemetry/index.ts';
import { prometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import {
  guardDecisions,
  guardEvents,
  guardMetrics,
  guardObservers,
  type GuardPhase,
  type GuardState,
  type PhaseChange,
} from './index.ts';

const start = Date.UTC(2026, 0, 1);
const pod: Pod = { metadata: { namespace: 'shop', name: 'db-0', uid: '3f1c' } };

function state(phase: GuardPhase, seconds: number, more: Partial<GuardState> = {}): GuardState {
  return {
    uid: '3f1c',
    phase,
    guard: 'shop/db',
    since: start + seconds * 1000,
    attempt: 1,
    requester: 'alice',
    requesterClass: 'User',
    verb: 'DELETE',
    lastAttempt: start,
    ...more,
  };
}

const change = (before: GuardState | undefined, after: GuardState): PhaseChange => ({ pod, before, after });
const deadline = start + 60_000;

async function figures(changes: readonly PhaseChange[]): Promise<string[]> {
  const metrics = prometheusMetrics();
  const observer = guardMetrics(metrics, () => changes.flatMap(({ after }) => after ?? []));
  for (const each of changes) observer.phaseChanged?.(each);
  const { text } = await metrics.read();
  return text.split('\n').filter((line) => !line.startsWith('#') && !/ 0$|_bucket/.test(line) && line !== '');
}

describe('guardMetrics()', () => {
  const cleaning = state('Cleaning', 0, { deadline });
  it.each<[string, PhaseChange[], string[]]>([
    ['a hold that begins', [change(undefined, cleaning)], ['holds_total{verb="DELETE",requester_class="User"} 1']],
    [
      'one that begins again',
      [change(state('Aborted', 0), cleaning)],
      ['holds_total{verb="DELETE",requester_class="User"} 1'],
    ],
    [
      'a clean end',
      [change(cleaning, state('Released', 40, { releaseCause: 'Clean' }))],
      ['releases_total{cause="Clean"} 1', 'cleaning_seconds_sum 40'],
    ],
    [
      'a deadline that releases',
      [change(cleaning, state('Released', 60, { releaseCause: 'Deadline' }))],
      ['releases_total{cause="Deadline"} 1', 'deadline_exceeded_total 1'],
    ],
    ['a deadline that holds', [change(cleaning, state('Held', 60, { deadline }))], ['deadline_exceeded_total 1']],
    ['a bypass', [change(cleaning, state('Released', 5, { releaseCause: 'Bypass' }))], ['bypass_total 1']],
    ['an abort', [change(cleaning, state('Aborting', 5, { abortCause: 'Idle' }))], ['aborts_total{cause="Idle"} 1']],
    ['the end of an abort', [change(state('Aborting', 5), state('Aborted', 6, { abortCause: 'Idle' }))], []],
    ['a failure to hold on', [change(cleaning, state('Held', 30, { deadline }))], []],
  ])('counts %s', async (_what, changes, expected) => {
    const seen = (await figures(changes))
      .map((line) => line.replace('sallyport_guard_', ''))
      .filter((line) => !line.startsWith('active') && !line.startsWith('cleaning_seconds_count'));
    expect(seen).toEqual(expect.arrayContaining(expected));
    const counts = seen.filter((line) => !line.startsWith('releases') && !line.startsWith('cleaning'));
    expect(counts).toEqual(expected.filter((line) => !line.startsWith('releases') && !line.startsWith('cleaning')));
  });

  it('tells the phases of now, attempts by their answer, and errors of hooks', async () => {
    const metrics = prometheusMetrics();
    const observer = guardMetrics(metrics, () => [{ phase: 'Held' }, { phase: 'Held' }, { phase: 'Aborted' }]);
    const facts = {
      namespace: 'shop',
      name: 'db-0',
      uid: '3f1c',
      verb: 'DELETE',
      requester: 'a',
      requesterClass: 'User',
    } as const;
    const hold = { kind: 'hold', phase: 'Cleaning' } as const;
    observer.answered?.({ ...facts, dryRun: false, answer: hold, seconds: 0.001 });
    observer.answered?.({ ...facts, dryRun: true, answer: hold, seconds: 0.001 });
    observer.answered?.({
      ...facts,
      dryRun: false,
      answer: { kind: 'exempt', reason: 'not-bypassed' },
      seconds: 0.001,
    });
    observer.hookCalled?.({ call: 'start', guard: 'shop/db', outcome: 'error', seconds: 1 });
    observer.hookCalled?.({ call: 'status', guard: 'shop/db', outcome: 'Running', seconds: 1 });
    observer.finished?.({ pod, state: state('Released', 0), outcome: 'accepted' });
    const { text } = await metrics.read();
    const expected = [
      'sallyport_guard_active{phase="Held"} 2',
      'sallyport_guard_active{phase="Cleaning"} 0',
      'sallyport_guard_attempts_total{answer="hold"} 1',
      'sallyport_guard_attempts_total{answer="exempt"} 1',
      'sallyport_guard_bypass_total 1',
      'sallyport_guard_hook_errors_total{call="start"} 1',
      'sallyport_guard_finisher_deletes_total{outcome="accepted"} 1',
      'sallyport_guard_decision_seconds_count 3',
    ];
    expect(text.split('\n')).toEqual(expect.arrayContaining(expected));
    expect(text).not.toMatch(/hook_errors_total\{call="status"\}|phase="Aborted"|shop|db-0/);
  });
});

describe('guardDecisions() and guardEvents()', () => {
  const moves = [
    change(undefined, state('Cleaning', 0, { deadline })),
    // Only the time of the last attempt was written.
    change(state('Cleaning', 0), state('Cleaning', 0, { lastAttempt: start + 30_000 })),
    change(state('Cleaning', 0), state('Released', 40, { releaseCause: 'Deadline', message: 'not done after 40 s' })),
  ];

  it('tell a change of phase once each, with the requester, and nothing in between', () => {
    const lines: string[] = [];
    const events: object[] = [];
    const client = {
      create: async <T>(_address: unknown, object: object): Promise<T> => {
        events.push(object);
        return object as T;
      },
    };
    const observer = guardObservers([
      guardDecisions({ write: (line) => void lines.push(line) }, { ...systemClock, now: () => start }),
      guardEvents({ client, identity: 'gate-a', clock: systemClock, log: silentLogger }),
    ]);
    for (const move of moves) observer.phaseChanged?.(move);
    observer.finished?.({ pod, state: state('Released', 40), outcome: 'accepted' });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ kind: 'GuardPhase', to: 'Cleaning', requester: 'alice', verb: 'DELETE', name: 'db-0' }),
      expect.objectContaining({ kind: 'GuardPhase', from: 'Cleaning', to: 'Released', releaseCause: 'Deadline' }),
      expect.objectContaining({ kind: 'GuardFinish', requester: 'alice', outcome: 'accepted' }),
    ]);
    expect(events).toEqual([
      expect.objectContaining({
        type: 'Normal',
        reason: 'GuardCleaning',
        note: 'shop/db: clean-up 1 begins; alice asked by DELETE',
      }),
      expect.objectContaining({
        type: 'Warning',
        reason: 'GuardReleased',
        note: 'shop/db: the Pod may leave without its clean-up (Deadline): not done after 40 s',
      }),
    ]);
  });

  it('an API server that takes no Event stops nothing', async () => {
    const client = { create: () => Promise.reject(new Error('namespace is being terminated')) };
    const observer = guardEvents({ client, identity: 'gate-a', clock: systemClock, log: silentLogger });
    for (const move of moves) observer.phaseChanged?.(move);
    await new Promise((resolve) => setImmediate(resolve));
  });
});
