import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { defineValidator, encodeReviewRequest, type WebhookDefinition } from '../admission/index.ts';
import type { KeyPair } from '../certs/index.ts';
import { buildRequest } from '../testing/index.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import { serve, testAuthority, type RawHttpClient } from '../../test/loopback-server.ts';

let authority: KeyPair;
beforeAll(async () => {
  authority = await testAuthority();
});

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } };
const review = encodeReviewRequest('v1', buildRequest(pod));
const validator = (path: string, handler: () => void | Promise<void>): WebhookDefinition =>
  defineValidator({ name: `${path}.example.com`, path: `/${path}`, resource: 'pods', operations: ['CREATE'], handler });
const allow = validator('allow.at.once', () => undefined);

/** A webhook that answers when the test says so. */
function held(): { webhook: WebhookDefinition; started: Promise<void>; release: () => void } {
  const started = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const webhook = validator('held.until.told', async () => {
    started.resolve();
    await end.promise;
  });
  return { webhook, started: started.promise, release: end.resolve };
}

const shutdown = { quietPeriodMilliseconds: 10_000, hardDeadlineMilliseconds: 25_000 };

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}

async function answerTo(client: RawHttpClient): Promise<{ httpStatus?: number; connection?: string | undefined }> {
  const answer = await client.answer();
  return answer === undefined ? {} : { httpStatus: answer.httpStatus, connection: answer.headers.get('connection') };
}

describe('stop()', () => {
  it('goes on serving for the quiet period, says close with each answer, and closes nothing by itself', async () => {
    const clock = new FakeClock();
    await using gate = await serve(authority, [allow], { clock, shutdown });
    using idle = await gate.connect();
    idle.post('/allow.at.once', review);
    expect(await answerTo(idle)).toEqual({ httpStatus: 200, connection: 'keep-alive' });
    using unused = await gate.connect();

    const stopped = gate.server.stop();
    using probe = await gate.connect();
    probe.get('/readyz');
    expect(await answerTo(probe)).toEqual({ httpStatus: 503, connection: 'close' });
    await probe.closed;
    using alive = await gate.connect();
    alive.get('/livez');
    expect(await answerTo(alive)).toEqual({ httpStatus: 200, connection: 'close' });

    clock.advance(shutdown.quietPeriodMilliseconds - 1);
    using fresh = await gate.connect();
    fresh.post('/allow.at.once', review);
    expect(await answerTo(fresh)).toEqual({ httpStatus: 200, connection: 'close' });
    await fresh.closed;
    // The API server used neither since, and may at any moment.
    idle.post('/allow.at.once', review);
    expect(await answerTo(idle)).toEqual({ httpStatus: 200, connection: 'close' });
    await idle.closed;
    expect(unused.isClosed).toBe(false);

    clock.advance(1);
    await expect.poll(() => isRefused(gate.port)).toBe(true);
    clock.advance(1000);
    await unused.closed;
    await stopped;
  });

  it('then listens no more, closes what is idle, and awaits what is at work', async () => {
    const clock = new FakeClock();
    const { webhook, started, release } = held();
    await using gate = await serve(authority, [allow, webhook], { clock, shutdown });
    using idle = await gate.connect();
    idle.post('/allow.at.once', review);
    await idle.answer();
    using working = await gate.connect();
    working.post('/held.until.told?timeout=30s', review);
    await started;

    let isStopped = false;
    const stopped = gate.server.stop().then(() => (isStopped = true));
    clock.advance(shutdown.quietPeriodMilliseconds);
    await idle.closed;
    expect(await isRefused(gate.port)).toBe(true);
    expect(isStopped).toBe(false);
    release();
    expect(await answerTo(working)).toEqual({ httpStatus: 200, connection: 'close' });
    await stopped;
    expect(gate.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('cuts off at the hard deadline what is still at work, and says how much', async () => {
    const clock = new FakeClock();
    const { webhook, started } = held();
    await using gate = await serve(authority, [webhook], {
      clock,
      shutdown: { quietPeriodMilliseconds: 1000, hardDeadlineMilliseconds: 2000 },
    });
    using working = await gate.connect();
    working.post('/held.until.told?timeout=30s', review);
    await started;
    const stopped = gate.server.stop();
    clock.advance(1000);
    await expect.poll(() => isRefused(gate.port)).toBe(true);
    clock.advance(1000);
    await stopped;
    expect(await answerTo(working)).toEqual({});
    expect(gate.logger.lines).toContainEqual({
      level: 'error',
      message: 'requests were cut off by the end of the server',
      facts: { requests: 1 },
    });
  });

  it('does not wait when it is told to hurry', async () => {
    const clock = new FakeClock();
    const { webhook, started } = held();
    await using gate = await serve(authority, [webhook], { clock, shutdown });
    using working = await gate.connect();
    working.post('/held.until.told?timeout=30s', review);
    await started;
    const hurry = new AbortController();
    const stopped = gate.server.stop(hurry.signal);
    hurry.abort();
    await stopped;
    await working.closed;
  });

  it('may be called before start() and twice', async () => {
    await using gate = await serve(authority, [allow]);
    await Promise.all([gate.server.stop(), gate.server.stop()]);
    await gate.server.stop();
  });

  it('keeps the port for probes to the end', async () => {
    const clock = new FakeClock();
    await using gate = await serve(authority, [allow], { clock, shutdown, operations: { host: '127.0.0.1', port: 0 } });
    const { operationsAddress } = gate.server;
    const ready = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${operationsAddress?.port}/readyz`, { headers: { Connection: 'close' } })).status;
    expect(await ready()).toBe(200);
    const stopped = gate.server.stop();
    expect(await ready()).toBe(503);
    clock.advance(shutdown.quietPeriodMilliseconds);
    await stopped;
    await expect(ready()).rejects.toThrow();
  });
});
