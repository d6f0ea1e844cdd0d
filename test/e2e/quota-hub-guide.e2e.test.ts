import { afterAll, beforeAll, expect, it } from 'vitest';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { GuideRun, stepsOf } from './guide-run.ts';

const steps = stepsOf('quota-hub.md');

let guide: GuideRun;
beforeAll(async () => {
  const port = await findFreePort();
  guide = await GuideRun.open({
    clusters: ['eu-1', 'us-1'],
    elsewhere: ['hub'],
    replacements: [
      ['hub.example.com:8444', `localhost:${port}`],
      ['port: 8444, healthPort: 8080', `port: ${port}, healthPort: 0`],
      ['hub.example.com', 'localhost'],
    ],
  });
}, 240_000);
afterAll(() => guide?.close(), 60_000);

it('the guide has its steps', () => {
  expect(steps.length).toBeGreaterThan(15);
});

it.each(steps)('$name', ({ step }) => guide.run(step));
