import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlPlaneBinaries, requireBinaries } from './binaries.ts';
import { runCommand, type CommandOptions, type CommandResult } from './command.ts';
import { ControlPlaneProcesses } from './control-plane-processes.ts';
import { adminUser, controllerManagerUser, kubeconfigText } from './credentials.ts';
import { openHost } from './host.ts';
import type { ManagedProcess } from './managed-process.ts';
import { resolveControlPlaneOptions, type ControlPlaneOptions } from './options.ts';

/** kube-apiserver with open watches needs up to 61 s to end by SIGTERM (measured). */
const terminateTimeoutMilliseconds = 90_000;

/**
 * A real Kubernetes API server on this machine, with its own etcd and, if asked, kube-controller-manager.
 *
 * Listens on loopback only, on a free port, with RBAC on and a data folder of its own under the system's temporary
 * folder. There is no kubelet and no scheduler. Nothing of it outlives {@link ControlPlane.stop}, nor the process that
 * started it, however that ends.
 *
 * The programs come from `KUBEBUILDER_ASSETS` or from the cache that `tools/control-plane/build.ts` fills.
 *
 *     const plane = await ControlPlane.start({ controllers: ['deployment', 'replicaset'] });
 *     await plane.kubectl(['create', 'deployment', 'web', '--image=registry.example.com/web:1']);
 *     await plane.stop();
 */
export class ControlPlane {
  /** `https://127.0.0.1:<port>`; inside the network namespace, if there is one. */
  readonly server: string;
  /** Path of the admin's kubeconfig. */
  readonly kubeconfig: string;
  /** Bearer token of the admin, who may do everything. */
  readonly token: string;
  /** PEM of the authority that signed the API server's certificate. */
  readonly caCertificate: string;
  /** Where the audit log is, when one is written. */
  readonly auditLogPath: string | undefined;
  readonly #processes: ControlPlaneProcesses;
  #apiServer: ManagedProcess;
  #stopping: Promise<void> | undefined;

  private constructor(processes: ControlPlaneProcesses, apiServer: ManagedProcess, server: string) {
    this.#processes = processes;
    this.#apiServer = apiServer;
    this.server = server;
    this.token = processes.tokenOf(adminUser.name);
    this.caCertificate = processes.readCaCertificate();
    this.kubeconfig = processes.layout.adminKubeconfig;
    this.auditLogPath = processes.auditLogPath;
  }

  /**
   * Starts one and waits until it is ready.
   *
   * Throws {@link ControlPlaneBinariesError} when a program is not on this machine, {@link ControlPlaneStartError}
   * when one does not come up in time; nothing is left running then.
   */
  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const resolved = resolveControlPlaneOptions(options);
    const needed = controlPlaneBinaries.filter(
      (name) => name !== 'kube-controller-manager' || resolved.controllers.length > 0,
    );
    const binaries = requireBinaries(needed, process.env);
    const host = await openHost({ networkNamespace: resolved.networkNamespace });
    const processes = new ControlPlaneProcesses(host, binaries, resolved);
    try {
      processes.startEtcd();
      const { apiServer, server } = await processes.startApiServer();
      const plane = new ControlPlane(processes, apiServer, server);
      writeFileSync(plane.kubeconfig, plane.kubeconfigText(), { mode: 0o600 });
      if (resolved.controllers.length > 0) {
        processes.startControllerManager(plane.kubeconfigFor(controllerManagerUser.name));
      }
      return plane;
    } catch (error) {
      await processes.stop();
      throw error;
    }
  }

  /** Ends everything at once and removes the data folder. Calling it again does nothing. */
  stop(): Promise<void> {
    this.#stopping ??= this.#processes.stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** The admin's kubeconfig, or that of `user`, as text. */
  kubeconfigText(user: string = adminUser.name): string {
    return kubeconfigText({
      server: this.server,
      caCertificate: this.caCertificate,
      user,
      token: this.#processes.tokenOf(user),
    });
  }

  /** Path of a kubeconfig for one of `options.users`. */
  kubeconfigFor(user: string): string {
    const path = join(this.#processes.host.directory, `${encodeURIComponent(user)}.kubeconfig`);
    writeFileSync(path, this.kubeconfigText(user), { mode: 0o600 });
    return path;
  }

  /** Bearer token of one of `options.users`. */
  tokenFor(user: string): string {
    return this.#processes.tokenOf(user);
  }

  /** Runs the real kubectl as the admin; `--kubeconfig` or `--as` among `args` choose somebody else. */
  kubectl(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.exec([join(this.#processes.binaries, 'kubectl'), ...args], options);
  }

  /** Runs a command to its end with KUBECONFIG set, inside the network namespace if there is one. */
  exec(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(this.#processes.host.wrap(command), {
      ...options,
      environment: { ...this.#processes.environment, ...options.environment },
    });
  }

  /**
   * Starts a command that keeps running, with KUBECONFIG set and inside the network namespace if there is one. The
   * caller ends it: {@link ControlPlane.stop} does not know of it.
   */
  spawn(command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [program = '', ...args] = this.#processes.host.wrap(command);
    return spawn(program, args, {
      ...options,
      env: { ...process.env, ...this.#processes.environment, ...options.env },
    });
  }

  /** Ends kube-apiserver by SIGTERM, as an upgrade does. With open watches this takes up to a minute. etcd stays. */
  async stopApiServer(): Promise<void> {
    await this.#apiServer.terminate(terminateTimeoutMilliseconds);
  }

  /** Ends kube-apiserver by SIGKILL. etcd stays. */
  async killApiServer(): Promise<void> {
    await this.#apiServer.kill();
  }

  /** Starts kube-apiserver again after it was stopped or killed: same port, same data. Waits until it is ready. */
  async startApiServer(): Promise<void> {
    if (!this.#apiServer.hasExited) return;
    this.#apiServer = (await this.#processes.startApiServer()).apiServer;
  }

  /** Stops kube-apiserver from running (SIGSTOP) while its connections stay open: a hung server. */
  freezeApiServer(): void {
    this.#apiServer.signal('SIGSTOP');
  }

  thawApiServer(): void {
    this.#apiServer.signal('SIGCONT');
  }

  /** What kube-apiserver wrote since its last start. */
  apiServerLog(): string {
    return readFileSync(this.#apiServer.logPath, 'utf8');
  }
}
