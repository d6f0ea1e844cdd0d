import { once } from 'node:events';
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { beforeAll, describe, expect, it } from 'vitest';
import { defineValidator, encodeReviewRequest } from '../admission/index.ts';
import type { KeyPair } from '../certs/index.ts';
import { buildRequest } from '../testing/index.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import { serve, testAuthority, type LoopbackServer } from '../../test/loopback-server.ts';

let authority: KeyPair;
beforeAll(async () => {
  authority = await testAuthority();
});

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } };
const review = encodeReviewRequest('v1', buildRequest(pod, { uid: 'uid-1' }));
const allow = defineValidator({
  name: 'allow.example.com',
  path: '/allow',
  resource: 'pods',
  operations: ['CREATE'],
  handler: () => undefined,
});

async function open(gate: LoopbackServer): Promise<ClientHttp2Session & Disposable> {
  const session = connect(`https://127.0.0.1:${gate.port}`, { ca: gate.ca });
  session.on('error', () => undefined);
  await once(session, 'connect');
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
}

function post(session: ClientHttp2Session, path: string, headers: Record<string, string> = {}): ClientHttp2Stream {
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json', ...headers });
  stream.on('error', () => undefined);
  return stream;
}

async function answerOf(stream: ClientHttp2Stream): Promise<{ httpStatus: unknown; headers: object; body: string }> {
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  let body = '';
  for await (const chunk of stream.setEncoding('utf8')) body += String(chunk);
  return { httpStatus: headers[':status'], headers, body };
}

describe('HTTP/2', () => {
  it('serves a client that offers it', async () => {
    await using gate = await serve(authority, [allow]);
    using session = await open(gate);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => {
        const stream = post(session, '/allow?timeout=10s');
        stream.end(review);
        return answerOf(stream);
      }),
    );
    for (const { httpStatus, headers, body } of answers) {
      expect(httpStatus).toBe(200);
      expect(headers).toMatchObject({ 'content-type': 'application/json', 'content-length': String(body.length) });
      expect(JSON.parse(body)).toMatchObject({ response: { uid: 'uid-1', allowed: true } });
    }
    expect(gate.server.load.connections).toBe(1);
  });

  it.each([
    ['404', '/nowhere', {}, 404],
    ['405', '/allow', { ':method': 'PUT' }, 405],
    ['415', '/allow', { 'content-type': 'text/plain' }, 415],
    ['413', '/allow', { 'content-length': '9000000' }, 413],
  ])('%s with a Status', async (_name, path, headers, httpStatus) => {
    await using gate = await serve(authority, [allow]);
    using session = await open(gate);
    const answer = await answerOf(post(session, path, headers));
    expect(answer.httpStatus).toBe(httpStatus);
    expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', code: httpStatus });
    expect(answer.headers).not.toHaveProperty('connection');
  });

  it('refuses a body over the cap while it comes', async () => {
    await using gate = await serve(authority, [allow], { limits: { maxBodyBytes: 1000 } });
    using session = await open(gate);
    const stream = post(session, '/allow');
    stream.write('x'.repeat(2000));
    expect(await answerOf(stream)).toMatchObject({ httpStatus: 413 });
  });

  it.each([
    ['resets its stream', (stream: ClientHttp2Stream) => stream.close(constants.NGHTTP2_CANCEL)],
    ['drops its connection', (stream: ClientHttp2Stream) => stream.session?.socket.destroySoon()],
  ])('parses nothing when the client %s in the middle of a body', async (_name, leave) => {
    await using gate = await serve(authority, [allow]);
    using session = await open(gate);
    const stream = post(session, '/allow', { 'content-length': String(review.length + 10) });
    // A whole review: only the announced length says that more was to come.
    await new Promise((resolve) => stream.write(review, resolve));
    await expect.poll(() => gate.server.load.bufferedBytes).toBe(review.length);
    leave(stream);
    await expect.poll(() => gate.observer.finished).toMatchObject([{ outcome: 'abandoned', operation: undefined }]);
    expect(gate.server.load.bufferedBytes).toBe(0);
  });

  it('parses nothing when the client drops its connection and never said a length', async () => {
    await using gate = await serve(authority, [allow]);
    using session = await open(gate);
    const stream = post(session, '/allow');
    await new Promise((resolve) => stream.write(review, resolve));
    await expect.poll(() => gate.server.load.bufferedBytes).toBe(review.length);
    session.destroy();
    await expect.poll(() => gate.observer.finished).toMatchObject([{ outcome: 'abandoned', operation: undefined }]);
  });

  it('ends a connection that opens and resets streams without end, and serves the others', async () => {
    await using gate = await serve(authority, [allow]);
    using other = await open(gate);
    using session = await open(gate);
    await expect.poll(() => gate.server.load.connections).toBe(2);
    while (gate.server.load.connections === 2) {
      for (let index = 0; index < 50 && !session.closed && !session.destroyed; index += 1) {
        post(session, '/allow').close(constants.NGHTTP2_CANCEL);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const stream = post(other, '/allow');
    stream.end(review);
    expect(await answerOf(stream)).toMatchObject({ httpStatus: 200 });
  });

  it('ends a session with its next answer while it drains, and an idle one after', async () => {
    const clock = new FakeClock();
    const shutdown = { quietPeriodMilliseconds: 1000, hardDeadlineMilliseconds: 2000 };
    await using gate = await serve(authority, [allow], { clock, shutdown });
    using used = await open(gate);
    using idle = await open(gate);
    const [usedClosed, idleClosed] = [once(used, 'close'), once(idle, 'close')];
    const goaway = once(used, 'goaway');
    const stopped = gate.server.stop();
    const streams = [post(used, '/allow'), post(used, '/allow')];
    for (const stream of streams) stream.end(review);
    for (const answer of await Promise.all(streams.map(answerOf))) expect(answer.httpStatus).toBe(200);
    expect((await goaway)[0]).toBe(constants.NGHTTP2_NO_ERROR);
    await usedClosed;
    expect(idle.closed).toBe(false);
    clock.advance(1000);
    await idleClosed;
    await stopped;
  });
});
