import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseGateConfiguration } from '../../src/app/gate-configuration.ts';
import { installManifests } from '../../src/app/install-manifests.ts';
import { loadRegistry } from '../../src/sources/load-registry.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { GateProcess } from './gate-process.ts';
import { until } from './until.ts';

const root = resolve(import.meta.dirname, '../..');
const webhooks = join(root, 'examples/getting-started/webhooks');

let plane: ControlPlane;
let folder: string;
let serving: GateProcess | undefined;
let registering: GateProcess | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-identities-'));
  plane = await ControlPlane.start({ auditLogPath: join(folder, 'audit.log') });
});
afterAll(async () => {
  await serving?.stop();
  await registering?.stop();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A kubeconfig of a ServiceAccount, as its Pods would be it. */
async function kubeconfigOf(account: string): Promise<string> {
  const { stdout, stderr } = await plane.kubectl(['create', 'token', account, '-n', 'gate-system']);
  expect(stderr).toBe('');
  const config = parse(readFileSync(plane.kubeconfig, 'utf8')) as {
    users: { user: { token: string } }[];
    contexts: { context: { namespace?: string } }[];
  };
  for (const { user } of config.users) user.token = stdout.trim();
  for (const { context } of config.contexts) context.namespace = 'gate-system';
  const file = join(folder, account);
  writeFileSync(file, stringify(config));
  return file;
}

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
}

/** What an account asked the API server for, as `verb resource[/name]: code`, without repetition. */
function requestsOf(account: string): string[] {
  const events = readFileSync(join(folder, 'audit.log'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent);
  const own = events.filter(({ user }) => user.username === `system:serviceaccount:gate-system:${account}`);
  return [
    ...new Set(
      own.map(({ verb, objectRef, responseStatus }) => {
        const name = objectRef?.name === undefined ? '' : `/${objectRef.name}`;
        return `${verb} ${objectRef?.resource}${name}: ${responseStatus?.code}`;
      }),
    ),
  ].sort();
}

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'small', labels: { 'app.kubernetes.io/name': 'small', team: 'storefront' } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'small' } },
    template: {
      metadata: { labels: { app: 'small' } },
      spec: { containers: [{ name: 'web', image: 'registry.example.com/web:1' }] },
    },
  },
};

async function create(object: object): Promise<string> {
  const { stdout, stderr } = await plane.kubectl(['create', '--dry-run=server', '-f', '-'], {
    input: JSON.stringify(object),
  });
  return stdout + stderr;
}

it('one identity serves and another registers, each with the printed rights alone, and neither asks for more', async () => {
  const text = `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: [${webhooks}] }
registration: { service: { namespace: gate-system, name: gate } }
`;
  const configuration = parseGateConfiguration(text, '/etc/sallyport/gate.yaml');
  const objects = installManifests({
    configuration,
    configurationText: text,
    registry: await loadRegistry(configuration.webhooks),
    image: 'registry.example.com/gate:1',
    serviceMonitor: false,
  });
  const applied = await plane.kubectl(['apply', '-f', '-'], {
    input: objects.map((object) => JSON.stringify(object)).join('\n---\n'),
  });
  expect(applied.stderr).toBe('');

  const port = await findFreePort();
  const process = async (healthPort: number) => `
webhooks: { paths: [${webhooks}] }
server: { host: 127.0.0.1, port: ${port}, healthPort: ${healthPort} }
registration: { url: "https://127.0.0.1:${port}" }
`;
  // The one that registers comes first, as it may in a cluster: it must not register what nobody answers for.
  const registrarPort = await findFreePort();
  registering = await GateProcess.start(plane, await process(registrarPort), {
    command: ['register', '--watch'],
    environment: { KUBECONFIG: await kubeconfigOf('gate-registrar') },
    ready: [/not registering yet: the gate does not answer/],
  });
  const configurations = ['get', 'mutatingwebhookconfigurations,validatingwebhookconfigurations', '-o', 'name'];
  expect((await plane.kubectl(configurations)).stdout).toBe('');
  expect((await fetch(`http://127.0.0.1:${registrarPort}/readyz`)).status).toBe(503);

  const servingPort = await findFreePort();
  serving = await GateProcess.start(plane, await process(servingPort), {
    command: ['serve', '--no-register'],
    environment: { KUBECONFIG: await kubeconfigOf('gate') },
    ready: [/"message":"serving"/],
  });
  await registering.waitForLine(/ValidatingWebhookConfiguration.*wrote the webhook configuration/);
  await until(async () => (await create(deployment)).includes('denied the request'));

  await until(async () => (await fetch(`http://127.0.0.1:${registrarPort}/readyz`)).status === 200);
  await until(async () => (await fetch(`http://127.0.0.1:${servingPort}/readyz`)).status === 200);
  const figures = await (await fetch(`http://127.0.0.1:${registrarPort}/metrics`)).text();
  expect(figures).toContain('sallyport_registration_status{status="registered"} 1');
  expect(await (await fetch(`http://127.0.0.1:${servingPort}/metrics`)).text()).not.toContain('sallyport_registration');

  await plane.kubectl(['delete', 'validatingwebhookconfigurations', 'sallyport']);
  // What the API server does may still be by the one that was deleted: another one must be there.
  await until(async () => (await plane.kubectl(configurations)).stdout.includes('validatingwebhookconfiguration'));
  await until(async () => (await create(deployment)).includes('denied the request'));

  // Whoever registers may also unregister.
  const unregistered = await plane.exec(
    [globalThis.process.execPath, '--conditions=sallyport-source', join(root, 'src/cli/main.ts'), 'unregister'],
    { environment: { KUBECONFIG: join(folder, 'gate-registrar') } },
  );
  expect(unregistered.stdout).toContain('removed ValidatingWebhookConfiguration/sallyport');
  expect((await plane.kubectl(configurations)).stdout).toBe('');

  expect(await serving.terminate()).toBe(0);
  expect(await registering.terminate()).toBe(0);

  const asked = requestsOf('gate');
  expect(
    asked.map((request) => request.split(' ')[0]).filter((verb) => !['get', 'list', 'watch'].includes(verb ?? '')),
  ).toEqual([]);
  expect([...asked, ...requestsOf('gate-registrar')].filter((request) => request.endsWith(': 403'))).toEqual([]);
  expect(requestsOf('gate-registrar')).toContain('patch validatingwebhookconfigurations/sallyport: 201');
});
