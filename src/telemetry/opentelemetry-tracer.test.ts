import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defineValidator, deny, encodeReviewRequest } from '../admission/index.ts';
import type { KeyPair } from '../certs/index.ts';
import { buildRequest } from '../testing/index.ts';
import { serve, testAuthority } from '../../test/loopback-server.ts';
import { openTelemetryTracer } from './opentelemetry-tracer.ts';

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop', labels: { a: 'Kanarie' } } };
const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${parentId}-01`;
const target = { resource: 'pods', operations: ['CREATE'] } as const;

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
let authority: KeyPair;

/** What a handler does that calls somebody: a span of its own, after an await. */
const webhooks = [
  defineValidator({
    name: 'allow.example.com',
    ...target,
    handler: async () => {
      await Promise.resolve();
      trace.getTracer('handler').startSpan('look up').end();
    },
  }),
  defineValidator({ name: 'deny.example.com', ...target, handler: () => deny('no') }),
  defineValidator({
    name: 'fault.example.com',
    ...target,
    handler: () => {
      throw new Error('Kanarie');
    },
  }),
];

it('openTelemetryTracer() is undefined while no SDK is registered', async () => {
  expect(await openTelemetryTracer()).toBeUndefined();
});

describe('with the OpenTelemetry SDK', () => {
  beforeAll(async () => {
    authority = await testAuthority();
    provider.register();
  });
  afterAll(() => provider.shutdown());
  beforeEach(() => exporter.reset());

  async function ask(path: string, body: string, headers: Record<string, string> = { traceparent }) {
    const tracer = await openTelemetryTracer();
    await using gate = await serve(authority, webhooks, tracer === undefined ? {} : { tracer });
    using client = await gate.connect();
    client.post(path, body, headers);
    await client.answer();
    return exporter.getFinishedSpans();
  }
  const review = encodeReviewRequest('v1', buildRequest(pod, { uid: 'u1' }));

  it('a request is a span, child of what traceparent tells of, and parent of what its handler begins', async () => {
    const [inner, own] = await ask('/validate/allow.example.com', review);
    expect(own).toMatchObject({
      name: 'admission allow.example.com',
      kind: SpanKind.SERVER,
      parentSpanContext: { traceId, spanId: parentId },
      attributes: {
        'sallyport.webhook': 'allow.example.com',
        'sallyport.uid': 'u1',
        'sallyport.operation': 'CREATE',
        'sallyport.resource': 'pods',
        'sallyport.dry_run': false,
        'sallyport.outcome': 'allowed',
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'url.path': '/validate/allow.example.com',
      },
      status: { code: SpanStatusCode.UNSET },
    });
    expect(inner).toMatchObject({ name: 'look up', parentSpanContext: { traceId, spanId: own?.spanContext().spanId } });
  });

  it('begins a trace of its own where there is none', async () => {
    const [, own] = await ask('/validate/allow.example.com', review, {});
    expect(own).toBeDefined();
    expect(own?.parentSpanContext).toBeUndefined();
    expect(own?.spanContext().traceId).not.toBe(traceId);
  });

  it.each([
    ['a denial, which is no error', '/validate/deny.example.com', review, 'denied', 200, SpanStatusCode.UNSET],
    ['a fault', '/validate/fault.example.com', review, 'fault', 500, SpanStatusCode.ERROR],
    ['what is no review', '/validate/deny.example.com', '{', 'fault', 400, SpanStatusCode.ERROR],
    ['what is refused', '/validate/deny.example.com?timeout=x', review, undefined, 400, SpanStatusCode.ERROR],
  ])('ends with %s, and says nothing of the object', async (_name, path, body, outcome, httpStatus, code) => {
    const [own, ...more] = await ask(path, body);
    expect(more).toEqual([]);
    expect(own?.attributes).toMatchObject({ 'http.response.status_code': httpStatus });
    expect(own?.attributes['sallyport.outcome']).toBe(outcome);
    expect(own?.status.code).toBe(code);
    expect(JSON.stringify([own?.attributes, own?.status, own?.events])).not.toContain('Kanarie');
  });
});
