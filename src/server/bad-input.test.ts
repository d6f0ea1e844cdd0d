import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { deny, defineMutator, defineValidator } from '../admission/index.ts';
import type { Status } from '../api/status.ts';
import { buildRequest } from '../testing/index.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import { serve, testAuthority, type RawAnswer } from '../../test/loopback-server.ts';
import type { KeyPair } from '../certs/index.ts';

let authority: KeyPair;
beforeAll(async () => {
  authority = await testAuthority();
});

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, spec: { containers: [] } };
const request = buildRequest(pod, { uid: 'uid-1' });
const review = (changes: object = {}, apiVersion = 'admission.k8s.io/v1'): string =>
  JSON.stringify({ apiVersion, kind: 'AdmissionReview', request: { ...request, ...changes } });

const label = defineMutator({
  name: 'label.example.com',
  path: '/label',
  resource: 'pods',
  operations: ['CREATE'],
  handler({ object }) {
    object.metadata = { ...object.metadata, labels: { team: 'unknown' } };
  },
});
const refuse = defineValidator({
  name: 'refuse.example.com',
  path: '/refuse',
  resource: 'pods',
  operations: ['CREATE'],
  handler: () => deny('not today'),
});
const broken = (path: string, handler: () => never) =>
  defineValidator({
    name: `${path}.broken.example.com`,
    path: `/${path}`,
    resource: 'pods',
    operations: ['CREATE'],
    handler,
  });
const webhooks = [
  label,
  refuse,
  broken('throws', () => {
    throw new Error('password=hunter2');
  }),
  broken('rejects', (() => Promise.reject(new Error('password=hunter2'))) as never),
  broken('nonsense', (() => 42) as never),
  broken('slow', (() => new Promise(() => undefined)) as never),
];

function statusOf(answer: RawAnswer | undefined): Status {
  expect(answer?.headers.get('content-type')).toBe('application/json');
  expect(answer?.headers.has('retry-after')).toBe(false);
  const status = JSON.parse(answer?.body ?? '') as Status;
  expect(status).toMatchObject({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: answer?.httpStatus,
  });
  return status;
}

