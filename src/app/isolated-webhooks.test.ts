import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineValidator, encodeReviewRequest, InvalidDefinitionError } from '../admission/index.ts';
import { loadRegistry } from '../sources/load-registry.ts';
import { systemClock } from '../telemetry/index.ts';
import { buildRequest } from '../testing/index.ts';
import { RecordingLogger } from '../../test/loopback-server.ts';
import { IsolatedWebhooks } from './isolated-webhooks.ts';

let folder: string;
beforeEach(() => {
  // Inside the repository, so that the files find the package `sallyport`.
  mkdirSync(join(import.meta.dirname, '../../.cache'), { recursive: true });
  folder = mkdtempSync(join(import.meta.dirname, '../../.cache/isolated-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' } });
const review = (name: string): string => encodeReviewRequest('v1', buildRequest(pod(name)));

const source = `import { defineMutator, defineValidator, deny } from 'sallyport';
const common = { resource: 'pods', operations: ['CREATE'] };
export const hostile = defineValidator({ ...common, name: 'hostile.example.com', isolation: 'thread',
  handler: async ({ object }) => {
    switch (object.metadata.name) {
      case 'endless': for (;;);
      case 'regex': return void /^(a+)+$/.test('a'.repeat(64) + '!');
      case 'exit': return process.exit(3);
      case 'memory': { const all = []; for (;;) all.push(new Array(1e6).fill(1)); }
      case 'slow': return new Promise(() => undefined);
      case 'denied': return deny('not in this thread');
    }
  } });
export const label = defineMutator({ ...common, name: 'label.example.com', isolation: 'thread',
  handler: ({ object }) => void (object.metadata.labels = { thread: 'own' }) });
export const ordinary = defineValidator({ ...common, name: 'ordinary.example.com', handler: () => undefined });
`;

async function start() {
  writeFileSync(join(folder, 'webhooks.ts'), source);
  const sources = { paths: [folder], selection: {} };
  const registry = await loadRegistry({ paths: [folder] });
  const log = new RecordingLogger();
  const isolated = new IsolatedWebhooks({ registry, sources, log, clock: systemClock });
  await isolated.start();
  const ask = (webhook: string, name: string, milliseconds = 10_000) => {
    const definition = registry.byName(`${webhook}.example.com`);
    if (definition === undefined) throw new Error(`there is no ${webhook}`);
    return isolated.answer(definition, review(name), { signal: AbortSignal.timeout(milliseconds), log });
  };
  return { ask, log, [Symbol.asyncDispose]: () => isolated.stop() };
}

describe('a webhook with isolation "thread"', () => {
  it('answers as it would without, and says who asked what', async () => {
    await using webhooks = await start();
    expect(await webhooks.ask('hostile', 'fine')).toMatchObject({ httpStatus: 200, outcome: 'allowed' });
    expect(await webhooks.ask('hostile', 'denied')).toMatchObject({
      outcome: 'denied',
      decision: { status: { message: 'not in this thread' } },
      request: { operation: 'CREATE', name: 'denied', object: null },
    });
    expect(await webhooks.ask('label', 'fine')).toMatchObject({ outcome: 'patched' });
    expect(await webhooks.ask('ordinary', 'fine')).toMatchObject({ outcome: 'allowed' });
  });

  it.each([
    ['loops without end', 'endless'],
    ['runs a regular expression without end', 'regex'],
  ])(
    'that %s is answered as a fault at its deadline, while others are answered, and answers the next request',
    async (_what, name) => {
      await using webhooks = await start();
      const stuck = webhooks.ask('hostile', name, 300);
      for (let index = 0; index < 20; index += 1) {
        expect(await webhooks.ask('ordinary', 'fine')).toMatchObject({ outcome: 'allowed' });
        expect(await webhooks.ask('label', 'fine')).toMatchObject({ outcome: 'patched' });
      }
      const request = { operation: 'CREATE', name };
      expect(await stuck).toMatchObject({ httpStatus: 500, outcome: 'fault', request });
      expect(await webhooks.ask('hostile', 'fine')).toMatchObject({ outcome: 'allowed' });
      expect(webhooks.log.lines).toMatchObject([
        {
          level: 'error',
          message: expect.stringContaining('did not come back') as string,
          facts: { webhook: 'hostile.example.com', requests: 1 },
        },
      ]);
    },
  );

  it.each([
    ['ends the process', 'exit'],
    ['takes all memory', 'memory'],
  ])('that %s is answered as a fault, and answers the next request', async (_what, name) => {
    await using webhooks = await start();
    expect(await webhooks.ask('hostile', name, 60_000)).toMatchObject({
      httpStatus: 500,
      outcome: 'fault',
      request: { operation: 'CREATE', name },
      decision: { status: { message: 'the thread of the webhooks has ended' } },
    });
    expect(await webhooks.ask('hostile', 'fine')).toMatchObject({ outcome: 'allowed' });
  });

  it('that only waits too long keeps its thread', async () => {
    await using webhooks = await start();
    // It answers by itself, unless the machine gives a thread of low priority no time: then it is ended, as one that is stuck.
    const { httpStatus, outcome } = await webhooks.ask('hostile', 'slow', 50);
    expect(outcome).toBe('fault');
    const isEnded = webhooks.log.lines.some(({ message }) => message.includes('did not come back'));
    expect(isEnded).toBe(httpStatus !== 504);
  });

  it('has at most 64 requests in its thread', async () => {
    await using webhooks = await start();
    const waiting = Array.from({ length: 64 }, () => webhooks.ask('hostile', 'slow', 500));
    const request = { operation: 'CREATE', name: 'fine' };
    expect(await webhooks.ask('hostile', 'fine')).toMatchObject({ httpStatus: 503, outcome: 'fault', request });
    expect(await webhooks.ask('label', 'fine')).toMatchObject({ outcome: 'patched' });
    for (const answer of await Promise.all(waiting)) expect(answer).toMatchObject({ outcome: 'fault' });
    expect(await webhooks.ask('hostile', 'fine')).toMatchObject({ outcome: 'allowed' });
  });
});

it('isolation "thread" together with reads is refused', () => {
  const define = (): unknown =>
    defineValidator({
      name: 'a.example.com',
      resource: 'pods',
      operations: ['CREATE'],
      isolation: 'thread',
      reads: ['pods/v1'],
      handler: () => undefined,
    });
  expect(define).toThrow(InvalidDefinitionError);
  expect(define).toThrow(/reads: cannot be used with isolation "thread"/);
});
