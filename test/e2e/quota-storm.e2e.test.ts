import { afterAll, beforeAll, expect, it } from 'vitest';
import { limits, QuotaStorm } from '../quota/storm.ts';
import { until } from './until.ts';

/** Longer by `npm run test:quota-storm`. */
const seconds = Number(process.env['QUOTA_STORM_SECONDS'] ?? 15);

let storm: QuotaStorm | undefined;
beforeAll(async () => {
  storm = await QuotaStorm.open();
}, 300_000);
afterAll(() => storm?.close(), 60_000);

it(
  'two clusters and one PostgreSQL: nobody gets past the number, and nobody is refused without reason',
  { timeout: (seconds + 300) * 1000 },
  async () => {
    if (storm === undefined) throw new Error('there is no storm');
    await storm.blow(seconds);
    process.stdout.write(`storm of ${seconds} s: ${JSON.stringify(storm.counts)}\n`);
    expect(storm.unexpected).toEqual([]);
    expect(storm.unjustified).toEqual([]);
    // It did storm: everybody got some and not all.
    for (const count of Object.values(storm.counts)) expect(count).toBeGreaterThan(0);

    // What was admitted and refused elsewhere is let go a minute after its last try, when a read has shown that it is not there.
    await until(() => storm?.isQuiet() ?? Promise.resolve(false), 120);
    const { team } = await storm.lived();
    expect(await storm.fill()).toBe(limits.team.configmaps - (team['configmaps'] ?? NaN));

    // The last one was stored; it is heard of a moment later.
    await until(() => Promise.resolve(storm?.seen('team configmaps') === limits.team.configmaps));
    const highest = await storm.highest();
    process.stdout.write(`the most that surely lived at one instant: ${JSON.stringify(highest)}\n`);
    for (const [quota, hard] of Object.entries(limits)) {
      for (const [resource, limit] of Object.entries(hard)) {
        expect(highest[`${quota} ${resource}`], `${quota} ${resource}`).toBeLessThanOrEqual(limit);
      }
    }
    expect(highest['team configmaps']).toBe(limits.team.configmaps);
    expect(await storm.figures('sallyport_quota_late_confirmations_total')).toEqual([0, 0]);
  },
);
