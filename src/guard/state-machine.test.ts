import { describe, expect, it } from 'vitest';
import { resolveGuardPolicy, type GuardPolicyOptions } from './guard-policy.ts';
import { formatState, parseState, type GuardState } from './guard-state.ts';
import { next, type GuardEvent, type RemovalAttempt } from './state-machine.ts';

const second = 1000;
const start = Date.parse('2026-01-01T00:00:00Z');
const attempt: RemovalAttempt = {
  uid: 'u1',
  guard: 'shop/db',
  verb: 'DELETE',
  requester: 'jane',
  requesterClass: 'User',
  graceSeconds: 30,
  hasSlot: true,
  owner: 'one',
};
const asked = (change: Partial<RemovalAttempt> = {}): GuardEvent => ({ kind: 'attempt', ...attempt, ...change });
const report = (phase: 'Running' | 'Done' | 'Failed' | 'Unknown', of = 1): GuardEvent => ({
  kind: 'report',
  attempt: of,
  report: { phase },
});
const tick: GuardEvent = { kind: 'tick' };

/** The state after these events, each so many seconds after the start. */
function after(
  events: ReadonlyArray<readonly [number, GuardEvent]>,
  options: GuardPolicyOptions = {},
): GuardState | undefined {
  const policy = resolveGuardPolicy(options);
  return events.reduce<GuardState | undefined>(
    (state, [at, event]) => next(state, event, start + at * second, policy).state,
    undefined,
  );
}

