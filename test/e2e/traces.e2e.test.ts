import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { GateProcess } from './gate-process.ts';

const root = resolve(import.meta.dirname, '../..');
let folder: string;
let plane: ControlPlane;
let gate: GateProcess | undefined;
beforeAll(async () => {
  // Below the package, from where the module finds the SDK.
  mkdirSync(join(root, '.cache'), { recursive: true });
  folder = mkdtempSync(join(root, '.cache/traces-'));
  const tracing = join(folder, 'tracing.yaml');
  writeFileSync(
    tracing,
    `apiVersion: apiserver.config.k8s.io/v1beta1
kind: TracingConfiguration
endpoint: 127.0.0.1:${await findFreePort()}
samplingRatePerMillion: 1000000
`,
  );
  plane = await ControlPlane.start({ apiServerFlags: [`--tracing-config-file=${tracing}`] });
});
afterAll(async () => {
  await gate?.stop();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface SpanLine {
  readonly name: string;
  readonly parent?: { readonly traceId: string; readonly spanId: string; readonly isRemote?: boolean };
  readonly traceId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

it('a request is a span of the trace that the API server has begun, by an SDK that the process was started with', async () => {
  const spans = join(folder, 'spans.jsonl');
  const sdk = join(folder, 'tracing.ts');
  writeFileSync(
    sdk,
    `import { appendFileSync } from 'node:fs';
import { NodeTracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-node';
const exporter: SpanExporter = {
  export(spans, done) {
    for (const span of spans) {
      const { traceId } = span.spanContext();
      appendFileSync(${JSON.stringify(spans)}, JSON.stringify({ name: span.name, parent: span.parentSpanContext, traceId, attributes: span.attributes }) + '\\n');
    }
    done({ code: 0 });
  },
  shutdown: () => Promise.resolve(),
};
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
`,
  );
  const port = await findFreePort();
  gate = await GateProcess.start(
    plane,
    `
webhooks: { paths: [${join(root, 'examples/getting-started/webhooks')}] }
server: { host: 127.0.0.1, port: ${port}, healthPort: ${await findFreePort()} }
registration: { url: "https://127.0.0.1:${port}" }
`,
    { environment: { NODE_OPTIONS: `--import=${sdk}` } },
  );
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'traced' },
    spec: { containers: [{ name: 'a', image: 'registry.example.com/a:1' }] },
  };
  const written = (): SpanLine[] => {
    try {
      return readFileSync(spans, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as SpanLine);
    } catch {
      return [];
    }
  };
  const mutation = 'admission default-resources.example.com';
  const isWritten = (): boolean => written().some(({ name }) => name === mutation);
  for (let attempt = 0; attempt < 100 && !isWritten(); attempt += 1) {
    await plane.kubectl(['create', '--dry-run=server', '-f', '-'], { input: JSON.stringify(pod) });
    await sleep(100);
  }
  const own = written().filter(({ name }) => name.startsWith('admission '));
  expect(own.map(({ name }) => name)).toContain(mutation);
  for (const { parent, traceId, attributes } of own) {
    expect(parent).toMatchObject({
      traceId,
      isRemote: true,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    });
    expect(attributes).toMatchObject({ 'sallyport.resource': 'pods', 'sallyport.operation': 'CREATE' });
  }
});
