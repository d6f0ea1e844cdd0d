import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseGateConfiguration } from '../../src/app/gate-configuration.ts';
import { installManifests } from '../../src/app/install-manifests.ts';
import { loadRegistry } from '../../src/sources/load-registry.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { GateProcess } from './gate-process.ts';
import { until } from './until.ts';

// What users of other webhook servers complain of, each as a test of its name. lost-requests.e2e.test.ts has four more.

const root = resolve(import.meta.dirname, '../..');
const cli = [process.execPath, '--conditions=sallyport-source', join(root, 'src/cli/main.ts')];

let folder: string;
beforeAll(() => {
  // Below the package, by whose name the modules import it.
  mkdirSync(join(root, '.cache'), { recursive: true });
  folder = mkdtempSync(join(root, '.cache/complaints-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with one module of webhooks. */
function webhookFolder(name: string, source: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(
    join(path, 'webhooks.ts'),
    `import { allow, defineMutator, defineValidator, deny } from 'sallyport';\n${source}`,
  );
  return path;
}

const pod = (name: string, namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace },
  spec: { containers: [{ name: 'a', image: 'registry.example.com/a:1' }] },
});

describe('in a cluster, called by a Service', () => {
  const address = '10.0.0.50';
  let plane: ControlPlane;
  let gate: GateProcess | undefined;
  beforeAll(async () => {
    plane = await ControlPlane.start({
      networkNamespace: true,
      controllers: ['deployment', 'replicaset', 'namespace', 'garbagecollector', 'clusterrole-aggregation'],
    });
    // kube-proxy's part: the Service's cluster IP is an address of the network namespace, and the gate listens there.
    await plane.exec(['ip', 'addr', 'add', `${address}/32`, 'dev', 'lo']);
  });
  afterEach(async () => {
    await gate?.stop();
    gate = undefined;
  });
  afterAll(() => plane.stop());

  /** The exit code and all that was said. */
  async function kubectl(args: string[], object?: object): Promise<{ code: number | null; text: string }> {
    const { code, stdout, stderr } = await plane.kubectl(
      args,
      object === undefined ? {} : { input: JSON.stringify(object) },
    );
    return { code, text: stdout + stderr };
  }
  const tryCreate = (object: object): Promise<{ code: number | null; text: string }> =>
    kubectl(['create', '--dry-run=server', '-f', '-'], object);
  const configurations = 'mutatingwebhookconfigurations,validatingwebhookconfigurations';
  const registered = async (): Promise<string> => (await kubectl(['get', configurations, '-o', 'name'])).text;
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'gate', namespace: 'gate-system' },
    spec: { clusterIP: address, ports: [{ port: 8443, protocol: 'TCP' }] },
  };
  const gateYaml = (webhooks: string, registration = ''): string => `
webhooks: { paths: [${webhooks}] }
server: { host: ${address}, port: 8443, healthPort: 8080 }
registration: { service: { namespace: gate-system, name: gate, port: 8443 }${registration} }
`;

  describe('lock-out of own namespace', () => {
    // As wide as it gets: whatever namespaced thing is written, this webhook must agree.
    const wide = `export const wide = defineValidator({
  name: 'wide.example.com',
  rules: [{ apiGroups: ['', 'apps'], apiVersions: ['*'], resources: ['pods', 'replicasets', 'deployments'], operations: ['*'] }],
  failurePolicy: 'Fail',
  handler: () => allow(),
});
`;
    const own = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'gate', namespace: 'gate-system' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'gate' } },
        template: { metadata: { labels: { app: 'gate' } }, spec: pod('gate', 'gate-system').spec },
      },
    };
    let webhooks: string;
    beforeAll(async () => {
      webhooks = webhookFolder('wide', wide);
      await kubectl(['create', 'namespace', 'gate-system']);
      expect((await kubectl(['create', '-f', '-'], service)).code).toBe(0);
    });
    afterAll(async () => {
      await kubectl(['delete', configurations, 'sallyport', '--ignore-not-found']);
      await kubectl(['delete', 'namespace', 'gate-system']);
    });

    it('a gate that was killed keeps nobody from starting it again, though everybody else fails', async () => {
      gate = await GateProcess.start(plane, gateYaml(webhooks));
      await until(async () => (await tryCreate(pod('a', 'default'))).code === 0, 30);
      await gate.stop();
      await until(
        async () => (await tryCreate(pod('a', 'default'))).text.includes('failed calling webhook "wide.example.com"'),
        30,
      );
      for (const namespace of ['gate-system', 'kube-system']) {
        expect(await tryCreate(pod('a', namespace)), namespace).toMatchObject({ code: 0 });
      }
      // All of it: the Deployment, its ReplicaSet, and the Pods that controllers make of them.
      expect(await kubectl(['create', '-f', '-'], own)).toMatchObject({ code: 0 });
      const wait = [
        'wait',
        '-n',
        'gate-system',
        '--for=jsonpath={.status.replicas}=2',
        'deployment/gate',
        '--timeout=30s',
      ];
      expect(await kubectl(wait)).toMatchObject({ code: 0 });
      gate = await GateProcess.start(plane, gateYaml(webhooks), { ready: [/"message":"serving"/] });
      await until(async () => (await tryCreate(pod('a', 'default'))).code === 0, 30);
    });

    it('is refused when somebody asks for it, and is what it says when it is forced', async () => {
      const file = join(folder, 'hazard.yaml');
      const head = 'apiVersion: config.sallyport.dev/v1alpha1\nkind: GateConfiguration\n';
      writeFileSync(file, head + gateYaml(webhooks, ', includeSystemNamespaces: true'));
      const refused = await plane.exec([...cli, 'serve', '--config', file]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(
        'wide.example.com has failurePolicy Fail and catches objects in its own namespace gate-system: the gate could not start again',
      );

      gate = await GateProcess.start(plane, gateYaml(webhooks, ', includeSystemNamespaces: true, force: true'), {
        ready: [/wrote the webhook configuration|mended it/, /"message":"serving"/],
      });
      await until(async () => (await tryCreate(pod('a', 'gate-system'))).code === 0, 30);
      await gate.stop();
      // This is what the exclusion prevents.
      await until(async () => (await tryCreate(pod('a', 'gate-system'))).text.includes('failed calling webhook'), 30);
      // And this is what helps then.
      const rescued = await plane.exec([...cli, 'rescue']);
      expect(rescued.stdout).toBe(
        'ValidatingWebhookConfiguration/sallyport, wide.example.com: failurePolicy Fail -> Ignore\n\n' +
          'To get back: sallyport rescue --undo --name sallyport\n',
      );
      await until(async () => (await tryCreate(pod('a', 'gate-system'))).code === 0, 30);
    });
  });

  describe('leftovers after uninstall', () => {
    const labels = 'app.kubernetes.io/managed-by=sallyport';
    let webhooks: string;
    let manifests: object;
    beforeAll(async () => {
      webhooks = webhookFolder(
        'both',
        `const target = { resource: 'configmaps', operations: ['CREATE'] } as const;
export const one = defineMutator({ name: 'one.example.com', ...target, handler: () => allow() });
export const two = defineValidator({ name: 'two.example.com', ...target, handler: () => allow() });
`,
      );
      const text = `apiVersion: config.sallyport.dev/v1alpha1\nkind: GateConfiguration\n${gateYaml(webhooks)}`;
      const configuration = parseGateConfiguration(text, '/etc/sallyport/gate.yaml');
      const items = installManifests({
        configuration,
        configurationText: text,
        registry: await loadRegistry(configuration.webhooks),
        image: 'registry.example.com/gate:1',
        serviceMonitor: false,
      }).map((object) => {
        return object.kind === 'Service'
          ? { ...object, spec: { ...(object['spec'] as object), clusterIP: address } }
          : object;
      });
      manifests = { apiVersion: 'v1', kind: 'List', items };
    });

    /** Everything of any kind that carries our label, every Secret, and every webhook configuration. */
    async function leftovers(): Promise<string[]> {
      const kinds = (await kubectl(['api-resources', '--verbs=list', '-o', 'name'])).text.trim().split('\n');
      const listed = kinds.filter((kind) => !kind.startsWith('componentstatuses')).join(',');
      const found = await kubectl(['get', listed, '-A', '-l', labels, '-o', 'name', '--ignore-not-found']);
      const secrets = await kubectl(['get', 'secrets', '-A', '-o', 'name']);
      return `${found.text}${secrets.text}${await registered()}`
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('Warning'));
    }

    async function install(): Promise<void> {
      expect((await kubectl(['apply', '-f', '-'], manifests)).code).toBe(0);
      gate = await GateProcess.start(plane, gateYaml(webhooks));
      expect(await leftovers()).toEqual(
        expect.arrayContaining([
          'secret/sallyport-ca',
          'deployment.apps/gate',
          'clusterrole.rbac.authorization.k8s.io/gate-system:gate',
          'mutatingwebhookconfiguration.admissionregistration.k8s.io/sallyport',
          'validatingwebhookconfiguration.admissionregistration.k8s.io/sallyport',
        ]),
      );
    }

    it('none are left by unregistering and deleting what was printed, while the gate still runs', async () => {
      await install();
      const unregistered = await plane.exec([...cli, 'unregister']);
      expect(unregistered.stdout).toBe(
        'removed MutatingWebhookConfiguration/sallyport\nremoved ValidatingWebhookConfiguration/sallyport\n',
      );
      await gate?.waitForLine(/a person unregistered our webhooks/);
      expect((await kubectl(['delete', '-f', '-', '--timeout=60s'], manifests)).code).toBe(0);
      await until(async () => (await leftovers()).length === 0, 30);
      expect(await gate?.terminate()).toBe(0);
      expect(await leftovers()).toEqual([]);
    });

    it('none are left when only the namespace is deleted, but for the roles, which are no danger', async () => {
      await install();
      await gate?.terminate();
      expect((await kubectl(['delete', 'namespace', 'gate-system', '--timeout=60s'])).code).toBe(0);
      await until(async () => (await registered()) === '', 30);
      expect((await leftovers()).filter((name) => !/^clusterrole(binding)?\./.test(name))).toEqual([]);
    });
  });
});