describe('next()', () => {
  it.each<[string, ReadonlyArray<readonly [number, GuardEvent]>, GuardPolicyOptions, Partial<GuardState> | undefined]>([
    [
      'a claim begins the clean-up',
      [[0, asked()]],
      {},
      { phase: 'Cleaning', attempt: 1, deadline: start + 600 * second },
    ],
    [
      'without a place, who does not come back waits',
      [[0, asked({ hasSlot: false })]],
      {},
      { phase: 'Waiting', attempt: 0 },
    ],
    [
      'without a place, who comes back does not',
      [[0, asked({ hasSlot: false, requesterClass: 'Workload' })]],
      {},
      undefined,
    ],
    [
      'done releases',
      [
        [0, asked()],
        [1, report('Done')],
      ],
      {},
      { phase: 'Released', releaseCause: 'Clean' },
    ],
    [
      'running does not',
      [
        [0, asked()],
        [1, report('Running')],
      ],
      {},
      { phase: 'Cleaning' },
    ],
    [
      'nor does what another attempt did',
      [
        [0, asked()],
        [1, report('Done', 2)],
      ],
      {},
      { phase: 'Cleaning' },
    ],
    [
      'a failure is tried again',
      [
        [0, asked()],
        [1, report('Failed')],
      ],
      {},
      { phase: 'Retrying', retryAt: start + 6 * second },
    ],
    [
      'with a number of its own and the same deadline',
      [
        [0, asked()],
        [1, report('Failed')],
        [6, tick],
      ],
      {},
      { phase: 'Cleaning', attempt: 2, deadline: start + 600 * second },
    ],
    [
      'or releases',
      [
        [0, asked()],
        [1, report('Failed')],
      ],
      { onHookFailure: 'Release' },
      { phase: 'Released', releaseCause: 'HookFailed' },
    ],
    [
      'or holds',
      [
        [0, asked()],
        [1, report('Failed')],
      ],
      { onHookFailure: 'Hold' },
      { phase: 'Held' },
    ],
    [
      'the deadline releases',
      [
        [0, asked()],
        [600, tick],
      ],
      {},
      { phase: 'Released', releaseCause: 'Deadline' },
    ],
    [
      'not a second before',
      [
        [0, asked()],
        [599, tick],
      ],
      {},
      { phase: 'Cleaning' },
    ],
    [
      'or holds on',
      [
        [0, asked()],
        [600, tick],
      ],
      { onDeadline: 'Hold' },
      { phase: 'Held' },
    ],
    [
      'until it is done',
      [
        [0, asked()],
        [600, tick],
        [700, report('Done')],
      ],
      { onDeadline: 'Hold' },
      { phase: 'Released', releaseCause: 'Clean' },
    ],
    [
      'who does not come back is waited for',
      [
        [0, asked()],
        [130, tick],
      ],
      {},
      { phase: 'Cleaning' },
    ],
    [
      'a drain that is idle is called off',
      [
        [0, asked({ requesterClass: 'Drain' })],
        [120, tick],
      ],
      {},
      { phase: 'Aborting', abortCause: 'Idle' },
    ],
    [
      'a controller is woken first',
      [
        [0, asked({ requesterClass: 'Workload' })],
        [120, tick],
      ],
      {},
      { phase: 'Cleaning', pokedAt: start + 120 * second },
    ],
    [
      'and has time to ask',
      [
        [0, asked({ requesterClass: 'Workload' })],
        [120, tick],
        [121, asked()],
        [140, tick],
      ],
      {},
      { phase: 'Cleaning' },
    ],
    [
      'or is called off',
      [
        [0, asked({ requesterClass: 'Workload' })],
        [120, tick],
        [135, tick],
      ],
      {},
      { phase: 'Aborting' },
    ],
    [
      'undone, it is as if nothing had been',
      [
        [0, asked()],
        [1, { kind: 'request', action: 'abort' }],
        [2, { kind: 'undone', attempt: 1 }],
      ],
      {},
      { phase: 'Aborted', attempt: 1 },
    ],
    [
      'what never started is not undone',
      [
        [0, asked()],
        [1, { kind: 'request', action: 'abort' }],
      ],
      { settleSeconds: 5 },
      { phase: 'Aborted' },
    ],
    [
      'a new hold has a new number',
      [
        [0, asked()],
        [1, { kind: 'request', action: 'abort' }],
        [2, { kind: 'undone', attempt: 1 }],
        [3, asked()],
      ],
      {},
      { phase: 'Cleaning', attempt: 2 },
    ],
    [
      'who asks during the undoing waits',
      [
        [0, asked()],
        [1, { kind: 'request', action: 'abort' }],
        [2, asked()],
        [3, { kind: 'undone', attempt: 1 }],
      ],
      {},
      { phase: 'Waiting' },
    ],
    [
      'a released Pod that nobody deletes is put back',
      [
        [0, asked()],
        [1, report('Done')],
        [301, tick],
      ],
      {},
      { phase: 'Aborting', abortCause: 'NotDeleted' },
    ],
    [
      'the broken glass releases',
      [
        [0, asked()],
        [1, { kind: 'bypass', reason: 'why' }],
      ],
      {},
      { phase: 'Released', releaseCause: 'Bypass', message: 'why' },
    ],
    [
      'taint eviction, which forgets, is remembered',
      [
        [0, asked({ requesterClass: 'Workload' })],
        [1, asked({ requesterClass: 'TaintEviction', requester: 'taints' })],
      ],
      {},
      { requesterClass: 'TaintEviction', requester: 'taints' },
    ],
  ])('%s', (_what, events, options, expected) => {
    const state = after(events, options);
    if (expected === undefined) expect(state).toBeUndefined();
    else expect(state).toMatchObject(expected);
  });

  it('answers an attempt from the clock alone once the deadline has passed', () => {
    const policy = resolveGuardPolicy({});
    const state = after([[0, asked()]]);
    expect(next(state, asked(), start + 599 * second, policy).answer).toEqual({ kind: 'hold', phase: 'Cleaning' });
    expect(next(state, asked(), start + 600 * second, policy)).toMatchObject({
      state,
      answer: { kind: 'allow', cause: 'Deadline' },
    });
  });

  it('writes nothing for an attempt within half a minute of the last', () => {
    const policy = resolveGuardPolicy({});
    const state = after([[0, asked()]]);
    expect(next(state, asked(), start + 29 * second, policy).state).toBe(state);
    expect(next(state, asked(), start + 30 * second, policy).state).not.toBe(state);
  });
});

describe('the text of a state', () => {
  it('gives the state back', () => {
    const state = after([
      [0, asked({ restore: { deletionCost: null } })],
      [1, report('Failed')],
    ]);
    expect(state && parseState(formatState(state))).toEqual(state);
  });

  it.each(['', '{}', 'null', '[]', '{"phase":"Released"}', '{"phase":"Gone"'])('is not %s', (text) => {
    expect(parseState(text)).toBeUndefined();
  });
});
