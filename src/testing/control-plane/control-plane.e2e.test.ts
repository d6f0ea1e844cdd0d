import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubernetesVersion } from './binaries.ts';
import { ControlPlane } from './index.ts';

const indexUrl = new URL('./index.ts', import.meta.url).href;

/** Status code of a request by somebody outside, or the code of the error. */
async function ask(plane: ControlPlane, path: string, token: string, timeoutMilliseconds = 10_000): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  request(new URL(path, plane.server), {
    agent: false,
    ca: plane.caCertificate,
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(timeoutMilliseconds),
  })
    .once('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    })
    .once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    .end();
  return promise;
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Asks until it is so; the test's own timeout ends it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('ControlPlane', () => {
  let scratch: string;
  let plane: ControlPlane;
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'sallyport-e2e-'));
    plane = await ControlPlane.start({
      controllers: ['deployment', 'replicaset'],
      users: [{ name: 'alice', groups: ['developers'] }],
      auditLogPath: join(scratch, 'audit.log'),
      // Without it the watches of kube-controller-manager hold up the end by SIGTERM for a minute.
      apiServerFlags: ['--shutdown-watch-termination-grace-period=1s'],
    });
  });
  afterAll(async () => {
    await plane.stop();
    rmSync(scratch, { recursive: true });
  });

  it('is of the version that tools/control-plane/go.mod names', async () => {
    const { stdout } = await plane.kubectl(['version', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      clientVersion: { gitVersion: kubernetesVersion() },
      serverVersion: { gitVersion: kubernetesVersion() },
    });
  });

  it('knows the admin, whose certificate is checked, and nobody without a token', async () => {
    expect(await ask(plane, '/api/v1/nodes', plane.token)).toBe(200);
    expect(await ask(plane, '/api/v1/nodes', 'nonsense')).toBe(401);
  });

  it('gives further users what RBAC gives them', async () => {
    const listPods = ['--kubeconfig', plane.kubeconfigFor('alice'), 'get', 'pods'];
    const refused = await plane.kubectl(listPods);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('User "alice" cannot list resource "pods"');
    await plane.kubectl([
      'create',
      'rolebinding',
      'developers',
      '--clusterrole=system:aggregate-to-view',
      '--group=developers',
    ]);
    // The API server notices a role binding a moment after it was stored; the test's own timeout ends this.
    while ((await plane.kubectl(listPods)).code !== 0);
    expect(() => plane.tokenFor('bob')).toThrow(/no user bob; known are .*alice/);
  });

  it('hands standard input to kubectl', async () => {
    const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'from-stdin' }, data: { a: 'b' } };
    const { code } = await plane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(manifest) });
    expect(code).toBe(0);
    expect((await plane.kubectl(['get', 'configmap', 'from-stdin', '-o', 'jsonpath={.data.a}'])).stdout).toBe('b');
  });

  it('runs the controllers asked for, each as its own service account', async () => {
    await plane.kubectl(['create', 'deployment', 'web', '--image=registry.example.com/web:1', '--replicas=2']);
    const made = await plane.kubectl(['wait', '--for=create', 'pod', '-l', 'app=web', '--timeout=30s']);
    expect(made.code).toBe(0);
    const events = readFileSync(join(scratch, 'audit.log'), 'utf8').trim().split('\n');
    const podCreations = events
      .map((line) => JSON.parse(line) as { verb: string; user: { username: string }; objectRef?: { resource: string } })
      .filter((event) => event.verb === 'create' && event.objectRef?.resource === 'pods');
    expect(podCreations[0]?.user.username).toBe('system:serviceaccount:kube-system:replicaset-controller');
  });

  it('freezes and thaws kube-apiserver', async () => {
    plane.freezeApiServer();
    expect(await ask(plane, '/readyz', plane.token, 300)).toBe('ABORT_ERR');
    plane.thawApiServer();
    expect(await ask(plane, '/readyz', plane.token)).toBe(200);
  });

  it('kills kube-apiserver and starts it again with its port and its data', async () => {
    const { server } = plane;
    await plane.killApiServer();
    expect(await ask(plane, '/readyz', plane.token)).toBe('ECONNREFUSED');
    await plane.startApiServer();
    expect(plane.server).toBe(server);
    expect((await plane.kubectl(['get', 'configmap', 'from-stdin'])).code).toBe(0);
  });

  it('stops kube-apiserver by SIGTERM and starts it again', async () => {
    await plane.stopApiServer();
    expect(plane.apiServerLog()).toContain('Stopped listening');
    expect(await ask(plane, '/readyz', plane.token)).toBe('ECONNREFUSED');
    await plane.startApiServer();
    expect(await ask(plane, '/readyz', plane.token)).toBe(200);
  });
});

describe('ControlPlane.stop()', () => {
  it('leaves no process, not even a frozen one, and no file; twice is as once', async () => {
    const plane = await ControlPlane.start();
    const directory = dirname(plane.kubeconfig);
    const pids = ['etcd', 'kube-apiserver'].map((name) => Number(readFileSync(join(directory, `${name}.pid`), 'utf8')));
    expect(pids.map(isRunning)).toEqual([true, true]);
    plane.freezeApiServer();
    await plane.stop();
    await plane.stop();
    expect(pids.map(isRunning)).toEqual([false, false]);
    expect(existsSync(directory)).toBe(false);
  });

  it('is not needed when the process that started it dies', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'sallyport-e2e-'));
    const script = join(scratch, 'start.ts');
    writeFileSync(
      script,
      `import { ControlPlane } from ${JSON.stringify(indexUrl)};
       const plane = await ControlPlane.start();
       console.log(plane.kubeconfig);
       setInterval(() => undefined, 60_000);`,
    );
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const directory = dirname(line.toString().trim());
    const pids = ['etcd', 'kube-apiserver'].map((name) => Number(readFileSync(join(directory, `${name}.pid`), 'utf8')));
    expect(pids.map(isRunning)).toEqual([true, true]);
    parent.kill('SIGKILL');
    await until(() => !pids.some(isRunning) && !existsSync(directory) && !existsSync(`${directory}.dead`));
    rmSync(scratch, { recursive: true });
  });
});

describe('ControlPlane in a network namespace', () => {
  it('is reached from inside alone, and calls a webhook at the cluster IP of its Service', async () => {
    await using plane = await ControlPlane.start({ networkNamespace: true });
    expect(await ask(plane, '/readyz', plane.token)).toBe('ECONNREFUSED');
    expect((await plane.kubectl(['get', 'namespaces'])).stdout).toContain('kube-system');

    expect((await plane.exec(['ip', 'address', 'add', '10.0.0.50/32', 'dev', 'lo'])).code).toBe(0);
    const listener = `
      const server = require('node:net').createServer(() => { console.log('dialled'); process.exit(); });
      server.listen(443, '10.0.0.50', () => console.log('listening'));`;
    const webhook = plane.spawn([process.execPath, '-e', listener], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    webhook.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(() => said.includes('listening'));

    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'webhook' },
      spec: { clusterIP: '10.0.0.50', ports: [{ port: 443 }] },
    };
    const configuration = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'webhook' },
      webhooks: [
        {
          name: 'webhook.example.com',
          clientConfig: { service: { namespace: 'default', name: 'webhook' } },
          rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          failurePolicy: 'Fail',
        },
      ],
    };
    await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(service) });
    await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(configuration) });
    // The API server notices a configuration a moment after it was stored.
    let attempt = 0;
    while (!said.includes('dialled') && webhook.exitCode === null) {
      await plane.kubectl(['create', 'configmap', `attempt-${attempt++}`]);
    }
    expect(said).toContain('dialled');
  });
});
