import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { issueAuthority, issueServingCertificate, type KeyPair } from '../../src/certs/index.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { makeBuild, removeBuild, unwatchedSecret } from '../rollouts/build.ts';
import { GateProcess } from './gate-process.ts';

const root = resolve(import.meta.dirname, '../..');
const dayMilliseconds = 24 * 60 * 60_000;

let plane: ControlPlane;
let folder: string;
beforeAll(async () => {
  plane = await ControlPlane.start();
  mkdirSync(join(root, '.cache'), { recursive: true });
  folder = mkdtempSync(join(root, '.cache/cert-manager-'));
});
afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true });
});

async function kubectl(args: readonly string[], input?: object): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(
    args,
    input === undefined ? {} : { input: JSON.stringify(input) },
  );
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** The part of cert-manager that a gate meets: it fills a Secret, and writes its CA into what asks for it. */
class CertManager {
  readonly #secretName: string;
  #authority: KeyPair | undefined;

  constructor(secretName: string) {
    this.#secretName = secretName;
  }

  /** Resolves with the fingerprint of what it has issued. */
  async issue(): Promise<string> {
    const lifetime = { issuedAt: Date.now(), lifetimeMilliseconds: 90 * dayMilliseconds };
    this.#authority ??= await issueAuthority(lifetime);
    const leaf = await issueServingCertificate({ authority: this.#authority, hosts: ['127.0.0.1'], ...lifetime });
    const encode = (pem: string): string => Buffer.from(pem).toString('base64');
    await kubectl(['apply', '--server-side', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: this.#secretName, namespace: 'default' },
      type: 'kubernetes.io/tls',
      data: {
        'tls.crt': encode(leaf.certificatePem),
        'tls.key': encode(leaf.privateKeyPem),
        'ca.crt': encode(this.#authority.certificatePem),
      },
    });
    return new X509Certificate(leaf.certificatePem).fingerprint256;
  }

  /** Source: cert-manager pkg/controller/cainjector/reconciler.go and setup.go, which write by an update. */
  async inject(configuration: string): Promise<void> {
    const caBundle = Buffer.from(this.#authority?.certificatePem ?? '').toString('base64');
    const annotations = await kubectl(['get', ...configuration.split('/'), '-o', 'jsonpath={.metadata.annotations}']);
    if (!annotations.includes('"cert-manager.io/inject-ca-from":"default/sallyport"')) throw new Error(annotations);
    const operations = [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: caBundle }];
    await kubectl(['patch', ...configuration.split('/'), '--type=json', '-p', JSON.stringify(operations)]);
  }
}

/** The last look begins after the time is up: a stall alone does not fail it. */
async function within(seconds: number, check: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const isLast = performance.now() > end;
    if (await check()) return true;
    if (isLast) return false;
    await sleep(50);
  }
}

/** Fingerprint of the certificate that new connections get. */
function servedAt(port: number): Promise<string | undefined> {
  const { promise, resolve: done } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
    done(socket.getPeerX509Certificate()?.fingerprint256);
    socket.destroy();
  });
  socket.on('error', () => done(undefined));
  return promise;
}

interface Staged {
  readonly name: string;
  readonly port: number;
  readonly file: string;
  readonly certManager: CertManager;
  readonly configuration: string;
  readonly failurePolicy: () => Promise<string>;
  readonly write: () => Promise<string>;
}

/** A gate in mode CertManager whose Secret is there, and whose CA is not injected yet. */
async function start(name: string, build?: string): Promise<Staged> {
  const webhooks = join(folder, `${name}.ts`);
  writeFileSync(
    webhooks,
    `import { defineValidator, deny } from 'sallyport';
export const gate = defineValidator({
  name: '${name}.example.com', resource: 'configmaps', operations: ['CREATE'],
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': '${name}' } }, handler: () => deny('no'),
});
`,
  );
  const certManager = new CertManager(name);
  await certManager.issue();
  await kubectl(['create', 'namespace', name]);
  const port = await findFreePort();
  const text = `webhooks: { paths: ["${webhooks}"] }
server: { host: 127.0.0.1, port: ${port}, healthPort: ${await findFreePort()} }
certificates: { mode: CertManager, secretName: ${name} }
registration: { name: ${name}, url: "https://127.0.0.1:${port}" }
`;
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, `apiVersion: config.sallyport.dev/v1alpha1\nkind: GateConfiguration\n${text}`);
  const gate = await GateProcess.start(plane, text, build === undefined ? {} : { build });
  const configuration = `validatingwebhookconfigurations/${name}`;
  onTestFinished(async () => {
    await gate.stop();
    await kubectl(['delete', configuration]);
  });
  return {
    name,
    port,
    file,
    certManager,
    configuration,
    failurePolicy: () => kubectl(['get', ...configuration.split('/'), '-o', 'jsonpath={.webhooks[0].failurePolicy}']),
    write: async () => {
      const command = ['create', 'configmap', 'any', '-n', name, '--dry-run=server'];
      const { stdout, stderr } = await plane.kubectl(command);
      return stdout + stderr;
    },
  };
}