describe('secret in log', () => {
  const canary = 'hunter2-correct-horse';
  const encoded = Buffer.from(canary).toString('base64');
  let plane: ControlPlane;
  let gate: GateProcess | undefined;
  beforeAll(async () => {
    plane = await ControlPlane.start();
  });
  afterAll(async () => {
    await gate?.stop();
    await plane.stop();
  });

  it('is not there at any level, whatever webhooks do with Secrets and with other objects', async () => {
    const webhooks = webhookFolder(
      'secrets',
      `const plain = (secret) => Buffer.from(Object.values(secret?.data ?? {})[0] ?? '', 'base64').toString();
const target = { resource: 'secrets', operations: ['CREATE', 'UPDATE', 'DELETE'] } as const;
export const edit = defineMutator({
  name: 'edit.example.com',
  ...target,
  operations: ['CREATE'],
  handler({ object }) { object.data = { ...object.data, copy: object.data?.password ?? '' }; },
});
export const refuse = defineValidator({
  name: 'refuse.example.com',
  ...target,
  handler({ name, object, oldObject }, context) {
    const value = plain(object ?? oldObject);
    if (name === 'refused') return deny('the password ' + value + ' is weak', { auditAnnotations: { value }, warnings: [value] });
    if (name === 'thrown') JSON.parse(value);
    if (name === 'caused') throw new Error('cannot take ' + value, { cause: new Error(JSON.stringify(object)) });
    if (name === 'nonsense') return { value };
    if (name === 'stray') void Promise.reject(new Error('forgot ' + value));
    if (name === 'logged') context.log.error('caught', { error: new Error('bad ' + value), object });
    return allow({ warnings: [value], auditAnnotations: { value } });
  },
});
export const pods = defineValidator({
  name: 'pods.example.com',
  resource: 'pods',
  operations: ['CREATE'],
  reads: ['secrets'],
  handler({ object }, { lister }) {
    if (object.metadata?.name === 'looks') return deny('found ' + plain(lister('secrets').get('kept', 'default')));
    throw new TypeError('no sense in ' + JSON.stringify(object.spec));
  },
});
`,
    );
    const port = await findFreePort();
    const healthPort = await findFreePort();
    const decisions = join(folder, 'decisions.jsonl');
    gate = await GateProcess.start(
      plane,
      `
webhooks: { paths: [${webhooks}] }
server: { host: 127.0.0.1, port: ${port}, healthPort: ${healthPort} }
registration: { url: "https://127.0.0.1:${port}" }
log: { level: debug, requests: All }
decisionLog: { to: File, path: ${decisions} }
`,
    );
    const create = async (object: object): Promise<string> => {
      const { stdout, stderr } = await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(object) });
      return stdout + stderr;
    };
    const secret = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'default' },
      data: { password: encoded },
    });
    // These are what quotes it, and the client gets to see it: the test would notice.
    await until(async () => (await create(secret('refused'))).includes(`the password ${canary} is weak`), 30);
    expect(await create(secret('thrown'))).toContain('the handler failed');
    expect(await create(secret('caused'))).toContain('the handler failed');
    expect(await create(secret('nonsense'))).toContain('the handler returned an object');
    expect(await create(secret('stray'))).toContain('secret/stray created');
    expect(await create(secret('logged'))).toContain('secret/logged created');
    expect(await create(secret('kept'))).toContain('secret/kept created');
    const stored = await plane.kubectl(['get', 'secret', 'kept', '-o', 'jsonpath={.data.copy}']);
    expect(stored.stdout).toBe(encoded);
    await until(async () => (await create(pod('looks', 'default'))).includes(`found ${canary}`), 30);
    const withEnvironment = {
      ...pod('env', 'default'),
      spec: { containers: [{ name: 'a', image: 'a', env: [{ name: 'PASSWORD', value: canary }] }] },
    };
    expect(await create(withEnvironment)).toContain('the handler failed');
    await plane.kubectl(['delete', 'secret', 'kept']);
    // What is no review at all.
    const broken = `{"kind":"AdmissionReview","request":{"object":{"data":{"password":"${encoded}"`;
    await fetch(`http://127.0.0.1:${healthPort}/validate/refuse.example.com`, { method: 'POST', body: broken });

    const figures = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
    expect(figures).toMatch(/sallyport_admission_requests_total\{.*resource="secrets".*outcome="denied"\} 1/);
    // What a gate has figures of is what the page lists.
    const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8');
    const listed = [...page.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    for (const [, name] of figures.matchAll(/^# HELP (\S+)/gm)) expect(listed).toContain(name);
    expect(await gate.terminate()).toBe(0);
    const lines = readFileSync(decisions, 'utf8');
    // Everything was told, without it.
    for (const outcome of ['allowed', 'patched', 'denied', 'fault']) expect(lines).toContain(`"outcome":"${outcome}"`);
    expect(gate.log).toContain('request could not be answered');
    expect(gate.log).toContain('nobody was waiting for it');
    expect(gate.log).toContain('"message":"caught"');
    expect(gate.log).toContain('"message":"request"');
    for (const [where, text] of [
      ['log', gate.log],
      ['decision log', lines],
      ['metrics', figures],
    ] as const) {
      for (const word of [canary, encoded, canary.slice(0, 10), encoded.slice(0, 12), 'PRIVATE KEY']) {
        expect(text, `${where}: ${word}`).not.toContain(word);
      }
    }
  });
});
