import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { defineValidator, encodeReviewRequest, type WebhookDefinition } from '../admission/index.ts';
import type { KeyPair } from '../certs/index.ts';
import { buildRequest } from '../testing/index.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import { serve, testAuthority, type RawAnswer, type RawHttpClient } from '../../test/loopback-server.ts';

let authority: KeyPair;
beforeAll(async () => {
  authority = await testAuthority();
});

const pod = (namespace: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace } });
const review = encodeReviewRequest('v1', buildRequest(pod('shop')));
const urgentReview = encodeReviewRequest('v1', buildRequest(pod('kube-system')));
const validator = (path: string, handler: () => void | Promise<void>): WebhookDefinition =>
  defineValidator({ name: `${path}.example.com`, path: `/${path}`, resource: 'pods', operations: ['CREATE'], handler });

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

function keepTheLoopBusy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

function expectShed(answer: RawAnswer | undefined): void {
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ kind: 'Status', code: 503, reason: 'ServiceUnavailable' });
  // The API server's client would wait and try again, and answer its own caller late.
  expect(answer?.headers.has('retry-after')).toBe(false);
  // A new connection would cost more than the request.
  expect(answer?.headers.get('connection')).toBe('keep-alive');
}

describe('more requests than there is room for', () => {
  const limits = { maxRequestsInWork: 1, maxRequestsQueued: 1 };

  it('are turned away at once; those that wait are answered', async () => {
    const { webhook, started, release } = held();
    await using gate = await serve(authority, [webhook], { limits });
    const clients = [await gate.connect(), await gate.connect(), await gate.connect()] as const;
    const [first, second, third] = clients;
    first.post('/held.until.told', review);
    await started;
    second.post('/held.until.told', review);
    await expect.poll(() => gate.server.load).toMatchObject({ requestsInWork: 1, requestsQueued: 1 });
    third.post('/held.until.told', review);
    expectShed(await third.answer());
    release();
    expect(await first.answer()).toMatchObject({ httpStatus: 200 });
    expect(await second.answer()).toMatchObject({ httpStatus: 200 });
    third.post('/held.until.told', review);
    expect(await third.answer()).toMatchObject({ httpStatus: 200 });
    expect(gate.observer.finished.map(({ outcome }) => outcome)).toEqual(['shed', 'allowed', 'allowed', 'allowed']);
    for (const client of clients) client[Symbol.dispose]();
  });

  it('make room for those of the control plane', async () => {
    const { webhook, started, release } = held();
    await using gate = await serve(authority, [webhook], { limits });
    using first = await gate.connect();
    using ordinary = await gate.connect();
    using urgent = await gate.connect();
    first.post('/held.until.told', review);
    await started;
    ordinary.post('/held.until.told', review);
    await expect.poll(() => gate.server.load.requestsQueued).toBe(1);
    urgent.post('/held.until.told', urgentReview);
    expectShed(await ordinary.answer());
    release();
    expect(await urgent.answer()).toMatchObject({ httpStatus: 200 });
  });

  it('are turned away when their time is over while they wait', async () => {
    const clock = new FakeClock();
    const { webhook, started, release } = held();
    await using gate = await serve(authority, [webhook], { limits, clock });
    using first = await gate.connect();
    using second = await gate.connect();
    first.post('/held.until.told?timeout=30s', review);
    await started;
    second.post('/held.until.told?timeout=10s', review);
    await expect.poll(() => gate.server.load.requestsQueued).toBe(1);
    clock.advance(9000);
    expectShed(await second.answer());
    release();
    expect(await first.answer()).toMatchObject({ httpStatus: 200 });
  });

  it('that nobody waits for any more are not worked on', async () => {
    const { webhook, started, release } = held();
    let calls = 0;
    const counts = validator('counts.its.calls', () => void (calls += 1));
    await using gate = await serve(authority, [webhook, counts], { limits });
    using first = await gate.connect();
    const second = await gate.connect();
    first.post('/held.until.told', review);
    await started;
    second.post('/counts.its.calls', review);
    await expect.poll(() => gate.server.load.requestsQueued).toBe(1);
    second.socket.destroy();
    await expect.poll(() => gate.observer.finished).toMatchObject([{ outcome: 'abandoned' }]);
    release();
    await first.answer();
    await expect.poll(() => gate.server.load.requestsQueued).toBe(0);
    expect(calls).toBe(0);
  });
});

it('bodies beyond the memory set aside for them are turned away, and the memory is given back', async () => {
  const { webhook, started, release } = held();
  const limits = { maxBodyBytes: 10_000, maxBufferedBytes: 10_000 };
  await using gate = await serve(authority, [webhook], { limits });
  using first = await gate.connect();
  using announced = await gate.connect();
  using second = await gate.connect();
  // Whoever only announces takes nothing from the others.
  announced.send(
    'POST /held.until.told HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n',
  );
  first.post('/held.until.told', review + ' '.repeat(9000 - review.length));
  await started;
  expect(gate.server.load.bufferedBytes).toBe(9000);
  second.post('/held.until.told', review + ' '.repeat(2000));
  expectShed(await second.answer());
  release();
  expect(await first.answer()).toMatchObject({ httpStatus: 200 });
  expect(gate.server.load.bufferedBytes).toBe(0);
  second.post('/held.until.told', review + ' '.repeat(2000));
  expect(await second.answer()).toMatchObject({ httpStatus: 200 });
});

