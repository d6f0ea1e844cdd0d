import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Simulation, type Breakage } from '../../test/guard/simulation.ts';

/** More of them in `npm run soak:guard`. */
const numRuns = Number(process.env['GUARD_SIMULATIONS'] ?? 50);

const tape = fc.array(fc.nat(10_000), { minLength: 100, maxLength: 900, size: 'max' });
const policy = fc.constantFrom(
  {},
  { onDeadline: 'Hold' as const, finisher: { Workload: 'Delete' as const } },
  { idleAfterSeconds: 10 },
  { settleSeconds: 3, deadlineSeconds: 20 },
);

type Counts = Simulation['counts'];

const simulated = (breakage?: Breakage, tell: (counts: Counts) => void = () => undefined) =>
  fc.asyncProperty(tape, policy, async (numbers, options) => {
    const isHolding = options.onDeadline === 'Hold';
    const simulation = new Simulation({ tape: numbers, policy: options, breakage });
    const violations = await simulation.run();
    tell(simulation.counts);
    // Such a policy holds until a person decides.
    expect(violations.filter((text) => !(isHolding && text.includes('for ever')))).toEqual([]);
  });

describe('two replicas over a network that delays, reorders and loses', () => {
  it(
    'keep every promise',
    async () => {
      const counts: Counts = { starts: 0, undos: 0, removals: 0, takeOvers: 0, crashes: 0 };
      const names = ['starts', 'undos', 'removals', 'takeOvers', 'crashes'] as const;
      const tell = (more: Counts): void => names.forEach((name) => (counts[name] += more[name]));
      await fc.assert(simulated(undefined, tell), { numRuns, endOnFailure: true });
      // Promises that are never put to the test are kept too.
      for (const name of names)
        expect(counts[name], `${name}: ${JSON.stringify(counts)}`).toBeGreaterThan(numRuns / 10);
    },
    numRuns * 2_000,
  );

  it.each<Breakage>(['no-compare', 'trusts-start', 'no-slots', 'steals', 'writes-each-attempt'])(
    'do not when broken by %s',
    async (breakage) => {
      const found = await fc.check(simulated(breakage), { numRuns: 500, endOnFailure: true, seed: 1 });
      expect(found.failed).toBe(true);
    },
    120_000,
  );
});