describe('what is right', () => {
  it.each([
    ['v1', 'admission.k8s.io/v1'],
    ['v1beta1', 'admission.k8s.io/v1beta1'],
  ])('a %s review is answered in its version, with its length', async (_name, apiVersion) => {
    await using gate = await serve(authority, webhooks);
    using client = await gate.connect();
    client.post('/label?timeout=10s', review({}, apiVersion));
    const answer = await client.answer();
    expect(answer).toMatchObject({ httpStatus: 200 });
    expect(answer?.headers.get('content-type')).toBe('application/json');
    expect(Number(answer?.headers.get('content-length'))).toBe(Buffer.byteLength(answer?.body ?? ''));
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({
      apiVersion,
      kind: 'AdmissionReview',
      response: { uid: 'uid-1', allowed: true, patchType: 'JSONPatch' },
    });
  });

  it.each(['application/json; charset=utf-8', 'Application/JSON', ' application/json ;v=1'])(
    'takes content type %j',
    async (contentType) => {
      await using gate = await serve(authority, webhooks);
      using client = await gate.connect();
      client.post('/refuse', review(), { 'Content-Type': contentType });
      expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    },
  );

  it('takes a body in chunks', async () => {
    await using gate = await serve(authority, webhooks);
    using client = await gate.connect();
    client.send(
      'POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const body = Buffer.from(review());
    for (let at = 0; at < body.length; at += 100) {
      const part = body.subarray(at, at + 100);
      client.send(`${part.length.toString(16)}\r\n${part.toString()}\r\n`);
    }
    client.send('0\r\n\r\n');
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
  });

  it('reports each request once, with its facts and without its object', async () => {
    await using gate = await serve(authority, webhooks);
    using client = await gate.connect();
    client.post('/label', review({ dryRun: true }));
    await client.answer();
    client.post('/refuse', review());
    await client.answer();
    expect(gate.observer.finished).toMatchObject([
      { webhook: 'label.example.com', operation: 'CREATE', resource: 'pods', dryRun: true, outcome: 'patched' },
      { webhook: 'refuse.example.com', operation: 'CREATE', resource: 'pods', dryRun: false, outcome: 'denied' },
    ]);
    const lines = gate.logger.lines.filter(({ message }) => message === 'request');
    expect(lines.map(({ facts }) => [facts['webhook'], facts['uid'], facts['outcome'], facts['code']])).toEqual([
      ['label.example.com', 'uid-1', 'patched', 200],
      ['refuse.example.com', 'uid-1', 'denied', 200],
    ]);
    expect(JSON.stringify(lines)).not.toContain('containers');
  });
});

describe('wrong method, path, content type', () => {
  it.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])(
    '%s on a webhook is 405 and says what is allowed',
    async (method) => {
      await using gate = await serve(authority, webhooks);
      using client = await gate.connect();
      client.send(`${method} /label HTTP/1.1\r\nHost: x\r\n\r\n`);
      const answer = await client.answer();
      expect(statusOf(answer)).toMatchObject({ code: 405, reason: 'MethodNotAllowed' });
      expect(answer?.headers.get('allow')).toBe('POST');
    },
  );

  it.each(['/', '/labels', '/label/', '/LABEL', '//label', '/label%20', '*'])('path %s is 404', async (path) => {
    await using gate = await serve(authority, webhooks);
    using client = await gate.connect();
    client.post(path, review());
    expect(statusOf(await client.answer())).toMatchObject({ code: 404, reason: 'NotFound' });
    // The connection goes on.
    client.post('/label', review());
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
  });

  it.each([
    ['text', { 'Content-Type': 'text/plain' }],
    ['YAML', { 'Content-Type': 'application/yaml' }],
    ['JSON of another kind', { 'Content-Type': 'application/json-patch+json' }],
    ['gzip', { 'Content-Encoding': 'gzip' }],
    ['two encodings', { 'Content-Encoding': 'identity, br' }],
  ])('%s is 415', async (_name, headers) => {
    await using gate = await serve(authority, webhooks);
    using client = await gate.connect();
    client.post('/label', review(), headers);
    expect(statusOf(await client.answer())).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
    expect(gate.observer.refused).toEqual([415]);
  });

  it('a body without content type is 415', async () => {
    await using gate = await serve(authority, webhooks);
    using client = await gate.connect();
    client.send(`POST /label HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`);
    expect(statusOf(await client.answer()).code).toBe(415);
  });
});

