import { beforeAll, describe, expect, it } from 'vitest';
import { defineValidator, deny, encodeReviewRequest, WebhookRegistry } from '../admission/index.ts';
import type { KeyPair } from '../certs/index.ts';
import { prometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { buildRequest } from '../testing/index.ts';
import { serve, SettableCertificates, testAuthority, testCertificate } from '../../test/loopback-server.ts';
import {
  AdmissionServer,
  InvalidServerOptionsError,
  ListenError,
  metricsRoute,
  serverMetrics,
  type AdmissionServerOptions,
  type MountedRoute,
} from './index.ts';

let authority: KeyPair;
beforeAll(async () => {
  authority = await testAuthority();
});

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } };
const review = encodeReviewRequest('v1', buildRequest(pod));
const refuse = (path: string) =>
  defineValidator({
    name: `${path}.example.com`,
    path: `/${path}`,
    resource: 'pods',
    operations: ['CREATE'],
    handler: () => deny(`by ${path}`),
  });

describe('/livez and /readyz', () => {
  it.each([
    ['/livez', 200, 'ok'],
    ['/readyz', 200, 'ok'],
    ['/livez?verbose', 200, '[+]ping ok\nlivez check passed\n'],
    ['/readyz?a&verbose=1', 200, '[+]serving ok\n[+]event-loop ok\n[+]certificates ok\nreadyz check passed\n'],
  ])('%s', async (target, httpStatus, body) => {
    await using gate = await serve(authority, []);
    using client = await gate.connect();
    client.get(target);
    const answer = await client.answer();
    expect(answer).toMatchObject({ httpStatus, body });
    expect(answer?.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  it('say which check failed, and only the log says why, once', async () => {
    let reason = 'informer is 10 minutes behind';
    const readiness = [{ name: 'informers', healthy: () => ({ kind: 'unhealthy' as const, reason }) }];
    await using gate = await serve(authority, [], { readiness });
    using client = await gate.connect();
    for (let index = 0; index < 2; index += 1) {
      client.get('/readyz');
      expect(await client.answer()).toMatchObject({
        httpStatus: 503,
        body: '[+]serving ok\n[+]event-loop ok\n[-]informers failed: reason withheld\nreadyz check failed\n',
      });
      reason = 'informer is 11 minutes behind';
    }
    const lines = gate.logger.lines.filter(({ message }) => message === 'health check unhealthy');
    expect(lines).toMatchObject([{ facts: { check: 'informers', reason: 'informer is 10 minutes behind' } }]);
    client.get('/livez');
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
  });

  it('take GET and HEAD only', async () => {
    await using gate = await serve(authority, []);
    using client = await gate.connect();
    client.post('/readyz', '{}');
    const answer = await client.answer();
    expect(answer).toMatchObject({ httpStatus: 405 });
    expect(answer?.headers.get('allow')).toBe('GET, HEAD');
  });
});

describe('webhooks', () => {
  it('can be replaced while the server runs', async () => {
    await using gate = await serve(authority, [refuse('first.of.all')]);
    using client = await gate.connect();
    client.post('/first.of.all', review);
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    gate.server.setRegistry(new WebhookRegistry([refuse('second.of.all')]));
    client.post('/first.of.all', review);
    expect(await client.answer()).toMatchObject({ httpStatus: 404 });
    client.post('/second.of.all', review);
    expect((await client.answer())?.body).toContain('by second.of.all');
  });
});

describe('mounted routes', () => {
  const say = (path: string): MountedRoute => ({
    path,
    handle: (_request, response) => {
      response.setHeader('Content-Length', String(path.length));
      response.end(path);
    },
  });

  it('are served beside the webhooks: exact paths, or everything below one', async () => {
    await using gate = await serve(authority, [refuse('first.of.all')], {
      routes: [say('/metrics'), say('/console/')],
    });
    using client = await gate.connect();
    for (const [target, expected] of [
      ['/metrics', '/metrics'],
      ['/metrics?name=x', '/metrics'],
      ['/console/', '/console/'],
      ['/console/a/b?c', '/console/'],
    ] as const) {
      client.get(target);
      expect((await client.answer())?.body).toBe(expected);
    }
    for (const target of ['/metrics/', '/console', '/consoles/']) {
      client.get(target);
      expect(await client.answer()).toMatchObject({ httpStatus: 404 });
    }
  });

  it('are served on the operations port alone when there is one, without TLS', async () => {
    await using gate = await serve(authority, [refuse('first.of.all')], {
      routes: [say('/metrics')],
      operations: { host: '127.0.0.1', port: 0 },
    });
    const base = `http://127.0.0.1:${gate.server.operationsAddress?.port}`;
    const text = async (path: string): Promise<string> => {
      const response = await fetch(base + path, { headers: { Connection: 'close' } });
      return `${response.status} ${await response.text()}`;
    };
    expect(await text('/metrics')).toBe('200 /metrics');
    expect(await text('/readyz')).toBe('200 ok');
    expect(await text('/livez?verbose')).toBe('200 [+]ping ok\nlivez check passed\n');
    expect(await text('/first.of.all')).toMatch(/^404 /);
    using client = await gate.connect();
    client.get('/metrics');
    expect(await client.answer()).toMatchObject({ httpStatus: 404 });
    client.get('/readyz');
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
  });

  it('give the figures to Prometheus', async () => {
    const metrics = prometheusMetrics();
    await using gate = await serve(authority, [refuse('first.of.all')], {
      observer: serverMetrics(metrics),
      routes: [metricsRoute(() => metrics.read())],
      operations: { host: '127.0.0.1', port: 0 },
    });
    using client = await gate.connect();
    client.post('/first.of.all', review);
    await client.answer();
    const url = `http://127.0.0.1:${gate.server.operationsAddress?.port}/metrics`;
    const response = await fetch(url, { headers: { Connection: 'close' } });
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await response.text()).toContain(
      'sallyport_admission_requests_total{webhook="first.of.all.example.com",operation="CREATE",resource="pods",dry_run="false",outcome="denied"} 1',
    );
    const refused = await fetch(url, { method: 'POST', headers: { Connection: 'close' } });
    expect(refused.status).toBe(405);
  });
});

describe('start()', () => {
  it('names an address that is taken', async () => {
    await using gate = await serve(authority, []);
    await expect(serve(authority, [], { port: gate.port })).rejects.toThrow(ListenError);
    await expect(serve(authority, [], { port: gate.port })).rejects.toMatchObject({
      message: `cannot listen on 127.0.0.1:${gate.port}: EADDRINUSE, another process listens there`,
      code: 'SALLYPORT_LISTEN',
      systemCode: 'EADDRINUSE',
      port: gate.port,
    });
  });

  it('leaves nothing open when the operations port is taken', async () => {
    await using gate = await serve(authority, []);
    const certificates = new SettableCertificates(await testCertificate(authority));
    const server = new AdmissionServer({
      registry: new WebhookRegistry(),
      certificates,
      host: '127.0.0.1',
      port: 0,
      operations: { host: '127.0.0.1', port: gate.port },
    });
    await expect(server.start()).rejects.toThrow(ListenError);
    await server.stop();
  });
});

describe('options', () => {
  it.each([
    ['port', { port: 70_000 }],
    ['port', { port: 1.5 }],
    ['operations.port', { operations: { port: -1 } }],
    ['limits.maxBodyBytes', { limits: { maxBodyBytes: 0 } }],
    ['limits.maxBufferedBytes', { limits: { maxBufferedBytes: 1000 } }],
    ['limits.maxRequestsInWork', { limits: { maxRequestsInWork: NaN } }],
    ['limits.maxRequestsQueued', { limits: { maxRequestsQueued: -1 } }],
    ['shutdown.quietPeriodMilliseconds', { shutdown: { quietPeriodMilliseconds: -1 } }],
    ['shutdown.hardDeadlineMilliseconds', { shutdown: { hardDeadlineMilliseconds: 9_999 } }],
  ] satisfies [string, Partial<AdmissionServerOptions>][])('%s is checked', async (option, options) => {
    const certificates = new SettableCertificates(await testCertificate(authority));
    const make = () => new AdmissionServer({ registry: new WebhookRegistry(), certificates, ...options });
    expect(make).toThrow(InvalidServerOptionsError);
    expect(make).toThrow(expect.objectContaining({ option }));
  });
});
