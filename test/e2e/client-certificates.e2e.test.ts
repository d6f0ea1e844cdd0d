import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeReviewRequest } from '../../src/admission/index.ts';
import type { Pod } from '../../src/api/generated/core.v1.ts';
import type { KeyPair } from '../../src/certs/index.ts';
import { deletionGuardDefinition, stateAnnotation } from '../../src/guard/index.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { buildRequest, ControlPlane, FakeKubelet } from '../../src/testing/index.ts';
import { clientCertificate } from '../client-certificate.ts';
import { RawHttpClient, testAuthority } from '../loopback-server.ts';
import { GateProcess } from './gate-process.ts';
import { until } from './until.ts';

const root = resolve(import.meta.dirname, '../..');

let folder: string;
let authority: KeyPair;
beforeAll(async () => {
  // Below the package, by whose name the module imports it.
  mkdirSync(join(root, '.cache'), { recursive: true });
  folder = mkdtempSync(join(root, '.cache/client-certificates-'));
  authority = await testAuthority();
  writeFileSync(join(folder, 'ca.crt'), authority.certificatePem);
  mkdirSync(join(folder, 'webhooks'));
  writeFileSync(
    join(folder, 'webhooks', 'names.ts'),
    `import { defineValidator, deny } from 'sallyport';
export const names = defineValidator({
  name: 'names.example.com', resource: 'configmaps', operations: ['CREATE'], failurePolicy: 'Fail',
  handler: ({ object }) => (object.metadata.name === 'bad' ? deny('not this name') : undefined),
});
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const settings = (): string =>
  `clientCertificates: { caFile: ${join(folder, 'ca.crt')}, allowedNames: [kube-apiserver] }\n`;

/** What `--admission-control-config-file` names, as docs/guides/running.md has it. Returns its path. */
function admissionConfiguration(): string {
  const file = join(folder, 'admission.yaml');
  const plugin = (name: string): string => `- name: ${name}
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: WebhookAdmissionConfiguration
    kubeConfigFile: ${join(folder, 'webhooks.kubeconfig')}
`;
  writeFileSync(
    file,
    `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
${plugin('MutatingAdmissionWebhook')}${plugin('ValidatingAdmissionWebhook')}`,
  );
  return file;
}

/** Whom the API server shows itself as to the gate at `server`. */
async function presentAs(name: string, server: string): Promise<void> {
  const { cert, key } = await clientCertificate(authority, name);
  writeFileSync(join(folder, 'webhooks.crt'), cert);
  writeFileSync(join(folder, 'webhooks.key'), key);
  writeFileSync(
    join(folder, 'webhooks.kubeconfig'),
    `apiVersion: v1
kind: Config
users:
- name: "${server}"
  user:
    client-certificate: ${join(folder, 'webhooks.crt')}
    client-key: ${join(folder, 'webhooks.key')}
`,
  );
}

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } });

async function tryCreate(plane: ControlPlane, object: object): Promise<{ code: number | null; text: string }> {
  const { code, stdout, stderr } = await plane.kubectl(['create', '--dry-run=server', '-f', '-'], {
    input: JSON.stringify(object),
  });
  return { code, text: stdout + stderr };
}

describe('a gate that asks for client certificates', () => {
  let plane: ControlPlane;
  let kubelet: FakeKubelet;
  let port: number;
  const gates: GateProcess[] = [];
  beforeAll(async () => {
    port = await findFreePort();
    await presentAs('kube-apiserver', `127.0.0.1:${port}`);
    plane = await ControlPlane.start({ admissionControlConfigFile: admissionConfiguration() });
    kubelet = await FakeKubelet.start(plane);
    await ok(['create', '-f', '-'], deletionGuardDefinition());
    await ok(['wait', '--for=condition=Established', 'crd/deletionguards.guard.sallyport.dev', '--timeout=30s']);
    // A kind is told of a moment after it is established.
    await until(async () => (await plane.kubectl(['get', 'deletionguards'])).code === 0);
    await ok(['create', '-f', '-'], guardedNamespace, guard, guardedPod('db'), guardedPod('cache'));
    await ok(['wait', '--for=condition=Ready', 'pod/db', 'pod/cache', '-n', 'shop', '--timeout=30s']);
  });
  afterAll(async () => {
    for (const gate of gates) await gate.stop();
    await kubelet.stop();
    await plane.stop();
  });

  async function ok(args: string[], ...objects: object[]): Promise<string> {
    const input = objects.map((object) => JSON.stringify(object)).join('\n---\n');
    const { code, stdout, stderr } = await plane.kubectl(args, { input });
    expect(code, stderr).toBe(0);
    return stdout;
  }

  async function start(command: string[], ready: RegExp, more: string): Promise<GateProcess> {
    const configuration = `
webhooks: { paths: [${join(folder, 'webhooks')}] }
server: { host: 127.0.0.1, port: ${port}, healthPort: ${await findFreePort()} }
registration: { url: "https://127.0.0.1:${port}" }
guard: {}
${more}`;
    const gate = await GateProcess.start(plane, configuration, { command, ready: [ready] });
    gates.push(gate);
    return gate;
  }

  /** The status of a review that does not come from the API server. */
  async function forge(path: string, review: string, own: { cert: string; key: string } | undefined): Promise<number> {
    const options = { host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] };
    using client = await RawHttpClient.connect({ ...options, ...own });
    client.post(path, review);
    return (await client.answer())?.httpStatus ?? 0;
  }

  const podOf = async (name: string): Promise<Pod> =>
    JSON.parse(await ok(['get', 'pod', '-n', 'shop', name, '-o', 'json'])) as Pod;
  const isHeld = async (name: string): Promise<boolean> =>
    (await podOf(name)).metadata?.annotations?.[stateAnnotation] !== undefined;
  const deletion = async (name: string): Promise<string> =>
    encodeReviewRequest('v1', buildRequest(await podOf(name), { operation: 'DELETE' }));
  const guardPath = '/validate/delete.guard.sallyport.dev';

  it('is called by an API server that has one, and by nobody else', async () => {
    // The one that registers has none and is needed none: it must register what is served, and nothing that is not.
    const registering = await start(['register', '--watch'], /not registering yet: the gate does not answer/, '');
    const names = ['get', 'validatingwebhookconfigurations', '-o', 'name'];
    expect(await ok(names)).toBe('');
    const serving = await start(['serve', '--no-register'], /the deletion guard is on duty/, settings());
    await registering.waitForLine(/ValidatingWebhookConfiguration.*wrote the webhook configuration/);
    await until(async () => (await tryCreate(plane, configMap('bad'))).text.includes('not this name'));
    expect(await tryCreate(plane, configMap('good'))).toMatchObject({ code: 0 });

    const review = encodeReviewRequest('v1', buildRequest(configMap('good')));
    const own = await clientCertificate(authority, 'kube-apiserver');
    const otherName = await clientCertificate(authority, 'kubelet');
    const otherAuthority = await clientCertificate(await testAuthority(), 'kube-apiserver');
    const callers = [undefined, otherName, otherAuthority, own];
    const statuses = await Promise.all(callers.map((caller) => forge('/validate/names.example.com', review, caller)));
    expect(statuses).toEqual([401, 403, 401, 200]);

    // A review that is made up starts no clean-up, not even for a Pod that is guarded; a deletion does.
    expect(await forge(guardPath, await deletion('db'), undefined)).toBe(401);
    expect(await isHeld('db')).toBe(false);
    const { code, stderr } = await plane.kubectl(['delete', 'pod', '-n', 'shop', 'db', '--wait=false']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('delete.guard.sallyport.dev')]);
    expect(await isHeld('db')).toBe(true);
    expect(serving.log).toContain('"outcome":"refused","code":401');

    // Without, whoever reaches the port may have one begun.
    await serving.stop();
    const open = await start(['serve', '--no-register'], /the deletion guard is on duty/, '');
    expect(await forge(guardPath, await deletion('cache'), undefined)).toBe(200);
    await until(() => isHeld('cache'));
    await open.stop();
  });

  it('is told in the answer of an API server that it does not let in', async () => {
    await presentAs('somebody-else', `127.0.0.1:${port}`);
    await plane.killApiServer();
    await plane.startApiServer();
    await start(['serve'], /"message":"serving"/, settings());
    await until(async () =>
      (await tryCreate(plane, configMap('good'))).text.includes('in the client certificate is not'),
    );
  });
});

it('an API server finds its certificate for a Service by the name that is in the kubeconfig', async () => {
  await presentAs('kube-apiserver', 'gate.gate-system.svc');
  const address = '10.0.0.50';
  const plane = await ControlPlane.start({
    networkNamespace: true,
    admissionControlConfigFile: admissionConfiguration(),
  });
  let gate: GateProcess | undefined;
  try {
    // kube-proxy's part: the Service's cluster IP is an address of the network namespace, and the gate listens there.
    await plane.exec(['ip', 'addr', 'add', `${address}/32`, 'dev', 'lo']);
    await plane.kubectl(['create', 'namespace', 'gate-system']);
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'gate', namespace: 'gate-system' },
      spec: { clusterIP: address, ports: [{ port: 443, protocol: 'TCP' }] },
    };
    expect(await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(service) })).toMatchObject({ code: 0 });
    gate = await GateProcess.start(
      plane,
      `
webhooks: { paths: [${join(folder, 'webhooks')}] }
server: { host: ${address}, port: 443, healthPort: 8080 }
registration: { service: { namespace: gate-system, name: gate } }
${settings()}`,
    );
    await until(async () => (await tryCreate(plane, configMap('bad'))).text.includes('not this name'));
    expect(await tryCreate(plane, configMap('good'))).toMatchObject({ code: 0 });
  } finally {
    await gate?.stop();
    await plane.stop();
  }
});

const labels = { 'sallyport.dev/guard': 'enabled' };
const guardedNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } };
const guard = {
  apiVersion: 'guard.sallyport.dev/v1alpha1',
  kind: 'DeletionGuard',
  metadata: { namespace: 'shop', name: 'guard' },
  spec: {
    selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
    // Nobody listens there: a clean-up is begun and does not end.
    hook: { http: { url: 'http://127.0.0.1:9/{namespace}/{name}' } },
    deadlineSeconds: 600,
  },
};
const guardedPod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'shop', name, labels: { ...labels, app: name } },
  spec: { containers: [{ name: 'main', image: 'registry.example.com/db:1' }] },
});