describe('a body that is no review is 400 and names the field', () => {
  const cases: [string, string | Buffer, string][] = [
    ['nothing', '', 'body'],
    ['no JSON', '{"kind":', 'body'],
    ['JSON with something behind', `${review()}x`, 'body'],
    ['gzip that does not say so', gzipSync(review()), 'body'],
    ['bytes that are no UTF-8', Buffer.from(review().replace('web', 'w\u00ffb'), 'latin1'), 'UTF-8'],
    ['UTF-16', Buffer.from(review(), 'utf16le'), 'body'],
    ['a list', '[]', 'body'],
    ['a number', '7', 'body'],
    ['another kind', '{"kind":"Pod","apiVersion":"v1"}', 'kind'],
    ['no apiVersion', '{"kind":"AdmissionReview"}', 'apiVersion'],
    ['another version', review({}, 'admission.k8s.io/v2'), 'apiVersion'],
    ['no request', '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', 'request'],
    ['a response only', '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{}}', 'request'],
    ['an empty uid', review({ uid: '' }), 'request.uid'],
    ['no uid', review({ uid: undefined }), 'request.uid'],
    ['another operation', review({ operation: 'PATCH' }), 'request.operation'],
    ['no object', review({ object: null }), 'request.object'],
    ['an object that is none', review({ object: [] }), 'request.object'],
  ];
  it.each(cases)('%s', async (_name, body, field) => {
    await using gate = await serve(authority, webhooks);
    using client = await gate.connect();
    client.send(
      `POST /label HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
    );
    client.send(typeof body === 'string' ? body : new Uint8Array(body));
    const status = statusOf(await client.answer());
    expect(status).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect(status.message).toContain(field);
    expect(gate.observer.finished).toMatchObject([{ webhook: 'label.example.com', outcome: 'fault' }]);
    // The connection goes on.
    client.post('/label', review());
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
  });

  it.each(['10', '-1s', '1x', 's', '1.2.3s', '', '%zz', '1s 2'])('timeout=%s is 400', async (timeout) => {
    await using gate = await serve(authority, webhooks);
    using client = await gate.connect();
    client.post(`/label?timeout=${timeout.replaceAll(' ', '+')}`, review());
    expect(statusOf(await client.answer()).message).toContain('timeout');
  });
});

describe('a body over the cap', () => {
  const limits = { maxBodyBytes: 10_000, maxBufferedBytes: 20_000 };
  const large = 'x'.repeat(100_000);

  it('is 413 before it is sent, when its length is said', async () => {
    await using gate = await serve(authority, webhooks, { limits });
    using client = await gate.connect();
    client.send('POST /label HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 8000000\r\n\r\n');
    const answer = await client.answer();
    expect(statusOf(answer)).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
    expect(answer?.headers.get('connection')).toBe('close');
    await client.closed;
  });

  it('is 413 also for a client that sends all of it before it reads', async () => {
    // Time stands still, so that the connection stays open for as long as the client needs.
    await using gate = await serve(authority, webhooks, { limits, clock: new FakeClock() });
    using client = await gate.connect();
    client.socket.pause();
    client.send(`POST /label HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n`);
    await new Promise<void>((resolve) => client.socket.write('x'.repeat(5_000_000), () => resolve()));
    client.socket.resume();
    expect(statusOf(await client.answer()).code).toBe(413);
  });

  it('is 413 as soon as it passes, when it comes in chunks', async () => {
    await using gate = await serve(authority, webhooks, { limits });
    using client = await gate.connect();
    client.send(
      'POST /label HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    client.send(`${large.length.toString(16)}\r\n${large}\r\n`);
    expect(statusOf(await client.answer()).code).toBe(413);
    await client.closed;
    expect(gate.server.load).toMatchObject({ bufferedBytes: 0, requestsInWork: 0 });
  });

  it('is taken when it is as large as the cap', async () => {
    await using gate = await serve(authority, webhooks, { limits });
    using client = await gate.connect();
    const body = review();
    client.post('/label', body + ' '.repeat(limits.maxBodyBytes - body.length));
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    client.post('/label', body + ' '.repeat(limits.maxBodyBytes - body.length + 1));
    expect(await client.answer()).toMatchObject({ httpStatus: 413 });
  });
});

describe('a body that is cut short is never parsed', () => {
  it('the client goes away in the middle', async () => {
    await using gate = await serve(authority, webhooks);
    const client = await gate.connect();
    const body = review();
    // What came is a whole review: only the length says that more was to come.
    client.send(
      `POST /label HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length + 100}\r\n\r\n${body}`,
    );
    client.socket.end();
    expect((await client.answer())?.httpStatus).not.toBe(200);
    await client.closed;
    await expect.poll(() => gate.observer.finished).toMatchObject([{ outcome: 'abandoned', operation: undefined }]);
    expect(gate.server.load.bufferedBytes).toBe(0);
  });

  it('the last chunk does not come', async () => {
    await using gate = await serve(authority, webhooks);
    const client = await gate.connect();
    const body = review();
    client.send(
      'POST /label HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    client.send(`${body.length.toString(16)}\r\n${body}\r\n`);
    client.socket.end();
    expect((await client.answer())?.httpStatus).not.toBe(200);
    await expect.poll(() => gate.observer.finished).toMatchObject([{ outcome: 'abandoned', operation: undefined }]);
  });

  it('a body that stops is 408 when the time to answer is over', async () => {
    await using gate = await serve(authority, webhooks);
    using client = await gate.connect();
    client.send(
      'POST /label?timeout=300ms HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    const answer = await client.answer();
    expect(statusOf(answer)).toMatchObject({ code: 408 });
    expect(answer?.headers.get('connection')).toBe('close');
    expect(gate.observer.finished).toMatchObject([{ outcome: 'abandoned' }]);
  });

  it('bytes behind the length are no part of the body, and end the connection', async () => {
    await using gate = await serve(authority, webhooks);
    using client = await gate.connect();
    client.post('/label', review(), { 'Content-Length': '10' });
    for (let answer = await client.answer(); answer !== undefined; answer = await client.answer()) {
      expect(answer.httpStatus).toBe(400);
    }
    expect(client.isClosed).toBe(true);
  });
});

describe('a handler that fails', () => {
  it.each(['throws', 'rejects', 'nonsense'])(
    '%s: 500 that names the webhook and nothing else; logged with the uid',
    async (path) => {
      await using gate = await serve(authority, webhooks);
      using client = await gate.connect();
      client.post(`/${path}`, review());
      const status = statusOf(await client.answer());
      expect(status).toMatchObject({ code: 500, reason: 'InternalError' });
      expect(status.message).toContain(`${path}.broken.example.com`);
      expect(JSON.stringify(status)).not.toMatch(/hunter2|\.ts|at /);
      expect(gate.logger.lines).toContainEqual(
        expect.objectContaining({ level: 'error', facts: expect.objectContaining({ uid: 'uid-1' }) as object }),
      );
      // The process lives on.
      client.post('/label', review());
      expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    },
  );

  it('is too slow: 504 before the time that the caller said', async () => {
    const clock = new FakeClock();
    await using gate = await serve(authority, webhooks, { clock });
    using client = await gate.connect();
    client.post('/slow?timeout=500ms', review());
    await expect.poll(() => gate.server.load.requestsInWork, { timeout: 10_000 }).toBe(1);
    // 50 ms are kept back for the way to the caller.
    clock.advance(449);
    await new Promise((resolve) => setImmediate(resolve));
    expect(gate.server.load.requestsInWork).toBe(1);
    clock.advance(1);
    const status = statusOf(await client.answer());
    expect(status).toMatchObject({ code: 504, reason: 'Timeout' });
    expect(status.message).toContain('slow.broken.example.com');
  });
});

describe('an `answer` of the user', () => {
  it('that does not heed its signal is answered for: 504, and its place is free again', async () => {
    await using gate = await serve(authority, webhooks, { answer: () => new Promise(() => undefined) });
    using client = await gate.connect();
    client.post('/label?timeout=200ms', review());
    expect(statusOf(await client.answer())).toMatchObject({ code: 504, reason: 'Timeout' });
    expect(gate.server.load.requestsInWork).toBe(0);
    expect(gate.observer.finished).toMatchObject([{ outcome: 'fault', operation: 'CREATE', resource: 'pods' }]);
  });

  it('that rejects is answered for: 500 that says nothing of the reason', async () => {
    await using gate = await serve(authority, webhooks, { answer: () => Promise.reject(new Error('hunter2')) });
    using client = await gate.connect();
    client.post('/label', review());
    const status = statusOf(await client.answer());
    expect(status).toMatchObject({ code: 500, reason: 'InternalError' });
    expect(JSON.stringify(status)).not.toContain('hunter2');
    expect(gate.logger.lines).toContainEqual(expect.objectContaining({ level: 'error' }));
    expect(gate.server.load.requestsInWork).toBe(0);
    expect(gate.observer.finished).toMatchObject([{ outcome: 'fault', operation: 'CREATE', resource: 'pods' }]);
  });
});

it('tells a handler when its caller has gone', async () => {
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<unknown>();
  const waits = defineValidator({
    name: 'waits.example.com',
    path: '/waits',
    resource: 'pods',
    operations: ['CREATE'],
    async handler(_request, { signal }) {
      signal.addEventListener('abort', () => ended.resolve(signal.reason));
      started.resolve();
      await ended.promise;
    },
  });
  await using gate = await serve(authority, [waits]);
  const client = await gate.connect();
  client.post('/waits', review());
  await started.promise;
  client.socket.destroy();
  expect(await ended.promise).toMatchObject({ name: 'AbortError' });
  await expect
    .poll(() => gate.observer.finished)
    .toMatchObject([{ outcome: 'abandoned', operation: 'CREATE', resource: 'pods' }]);
});
