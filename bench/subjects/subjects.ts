import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchFiles } from './files.ts';
import { freePort, SubjectProcess, type ProcessOptions } from './process.ts';

const root = join(import.meta.dirname, '../..');

/** `sallyport serve` as it is shipped, with all that production has switched on; no cluster answers. */
export async function startSallyport(
  files: BenchFiles,
  options: Partial<ProcessOptions> = {},
): Promise<SubjectProcess> {
  const main = join(root, 'dist/cli/main.js');
  if (!existsSync(main)) throw new Error('dist/ is missing: run `npm run build` first');
  const port = await freePort();
  const healthPort = await freePort();
  const configuration = join(files.directory, 'gate.yaml');
  writeFileSync(configuration, gateConfiguration(files, port, healthPort));
  const kubeconfig = join(files.directory, 'kubeconfig');
  writeFileSync(kubeconfig, unreachableCluster);
  return SubjectProcess.start({
    name: 'sallyport',
    command: [process.execPath, main, 'serve', '--config', configuration, '--no-register'],
    port,
    files,
    environment: { KUBECONFIG: kubeconfig },
    ...options,
  });
}

/** The handler of bench/peers/bare. */
export async function startBare(files: BenchFiles, options: Partial<ProcessOptions> = {}): Promise<SubjectProcess> {
  const port = await freePort();
  const command = [process.execPath, join(root, 'bench/peers/bare/handler.ts'), files.certificates, String(port)];
  return SubjectProcess.start({ name: 'bare node:https', command, port, files, ...options });
}

/** Nothing listens on port 1, and nothing is allowed to. */
const unreachableCluster = `apiVersion: v1
kind: Config
current-context: none
contexts: [{ name: none, context: { cluster: none, user: none } }]
clusters: [{ name: none, cluster: { server: 'https://127.0.0.1:1', insecure-skip-tls-verify: true } }]
users: [{ name: none, user: {} }]
`;

function gateConfiguration(files: BenchFiles, port: number, healthPort: number): string {
  return `apiVersion: config.sallyport.dev/v1alpha1
kind: GateConfiguration
webhooks: { paths: ['${join(root, 'bench/webhooks')}'] }
server: { host: 127.0.0.1, port: ${port}, healthPort: ${healthPort} }
certificates: { mode: Files, directory: '${files.certificates}' }
registration: { url: 'https://127.0.0.1:${port}' }
decisionLog: { to: File, path: '${join(files.directory, 'decisions.jsonl')}' }
`;
}
