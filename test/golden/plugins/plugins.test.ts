import { describe, expect, it } from 'vitest';
import { readRecording } from './recordings.ts';
import { replay } from './replay.ts';
import { worlds } from './worlds/index.ts';

/** The plug-ins do to every request what those of a real API server were seen to do; see tools/golden/record-plugins.ts. */
for (const world of worlds) {
  const { kubernetesVersion, requests } = readRecording(world.name);
  describe(`${world.plugins.join(', ')}, recorded from ${kubernetesVersion}`, async () => {
    const answers = await replay(world, requests);
    it('is recorded for these requests', () => {
      expect(requests.map(({ name }) => name)).toEqual(world.requests.map(({ name }) => name));
      expect(requests.length).toBeGreaterThanOrEqual(5);
    });
    it.each(requests.map(({ name, recorded }, index) => ({ name, recorded, index })))(
      '$name',
      ({ recorded, index }) => {
        expect(answers[index]).toEqual(recorded);
      },
    );
  });
}
