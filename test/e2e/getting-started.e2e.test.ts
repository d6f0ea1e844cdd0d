import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { GateProcess } from './gate-process.ts';
import { until } from './until.ts';
import { widgetDefinition } from './widgets.ts';

const root = resolve(import.meta.dirname, '../..');

const pod = (name: string, image = 'registry.example.com/web:1') => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'web', image }] },
});
const deployment = (name: string, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { 'app.kubernetes.io/name': name, team: 'storefront' } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: pod(name).spec },
  },
});
const ingress = (name: string, host: string) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name },
  spec: {
    rules: [
      {
        host,
        http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'a', port: { number: 80 } } } }] },
      },
    ],
  },
});

interface Form {
  readonly name: string;
  readonly networkNamespace: boolean;
  /** Prepares what the address needs, and says the `server` and `registration` of the GateConfiguration. */
  prepare(plane: ControlPlane): Promise<string>;
}

const serviceAddress = '10.0.0.50';
const forms: readonly Form[] = [
  {
    name: 'url',
    networkNamespace: false,
    async prepare() {
      const port = await findFreePort();
      return `server: { host: 127.0.0.1, port: ${port}, healthPort: ${await findFreePort()} }
registration: { url: "https://127.0.0.1:${port}" }
`;
    },
  },
  {
    // kube-proxy's part: the Service's cluster IP is an address of the network namespace, and the gate listens there.
    name: 'service',
    networkNamespace: true,
    async prepare(plane) {
      const added = await plane.exec(['ip', 'addr', 'add', `${serviceAddress}/32`, 'dev', 'lo']);
      expect(added.stderr).toBe('');
      await apply(plane, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gate-system' } });
      await apply(plane, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'gate', namespace: 'gate-system' },
        spec: { clusterIP: serviceAddress, ports: [{ port: 8443, protocol: 'TCP' }] },
      });
      return `server: { host: ${serviceAddress}, port: 8443, healthPort: 8080 }
registration: { service: { namespace: gate-system, name: gate, port: 8443 } }
`;
    },
  },
];

async function dryRun(plane: ControlPlane, object: object): Promise<string> {
  const command = ['create', '--dry-run=server', '-f', '-', '-o', 'json'];
  const { stdout, stderr } = await plane.kubectl(command, { input: JSON.stringify(object) });
  return stdout + stderr;
}

async function apply(plane: ControlPlane, object: object, verb = 'create'): Promise<string> {
  const { stdout, stderr, code } = await plane.kubectl([verb, '-f', '-', '-o', 'json'], {
    input: JSON.stringify(object),
  });
  return code === 0 ? stdout : stderr;
}

