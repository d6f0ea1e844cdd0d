import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

const root = resolve(import.meta.dirname, '..');
const examples = 'examples/getting-started';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as a user does: a process of its own. */
function sallyport(...args: string[]): Promise<Ended> {
  return node('--conditions=sallyport-source', 'src/cli/main.ts', ...args);
}

function node(...args: string[]): Promise<Ended> {
  return new Promise((done) => {
    const environment = { ...process.env, NO_COLOR: '1', KUBECONFIG: '/nowhere' };
    execFile(process.execPath, args, { cwd: root, env: environment }, (error, stdout, stderr) => {
      done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

let folder: string;
beforeEach(() => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  folder = mkdtempSync(join(root, '.cache/cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): string => {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
};

describe('sallyport', () => {
  it.each([
    'dev',
    'serve',
    'manifests',
    'register',
    'rescue',
    'unregister',
    'certs status',
    'certs rotate',
    'guard ls',
    'guard show',
    'guard release',
    'guard abort',
    'guard bypass',
    'guard explain',
    'version',
  ])('%s --help shows an example', async (command) => {
    const { code, stdout } = await sallyport(...command.split(' '), '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Example:\\n {2}sallyport ${command} `));
  });

  it('ends without a word when nobody reads what it prints', async () => {
    const main = join(root, 'src/cli/main.ts');
    const pipeline = `"${process.execPath}" --conditions=sallyport-source "${main}" --help | true`;
    const { stderr } = await promisify(execFile)('sh', ['-c', pipeline]);
    expect(stderr).toBe('');
  });

  it.each([
    ['an unknown command', ['frobnicate'], /unknown command 'frobnicate'/],
    ['an unknown option', ['dev', '--frob'], /unknown option '--frob'[\s\S]*--help/],
    ['a missing option', ['serve'], /--config/],
    ['a bad time', ['register', '--config', 'gate.yaml', '--timeout', '0'], /"0" is not a number of seconds/],
    ['a bad port', ['dev', '--port', '70000'], /"70000" is not a port/],
    ['an unknown format', ['dev', '-o', 'xml'], /table, json/],
    [
      'a configuration that is not there',
      ['serve', '--config', '/nowhere/gate.yaml'],
      /\/nowhere\/gate\.yaml: cannot be read/,
    ],
    ['webhooks that are not there', ['dev', '--once', '-w', '/nowhere'], /\/nowhere: there is no such file or folder/],
    ['no cluster', ['unregister'], /nowhere/],
    ['no reason', ['guard', 'bypass', 'db-0'], /--reason/],
  ])('ends with 2 on %s, saying what is wrong', async (_name, args, message) => {
    const { code, stderr } = await sallyport(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect(code).toBe(2);
  });

  it('tells an older Node in one sentence', async () => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '20.20.2' }); await import('./src/cli/main.ts');`;
    const { code, stderr } = await node('--input-type=module', '-e', pretend);
    expect(stderr).toMatch(/^sallyport needs Node 24 or newer, and this is v[\d.]+; [^\n]+\n$/);
    expect(code).toBe(2);
  });

  it('version prints both versions, also as JSON', async () => {
    expect((await sallyport('version')).stdout).toMatch(/^sallyport \d+\.\d+\.\d+ \(Node v24\./);
    expect(JSON.parse((await sallyport('version', '-o', 'json')).stdout)).toHaveProperty('sallyport');
  });
});

describe('sallyport dev --once', () => {
  const dev = (...args: string[]) => sallyport('dev', '--once', '-w', `${examples}/webhooks`, ...args);

  it('shows what was allowed, changed and denied, and ends with 1', async () => {
    const { code, stdout } = await dev('-m', `${examples}/manifests`);
    expect(stdout).toMatch(/^allowed {2}Deployment default\/shop /m);
    expect(stdout).toMatch(/^changed {2}Pod default\/without-resources /m);
    expect(stdout).toMatch(/^ +\+ spec\.containers\[0\]\.resources: /m);
    expect(stdout).toMatch(/^denied {3}Deployment default\/too-small /m);
    expect(stdout).toContain(
      'Error from server (Forbidden): admission webhook "minimum-replicas.example.com" denied the request: replicas must exceed 2',
    );
    expect(stdout).toMatch(/\n2 allowed, 2 changed, 3 denied\n$/);
    expect(code).toBe(1);
  });

  it('ends with 0 when nothing was refused, and prints JSON for machines', async () => {
    const { code, stdout } = await dev('-o', 'json', `${examples}/manifests/widget.yaml`);
    const { reviews } = JSON.parse(stdout) as { reviews: Array<{ decision: string; object: unknown }> };
    expect(reviews).toMatchObject([{ decision: 'changed', object: { spec: { size: 'small', colour: 'blue' } } }]);
    expect(code).toBe(0);
  });

  it('reviews the rest when a file cannot be read, and ends with 2', async () => {
    const file = write(
      'mixed.yaml',
      'apiVersion: v1\nkind: Pod\nmetadata: [\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n',
    );
    const { code, stdout } = await dev(file);
    expect(stdout).toMatch(/unread +\S*mixed\.yaml:\d+:\d+: /);
    expect(stdout).toMatch(/allowed +ConfigMap default\/a /);
    expect(code).toBe(2);
  });

  it('takes webhooks away by name or path, and refuses unknown ones', async () => {
    const manifest = `${examples}/manifests/deployments.yaml`;
    expect((await dev('--disable', '/validate/minimum-replicas.example.com', manifest)).code).toBe(0);
    expect((await dev('--enable', 'required-labels.example.com', manifest)).code).toBe(0);
    const { code, stderr } = await dev('--enable', 'frob.example.com', manifest);
    expect(stderr).toContain(
      'no webhook has the name or path "frob.example.com"; defined are: default-resources.example.com',
    );
    expect(code).toBe(2);
  });

  it('names both places of a repeated name', async () => {
    const text = `import { defineValidator } from 'sallyport';
export const a = defineValidator({ name: 'a.example.com', resource: 'pods', operations: ['CREATE'], handler: () => undefined });
`;
    write('webhooks/one.ts', text);
    write('webhooks/two.ts', `\n${text}`);
    const { code, stderr } = await sallyport('dev', '--once', '-w', join(folder, 'webhooks'));
    expect(stderr).toMatch(/"a\.example\.com" is defined twice: in \S*one\.ts:2 and in \S*two\.ts:3/);
    expect(code).toBe(2);
  });

  it('says so when its port is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((ready) => blocker.once('listening', ready));
    const address = blocker.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { code, stderr } = await dev('--port', String(port));
    blocker.close();
    expect(stderr).toContain(String(port));
    expect(code).toBe(2);
  });
});

describe('what a Secret holds', () => {
  it.each(['review', 'explain', 'dev'])('is not shown by %s', async (command) => {
    const webhook = write(
      'webhooks/secrets.ts',
      `import { defineMutator } from 'sallyport';
export const secrets = defineMutator({
  name: 'secrets.example.com',
  resource: 'secrets',
  operations: ['CREATE'],
  handler({ object: secret }) {
    secret.data = { ...secret.data, added: 'dG9wc2VjcmV0' };
    secret.metadata.labels = { seen: 'yes' };
  },
});
`,
    );
    const manifest = write(
      'secret.yaml',
      'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\ndata: { key: aGlkZGVu }\n',
    );
    const args = { review: ['-o', 'diff', '-f'], explain: ['-f'], dev: ['--once'] }[command] ?? [];
    const { stdout, stderr } = await sallyport(command, '--webhooks', webhook, ...args, manifest);
    expect(stdout).toContain('seen');
    expect(stdout).toContain('(not shown: Secret)');
    expect(stdout + stderr).not.toMatch(/dG9wc2VjcmV0|aGlkZGVu/);
  });
});

describe('sallyport manifests', () => {
  const configuration = (registration: string): string =>
    write(
      'gate.yaml',
      `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: ["${root}/${examples}/webhooks"] }
registration: ${registration}
`,
    );
  const service = '{ service: { namespace: gate, name: gate } }';
  const kindsOf = (text: string): unknown[] => parseAllDocuments(text).map((document) => document.get('kind'));

  it('prints what kubectl apply takes, and the configurations when the CA is known', async () => {
    const file = configuration(service);
    const plain = await sallyport('manifests', '--config', file, '--image', 'registry.example.com/gate:1');
    expect(plain.code).toBe(0);
    expect(kindsOf(plain.stdout)).toEqual(
      expect.arrayContaining(['Namespace', 'ServiceAccount', 'ClusterRole', 'Role', 'Service', 'Deployment']),
    );
    expect(kindsOf(plain.stdout)).not.toContain('ValidatingWebhookConfiguration');
    const authority = write('ca.crt', 'PEM');
    const whole = await sallyport('manifests', '--config', file, '--image', 'gate:1', '--ca-bundle', authority);
    expect(kindsOf(whole.stdout)).toEqual(
      expect.arrayContaining(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']),
    );
  });

  it('prints a ServiceMonitor, or the Job that unregisters alone, when it is asked to', async () => {
    const command = ['manifests', '--config', configuration(service), '--image', 'gate:1'];
    const monitored = await sallyport(...command, '--service-monitor');
    expect(kindsOf(monitored.stdout)).toContain('ServiceMonitor');
    expect((await sallyport(...command)).stdout).not.toContain('ServiceMonitor');
    const job = await sallyport(...command, '--pre-delete-job');
    expect(kindsOf(job.stdout)).toEqual(['Job']);
    expect(job.stdout).toContain('- unregister\n');
  });

  it('needs a folder for the decision log that can be a volume', async () => {
    const text = `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: ["${root}/${examples}/webhooks"] }
registration: ${service}
decisionLog: { to: File, path: decisions.jsonl }
`;
    const { code, stderr } = await sallyport('manifests', '--config', write('beside.yaml', text), '--image', 'gate:1');
    expect(stderr).toContain('decisionLog.path: in a cluster its folder is a volume, and /etc/sallyport cannot be one');
    expect(code).toBe(2);
  });

  it('needs a Service', async () => {
    const { code, stderr } = await sallyport('manifests', '--config', configuration('{}'), '--image', 'gate:1');
    expect(stderr).toContain('registration.service is missing');
    expect(code).toBe(2);
  });
});

describe('sallyport review -o yaml', () => {
  it('keeps integers that a double does not hold, and prints nothing of what is deleted', async () => {
    const file = write(
      'a.yaml',
      'apiVersion: example.com/v1\nkind: Widget\nmetadata: { name: a }\nspec: { size: 12345678901234567891 }\n',
    );
    const created = await sallyport('review', '-f', file, '-o', 'yaml');
    expect(created.stdout).toContain('size: 12345678901234567891\n');
    const deleted = await sallyport('review', '-f', file, '-o', 'yaml', '--operation', 'DELETE');
    expect(deleted).toMatchObject({ code: 0, stdout: '' });
  });
});

describe('sallyport dev -', () => {
  it('reviews again what standard input said when a webhook changes', async () => {
    const text = `import { defineValidator } from 'sallyport';
export const a = defineValidator({ name: 'a.example.com', resource: 'pods', operations: ['CREATE'], handler: () => undefined });
`;
    const file = write('webhooks/a.ts', text);
    const args = ['--conditions=sallyport-source', 'src/cli/main.ts', 'dev', '-w', join(folder, 'webhooks'), '-'];
    const child = spawn(process.execPath, args, { cwd: root });
    child.stdin.end('apiVersion: v1\nkind: Pod\nmetadata: { name: piped }\n');
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.split('1 allowed').length > 2) child.kill('SIGTERM');
    });
    let told = '';
    child.stderr.on('data', (chunk: Buffer) => {
      told += chunk.toString();
      if (told.includes('watching for changes')) writeFileSync(file, `${text}\n`);
      told = told.replace('watching for changes', '');
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(output.match(/allowed +Pod default\/piped/g)?.length).toBeGreaterThanOrEqual(2);
    expect(code).toBe(0);
  });
});

describe('a match condition that does not compile', () => {
  const condition = (expression: string): string =>
    write(
      'webhooks/a.ts',
      `import { defineValidator } from 'sallyport';
const matchConditions = [{ name: 'fine', expression: 'true' }, { name: 'bad', expression: '${expression}' }];
export const a = defineValidator({ name: 'a.example.com', resource: 'pods', operations: ['CREATE'], matchConditions, handler: () => undefined });
`,
    );
  const gate = (file: string): string =>
    write(
      'gate.yaml',
      `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: ["${file}"] }
registration: { service: { namespace: gate, name: gate } }
`,
    );

  it.each([
    ['dev', (file: string) => ['--once', '-w', file]],
    ['serve', (file: string) => ['--config', gate(file)]],
    ['register', (file: string) => ['--config', gate(file)]],
    ['manifests', (file: string) => ['--image', 'gate:1', '--config', gate(file)]],
  ])('is refused by %s with file and line', async (command, options) => {
    const { code, stderr } = await sallyport(command, ...options(condition('object.')));
    expect(stderr).toMatch(/a\.ts:3: webhook a\.example\.com: matchConditions\[1\]\.expression: .*Syntax error/s);
    expect(code).toBe(2);
  });

  it('is not one that compiles', async () => {
    expect((await sallyport('dev', '--once', '-w', condition('request.name != "a"'))).code).toBe(0);
  });
});

describe('a handler that throws', () => {
  it.each([
    ['dev', ['--once']],
    ['review', ['-f']],
    ['explain', ['-f']],
  ])('is told by %s with what it threw, on stderr only', async (command, options) => {
    const file = write(
      'webhooks/a.ts',
      `import { defineValidator } from 'sallyport';
const handler = () => { throw new TypeError('no such field'); };
export const a = defineValidator({ name: 'a.example.com', resource: 'pods', operations: ['CREATE'], handler });
`,
    );
    const pod = `${examples}/manifests/pod-without-resources.yaml`;
    const { code, stdout, stderr } = await sallyport(command, '-w', file, ...options, pod);
    expect(stderr).toMatch(/caused by TypeError: no such field\n\s+at handler \(\S*a\.ts:2/);
    expect(stdout).toContain('a.example.com: the handler failed');
    expect(stdout).not.toContain('no such field');
    expect(code).toBe(1);
  });
});

describe('a cluster that is away', () => {
  /** Runs a command against a port that takes connections and says nothing, until it has tried three times; then ends it. */
  async function untilTriedThrice(
    command: string,
  ): Promise<{ code: number | null; signal: string | null; output: string }> {
    let tries = 0;
    const deaf = createServer((socket) => {
      socket.on('error', () => undefined).destroy();
      tries += 1;
      if (tries === 3) child.kill('SIGTERM');
    }).listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const address = deaf.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const kubeconfig = write(
      'kubeconfig',
      `apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: 'https://127.0.0.1:${port}' } }]
users: [{ name: u, user: { token: t } }]
contexts: [{ name: x, context: { cluster: c, user: u } }]
current-context: x
`,
    );
    write(
      'webhooks/a.ts',
      `import { defineValidator } from 'sallyport';
export const a = defineValidator({ name: 'a.example.com', resource: 'pods', operations: ['CREATE'], handler: () => undefined });
`,
    );
    const gate = write(
      'gate.yaml',
      `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: [webhooks] }
server: { host: 127.0.0.1, port: 0, healthPort: 0 }
registration: { service: { namespace: gate, name: gate } }
`,
    );
    const args = ['--conditions=sallyport-source', 'src/cli/main.ts', command, '--config', gate];
    const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, KUBECONFIG: kubeconfig } });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    deaf.close();
    return { code, signal, output };
  }

  it('is waited for by serve, which ends with 0 when it is told to', async () => {
    const { code, output } = await untilTriedThrice('serve');
    expect(output).not.toMatch(/internal fault|top-level await|registration ended/);
    expect(code).toBe(0);
  });

  it('is waited for by register', async () => {
    expect((await untilTriedThrice('register')).signal).toBe('SIGTERM');
  });
});
