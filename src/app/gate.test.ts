import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defineValidator, WebhookRegistry } from '../admission/index.ts';
import { prometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { FakeApiServer } from '../../test/fake-api-server.ts';
import { clockAt } from '../../test/certs/clock-at.ts';
import { RecordingLogger, testAuthority, testCertificate } from '../../test/loopback-server.ts';
import { parseGateConfiguration } from './gate-configuration.ts';
import { Gate } from './gate.ts';

let folder: string;
let apiServer: FakeApiServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-gate-'));
  apiServer = new FakeApiServer();
  await apiServer.start();
});
afterEach(async () => {
  await apiServer.stop();
  rmSync(folder, { recursive: true });
});

const allow = defineValidator({
  name: 'allow.example.com',
  resource: 'pods',
  operations: ['CREATE'],
  reads: ['configmaps'],
  handler: () => undefined,
});

it('Gate.stop() stops every part, whatever becomes of one of them, and tells of it', async () => {
  const authority = await testAuthority();
  const { certificatePem, privateKeyPem } = await testCertificate(authority);
  writeFileSync(join(folder, 'tls.crt'), certificatePem);
  writeFileSync(join(folder, 'tls.key'), privateKeyPem);
  const text = `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: [webhooks] }
server: { host: 127.0.0.1, port: 0, healthPort: 0 }
certificates: { mode: Files, directory: . }
registration: { url: 'https://127.0.0.1:8443' }
`;
  const clock = clockAt(Date.now());
  const stuck = new Error('the server is stuck');
  const log = new (class extends RecordingLogger {
    override child(): RecordingLogger {
      return this;
    }

    // The server's last word, said when all its connections are over.
    override info(message: string): void {
      if (message === 'stopped') throw stuck;
    }
  })();
  const gate = new Gate({
    configuration: parseGateConfiguration(text, join(folder, 'gate.yaml')),
    registry: new WebhookRegistry([allow]),
    cluster: apiServer.clusterConfig(),
    registers: true,
    metrics: prometheusMetrics(),
    log,
    decisions: undefined,
    tracer: undefined,
    clock,
  });
  await gate.start();
  await apiServer.waitForWatch();
  await expect(gate.stop(AbortSignal.abort())).rejects.toBe(stuck);
  // Nobody waits for anything any more: the watches are over, and so are the looks at the certificate and at what is registered.
  expect(clock.delays).toEqual([]);
  await expect.poll(() => apiServer.openWatches).toBe(0);
});