describe.each(forms)('the examples behind a real API server, registered by $name', (form) => {
  let plane: ControlPlane;
  let gate: GateProcess | undefined;
  let webhooks: string;

  beforeAll(async () => {
    plane = await ControlPlane.start({ networkNamespace: form.networkNamespace });
    expect(await apply(plane, widgetDefinition)).toContain('widgets.example.com');
    mkdirSync(join(root, '.cache'), { recursive: true });
    webhooks = mkdtempSync(join(root, '.cache/getting-started-'));
    cpSync(join(root, 'examples/getting-started'), webhooks, { recursive: true });
    const address = await form.prepare(plane);
    gate = await GateProcess.start(plane, `webhooks: { paths: ["${webhooks}/webhooks"] }\n${address}`);
    // The API server hears of configurations by a watch of its own: ask, without storing anything, until it has.
    await until(async () => (await dryRun(plane, deployment('probe', 1))).includes('denied the request'));
    await until(async () => (await dryRun(plane, pod('probe'))).includes('128Mi'));
  });
  afterAll(async () => {
    await gate?.stop();
    await plane.stop();
    rmSync(webhooks, { recursive: true, force: true });
  });

  it('stores a Pod without resources with the defaults', async () => {
    const stored = JSON.parse(await apply(plane, pod('without-resources'))) as { spec: { containers: unknown[] } };
    expect(stored.spec.containers[0]).toMatchObject({
      resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
    });
  });

  it('refuses a Deployment with 2 replicas with our message, and scaling down to them', async () => {
    expect(await apply(plane, deployment('small', 2))).toBe(
      'Error from server (Forbidden): error when creating "STDIN": admission webhook "minimum-replicas.example.com" denied the request: ' +
        'replicas must exceed 2, but small asks for 2\n',
    );
    expect(await apply(plane, deployment('large', 3))).toContain('"large"');
    const { stderr } = await plane.kubectl(['scale', 'deployment/large', '--replicas=1']);
    expect(stderr).toContain('replicas must exceed 2, but large asks for 1');
  });

  it('refuses an image from elsewhere, also as an ephemeral container', async () => {
    expect(await apply(plane, pod('elsewhere', 'registry.example.com.evil.io/web'))).toContain(
      'images must come from registry.example.com',
    );
    expect(await apply(plane, pod('debugged'))).toContain('"debugged"');
    const { stderr } = await plane.kubectl([
      'debug',
      'debugged',
      '--image=nginx',
      '--attach=false',
      '--profile=general',
    ]);
    expect(stderr).toContain('"nginx" comes from docker.io');
  });

  it('refuses a Deployment without the required labels', async () => {
    const unlabelled = deployment('unlabelled', 3);
    expect(await apply(plane, { ...unlabelled, metadata: { name: 'unlabelled' } })).toContain(
      'required labels are missing: app.kubernetes.io/name, team',
    );
  });

  it('refuses a second Ingress for one host', async () => {
    expect(await apply(plane, ingress('first', 'shop.example.com'))).toContain('"first"');
    // Seen through a cache of the gate: ask until the first one has arrived there.
    const second = ingress('second', 'shop.example.com');
    await until(async () => (await dryRun(plane, second)).includes('claimed'));
    expect(await apply(plane, second)).toContain('host shop.example.com is already claimed by Ingress default/first');
  });

  it('fills in a custom resource, and keeps what no type knows', async () => {
    const text =
      '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"gear"},"spec":{"colour":"blue","count":9007199254740993}}';
    const { stdout } = await plane.kubectl(['create', '-f', '-', '-o', 'json'], { input: text });
    expect(stdout).toMatch(/"count": 9007199254740993/);
    expect((JSON.parse(stdout) as { spec: unknown }).spec).toMatchObject({
      colour: 'blue',
      size: 'small',
      replicas: 3,
    });
  });

  it('is trusted by its caBundle alone', async () => {
    const other = Buffer.from('-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n').toString('base64');
    const { stdout } = await plane.kubectl(['get', 'validatingwebhookconfigurations', 'sallyport', '-o', 'json']);
    const configuration = JSON.parse(stdout) as { webhooks: Array<{ clientConfig: { caBundle: string } }> };
    expect(configuration.webhooks).not.toEqual([]);
    expect(configuration.webhooks.every(({ clientConfig }) => clientConfig.caBundle.length > 100)).toBe(true);
    // A configuration of somebody else for the same address, with another authority: the call fails.
    const [first] = configuration.webhooks;
    const distrusting = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'distrusting' },
      webhooks: [
        {
          ...first,
          clientConfig: { ...first?.clientConfig, caBundle: other },
          matchConditions: [{ name: 'x', expression: 'request.name == "watched"' }],
          rules: [
            { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], scope: '*' },
          ],
        },
      ],
    };
    expect(await apply(plane, distrusting)).toContain('distrusting');
    const watched = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'watched' } };
    await until(async () => (await dryRun(plane, watched)).includes('failed calling webhook'));
    expect(await dryRun(plane, watched)).toMatch(/x509|certificate/);
    await plane.kubectl(['delete', 'validatingwebhookconfigurations', 'distrusting']);
  });

  it('drains on SIGTERM, and unregister leaves nothing behind', async () => {
    expect(await gate?.terminate()).toBe(0);
    const command = [process.execPath, '--conditions=sallyport-source', join(root, 'src/cli/main.ts'), 'unregister'];
    const { stdout } = await plane.exec(command);
    expect(stdout).toBe(
      'removed MutatingWebhookConfiguration/sallyport\nremoved ValidatingWebhookConfiguration/sallyport\n',
    );
    const left = await plane.kubectl([
      'get',
      'mutatingwebhookconfigurations,validatingwebhookconfigurations',
      '-o',
      'name',
    ]);
    expect(left.stdout).toBe('');
    // The API server hears by a watch of its own that they are gone.
    await until(async () => (await dryRun(plane, deployment('small-after-all', 1))).includes('"kind": "Deployment"'));
    expect(await apply(plane, deployment('small-after-all', 1))).toContain('small-after-all');
  });
});