it('an answered request leaves no timer behind', async () => {
  const clock = new FakeClock();
  await using gate = await serve(authority, [validator('answers.at.once', () => undefined)], { clock });
  using client = await gate.connect();
  const before = clock.delays.length;
  client.post('/answers.at.once?timeout=10s', review);
  expect(await client.answer()).toMatchObject({ httpStatus: 200 });
  expect(clock.delays).toHaveLength(before);
});

describe('100 writes at one time, each of which asks seven webhooks at once', () => {
  it('wait, and are all answered', async () => {
    const allow = validator('allow', () => undefined);
    const { webhook, started, release } = held();
    await using gate = await serve(authority, [webhook, allow], { limits: { maxRequestsInWork: 1 } });
    using first = await gate.connect();
    first.post('/held.until.told', review);
    await started;
    const clients: RawHttpClient[] = [];
    for (let write = 0; write < 100; write += 1) {
      clients.push(...(await Promise.all(Array.from({ length: 7 }, () => gate.connect()))));
    }
    for (const client of clients) client.post('/allow?timeout=30s', review);
    await expect.poll(() => gate.server.load.requestsQueued, { timeout: 20_000 }).toBe(clients.length);
    release();
    const answers = await Promise.all(clients.map((client) => client.answer()));
    expect(answers.filter((answer) => answer?.httpStatus === 200)).toHaveLength(clients.length);
    for (const client of clients) client[Symbol.dispose]();
  });
});

describe('the time that a caller waited for its connection', () => {
  it.each([
    { what: 'counts for a request that comes at once', pause: 0, advance: 301, httpStatus: 504 },
    { what: 'is over before the rest', pause: 0, advance: 299, httpStatus: 200 },
    { what: 'does not count for one that comes later', pause: 51, advance: 301, httpStatus: 200 },
  ])('$what', async ({ pause, advance, httpStatus }) => {
    const clock = new FakeClock();
    const { webhook, started, release } = held();
    await using gate = await serve(authority, [webhook], { clock });
    const tcp = connect(gate.port, '127.0.0.1');
    await expect.poll(() => gate.server.load.handshakes).toBe(1);
    clock.advance(600);
    using client = await gate.connect({ socket: tcp });
    await expect.poll(() => gate.server.load.handshakes).toBe(0);
    clock.advance(pause);
    client.post('/held.until.told?timeout=1s', review);
    await started;
    // 900 of the 1000 ms are for the handler.
    clock.advance(advance);
    await new Promise<void>((resolve) => setImmediate(resolve));
    release();
    expect(await client.answer()).toMatchObject({ httpStatus });
  });
});

describe('connections that come while handlers keep the event loop busy', () => {
  it('are accepted many between two requests, not one after each', async () => {
    const accepted: number[] = [];
    const webhook = validator('busy', () => {
      keepTheLoopBusy(30);
      const { connections, handshakes } = gate.server.load;
      accepted.push(connections + handshakes);
    });
    await using gate = await serve(authority, [webhook]);
    const early = await Promise.all(Array.from({ length: 6 }, () => gate.connect()));
    for (const client of early) client.post('/busy', review);
    const late = await Promise.all(Array.from({ length: 30 }, () => gate.connect()));
    for (const client of early) expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    // The last of the early ones; one after each would make eleven.
    expect(accepted[5]).toBeGreaterThan(15);
    for (const client of [...early, ...late]) client[Symbol.dispose]();
  });
});

describe('a handler that blocks the event loop', () => {
  const limits = { blockingHandlerMilliseconds: 50, maxEventLoopDelayMilliseconds: 100 };

  it('is named in the log, with the uid of the request', async () => {
    const blocks = validator('blocks.at.once', () => keepTheLoopBusy(60));
    await using gate = await serve(authority, [blocks], { limits });
    using client = await gate.connect();
    for (let index = 0; index < 3; index += 1) {
      client.post('/blocks.at.once', encodeReviewRequest('v1', buildRequest(pod('shop'), { uid: `uid-${index}` })));
      await client.answer();
    }
    const lines = gate.logger.lines.filter(({ message }) => message === 'handler blocked the event loop');
    expect(lines[0]).toMatchObject({ level: 'warn', facts: { webhook: 'blocks.at.once.example.com', uid: 'uid-0' } });
    // Once a second is enough.
    expect(lines.length).toBeLessThan(3);
    expect(gate.observer.blocked).toHaveLength(3);
  });

  it('after an await is among those named, makes the server unready for a while, and counts as time that requests have waited', async () => {
    const blocks = validator('blocks.after.await', async () => {
      await Promise.resolve();
      keepTheLoopBusy(600);
    });
    const innocent = validator('answers.at.once', () => undefined);
    await using gate = await serve(authority, [blocks, innocent], { limits });
    using client = await gate.connect();
    client.post('/blocks.after.await', review);
    await client.answer();
    const blockedLines = () => gate.logger.lines.filter(({ message }) => message === 'the event loop was blocked');
    await expect
      .poll(blockedLines, { timeout: 5000 })
      .toMatchObject([{ facts: { webhooksAtWork: ['blocks.after.await.example.com'] } }]);
    const ready = async (): Promise<number | undefined> => {
      client.get('/readyz');
      return (await client.answer())?.httpStatus;
    };
    expect(await ready()).toBe(503);
    // Of 200 ms, 150 may be used here, and as much is lost before a request is even seen.
    client.post('/answers.at.once?timeout=200ms', review);
    expectShed(await client.answer());
    await expect.poll(ready, { timeout: 20_000 }).toBe(200);
  });
});
