import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineValidator, encodeReviewRequest, WebhookRegistry } from '../admission/index.ts';
import type { KeyPair } from '../certs/index.ts';
import { buildRequest } from '../testing/index.ts';
import { prometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { FakeApiServer } from '../../test/fake-api-server.ts';
import { clockAt } from '../../test/certs/clock-at.ts';
import { clientCertificate } from '../../test/client-certificate.ts';
import type { FakeClock } from '../../test/fake-clock.ts';
import { RawHttpClient, RecordingLogger, testAuthority, testCertificate } from '../../test/loopback-server.ts';
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

const gateYaml = (more = ''): string => `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: [webhooks] }
server: { host: 127.0.0.1, port: 0, healthPort: 0 }
certificates: { mode: Files, directory: . }
registration: { url: 'https://127.0.0.1:8443' }
${more}`;

/** A gate that serves with the certificate of `authority`. */
async function gateOf(authority: KeyPair, clock: FakeClock, log: RecordingLogger, more?: string): Promise<Gate> {
  const { certificatePem, privateKeyPem } = await testCertificate(authority);
  writeFileSync(join(folder, 'tls.crt'), certificatePem);
  writeFileSync(join(folder, 'tls.key'), privateKeyPem);
  return Gate.create({
    configuration: parseGateConfiguration(gateYaml(more), join(folder, 'gate.yaml')),
    registry: new WebhookRegistry([allow]),
    cluster: apiServer.clusterConfig(),
    registers: true,
    metrics: prometheusMetrics(),
    log,
    decisions: undefined,
    tracer: undefined,
    clock,
  });
}

it('Gate.stop() stops every part, whatever becomes of one of them, and tells of it', async () => {
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
  const gate = await gateOf(await testAuthority(), clock, log);
  await gate.start();
  await apiServer.waitForWatch();
  await expect(gate.stop(AbortSignal.abort())).rejects.toBe(stuck);
  // Nobody waits for anything any more: the watches are over, and so are the looks at the certificate and at what is registered.
  expect(clock.delays).toEqual([]);
  await expect.poll(() => apiServer.openWatches).toBe(0);
});

describe('clientCertificates', () => {
  const settings = 'clientCertificates: { caFile: client-ca.crt, allowedNames: [kube-apiserver] }\n';
  const review = encodeReviewRequest(
    'v1',
    buildRequest({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } }),
  );

  it('are asked for, of the authorities in a file that is read again', async () => {
    const [authority, former, next] = await Promise.all([testAuthority(), testAuthority(), testAuthority()]);
    const file = join(folder, 'client-ca.crt');
    writeFileSync(file, former.certificatePem);
    const clock = clockAt(Date.now());
    const log = new RecordingLogger();
    const gate = await gateOf(authority, clock, log, settings);
    const { port } = await gate.start();
    const statusFor = async (issuer?: KeyPair, name = 'kube-apiserver'): Promise<number | undefined> => {
      const own = issuer === undefined ? {} : await clientCertificate(issuer, name);
      const ca = authority.certificatePem;
      using client = await RawHttpClient.connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'], ...own });
      client.post('/validate/allow.example.com', review);
      return (await client.answer())?.httpStatus;
    };
    const statuses = async () =>
      Promise.all([statusFor(), statusFor(former), statusFor(former, 'kubelet'), statusFor(next)]);
    expect(await statuses()).toEqual([401, 200, 403, 401]);

    writeFileSync(file, next.certificatePem);
    clock.advance(60_000);
    await expect.poll(() => log.lines).toContainEqual(expect.objectContaining({ level: 'info', message: taken }));
    expect(await statuses()).toEqual([401, 401, 401, 200]);

    writeFileSync(file, 'torn');
    clock.advance(60_000);
    await expect.poll(() => log.lines).toContainEqual(expect.objectContaining({ level: 'warn', message: kept }));
    expect(await statuses()).toEqual([401, 401, 401, 200]);
    await gate.stop(AbortSignal.abort());
    expect(clock.delays).toEqual([]);
  });
  const taken = 'new handshakes take client certificates of other authorities';
  const kept = 'authorities of client certificates cannot be read again and are used as they were';

  it.each([
    ['is not there', undefined, /clientCertificates\.caFile: .*client-ca\.crt cannot be read/],
    ['holds none', '', /clientCertificates\.ca: holds no certificate/],
  ])('are not left out when their file %s: the gate does not start', async (_name, content, problem) => {
    if (content !== undefined) writeFileSync(join(folder, 'client-ca.crt'), content);
    const clock = clockAt(Date.now());
    const gate = await gateOf(await testAuthority(), clock, new RecordingLogger(), settings);
    await expect(gate.start()).rejects.toThrow(problem);
    await gate.stop();
    expect(clock.delays).toEqual([]);
  });
});
