import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlaneBinary } from './binaries.ts';
import { runCommand } from './command.ts';
import {
  adminUser,
  controllerManagerUser,
  newServiceAccountKey,
  newToken,
  tokenFile,
  type ControlPlaneUser,
} from './credentials.ts';
import { ControlPlaneStartError } from './errors.ts';
import { apiServerFlags, auditLogPath, controllerManagerFlags, etcdFlags, layoutOf, type Layout } from './flags.ts';
import { findFreePort } from './free-port.ts';
import type { Host } from './host.ts';
import { ManagedProcess } from './managed-process.ts';
import type { ResolvedControlPlaneOptions } from './options.ts';

/** How often a port that was free a moment ago may turn out taken before something else must be wrong. */
const portAttempts = 5;
const pollMilliseconds = 100;

/** Starts and stops the programs of one control plane, and keeps the files that they share. */
export class ControlPlaneProcesses {
  readonly host: Host;
  /** Folder of the programs. */
  readonly binaries: string;
  readonly layout: Layout;
  readonly #options: ResolvedControlPlaneOptions;
  readonly #users = new Map<string, { readonly user: ControlPlaneUser; readonly token: string }>();
  readonly #running = new Set<ManagedProcess>();
  #etcd: ManagedProcess | undefined;
  /** Chosen at the first start of kube-apiserver and kept from then on. */
  #port: number | undefined;

  constructor(host: Host, binaries: string, options: ResolvedControlPlaneOptions) {
    this.host = host;
    this.binaries = binaries;
    this.layout = layoutOf(host.directory);
    this.#options = options;
    for (const user of [adminUser, controllerManagerUser, ...options.users]) {
      this.#users.set(user.name, { user, token: newToken() });
    }
  }

  /** For every command run against this control plane. kubectl must not read or write the developer's own files. */
  get environment(): { readonly [name: string]: string } {
    return { KUBECONFIG: this.layout.adminKubeconfig, KUBECACHEDIR: this.layout.kubectlCache, KUBERC: 'off' };
  }

  get auditLogPath(): string | undefined {
    return auditLogPath(this.layout, this.#options);
  }

  tokenOf(name: string): string {
    const known = this.#users.get(name);
    if (known === undefined) throw new RangeError(`no user ${name}; known are ${[...this.#users.keys()].join(', ')}`);
    return known.token;
  }

  /** PEM of the authority that signed the serving certificate; kube-apiserver makes both at its first start. */
  readCaCertificate(): string {
    return readFileSync(this.layout.servingCertificate, 'utf8');
  }

  startEtcd(): void {
    this.#etcd = this.#run('etcd', etcdFlags(this.layout));
  }

  /** Starts kube-apiserver and waits for it. The first time it takes any free port, later the same one again. */
  async startApiServer(): Promise<{ readonly apiServer: ManagedProcess; readonly server: string }> {
    if (this.#port !== undefined) return this.#startApiServerAt(this.#port);
    this.#writeApiServerFiles();
    for (let attempt = 1; ; attempt++) {
      const port = await findFreePort();
      try {
        const started = await this.#startApiServerAt(port);
        this.#port = port;
        return started;
      } catch (error) {
        if (!isPortTaken(error) || attempt === portAttempts) throw error;
      }
    }
  }

  startControllerManager(kubeconfig: string): void {
    const flags = controllerManagerFlags(this.layout, kubeconfig, this.#options.controllers);
    this.#run('kube-controller-manager', flags);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((process) => process.kill()));
    await this.host.close();
  }

  #run(name: ControlPlaneBinary, flags: readonly string[]): ManagedProcess {
    const process = new ManagedProcess(this.host, name, [join(this.binaries, name), ...flags]);
    this.#running.add(process);
    void process.exited.then(() => this.#running.delete(process));
    return process;
  }

  #writeApiServerFiles(): void {
    writeFileSync(this.layout.serviceAccountKey, newServiceAccountKey(), { mode: 0o600 });
    writeFileSync(this.layout.tokens, tokenFile(this.#users), { mode: 0o600 });
    const everything = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] };
    writeFileSync(this.layout.auditPolicy, JSON.stringify(everything));
  }

  async #startApiServerAt(port: number): Promise<{ readonly apiServer: ManagedProcess; readonly server: string }> {
    const server = `https://127.0.0.1:${port}`;
    const apiServer = this.#run('kube-apiserver', apiServerFlags(this.layout, port, this.#options));
    try {
      await this.#waitUntilReady(apiServer, server);
      return { apiServer, server };
    } catch (error) {
      await apiServer.kill();
      throw error;
    }
  }

  async #waitUntilReady(apiServer: ManagedProcess, server: string): Promise<void> {
    const deadline = performance.now() + this.#options.startTimeoutSeconds * 1000;
    while (!(await this.#isReady(server))) {
      for (const process of [this.#etcd, apiServer]) {
        if (process?.hasExited === true) {
          throw new ControlPlaneStartError(process.name, process.ending, process.lastLogLines());
        }
      }
      if (performance.now() > deadline) {
        const reason = `was not ready within ${this.#options.startTimeoutSeconds} s`;
        throw new ControlPlaneStartError('kube-apiserver', reason, apiServer.lastLogLines());
      }
      await delay(pollMilliseconds);
    }
  }

  /** `/readyz` leaves out the namespace `default`, which a controller in the server makes a moment later. */
  async #isReady(server: string): Promise<boolean> {
    if (!existsSync(this.layout.servingCertificate)) return false;
    const ask = (path: string) =>
      this.#options.networkNamespace ? this.#answersInside(server, path) : this.#answers(server, path);
    return (await ask('/readyz')) && (await ask('/api/v1/namespaces/default'));
  }

  #answers(server: string, path: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    request(new URL(path, server), {
      ca: this.readCaCertificate(),
      agent: false,
      headers: { authorization: `Bearer ${this.tokenOf(adminUser.name)}` },
      signal: AbortSignal.timeout(5_000),
    })
      .once('response', (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .once('error', () => resolve(false))
      .end();
    return promise;
  }

  /** This process is outside of the network namespace: kubectl asks in its place. */
  async #answersInside(server: string, path: string): Promise<boolean> {
    const kubectl = [
      join(this.binaries, 'kubectl'),
      `--server=${server}`,
      `--certificate-authority=${this.layout.servingCertificate}`,
      `--token=${this.tokenOf(adminUser.name)}`,
      '--request-timeout=5s',
      'get',
      `--raw=${path}`,
    ];
    const { code } = await runCommand(this.host.wrap(kubectl), { environment: this.environment, timeoutSeconds: 10 });
    return code === 0;
  }
}

function isPortTaken(error: unknown): boolean {
  return (
    error instanceof ControlPlaneStartError &&
    error.lastLogLines.some((line) => line.includes('address already in use'))
  );
}