/** Runs it as an operator does. */
function certs(
  ...args: string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const command = ['--conditions=sallyport-source', join(root, 'src/cli/main.ts'), 'certs', ...args];
  const options = { cwd: root, env: { ...process.env, KUBECONFIG: plane.kubeconfig } };
  const { promise, resolve: done } = Promise.withResolvers<{ code: number; stdout: string; stderr: string }>();
  execFile(process.execPath, command, options, (error, stdout, stderr) => {
    done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
  });
  return promise;
}

describe('certificates of cert-manager', () => {
  it('are served; until the CA is injected nobody is locked out, and then every write is judged', async () => {
    const { certManager, configuration, failurePolicy, write, file } = await start('injected');
    expect(await failurePolicy()).toBe('Ignore');
    expect(await write()).toContain('created');
    const before = await certs('status', '--config', file);
    expect(before.stdout).toMatch(/^CertManager, Secret default\/injected\n/);
    expect(before).toMatchObject({ code: 1, stderr: '' });

    await certManager.inject(configuration);
    expect(await within(5, async () => (await failurePolicy()) === 'Fail')).toBe(true);
    expect(await within(5, async () => (await write()).includes('denied the request: no'))).toBe(true);
    const { code, stdout } = await certs('status', '--config', file, '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      mode: 'CertManager',
      certificates: [{ role: 'serving' }],
      configurations: [{ webhook: 'ValidatingWebhookConfiguration/injected, injected.example.com', accepts: true }],
    });
    expect(code).toBe(0);
    const rotated = await certs('rotate', '--config', file);
    expect(rotated.stderr).toContain('cmctl renew sallyport');
    expect(rotated.code).toBe(2);
  });
});

/** A mounted Secret arrives in the Pod up to a minute and a half after it was written. */
describe('mount lag', () => {
  it('a renewed certificate is served within 2 s, with no volume for its Secret', async () => {
    const { certManager, configuration, port, failurePolicy } = await start('watched');
    await certManager.inject(configuration);
    expect(await within(5, async () => (await failurePolicy()) === 'Fail')).toBe(true);
    const renewed = await certManager.issue();
    expect(await within(2, async () => (await servedAt(port)) === renewed)).toBe(true);
  });

  it('a build that does not watch the Secret serves the old one on', async () => {
    const build = makeBuild([unwatchedSecret]);
    onTestFinished(() => removeBuild(build));
    const { certManager, port } = await start('unwatched', build);
    const renewed = await certManager.issue();
    expect(await within(5, async () => (await servedAt(port)) === renewed)).toBe(false);
  });
});

describe('sallyport certs, of an authority of our own', () => {
  it('shows it, begins its rotation once, and leaves the Secret of a user alone', async () => {
    const file = join(folder, 'own.yaml');
    const head = 'apiVersion: config.sallyport.dev/v1alpha1\nkind: GateConfiguration\nwebhooks: { paths: [none] }\n';
    const rest = (secret: string): string =>
      `${head}certificates: { mode: SelfManaged, secretName: ${secret} }\nregistration: { name: own, url: "https://127.0.0.1:1" }\n`;
    writeFileSync(file, rest('own'));
    const absent = await certs('status', '-c', file);
    expect(absent.stdout).toBe('SelfManaged, Secret default/own\nthere is no certificate yet\n');
    expect(absent.code).toBe(1);
    expect(await certs('rotate', '-c', file)).toEqual({
      code: 1,
      stdout: expect.stringContaining('the first replica makes it') as string,
      stderr: '',
    });

    await kubectl(['create', 'secret', 'generic', 'users', '--from-literal=password=hunter2']);
    const users = join(folder, 'users.yaml');
    writeFileSync(users, rest('users'));
    for (const command of ['status', 'rotate']) {
      const { code, stdout, stderr } = await certs(command, '-c', users);
      expect(stderr).toContain('Secret default/users does not carry the label');
      expect(stdout + stderr).not.toContain('hunter2');
      expect(code).toBe(2);
    }
  });
});
