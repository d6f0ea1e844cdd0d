import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as engine from '../../../src/chain/index.ts';
import { systemClock } from '../../../src/telemetry/index.ts';
import { readRecording, recordingsOf } from './recordings.ts';
import { replay, type Surroundings } from './replay.ts';
import { RecordingWebhookServer } from './webhook-server.ts';

let server: RecordingWebhookServer;
const client = new engine.HttpsWebhookClient();
beforeAll(async () => {
  server = await RecordingWebhookServer.start();
});
afterAll(async () => {
  await client.close();
  await server.stop();
});

/** The engine does to every request what a real API server was seen to do; see tools/golden/record.ts. */
for (const { file, worlds, keep } of recordingsOf()) {
  const recording = readRecording(file);
  describe(`${file}, recorded from ${recording.kubernetesVersion}`, () => {
    for (const [index, world] of worlds.entries()) {
      it(`${world.name}: ${world.about}`, async () => {
        const requests = recording.worlds[index]?.requests ?? [];
        expect(requests.map(({ name }) => name)).toEqual(world.requests.map(({ name }) => name));
        server.play(world.behaviours);
        const overNetwork: Surroundings = {
          client,
          clock: systemClock,
          clientConfig: (webhook, said) => server.clientConfig(webhook, said),
          takeCalls: () => server.takeCalls(),
        };
        for (const [position, spec] of world.requests.entries()) {
          const { before, recorded } = requests[position] ?? {};
          const surroundings = world.overNetwork === true ? overNetwork : undefined;
          expect(keep(await replay(engine, world, spec, before, surroundings)), spec.name).toEqual(recorded);
        }
      });
    }
  });
}
