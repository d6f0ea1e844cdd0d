import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { breakages, shortLives } from '../rollouts/build.ts';
import { play, startStage } from '../rollouts/scenario.ts';

let stage: ControlPlane;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.stop());

/**
 * Complaints of users of other webhook servers, on processes as `sallyport manifests` has them. `npm run test:rollouts` has the
 * long version, all in one run.
 */
describe.each([
  { complaint: 'EOF after idle', happens: { bursts: 3 }, breakage: "Node's own keep-alive" },
  { complaint: 'rollout loss', happens: { restarts: 2 }, breakage: 'no drain' },
  { complaint: 'one-step CA', happens: { caRotations: 1 }, breakage: 'a CA swapped in one step' },
] as const)('$complaint', ({ happens, breakage }) => {
  it('no write is lost through the real API server with failurePolicy Fail', { timeout: 300_000 }, async () => {
    const { failures, badExits, writes } = await play(stage, { edits: shortLives, hasKeeper: true, ...happens });
    expect(failures).toEqual([]);
    expect(badExits).toEqual([]);
    expect(writes).toBeGreaterThan(100);
  });

  it(`writes are lost by a build with ${breakage}`, { timeout: 300_000 }, async () => {
    const edits = [...shortLives, breakages[breakage]];
    // The first loss ends it; chance has a few more turns to bring one about.
    const more = Object.fromEntries(Object.entries(happens).map(([what, times]) => [what, 3 * times]));
    const { failures } = await play(stage, { edits, hasKeeper: true, ...more, untilFailure: true });
    expect(failures.length).toBeGreaterThan(0);
  });
});

describe('a replica that is killed', () => {
  it('costs the writes of at most 5 s, and its successor none', { timeout: 300_000 }, async () => {
    const { kills, failures } = await play(stage, { edits: shortLives, hasKeeper: true, kills: 2 });
    expect(kills).toHaveLength(2);
    expect(Math.max(...kills.map(({ outageMilliseconds }) => outageMilliseconds))).toBeLessThan(5000);
    expect(failures).toEqual([]);
  });
});
