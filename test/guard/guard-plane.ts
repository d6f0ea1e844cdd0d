import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebhookRegistry } from '../../src/admission/index.ts';
import type { Pod } from '../../src/api/generated/core.v1.ts';
import { issueAuthority, issueServingCertificate } from '../../src/certs/index.ts';
import { deletionGuardDefinition, stateAnnotation, parseState, type GuardState } from '../../src/guard/index.ts';
import { guardWebhooks } from '../../src/guard/webhooks.ts';
import { guessResource } from '../../src/api/kind.ts';
import type { KubernetesObject } from '../../src/api/object-meta.ts';
import { parseApiVersion } from '../../src/api/resource.ts';
import {
  isNotFound,
  KubeClient,
  loadKubeconfig,
  type ObjectAddress,
  type ClusterConfig,
} from '../../src/kube/index.ts';
import { buildConfigurations } from '../../src/registrar/index.ts';
import { ControlPlane, FakeKubelet, type CommandResult } from '../../src/testing/index.ts';
import { silentLogger } from '../../src/telemetry/index.ts';
import { pinoLogger } from '../../src/telemetry/pino-logger.ts';
import { guardNamespace, GuardReplica } from './guard-replica.ts';
import { HookApp } from './hook-app.ts';
import { RoundRobin } from './round-robin.ts';

/** Set, the replicas in this process log to standard error. */
const log =
  process.env['GUARD_LOG'] === undefined
    ? silentLogger
    : pinoLogger({ level: 'debug', sink: { write: (line) => void process.stderr.write(`${line}\n`) } });

/** Longer than any `--timeout` that a test gives to kubectl. */
const kubectlOptions = { timeoutSeconds: 150 } as const;

const guardUser = 'system:serviceaccount:sallyport-system:sallyport';

export interface GuardPlaneOptions {
  readonly controllers?: readonly string[];
  readonly nodes?: readonly string[];
  /** Replicas in this process to begin with. Default: 2. */
  readonly replicas?: number;
  /** Default: 3. */
  readonly leaseSeconds?: number;
}

/** A real control plane with nodes, replicas of the guard behind one address, and an application that cleans up. */
export class GuardPlane {
  readonly plane: ControlPlane;
  readonly kubelet: FakeKubelet;
  readonly app: HookApp;
  readonly balancer: RoundRobin;
  readonly admin: KubeClient;
  readonly replicas: GuardReplica[] = [];
  readonly #certificate: { readonly certificate: string; readonly key: string; readonly authority: string };
  readonly #leaseSeconds: number;
  readonly #kubeconfig: string;
  readonly #processes = new Set<ReplicaProcess>();
  #namespaces = 0;

  private constructor(
    parts: Pick<GuardPlane, 'plane' | 'kubelet' | 'app' | 'balancer' | 'admin'>,
    certificate: { readonly certificate: string; readonly key: string; readonly authority: string },
    leaseSeconds: number,
  ) {
    this.plane = parts.plane;
    this.kubelet = parts.kubelet;
    this.app = parts.app;
    this.balancer = parts.balancer;
    this.admin = parts.admin;
    this.#certificate = certificate;
    this.#leaseSeconds = leaseSeconds;
    this.#kubeconfig = parts.plane.kubeconfigFor(guardUser);
  }

  static async start(options: GuardPlaneOptions = {}): Promise<GuardPlane> {
    const { controllers = [], nodes = ['n1'], replicas = 2, leaseSeconds = 3 } = options;
    const plane = await ControlPlane.start({ controllers, users: [{ name: guardUser }] });
    const certificate = await issueCertificate();
    const [kubelet, app, balancer] = await Promise.all([
      FakeKubelet.start(plane, { nodes }),
      HookApp.start(),
      RoundRobin.start(certificate),
    ]);
    const config: ClusterConfig = await loadKubeconfig([plane.kubeconfig]);
    const admin = new KubeClient(config);
    const guardPlane = new GuardPlane({ plane, kubelet, app, balancer, admin }, certificate, leaseSeconds);
    await guardPlane.#install();
    for (let index = 0; index < replicas; index++) await guardPlane.addReplica(`replica-${index}`);
    return guardPlane;
  }

