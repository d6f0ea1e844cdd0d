import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { controlPlaneBinaries, requireBinaries, type ControlPlaneBinary } from './binaries.ts';
import { runCommand, type CommandOptions, type CommandResult } from './command.ts';
import {
  adminUser,
  controllerManagerUser,
  kubeconfigText,
  newServiceAccountKey,
  newToken,
  tokenFile,
  type ControlPlaneUser,
} from './credentials.ts';
import { ControlPlaneStartError } from './errors.ts';
import { findFreePort } from './free-port.ts';
import { openHost, type Host } from './host.ts';
import { ManagedProcess } from './managed-process.ts';
import { resolveControlPlaneOptions, type ControlPlaneOptions, type ResolvedControlPlaneOptions } from './options.ts';

/** How often a port that was free a moment ago may turn out taken before something else must be wrong. */
const portAttempts = 5;
const pollMilliseconds = 100;
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
  readonly #parts: Parts;
  #apiServer: ManagedProcess;
  #stopping: Promise<void> | undefined;

  private constructor(parts: Parts, apiServer: ManagedProcess) {
    this.#parts = parts;
    this.#apiServer = apiServer;
    this.server = serverUrl(parts.port);
    this.token = parts.tokenOf(adminUser.name);
    this.caCertificate = readFileSync(join(parts.host.directory, 'certificates', 'apiserver.crt'), 'utf8');
    this.kubeconfig = join(parts.host.directory, 'admin.kubeconfig');
    this.auditLogPath = parts.auditLogPath;
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
    const parts = new Parts(host, binaries, resolved);
    try {
      await parts.startEtcd();
      const apiServer = await parts.startApiServer();
      const plane = new ControlPlane(parts, apiServer);
      writeFileSync(plane.kubeconfig, plane.kubeconfigText(), { mode: 0o600 });
      if (resolved.controllers.length > 0)
        parts.startControllerManager(plane.kubeconfigFor(controllerManagerUser.name));
      return plane;
    } catch (error) {
      await parts.stop();
      throw error;
    }
  }

  /** Ends everything at once and removes the data folder. Calling it again does nothing. */
  stop(): Promise<void> {
    this.#stopping ??= this.#parts.stop();
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
      token: this.#parts.tokenOf(user),
    });
  }

  /** Path of a kubeconfig for one of `options.users`. */
  kubeconfigFor(user: string): string {
    const path = join(this.#parts.host.directory, `${encodeURIComponent(user)}.kubeconfig`);
    writeFileSync(path, this.kubeconfigText(user), { mode: 0o600 });
    return path;
  }

  /** Bearer token of one of `options.users`. */
  tokenFor(user: string): string {
    return this.#parts.tokenOf(user);
  }

  /** Runs the real kubectl as the admin; `--kubeconfig` or `--as` among `args` choose somebody else. */
  kubectl(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.exec([join(this.#parts.binaries, 'kubectl'), ...args], options);
  }

  /** Runs a command to its end with KUBECONFIG set, inside the network namespace if there is one. */
  exec(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(this.#parts.host.wrap(command), {
      ...options,
      environment: { ...this.#parts.environment, ...options.environment },
    });
  }

  /**
   * Starts a command that keeps running, with KUBECONFIG set and inside the network namespace if there is one. The
   * caller ends it: {@link ControlPlane.stop} does not know of it.
   */
  spawn(command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [program = '', ...args] = this.#parts.host.wrap(command);
    return spawn(program, args, {
      ...options,
      env: { ...process.env, ...this.#parts.environment, ...options.env },
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
    this.#apiServer = await this.#parts.startApiServer();
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

/** The processes and files behind one {@link ControlPlane}. */
class Parts {
  readonly host: Host;
  readonly binaries: string;
  readonly auditLogPath: string | undefined;
  /** Set at the first start of kube-apiserver and kept from then on. */
  port = 0;
  readonly #options: ResolvedControlPlaneOptions;
  readonly #users = new Map<string, { readonly user: ControlPlaneUser; readonly token: string }>();
  readonly #running = new Set<ManagedProcess>();
  #etcd: ManagedProcess | undefined;

  constructor(host: Host, binaries: string, options: ResolvedControlPlaneOptions) {
    this.host = host;
    this.binaries = binaries;
    this.#options = options;
    this.auditLogPath =
      options.auditLogPath === undefined
        ? options.auditPolicyFile && this.#file('audit.log')
        : resolve(options.auditLogPath);
    for (const user of [adminUser, controllerManagerUser, ...options.users]) {
      this.#users.set(user.name, { user, token: newToken() });
    }
  }

  /** For every command run against this control plane. kubectl must not read or write the developer's own files. */
  get environment(): { readonly [name: string]: string } {
    return {
      KUBECONFIG: this.#file('admin.kubeconfig'),
      KUBECACHEDIR: this.#file('kubectl-cache'),
      KUBERC: 'off',
    };
  }

  tokenOf(name: string): string {
    const known = this.#users.get(name);
    if (known === undefined) throw new RangeError(`no user ${name}; known are ${[...this.#users.keys()].join(', ')}`);
    return known.token;
  }

  async startEtcd(): Promise<void> {
    const client = this.#etcdUrl();
    const peer = `unix://${this.#file('etcd-peer.sock')}`;
    this.#etcd = this.#run('etcd', [
      `--data-dir=${this.#file('etcd')}`,
      // A crash of the machine may lose the data: nobody needs it then.
      '--unsafe-no-fsync',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ]);
  }

  /** Starts kube-apiserver and waits for it. The first time it takes any free port, later the same one again. */
  async startApiServer(): Promise<ManagedProcess> {
    const isFirst = this.port === 0;
    if (isFirst) this.#writeApiServerFiles();
    for (let attempt = 1; ; attempt++) {
      if (isFirst) this.port = await findFreePort();
      const apiServer = this.#run('kube-apiserver', this.#apiServerFlags());
      try {
        await this.#waitUntilReady(apiServer);
        return apiServer;
      } catch (error) {
        await apiServer.kill();
        const portWasTaken =
          error instanceof ControlPlaneStartError &&
          error.lastLogLines.some((line) => line.includes('address already in use'));
        if (!isFirst || !portWasTaken || attempt === portAttempts) throw error;
      }
    }
  }

  startControllerManager(kubeconfig: string): void {
    this.#run('kube-controller-manager', [
      `--kubeconfig=${kubeconfig}`,
      `--controllers=${this.#options.controllers.join(',')}`,
      `--service-account-private-key-file=${this.#file('service-account.key')}`,
      // Each controller acts as system:serviceaccount:kube-system:<name>, as in a real cluster.
      '--use-service-account-credentials',
      '--leader-elect=false',
      '--secure-port=0',
    ]);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((process) => process.kill()));
    await this.host.close();
  }

  #file(name: string): string {
    return join(this.host.directory, name);
  }

  /** A Unix socket needs no port and lets nobody else in. */
  #etcdUrl(): string {
    return `unix://${this.#file('etcd.sock')}`;
  }

  #run(name: ControlPlaneBinary, flags: readonly string[]): ManagedProcess {
    const process = new ManagedProcess(this.host, name, [join(this.binaries, name), ...flags]);
    this.#running.add(process);
    void process.exited.then(() => this.#running.delete(process));
    return process;
  }

  #writeApiServerFiles(): void {
    writeFileSync(this.#file('service-account.key'), newServiceAccountKey(), { mode: 0o600 });
    writeFileSync(this.#file('tokens.csv'), tokenFile(this.#users), { mode: 0o600 });
    const everything = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] };
    writeFileSync(this.#file('audit-policy.json'), JSON.stringify(everything));
  }

  #apiServerFlags(): string[] {
    const { admissionControlConfigFile, auditPolicyFile, disableAdmissionPlugins, apiServerFlags } = this.#options;
    return [
      `--etcd-servers=${this.#etcdUrl()}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${this.port}`,
      `--cert-dir=${this.#file('certificates')}`,
      `--token-auth-file=${this.#file('tokens.csv')}`,
      `--service-account-key-file=${this.#file('service-account.key')}`,
      `--service-account-signing-key-file=${this.#file('service-account.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--endpoint-reconciler-type=none',
      '--allow-privileged=true',
      ...(disableAdmissionPlugins.length === 0
        ? []
        : [`--disable-admission-plugins=${disableAdmissionPlugins.join(',')}`]),
      ...(admissionControlConfigFile === undefined
        ? []
        : [`--admission-control-config-file=${resolve(admissionControlConfigFile)}`]),
      ...(this.auditLogPath === undefined
        ? []
        : [
            `--audit-log-path=${this.auditLogPath}`,
            `--audit-policy-file=${auditPolicyFile === undefined ? this.#file('audit-policy.json') : resolve(auditPolicyFile)}`,
          ]),
      ...apiServerFlags,
    ];
  }

  async #waitUntilReady(apiServer: ManagedProcess): Promise<void> {
    const deadline = performance.now() + this.#options.startTimeoutSeconds * 1000;
    while (!(await this.#isReady())) {
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
  async #isReady(): Promise<boolean> {
    return (await this.#answers('/readyz')) && (await this.#answers('/api/v1/namespaces/default'));
  }

  async #answers(path: string): Promise<boolean> {
    const certificate = this.#file('certificates/apiserver.crt');
    if (!existsSync(certificate)) return false;
    const url = `${serverUrl(this.port)}${path}`;
    if (this.#options.networkNamespace) return this.#answersInside(url, certificate);
    const { promise, resolve: settle } = Promise.withResolvers<boolean>();
    request(url, {
      ca: readFileSync(certificate),
      agent: false,
      headers: { authorization: `Bearer ${this.tokenOf(adminUser.name)}` },
      signal: AbortSignal.timeout(5_000),
    })
      .once('response', (response) => {
        response.resume();
        settle(response.statusCode === 200);
      })
      .once('error', () => settle(false))
      .end();
    return promise;
  }

  /** This process is outside of the network namespace: kubectl asks in its place. */
  async #answersInside(url: string, certificate: string): Promise<boolean> {
    const { origin, pathname } = new URL(url);
    const kubectl = [
      join(this.binaries, 'kubectl'),
      `--server=${origin}`,
      `--certificate-authority=${certificate}`,
      `--token=${this.tokenOf(adminUser.name)}`,
      '--request-timeout=5s',
      'get',
      `--raw=${pathname}`,
    ];
    const { code } = await runCommand(this.host.wrap(kubectl), { environment: this.environment, timeoutSeconds: 10 });
    return code === 0;
  }
}

function serverUrl(port: number): string {
  return `https://127.0.0.1:${port}`;
}
