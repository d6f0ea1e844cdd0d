import { describe, expect, it } from 'vitest';
import * as engine from '../../../src/chain/index.ts';
import { readRecording, recordingsOf } from './recordings.ts';
import { replay } from './replay.ts';

/** The engine does to every request what a real API server was seen to do; see tools/golden/record.ts. */
for (const { file, worlds, keep } of recordingsOf()) {
  const recording = readRecording(file);
  describe(`${file}, recorded from ${recording.kubernetesVersion}`, () => {
    for (const [index, world] of worlds.entries()) {
      it(`${world.name}: ${world.about}`, async () => {
        const requests = recording.worlds[index]?.requests ?? [];
        expect(requests.map(({ name }) => name)).toEqual(world.requests.map(({ name }) => name));
        for (const [position, spec] of world.requests.entries()) {
          const { before, recorded } = requests[position] ?? {};
          expect(keep(await replay(engine, world, spec, before)), spec.name).toEqual(recorded);
        }
      });
    }
  });
}
