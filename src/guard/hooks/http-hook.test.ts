import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { issueAuthority, issueServingCertificate } from '../../certs/index.ts';
import { systemClock } from '../../telemetry/index.ts';
import type { HookCall } from '../hook.ts';
import { hookSpecSchema, type HttpHookSpec } from './hook-spec.ts';
import { HttpHook } from './http-hook.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

const call: HookCall = {
  pod: {
    metadata: { namespace: 'shop', name: 'db-0', uid: '3f1c', labels: { app: 'db' } },
    spec: { nodeName: 'n1', containers: [] },
    status: { podIP: '127.0.0.1' },
  },
  guard: 'shop/db',
  attempt: 2,
  idempotencyKey: '3f1c/2',
  deadline: Date.UTC(2026, 0, 1),
  requester: 'alice',
  verb: 'eviction',
  signal: new AbortController().signal,
};

/** An application that keeps what it is asked and answers each with `answer`. */
async function application(
  answer: (response: ServerResponse) => void,
  tls?: { key: string; cert: string },
): Promise<{ port: number; seen: Seen[] }> {
  const seen: Seen[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void text(request).then((body) => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body });
      answer(response);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

function hookFor(spec: Partial<HttpHookSpec> & { url: string }, secret?: string): HttpHook {
  const { http } = hookSpecSchema.parse({ http: spec });
  if (http === undefined) throw new Error('an http hook');
  const hook = new HttpHook({
    spec: http,
    secret: async () => secret,
    clock: { ...systemClock, now: () => 1_700_000_000_500 },
  });
  endings.push(() => hook.close());
  return hook;
}

function reply(status: number, body?: unknown): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, { location: '/elsewhere' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

describe('HttpHook', () => {
  it('posts start and undo with the key, and gets status', async () => {
    const { port, seen } = await application(reply(200, { phase: 'Running', message: '3 left' }));
    const hook = hookFor({ url: `http://{podIP}:${port}/pods/{namespace}/{name}/` });
    await hook.start(call);
    expect(await hook.status(call)).toEqual({ phase: 'Running', message: '3 left' });
    await hook.undo(call);
    expect(seen.map(({ method, url, headers }) => [method, url, headers['idempotency-key']])).toEqual([
      ['POST', '/pods/shop/db-0/start', '3f1c/2'],
      ['GET', '/pods/shop/db-0/status', '3f1c/2'],
      ['POST', '/pods/shop/db-0/undo', '3f1c/2'],
    ]);
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      action: 'start',
      key: '3f1c/2',
      attempt: 2,
      guard: 'shop/db',
      requester: 'alice',
      verb: 'eviction',
      deadline: '2026-01-01T00:00:00.000Z',
      pod: { namespace: 'shop', name: 'db-0', uid: '3f1c', labels: { app: 'db' }, ip: '127.0.0.1', node: 'n1' },
    });
    expect(seen[1]?.headers).not.toHaveProperty('webhook-signature');
  });

  it.each([
    ['as it is', 'correct horse', Buffer.from('correct horse')],
    [
      'in base64 after whsec_',
      `whsec_${Buffer.from('battery staple').toString('base64')}`,
      Buffer.from('battery staple'),
    ],
  ])('signs each call by a secret taken %s', async (_how, secret, key) => {
    const { port, seen } = await application(reply(200, { phase: 'Done' }));
    const hook = hookFor({ url: `http://127.0.0.1:${port}`, secretRef: { name: 's', key: 'k' } }, secret);
    await hook.start(call);
    await hook.status(call);
    for (const [index, action] of ['start', 'status'].entries()) {
      const { headers, body } = seen[index] ?? { headers: {}, body: '' };
      const content = `3f1c/2/${action}.1700000000.${body}`;
      expect(headers).toMatchObject({
        'webhook-id': `3f1c/2/${action}`,
        'webhook-timestamp': '1700000000',
        'webhook-signature': `v1,${createHmac('sha256', key).update(content).digest('base64')}`,
      });
    }
  });

  it.each([
    ['Done', reply(200, { phase: 'Done' }), { phase: 'Done', message: undefined }],
    ['Failed', reply(200, { phase: 'Failed', message: 'disk full' }), { phase: 'Failed', message: 'disk full' }],
    ['Unknown', reply(200, { phase: 'Unknown', more: 1 }), { phase: 'Unknown', message: undefined }],
    ['404', reply(404, 'no such clean-up'), { phase: 'Unknown' }],
    [
      'a long message',
      reply(200, { phase: 'Running', message: 'x'.repeat(9000) }),
      { phase: 'Running', message: 'x'.repeat(512) },
    ],
  ])('takes %s as an answer to status', async (_what, answer, report) => {
    const { port } = await application(answer);
    expect(await hookFor({ url: `http://127.0.0.1:${port}` }).status(call)).toEqual(report);
  });

  it.each([
    ['500', reply(500), 'HTTP 500; expected 200, or 404 for Unknown'],
    ['204', reply(204), 'HTTP 204; expected 200'],
    ['a redirect', reply(302), 'HTTP 302'],
    ['no JSON', reply(200, 'OK'), 'expected JSON such as {"phase": "Running"}'],
    ['an unknown phase', reply(200, { phase: 'done' }), 'with Running, Done, Failed or Unknown'],
    ['too much', reply(200, 'x'.repeat(70_000)), 'GET http://127.0.0.1'],
    ['a broken connection', (response: ServerResponse) => response.destroy(), 'other side closed'],
    ['silence', () => undefined, 'no answer within 1 s'],
  ])('never takes %s for one', async (_what, answer, message) => {
    const { port } = await application(answer);
    const hook = hookFor({ url: `http://127.0.0.1:${port}`, timeoutSeconds: 1 });
    await expect(hook.status(call)).rejects.toMatchObject({
      code: 'SALLYPORT_GUARD_HOOK',
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    [200, true],
    [202, true],
    [302, false],
    [404, false],
    [409, false],
    [503, false],
  ])('an answer of %i to start and undo is a yes: %s', async (status, isYes) => {
    const { port } = await application(reply(status));
    const hook = hookFor({ url: `http://127.0.0.1:${port}` });
    for (const ask of [hook.start(call), hook.undo(call)]) {
      if (isYes) await ask;
      else await expect(ask).rejects.toThrow(`HTTP ${status}; expected 2xx`);
    }
  });

  it('trusts the authority of caBundle, and only that', async () => {
    const lifetime = { issuedAt: Date.now(), lifetimeMilliseconds: 3_600_000 };
    const [authority, stranger] = [await issueAuthority(lifetime), await issueAuthority(lifetime)];
    const serving = await issueServingCertificate({ ...lifetime, authority, hosts: ['127.0.0.1'] });
    const { port } = await application(reply(200, { phase: 'Done' }), {
      key: serving.privateKeyPem,
      cert: serving.certificatePem,
    });
    const url = `https://127.0.0.1:${port}`;
    const bundleOf = (pem: string): string => Buffer.from(pem).toString('base64');
    const trusting = hookFor({ url, caBundle: bundleOf(authority.certificatePem) });
    expect(await trusting.status(call)).toMatchObject({ phase: 'Done' });
    for (const spec of [{ url }, { url, caBundle: bundleOf(stranger.certificatePem) }]) {
      await expect(hookFor(spec).status(call)).rejects.toThrow(/certificate|self-signed/);
    }
  });

  it('ends with the reason of the signal, and says that a Pod has no address', async () => {
    const { port } = await application(() => undefined);
    const stopping = new AbortController();
    const asking = hookFor({ url: `http://127.0.0.1:${port}` }).status({ ...call, signal: stopping.signal });
    stopping.abort(new Error('shutting down'));
    await expect(asking).rejects.toThrow('shutting down');
    const hook = hookFor({ url: 'http://{podIP}:1' });
    await expect(hook.start({ ...call, pod: {} })).rejects.toThrow('the Pod has no IP address yet');
  });
});

describe('hookSpecSchema', () => {
  const job = { template: { spec: { template: { spec: { containers: [{ name: 'main' }] } } } } };
  it.each([
    [{ http: { url: 'https://db.shop.svc:8443/departure' } }, undefined],
    [{ http: { url: 'http://{podIP}:8080/', secretRef: {} } }, undefined],
    [{ job }, undefined],
    [{}, 'expected exactly one of http and job'],
    [{ http: { url: 'http://db' }, job }, 'expected exactly one of http and job'],
    [{ http: { url: 'db:8080' } }, 'expected an http or https URL'],
    [{ http: { url: 'http://db?x=1' } }, 'expected no query'],
    [{ http: { url: 'http://user:word@db' } }, 'expected no user and no password'],
    [{ http: { url: 'http://{node}' } }, 'expected no placeholders but'],
    [{ http: { url: 'http://db', caBundle: 'bm9uZQ==' } }, 'expected PEM certificates'],
    [{ http: { url: 'http://db', timeoutSeconds: 31 } }, '<=30'],
    [{ http: { url: 'http://db', retries: 3 } }, 'Unrecognized key'],
    [{ job: { template: { spec: { template: { spec: { containers: [] } } } } } }, '>=1'],
    [{ job: { ...job, ttlSecondsAfterFinished: 5 } }, '>=60'],
  ])('%j: %s', (spec, problem) => {
    const parsed = hookSpecSchema.safeParse(spec);
    if (problem === undefined) expect(parsed.error).toBeUndefined();
    else expect(parsed.error?.issues[0]?.message).toContain(problem);
  });
});