  async stop(): Promise<void> {
    for (const replica of this.#processes) replica.kill();
    for (const replica of this.replicas) await replica.stop();
    await this.kubelet.stop();
    await this.app.stop();
    await this.balancer.stop();
    this.admin.close();
    await this.plane.stop();
  }

  /** One more in this process. */
  async addReplica(identity: string): Promise<GuardReplica> {
    const replica = await GuardReplica.start({ ...this.#replicaOptions(identity), log });
    this.replicas.push(replica);
    this.balancer.ports.push(replica.port);
    return replica;
  }

  async removeReplica(replica: GuardReplica): Promise<void> {
    this.replicas.splice(this.replicas.indexOf(replica), 1);
    this.#takeOut(replica.port);
    await replica.stop();
  }

  /** One more as a process of its own. */
  async spawnReplica(identity: string): Promise<ReplicaProcess> {
    const process = await ReplicaProcess.start(this.#replicaOptions(identity));
    this.#processes.add(process);
    this.balancer.ports.push(process.port);
    return process;
  }

  /** SIGKILL, as a node that goes. */
  killReplica(process: ReplicaProcess): void {
    process.kill();
    this.#processes.delete(process);
    this.#takeOut(process.port);
  }

  /** No replica answers until it is undone; those that are here go on working otherwise. */
  cutOff(): () => void {
    const ports = this.balancer.ports.splice(0);
    this.balancer.reset();
    return () => void this.balancer.ports.push(...ports);
  }

  async kubectl(...args: readonly string[]): Promise<CommandResult> {
    return this.plane.kubectl(args, kubectlOptions);
  }

  /** Runs kubectl and gives what it wrote; throws when it failed. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(...args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  }

  async create(...objects: readonly KubernetesObject[]): Promise<void> {
    for (const object of objects) {
      const kind = { ...parseApiVersion(object.apiVersion ?? ''), kind: object.kind ?? '' };
      await this.admin.create({ ...guessResource(kind), namespace: object.metadata?.namespace }, object);
    }
  }

  /** A Namespace that may be guarded, with a DeletionGuard for `app: <anything>` in it. Waits until every replica knows it. */
  async guarded(policy: object = {}): Promise<string> {
    const namespace = `ns-${++this.#namespaces}`;
    await this.create(
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: namespace, labels: { 'sallyport.dev/guard': 'enabled' } },
      },
      this.guard(namespace, policy),
    );
    // A dry run of a guarded Pod shows it; the Pod is none of the test's.
    await this.pods(namespace, 'probe');
    const probe = podAddress(namespace, 'probe');
    for (let seen = 0; seen < 2 * this.balancer.ports.length;) {
      const isHeld = await this.admin.delete(probe, { dryRun: true }).then(
        () => false,
        (error: unknown) => String(error).includes('would be held'),
      );
      seen = isHeld ? seen + 1 : 0;
      this.balancer.reset();
    }
    await this.ok('annotate', 'pod', '-n', namespace, 'probe', 'sallyport.dev/guard-bypass=test');
    await this.admin.delete(probe);
    await this.gone(namespace, 'probe');
    return namespace;
  }

  guard(namespace: string, policy: object): KubernetesObject {
    const spec = {
      selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
      hook: this.app.hook,
      deadlineSeconds: 60,
      pollSeconds: 1,
      finishAfterSeconds: 2,
      ...policy,
    };
    return object('guard.sallyport.dev/v1alpha1', 'DeletionGuard', { namespace, name: 'guard' }, { spec });
  }

  /** Makes guarded Pods and waits until they run. */
  async pods(namespace: string, ...names: readonly string[]): Promise<void> {
    await this.create(...names.map((name) => pod(namespace, name, {})));
    for (const name of names) await this.running(namespace, name);
  }

  async running(namespace: string, name: string): Promise<void> {
    await until(`${namespace}/${name} is ready`, async () => {
      const { status } = (await this.pod(namespace, name)) ?? {};
      return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    });
  }

  async pod(namespace: string, name: string): Promise<Pod | undefined> {
    try {
      return await this.admin.get<Pod>(podAddress(namespace, name));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async podsOf(namespace: string): Promise<Pod[]> {
    const { items } = await this.admin.list<Pod>({ group: '', version: 'v1', resource: 'pods', namespace });
    return items;
  }

  async phase(namespace: string, name: string): Promise<string | undefined> {
    return (await this.state(namespace, name))?.phase;
  }

  async gone(namespace: string, name: string, timeoutSeconds = 30): Promise<void> {
    await until(
      `${namespace}/${name} is gone`,
      async () => (await this.pod(namespace, name)) === undefined,
      timeoutSeconds,
    );
  }

  /** The Pod is here and nobody's DELETE of it went through. */
  async stays(namespace: string, name: string): Promise<void> {
    const found = await this.pod(namespace, name);
    if (found === undefined) throw new Error(`${namespace}/${name} is gone`);
    const { deletionTimestamp } = found.metadata ?? {};
    if (deletionTimestamp !== undefined) throw new Error(`${namespace}/${name} is being deleted: ${deletionTimestamp}`);
  }

  async state(namespace: string, name: string): Promise<GuardState | undefined> {
    const found = await this.pod(namespace, name);
    return parseState(found?.metadata?.annotations?.[stateAnnotation]);
  }

  async #install(): Promise<void> {
    await this.create(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: guardNamespace } },
      clusterRole,
      roleBinding,
      deletionGuardDefinition(),
    );
    await this.ok('wait', '--for=condition=Established', 'crd/deletionguards.guard.sallyport.dev', '--timeout=30s');
    const nobody = { decide: () => Promise.reject(new Error('never called')) };
    const definitions = guardWebhooks({ gatekeeper: nobody, guards: { guardOf: () => undefined }, user: guardUser });
    const configurations = buildConfigurations(new WebhookRegistry(definitions), {
      name: 'sallyport',
      address: { url: this.balancer.url },
      caBundle: this.#certificate.authority,
      excludedNamespaces: ['kube-system', guardNamespace],
      labels: {},
    });
    await this.create(...configurations);
  }

  #replicaOptions(identity: string) {
    const { certificate, key } = this.#certificate;
    return { kubeconfig: this.#kubeconfig, identity, certificate, key, leaseSeconds: this.#leaseSeconds };
  }

  #takeOut(port: number): void {
    this.balancer.ports.splice(this.balancer.ports.indexOf(port), 1);
    this.balancer.reset();
  }
}

