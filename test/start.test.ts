import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { issueAuthority, issueServingCertificate } from '../src/certs/index.ts';

const root = resolve(import.meta.dirname, '..');

let folder: string;
beforeEach(() => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  folder = mkdtempSync(join(root, '.cache/start-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Tells, whenever it is asked by SIGUSR2, what the process has loaded: URLs of modules, and parts of Node. */
const tellLoaded = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  process.on('SIGUSR2', () => process.send([...loaded, ...process.moduleLoadList]));
`;

/** Starts `sallyport serve` with certificates in files and no cluster, and kills it as soon as it serves. */
async function serveOnce(environment: Readonly<Record<string, string>> = {}): Promise<{ readonly loaded: string[] }> {
  const issuedAt = Date.now();
  const lifetimeMilliseconds = 3_600_000;
  const authority = await issueAuthority({ issuedAt, lifetimeMilliseconds });
  const pair = await issueServingCertificate({ authority, hosts: ['localhost'], issuedAt, lifetimeMilliseconds });
  writeFileSync(join(folder, 'ca.crt'), authority.certificatePem);
  writeFileSync(join(folder, 'tls.crt'), pair.certificatePem);
  writeFileSync(join(folder, 'tls.key'), pair.privateKeyPem);
  writeFileSync(
    join(folder, 'kubeconfig'),
    `apiVersion: v1
kind: Config
current-context: c
contexts: [{ name: c, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: 'http://127.0.0.1:1' } }]
users: [{ name: u, user: {} }]
`,
  );
  writeFileSync(
    join(folder, 'gate.yaml'),
    `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: ['${join(root, 'examples/getting-started/webhooks')}'] }
server: { host: 127.0.0.1, port: 0, healthPort: 0 }
certificates: { mode: Files, directory: '${folder}' }
registration: { url: 'https://127.0.0.1:1' }
`,
  );
  const words = ['src/cli/main.ts', 'serve', '--config', join(folder, 'gate.yaml'), '--no-register'];
  const preload = `data:text/javascript,${encodeURIComponent(tellLoaded)}`;
  const child = spawn(process.execPath, ['--conditions=sallyport-source', '--import', preload, ...words], {
    cwd: root,
    env: { PATH: process.env['PATH'], KUBECONFIG: join(folder, 'kubeconfig'), ...environment },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const told = once(child, 'message');
  if (child.stdout === null) throw new Error('a pipe was asked for');
  for await (const line of createInterface({ input: child.stdout })) {
    // It tells in a later turn of its loop than the one that it says this in.
    if (!line.includes('"message":"serving"')) continue;
    child.kill('SIGUSR2');
    void told.then(() => child.kill('SIGKILL'));
  }
  // What the preload sends.
  const [loaded] = (await told) as [string[]];
  return { loaded };
}

describe('sallyport serve', () => {
  it('loads nothing of quota, guard and CEL without them, nor the WebSocket of node:http', async () => {
    const { loaded } = await serveOnce();
    const ours = loaded.filter((url) => url.includes('/src/')).map((url) => url.slice(url.indexOf('/src/') + 5));
    expect(ours).toContain('app/gate.ts');
    // What users' files import by `sallyport`.
    const named = new Set(['guard/definition.ts', 'guard/errors.ts', 'guard/hook.ts']);
    expect(
      ours.filter(
        (name) => /^(?:quota|usage|guard|cel|chain\/webhook|chain\/plugins)\//.test(name) && !named.has(name),
      ),
    ).toEqual([]);
    expect(loaded.filter((name) => name.includes('undici'))).toEqual([]);
  });

  it('keeps what Node compiled for the next start, in a folder that nobody else can write to', async () => {
    await serveOnce({ TMPDIR: folder });
    const kept = readdirSync(folder).filter((name) => name.startsWith('sallyport-code-'));
    expect(kept).toHaveLength(1);
    expect(readdirSync(join(folder, kept[0] ?? ''))).toHaveLength(1);
  });

  it('keeps nothing where others could write to it, and nowhere when there is no such folder', async () => {
    const open = join(folder, `sallyport-code-${process.getuid?.()}`);
    mkdirSync(open);
    chmodSync(open, 0o777);
    await serveOnce({ TMPDIR: folder });
    expect(readdirSync(open)).toEqual([]);
    // Others could put a folder of theirs in the place of this one, but for the sticky bit that /tmp has.
    chmodSync(open, 0o700);
    chmodSync(folder, 0o777);
    await serveOnce({ TMPDIR: folder });
    expect(readdirSync(open)).toEqual([]);
    chmodSync(folder, 0o1777);
    await serveOnce({ TMPDIR: folder });
    expect(readdirSync(open)).toHaveLength(1);
    await serveOnce({ TMPDIR: '/proc/sys' });
    symlinkSync('loop', join(folder, 'loop'));
    await serveOnce({ TMPDIR: join(folder, 'loop') });
  });
});
