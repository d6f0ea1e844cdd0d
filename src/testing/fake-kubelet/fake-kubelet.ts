import type { Lease } from '../../api/generated/coordination.v1.ts';
import type { Node, Pod } from '../../api/generated/core.v1.ts';
import { Informer, isConflict, isNotFound, KubeClient, loadKubeconfig, type ClusterConfig } from '../../kube/index.ts';
import { silentLogger, type Logger } from '../../telemetry/index.ts';
import type { ControlPlane } from '../control-plane/index.ts';
import { chooseNode } from './placement.ts';
import { runningStatus } from './pod-status.ts';

export interface FakeKubeletOptions {
  /** Names of the nodes to begin with. Default: `['n1']`. */
  readonly nodes?: readonly string[];
  /** Time between two looks at all Pods. Default: 150. */
  readonly periodMilliseconds?: number;
  /** Default: silent. */
  readonly logger?: Logger;
}

const pods = { group: '', version: 'v1', resource: 'pods' } as const;
const nodes = { group: '', version: 'v1', resource: 'nodes' } as const;
const leases = {
  group: 'coordination.k8s.io',
  version: 'v1',
  resource: 'leases',
  namespace: 'kube-node-lease',
} as const;

/** As the kubelet: a quarter of the lease. Source: k8s.io/kubernetes v1.37.2 pkg/kubelet/kubelet.go, nodeLeaseRenewIntervalFraction. */
const leaseDurationSeconds = 40;
const leaseRenewalMilliseconds = 10_000;

/**
 * What a control plane without kubelets and scheduler lacks, for tests: nodes that stay ready, Pods that are bound, run,
 * become ready and end.
 *
 * It runs no containers. A Pod is `Running` with an address a moment after it was made, and `Ready` when its readiness
 * gates are; when it is deleted, it gets the last DELETE (grace 0, UID precondition) that a kubelet sends, as
 * `system:node:NAME`. A Pod whose phase somebody set to Succeeded or Failed stays so.
 *
 *     const kubelet = await FakeKubelet.start(plane, { nodes: ['n1', 'n2'] });
 *     await plane.kubectl(['create', 'deployment', 'web', '--image=registry.example.com/web:1']);
 *     await plane.kubectl(['rollout', 'status', 'deployment/web']);
 *     await kubelet.stop();
 */
export class FakeKubelet {
  readonly #config: ClusterConfig;
  readonly #admin: KubeClient;
  readonly #periodMilliseconds: number;
  readonly #logger: Logger;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #clients = new Map<string, KubeClient>();
  readonly #leaseTimes = new Map<string, number>();
  /** UIDs of Pods with a request under way. */
  readonly #busy = new Set<string>();
  /** States of Pods that were answered; the cache shows the next one a moment later. */
  readonly #attended = new WeakSet<Pod>();
  readonly #requests = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isPaused = false;
  #lastAddress = 0;

  private constructor(config: ClusterConfig, options: FakeKubeletOptions) {
    this.#config = config;
    this.#admin = new KubeClient(config, { userAgent: 'fake-kubelet' });
    this.#periodMilliseconds = options.periodMilliseconds ?? 150;
    this.#logger = options.logger ?? silentLogger;
    this.#pods = new Informer<Pod>({ client: this.#admin, collection: pods });
    this.#nodes = new Informer<Node>({ client: this.#admin, collection: nodes });
  }

