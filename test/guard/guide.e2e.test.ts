import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { ControlPlane, FakeKubelet } from '../../src/testing/index.ts';
import { codeBlocks, type CodeBlock } from '../guide-steps.ts';
import { HookApp } from './hook-app.ts';

/**
 * Follows docs/guides/guard.md: its files and commands, word by word, in order. The test stands in for what a machine alone
 * lacks: it runs the gate's two containers as processes, with the service accounts and the rights that were installed, and it
 * is the application.
 */

const root = resolve(import.meta.dirname, '../..');
const guide = readFileSync(join(root, 'docs/guides/guard.md'), 'utf8');
const accounts = ['sallyport', 'sallyport-registrar'].map((name) => `system:serviceaccount:sallyport-system:${name}`);

interface Step {
  readonly title: string;
  /** After the language: `refused` for commands that end with an error, `gate` where the gate must run first. */
  readonly blocks: readonly CodeBlock[];
}

const steps: Step[] = guide
  .split(/^## /m)
  .slice(1)
  .map((section) => ({
    title: section.slice(0, section.indexOf('\n')),
    blocks: codeBlocks(section),
  }))
  .filter(({ blocks }) => blocks.length > 0);

let folder: string;
let plane: ControlPlane;
let kubelet: FakeKubelet;
let app: HookApp;
const gates: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-guide-'));
  plane = await ControlPlane.start({
    controllers: ['deployment', 'replicaset', 'statefulset', 'disruption', 'namespace', 'garbagecollector'],
    users: accounts.map((name) => ({ name, groups: ['system:serviceaccounts'] })),
  });
  [kubelet, app] = await Promise.all([FakeKubelet.start(plane, { nodes: ['n1', 'n2'] }), HookApp.start()]);
  app.durations.set('shop', 4500);
  writeFileSync(
    join(folder, 'sallyport'),
    `#!/bin/sh\nexec "${process.execPath}" --conditions=sallyport-source "${join(root, 'src/cli/main.ts')}" "$@"\n`,
  );
  chmodSync(join(folder, 'sallyport'), 0o755);
}, 120_000);

afterAll(async () => {
  for (const gate of gates) gate.kill('SIGKILL');
  await kubelet.stop();
  await app.stop();
  await plane.stop();
  rmSync(folder, { recursive: true });
});

describe('docs/guides/guard.md', () => {
  it('has the steps', () => {
    expect(steps.map(({ title }) => title.split('.')[0])).toEqual(
      expect.arrayContaining(['1', '2', '3', '4', '5', '6', '7', '8', '9']),
    );
  });

  it.each(steps)(
    '$title',
    async ({ blocks }) => {
      let output = '';
      for (const { language, info: note, text } of blocks) {
        if (language === 'yaml') await writeFile(text);
        if (language === 'text') for (const line of text.trim().split('\n')) expect(output).toContain(line);
        if (language !== 'sh') continue;
        if (note === 'gate') await runGate();
        const ended = await run(text);
        output = ended.output;
        expect(ended, text).toMatchObject({ code: note === 'refused' ? 1 : 0 });
      }
    },
    200_000,
  );
});

/** The first line names the file. The application is reached at this process instead of the Pod's address. */
async function writeFile(text: string): Promise<void> {
  const name = /^# (\S+)\n/.exec(text)?.[1];
  if (name === undefined) throw new Error(`a file without a name: ${text}`);
  const { http } = app.hook as { http: { url: string } };
  writeFileSync(join(folder, name), text.replace('http://{podIP}:8080/departure', http.url));
  // What is shown beside the way is held to be right all the same.
  if (name === 'deletion-guard-job.yaml')
    await run(`kubectl create namespace other && sed 's/namespace: shop/namespace: other/' ${name} > other.yaml`);
}

async function run(script: string): Promise<{ readonly code: number; readonly output: string }> {
  const kubectl = await kubectlPath();
  const child = plane.spawn(['/bin/sh', '-ec', script], {
    cwd: folder,
    env: { PATH: [folder, resolve(kubectl, '..'), process.env['PATH']].join(delimiter), NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode ?? -1, output };
}

let foundKubectl: string | undefined;
/** The one of the control plane. */
async function kubectlPath(): Promise<string> {
  foundKubectl ??= (await import('../../src/testing/control-plane/binaries.ts')).requireBinaries(
    ['kubectl'],
    process.env,
  );
  return join(foundKubectl, 'kubectl');
}

/** Both containers of the printed Deployments, by the configuration of the guide but for the address. */
async function runGate(): Promise<void> {
  const port = await findFreePort();
  const configuration = parse(readFileSync(join(folder, 'gate.yaml'), 'utf8')) as {
    registration: object;
    guard: object;
  };
  const [serving = '', registering = ''] = accounts;
  const file = join(folder, 'here.yaml');
  writeFileSync(
    file,
    stringify({
      ...configuration,
      guard: { ...configuration.guard, user: serving },
      server: { host: '127.0.0.1', port, healthPort: 0 },
      registration: { url: `https://127.0.0.1:${port}` },
    }),
  );
  await Promise.all([
    gateProcess(
      ['register', '--watch', '--config', file],
      registering,
      /ValidatingWebhookConfiguration.*wrote the webhook/,
    ),
    gateProcess(['serve', '--no-register', '--config', file], serving, /the deletion guard is on duty/),
  ]);
}

async function gateProcess(args: readonly string[], account: string, ready: RegExp): Promise<void> {
  const kubeconfig = parse(plane.kubeconfigText(account)) as { contexts: { context: object }[] };
  const [context] = kubeconfig.contexts;
  if (context !== undefined) context.context = { ...context.context, namespace: 'sallyport-system' };
  const file = join(folder, `${account.replaceAll(':', '-')}.kubeconfig`);
  writeFileSync(file, stringify(kubeconfig));
  const main = join(root, 'src/cli/main.ts');
  const child = spawn(process.execPath, ['--conditions=sallyport-source', main, ...args], {
    env: { ...process.env, KUBECONFIG: file },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  gates.push(child);
  const lines: string[] = [];
  const isReady = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (ready.test(line)) isReady.resolve();
    });
  }
  child.once('exit', () => isReady.reject(new Error(`the gate ended:\n${lines.join('\n')}`)));
  const timer = setTimeout(() => isReady.reject(new Error(`the gate is not ready:\n${lines.join('\n')}`)), 60_000);
  await isReady.promise.finally(() => clearTimeout(timer));
}