/** A replica that can be killed. */
export class ReplicaProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(options: object): Promise<ReplicaProcess> {
    const child = spawn(
      process.execPath,
      ['--conditions=sallyport-source', join(import.meta.dirname, 'replica-process.ts')],
      { env: { ...process.env, GUARD_REPLICA: JSON.stringify(options) }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const lines = createInterface({ input: child.stdout });
    const line: unknown = await Promise.race([
      once(lines, 'line').then(([text]) => text as unknown),
      once(child, 'exit').then(() => undefined),
    ]);
    if (typeof line !== 'string') throw new Error('the replica did not start');
    return new ReplicaProcess(child, Number(line));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Waits for a condition. The last look begins after the time is up: a stall alone does not fail it. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  timeoutSeconds = 30,
): Promise<NonNullable<Awaited<T>>> {
  const end = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const isLast = Date.now() > end;
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (isLast) throw new Error(`waited ${timeoutSeconds} s for this in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function pod(namespace: string, name: string, spec: object): KubernetesObject {
  return object('v1', 'Pod', { namespace, name, labels: podLabels }, { spec: { ...podSpec, ...spec } });
}

/** An object whose further fields are its own. */
export function object(
  apiVersion: string,
  kind: string,
  metadata: NonNullable<KubernetesObject['metadata']>,
  fields: object,
): KubernetesObject {
  return { apiVersion, kind, metadata, ...fields };
}

export function podAddress(namespace: string, name: string): ObjectAddress {
  return { group: '', version: 'v1', resource: 'pods', namespace, name };
}

export const podLabels = { app: 'db', 'sallyport.dev/guard': 'enabled' };
export const podSpec = { containers: [{ name: 'main', image: 'registry.example.com/db:1' }] };

async function issueCertificate(): Promise<{ certificate: string; key: string; authority: string }> {
  const lifetime = { issuedAt: Date.now(), lifetimeMilliseconds: 24 * 3_600_000 };
  const authority = await issueAuthority(lifetime);
  const pair = await issueServingCertificate({ authority, hosts: ['127.0.0.1'], ...lifetime });
  return { certificate: pair.certificatePem, key: pair.privateKeyPem, authority: authority.certificatePem };
}

/** What the guard may do, and no more: a right that is missing shows in every test. */
const clusterRole = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'sallyport-guard' },
  rules: [
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch', 'delete'] },
    { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
    { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
    { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['nodes'], verbs: ['get'] },
    { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: ['list'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      verbs: ['get', 'list', 'create', 'update', 'patch', 'delete'],
    },
    { apiGroups: ['guard.sallyport.dev'], resources: ['deletionguards'], verbs: ['list', 'watch'] },
  ],
};
const roleBinding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'sallyport-guard' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'sallyport-guard' },
  subjects: [{ kind: 'User', name: guardUser, apiGroup: 'rbac.authorization.k8s.io' }],
};
