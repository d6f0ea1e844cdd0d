import { afterAll, beforeAll, expect, it } from 'vitest';
import { PostgresServer } from '../postgres-server.ts';
import { GuideRun, stepsOf } from './guide-run.ts';

const steps = stepsOf('quota.md');

let postgres: PostgresServer;
let guide: GuideRun;

beforeAll(async () => {
  postgres = await PostgresServer.start();
  guide = await GuideRun.open({
    clusters: ['eu-1', 'eu-2', 'us-1'],
    replacements: [['postgres://quota@db.example.com/quota', postgres.newDatabase()]],
  });
}, 240_000);
afterAll(async () => {
  await guide?.close();
  await postgres?.remove();
}, 60_000);

it('the guide has its steps', () => {
  expect(steps.length).toBeGreaterThan(25);
});

it.each(steps)('$name', ({ step }) => guide.run(step));