  /** Makes the nodes, gives the group `system:nodes` the rights of kubelets, and begins. */
  static async start(plane: ControlPlane, options: FakeKubeletOptions = {}): Promise<FakeKubelet> {
    const kubelet = new FakeKubelet(await loadKubeconfig([plane.kubeconfig]), options);
    await kubelet.#grantRights();
    for (const name of options.nodes ?? ['n1']) await kubelet.addNode(name);
    kubelet.#pods.start();
    kubelet.#nodes.start();
    await Promise.all([kubelet.#pods.waitForSync(), kubelet.#nodes.waitForSync()]);
    kubelet.#timer = setInterval(() => kubelet.#look(), kubelet.#periodMilliseconds);
    return kubelet;
  }

  /** Adds a node that is ready at once, or takes one up again that was removed. */
  async addNode(name: string): Promise<void> {
    const now = new Date().toISOString();
    const node: Node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
      status: {
        capacity: { cpu: '64', memory: '256Gi', pods: '20000' },
        allocatable: { cpu: '64', memory: '256Gi', pods: '20000' },
        conditions: [
          { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now, lastTransitionTime: now },
        ],
      },
    };
    await this.#admin.create(nodes, node);
    await this.#renewLease(name);
    // The API server taints new nodes; node-lifecycle-controller, which would remove that, may not run.
    // Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/nodetaint/admission.go.
    await this.#admin.patch({ ...nodes, name }, { type: 'merge', changes: { spec: { taints: null } } });
    const impersonation = { user: `system:node:${name}`, uid: undefined, groups: ['system:nodes'], extra: {} };
    this.#clients.set(name, new KubeClient({ ...this.#config, impersonation }, { userAgent: 'fake-kubelet' }));
  }

  /** Ends the kubelet of a node and deletes the Node, as when a machine is taken away. Its Pods stay behind. */
  async removeNode(name: string): Promise<void> {
    this.#clients.get(name)?.close();
    this.#clients.delete(name);
    this.#leaseTimes.delete(name);
    await this.#admin.delete({ ...nodes, name });
  }

  /** Touches no Pod from now on until {@link resume}; the nodes stay ready. What is under way is waited for. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    await Promise.all(this.#requests);
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** Ends it. Nodes and Pods stay as they are. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    await Promise.all([this.#pods.stop(), this.#nodes.stop(), ...this.#requests]);
    for (const client of [this.#admin, ...this.#clients.values()]) client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #look(): void {
    for (const name of this.#clients.keys()) {
      const due = (this.#leaseTimes.get(name) ?? 0) + leaseRenewalMilliseconds;
      if (performance.now() >= due) this.#run(`lease/${name}`, () => this.#renewLease(name));
    }
    if (this.#isPaused) return;
    const all = this.#pods.lister.list();
    const counts = new Map<string, number>();
    for (const { spec } of all) {
      if (spec?.nodeName !== undefined) counts.set(spec.nodeName, (counts.get(spec.nodeName) ?? 0) + 1);
    }
    for (const pod of all) this.#attend(pod, counts);
  }

  #attend(pod: Pod, counts: Map<string, number>): void {
    const { name = '', namespace, uid = '', deletionTimestamp } = pod.metadata ?? {};
    if (this.#attended.has(pod) || this.#busy.has(uid)) return;
    const run = (request: (signal: AbortSignal) => Promise<unknown>): void =>
      this.#run(uid, async (signal) => {
        await request(signal);
        this.#attended.add(pod);
      });
    const address = { ...pods, namespace, name };
    const node = pod.spec?.nodeName;
    if (node === undefined) {
      // A Pod that never ran is removed by the API server itself.
      if (deletionTimestamp !== undefined) return;
      const target = chooseNode(pod, this.#readyNodes(), (each) => counts.get(each) ?? 0);
      if (target === undefined) return;
      counts.set(target, (counts.get(target) ?? 0) + 1);
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, uid },
        target: { kind: 'Node', name: target },
      };
      run((signal) => this.#admin.create({ ...address, subresource: 'binding' }, binding, { signal }));
      return;
    }
    const client = this.#clients.get(node);
    if (client === undefined) return;
    if (deletionTimestamp !== undefined) {
      run((signal) => client.delete(address, { gracePeriodSeconds: 0, preconditions: { uid }, signal }));
      return;
    }
    const status = runningStatus(pod, new Date().toISOString(), () => this.#newAddress());
    if (status === undefined) return;
    const changes = { metadata: { uid }, status };
    run((signal) => client.patch({ ...address, subresource: 'status' }, { type: 'strategic', changes }, { signal }));
  }

  #readyNodes(): Node[] {
    return this.#nodes.lister.list().filter(({ metadata }) => this.#clients.has(metadata?.name ?? ''));
  }

  /** One request at a time for each key; what fails is tried again at the next look, as a kubelet does. */
  #run(key: string, request: (signal: AbortSignal) => Promise<void>): void {
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    const running = request(this.#stopping.signal)
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted || isNotFound(error) || isConflict(error)) return;
        this.#logger.warn('fake kubelet', { key, error: error instanceof Error ? error : new Error(String(error)) });
      })
      .finally(() => {
        this.#busy.delete(key);
        this.#requests.delete(running);
      });
    this.#requests.add(running);
  }

  async #renewLease(name: string): Promise<void> {
    this.#leaseTimes.set(name, performance.now());
    const lease: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: leases.namespace },
      // MicroTime: six digits, of which JavaScript knows three.
      spec: {
        holderIdentity: name,
        leaseDurationSeconds,
        renewTime: new Date().toISOString().replace('Z', '000Z'),
      },
    };
    await this.#admin.apply({ ...leases, name }, lease, { fieldManager: 'fake-kubelet', force: true });
  }

  #newAddress(): string {
    this.#lastAddress += 1;
    return `10.244.${this.#lastAddress >> 8}.${this.#lastAddress & 255}`;
  }

  /** A bare control plane binds the ClusterRole `system:node` to nobody. */
  async #grantRights(): Promise<void> {
    const clusterRoleBindings = {
      group: 'rbac.authorization.k8s.io',
      version: 'v1',
      resource: 'clusterrolebindings',
    } as const;
    const name = 'fake-kubelet:nodes';
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:node' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:nodes' }],
    };
    await this.#admin.apply({ ...clusterRoleBindings, name }, binding, { fieldManager: 'fake-kubelet' });
  }
}
