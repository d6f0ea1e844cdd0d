import { describe, expect, it } from 'vitest';
import { playHistory, type Breakage, type HistoryCounts } from './history.ts';

/** The same histories every time; `npm run test:quota-sim` plays others, and one again with `-- --seed SEED --histories 1`. */
const firstSeed = 1;
const histories = 10_000;
const historiesPerTest = 1000;

describe('quota: ledger, slices and hub in a simulated world', () => {
  const totals: HistoryCounts = {
    requests: 0,
    stored: 0,
    refused: 0,
    unreachable: 0,
    faults: 0,
    restarts: 0,
    commits: 0,
    prepaid: 0,
  };

  it.each(Array.from({ length: histories / historiesPerTest }, (_, index) => firstSeed + index * historiesPerTest))(
    'holds in a thousand histories from seed %i on',
    { timeout: 300_000 },
    async (first) => {
      for (let seed = first; seed < first + historiesPerTest; seed++) {
        const { violations, counts } = await playHistory(seed);
        expect(violations, `seed ${seed}`).toEqual([]);
        for (const [name, count] of Object.entries(counts)) totals[name as keyof HistoryCounts] += count;
      }
    },
  );

  it('saw everything happen that it is to hold against', () => {
    for (const [name, count] of Object.entries(totals)) expect(count, name).toBeGreaterThan(histories / 50);
  });

  it('plays a history the same again', async () => {
    const once = await playHistory(firstSeed);
    expect(await playHistory(firstSeed)).toEqual(once);
  });

  it.each<Breakage>([
    'release-by-time-alone',
    'key-by-review-uid',
    'sum-pending-updates',
    'answer-before-commit',
    'regive-at-lease-end',
    'trust-what-is-charged',
    'forget-prepaid',
  ])('finds what is broken on purpose: %s', { timeout: 120_000 }, async (breakage) => {
    let seed = firstSeed;
    while ((await playHistory(seed, breakage)).violations.length === 0) {
      seed++;
      expect(seed, 'not found in 200 histories').toBeLessThan(firstSeed + 200);
    }
  });
});
