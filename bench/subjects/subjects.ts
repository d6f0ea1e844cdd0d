import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryEnvironment } from '../../src/app/workload-pods.ts';
import type { BenchFiles } from './files.ts';
import { goProgram } from './go-program.ts';
import { freePort, SubjectProcess, type ProcessOptions } from './process.ts';

const root = join(import.meta.dirname, '../..');

/**
 * `sallyport serve` as it is shipped, with all that production has switched on and the environment that `sallyport manifests`
 * gives it; no cluster answers.
 */
export async function startSallyport(
  files: BenchFiles,
  {
    webhooks = 'bench/webhooks',
    environment,
    ...options
  }: Partial<ProcessOptions> & { readonly webhooks?: string } = {},
): Promise<SubjectProcess & { readonly healthPort: number }> {
  const main = join(root, 'dist/cli/main.js');
  if (!existsSync(main)) throw new Error('dist/ is missing: run `npm run build` first');
  const port = await freePort();
  const healthPort = await freePort();
  const name = options.name ?? 'sallyport';
  const configuration = join(files.directory, `${name}.yaml`);
  writeFileSync(configuration, gateConfiguration(files, name, webhooks, port, healthPort));
  const kubeconfig = join(files.directory, 'kubeconfig');
  writeFileSync(kubeconfig, unreachableCluster);
  const started = await SubjectProcess.start({
    name,
    command: [process.execPath, main, 'serve', '--config', configuration, '--no-register'],
    port,
    files,
    environment: { ...memoryEnvironment, KUBECONFIG: kubeconfig, ...environment },
    ...options,
  });
  return Object.assign(started, { healthPort });
}

/** The handler of bench/peers/bare. */
export async function startBare(files: BenchFiles, options: Partial<ProcessOptions> = {}): Promise<SubjectProcess> {
  const port = await freePort();
  const command = [process.execPath, join(root, 'bench/peers/bare/handler.ts'), files.certificates, String(port)];
  return SubjectProcess.start({ name: 'bare node:https', command, port, files, ...options });
}

/** controller-runtime's webhook server in Go, on one processor. */
export async function startControllerRuntime(
  files: BenchFiles,
  options: Partial<ProcessOptions> = {},
): Promise<SubjectProcess> {
  const port = await freePort();
  const program = goProgram('controller-runtime', join(root, 'bench/peers/controller-runtime'));
  return SubjectProcess.start({
    name: 'controller-runtime',
    command: [program, '-port', String(port), '-certificates', files.certificates],
    port,
    files,
    environment: { GOMAXPROCS: '1' },
    ...options,
  });
}

/** Pepr's controller as its image starts it, with a stand-in for the API server that it wants. Listens on port 3000, always. */
export async function startPepr(
  files: BenchFiles,
  logLevel: 'info' | 'error',
  storeUrl: string,
): Promise<SubjectProcess> {
  const folder = join(root, 'bench/peers/pepr');
  if (!existsSync(join(folder, 'node_modules'))) run('npm', ['ci', '--ignore-scripts', '--no-audit'], folder);
  if (!existsSync(join(folder, 'dist/pepr-bench.js'))) run('npm', ['run', 'build'], folder);
  const kubeconfig = join(files.directory, 'pepr-kubeconfig');
  writeFileSync(kubeconfig, clusterAt(storeUrl));
  return SubjectProcess.start({
    name: logLevel === 'info' ? 'Pepr as shipped' : 'Pepr with logs at error',
    command: [process.execPath, join(folder, 'dist/pepr-bench.js')],
    port: 3000,
    paths: { mutate: '/mutate/bench', validate: '/validate/bench' },
    files,
    cwd: folder,
    environment: {
      KUBECONFIG: kubeconfig,
      LOG_LEVEL: logLevel,
      PEPR_API_PATH: 'bench',
      PEPR_WATCH_MODE: 'false',
      SSL_CERT_PATH: join(files.certificates, 'tls.crt'),
      SSL_KEY_PATH: join(files.certificates, 'tls.key'),
    },
  });
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, error } = spawnSync(program, args, { cwd, stdio: 'inherit' });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(' ')} failed in ${cwd}`);
}

/** Nothing listens on port 1, and nothing is allowed to. */
const unreachableCluster = clusterAt('https://127.0.0.1:1');

function clusterAt(server: string): string {
  return `apiVersion: v1
kind: Config
current-context: bench
contexts: [{ name: bench, context: { cluster: bench, user: bench } }]
clusters: [{ name: bench, cluster: { server: '${server}', insecure-skip-tls-verify: true } }]
users: [{ name: bench, user: {} }]
`;
}

function gateConfiguration(
  files: BenchFiles,
  name: string,
  webhooks: string,
  port: number,
  healthPort: number,
): string {
  return `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: ['${join(root, webhooks)}'] }
server: { host: 127.0.0.1, port: ${port}, healthPort: ${healthPort} }
certificates: { mode: Files, directory: '${files.certificates}' }
registration: { url: 'https://127.0.0.1:${port}' }
decisionLog: { to: File, path: '${join(files.directory, `${name}.jsonl`)}' }
`;
}
