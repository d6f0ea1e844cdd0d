import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineMutator, defineValidator, WebhookRegistry } from '../admission/index.ts';
import { findFreePort } from '../testing/control-plane/free-port.ts';
import { prometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import { clockAt } from '../../test/certs/clock-at.ts';
import { FakeApiServer, sendJson, sendStatus } from '../../test/fake-api-server.ts';
import type { FakeClock } from '../../test/fake-clock.ts';
import { RecordingLogger, testAuthority, testCertificate } from '../../test/loopback-server.ts';
import { parseGateConfiguration } from './gate-configuration.ts';
import { RegistrationService } from './registration-service.ts';

const target = { resource: 'pods', operations: ['CREATE'], handler: () => undefined } as const;
const registry = new WebhookRegistry([
  defineMutator({ name: 'label.example.com', ...target }),
  defineValidator({ name: 'owner.example.com', ...target }),
  defineValidator({ name: 'team.example.com', ...target }),
]);

/** What the API server has, by the name of the resource; or that it does not answer. */
type Registered = { readonly [resource: string]: readonly string[] } | 'no answer';

let folder: string;
let apiServer: FakeApiServer;
let clock: FakeClock;
let log: RecordingLogger;
let service: RegistrationService;
let registered: Registered;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-register-'));
  const { certificatePem, privateKeyPem } = await testCertificate(await testAuthority());
  writeFileSync(join(folder, 'tls.crt'), certificatePem);
  writeFileSync(join(folder, 'tls.key'), privateKeyPem);
  apiServer = new FakeApiServer();
  await apiServer.start();
  apiServer.intercept = ({ method, path }, response) => {
    const [, resource = ''] = /^\/apis\/admissionregistration\.k8s\.io\/v1\/(\w+)\/sallyport$/.exec(path) ?? [];
    if (resource === '' || method !== 'GET') return false;
    if (registered === 'no answer') sendStatus(response, 500, 'InternalError', 'etcd is away');
    else if (registered[resource] === undefined) sendStatus(response, 404, 'NotFound', 'there is none');
    else sendJson(response, 200, configuration(resource, registered[resource]));
    return true;
  };
  clock = clockAt(Date.now());
  log = new RecordingLogger();
  const text = `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: [webhooks] }
server: { host: 127.0.0.1, healthPort: 0 }
certificates: { mode: Files, directory: . }
registration: { url: 'https://127.0.0.1:${await findFreePort()}' }
`;
  service = new RegistrationService({
    configuration: parseGateConfiguration(text, join(folder, 'gate.yaml')),
    registry,
    cluster: apiServer.clusterConfig(),
    force: false,
    metrics: prometheusMetrics(),
    log,
    clock,
  });
});
afterEach(async () => {
  await service.stop();
  await apiServer.stop();
  rmSync(folder, { recursive: true });
});

function configuration(resource: string, names: readonly string[]): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: resource === mutating ? 'MutatingWebhookConfiguration' : 'ValidatingWebhookConfiguration',
    metadata: { name: 'sallyport', labels: { 'app.kubernetes.io/managed-by': 'sallyport' } },
    webhooks: names.map((name) => ({ name, clientConfig: { url: 'https://127.0.0.1:1/' } })),
  };
}
const mutating = 'mutatingwebhookconfigurations';
const validating = 'validatingwebhookconfigurations';

const isWritten = (): boolean => apiServer.requests.some(({ method }) => method === 'PATCH');
/** The gate was asked in vain, and is asked again when a second has gone by. */
const waitsForProbe = async (): Promise<void> => expect.poll(() => clock.delays, { timeout: 10_000 }).toContain(1000);

const all: Registered = {
  [mutating]: ['label.example.com'],
  [validating]: ['owner.example.com', 'team.example.com', 'former.example.com'],
};

describe('register --watch, while the gate does not answer', () => {
  it('writes nothing for two minutes, whatever is registered', async () => {
    registered = all;
    await service.start();
    await waitsForProbe();
    clock.advance(119_000);
    await waitsForProbe();
    expect(isWritten()).toBe(false);
    expect(apiServer.requests).toEqual([]);
  });

  it('keeps right after that what is registered, every webhook of it', async () => {
    registered = all;
    await service.start();
    await waitsForProbe();
    clock.advance(120_000);
    await expect.poll(isWritten, { timeout: 10_000 }).toBe(true);
    expect(log.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'the gate does not answer and is registered already; keeping its registration right',
      }),
    );
  });

  it.each<[string, Registered]>([
    ['nothing is', {}],
    ['one webhook is not', { ...all, [validating]: ['owner.example.com', 'former.example.com', 'other.example.com'] }],
    ['a configuration is not', { [validating]: all[validating] ?? [] }],
    [
      'one stands in the other configuration as well, and another in none',
      { [mutating]: ['label.example.com', 'owner.example.com'], [validating]: ['owner.example.com'] },
    ],
    ['the API server does not answer either', 'no answer'],
  ])('writes nothing when %s: nobody would answer for it', async (_what, there) => {
    registered = there;
    await service.start();
    await waitsForProbe();
    clock.advance(120_000);
    await expect.poll(() => apiServer.requests.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await waitsForProbe();
    expect(isWritten()).toBe(false);

    // Asked again after each probe.
    registered = all;
    clock.advance(1000);
    await expect.poll(isWritten, { timeout: 10_000 }).toBe(true);
  });
});
