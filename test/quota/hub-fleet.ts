import { spawn, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { KubernetesObject } from '../../src/api/object-meta.ts';
import { ApiStatusError, KubeClient, loadKubeconfig } from '../../src/kube/index.ts';
import { globalQuotaDefinition, type HubCredentials } from '../../src/quota/index.ts';
import { ControlPlane, type CommandResult } from '../../src/testing/control-plane/index.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { Background } from '../e2e/background.ts';
import { GateProcess } from '../e2e/gate-process.ts';
import { until } from '../e2e/until.ts';
import { TcpLine } from '../tcp-line.ts';

const root = resolve(import.meta.dirname, '../..');
const pods = { group: '', version: 'v1', resource: 'pods' };
const quotas = { group: 'quota.sallyport.dev', version: 'v1alpha1', resource: 'globalquotas' };

export const clusterNames = ['east', 'west'] as const;
export type ClusterName = (typeof clusterNames)[number];

/** How a Pod that was asked for ended. */
export interface Answer {
  /**
   * `no-hub`: the slice is used up and the hub does not answer. `fault`: no gate answered. The others are what the API server or
   * the quota say.
   */
  readonly kind: 'stored' | 'exceeded' | 'no-hub' | 'fault';
  readonly message: string;
  readonly pod: KubernetesObject | undefined;
}

interface FleetMember {
  readonly name: ClusterName;
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly line: TcpLine;
  readonly configuration: string;
  readonly healthPort: number;
  gate: GateProcess;
}

/**
 * Two clusters with a gate each, and a hub that grants them slices; processes of their own, with certificates made as the guide
 * has it, and each gate's way to the hub in the test's hand. The GlobalQuota objects are in the first cluster.
 */
export class HubFleet {
  readonly folder: string;
  /** Of the hub itself, without a line between. */
  readonly hubPort: number;
  readonly #hubHealthPort: number;
  readonly #members = new Map<ClusterName, FleetMember>();
  #hub: Background | undefined;

  private constructor(folder: string, ports: { readonly hub: number; readonly hubHealth: number }) {
    this.folder = folder;
    this.hubPort = ports.hub;
    this.#hubHealthPort = ports.hubHealth;
  }

  static async open(): Promise<HubFleet> {
    const ports = { hub: await findFreePort(), hubHealth: await findFreePort() };
    const fleet = new HubFleet(mkdtempSync(join(tmpdir(), 'sallyport-fleet-')), ports);
    try {
      await fleet.#open();
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  async #open(): Promise<void> {
    makeCertificates(this.folder);
    const planes = await Promise.all(clusterNames.map(() => ControlPlane.start()));
    const [first] = planes;
    if (first === undefined) throw new Error('there are no clusters');
    await kubectl(first, ['apply', '-f', '-'], JSON.stringify(globalQuotaDefinition()));
    await kubectl(first, ['wait', '--for=condition=Established', 'crd/globalquotas.quota.sallyport.dev']);
    writeFileSync(
      join(this.folder, 'hub.yaml'),
      `apiVersion: config.sallyport.dev/v1alpha1
kind: QuotaHubConfiguration
server: { host: 127.0.0.1, port: ${this.hubPort}, healthPort: ${this.#hubHealthPort} }
certificates: hub
clientAuthority: ca.crt
objects: { mode: Cluster, kubeconfig: "${first.kubeconfig}" }
store: { mode: SQLite, path: hub.db }
`,
    );
    await this.startHub();
    for (const [index, name] of clusterNames.entries()) {
      const plane = planes[index] ?? first;
      const line = new TcpLine(this.hubPort);
      const [port, healthPort] = [await findFreePort(), await findFreePort()];
      const configuration = `server: { host: 127.0.0.1, port: ${port}, healthPort: ${healthPort} }
registration: { url: "https://127.0.0.1:${port}" }
quota:
  cluster: ${name}
  objects: { mode: Cluster, kubeconfig: "${first.kubeconfig}" }
  store:
    mode: Hub
    path: ${join(this.folder, `${name}.db`)}
    url: https://localhost:${await line.open()}
    credentials: ${join(this.folder, name)}
`;
      const client = new KubeClient(await loadKubeconfig([plane.kubeconfig]), { maxConcurrentRequests: 64 });
      const gate = await GateProcess.start(plane, configuration, { ready: [/quota is enforced/] });
      this.#members.set(name, { name, plane, client, line, configuration, healthPort, gate });
    }
  }

  async close(): Promise<void> {
    for (const { gate, client, plane, line } of this.#members.values()) {
      await gate.stop();
      client.close();
      line.close();
      await plane.stop();
    }
    await this.killHub();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async startHub(): Promise<void> {
    const command = ['--conditions=sallyport-source', join(root, 'src/cli/main.ts'), 'quota', 'hub'];
    const file = join(this.folder, 'hub.yaml');
    this.#hub = new Background(
      spawn(process.execPath, [...command, '--config', file], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    await this.#hub.waitForLine(/"serving"|serving/);
  }

  /** SIGKILL. */
  async killHub(): Promise<void> {
    await this.#hub?.stop();
  }

  /** SIGKILL. */
  async killGate(name: ClusterName): Promise<void> {
    await this.#member(name).gate.stop();
  }

  async startGate(name: ClusterName): Promise<void> {
    const member = this.#member(name);
    member.gate = await GateProcess.start(member.plane, member.configuration, { ready: [/quota is enforced/] });
  }

  cut(name: ClusterName): void {
    this.#member(name).line.cut();
  }

  mend(name: ClusterName): void {
    this.#member(name).line.mend();
  }

  /** A quota of so many Pods in a namespace of its own, which has its name; resolves when both gates enforce it. */
  async addQuota(name: string, limit: number): Promise<void> {
    const hard = { pods: limit, 'requests.cpu': 1000 };
    const spec = { hard, namespaces: { names: [name] }, warnAtPercent: 0 };
    for (const { client } of this.#members.values()) {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      await client.create({ group: '', version: 'v1', resource: 'namespaces' }, namespace);
    }
    const quota = { apiVersion: 'quota.sallyport.dev/v1alpha1', kind: 'GlobalQuota', metadata: { name }, spec };
    await this.#member('east').client.create(quotas, quota);
    for (const cluster of clusterNames) {
      await until(
        async () => (await this.create(cluster, name, { cpu: '1001', dryRun: true })).kind === 'exceeded',
        30,
      );
    }
  }

  async removeQuota(name: string): Promise<void> {
    await this.#member('east').client.delete({ ...quotas, name });
  }

  async create(
    cluster: ClusterName,
    namespace: string,
    { cpu = '1m', dryRun = false }: { readonly cpu?: string; readonly dryRun?: boolean } = {},
  ): Promise<Answer> {
    const { client } = this.#member(cluster);
    const containers = [{ name: 'main', image: 'registry.example.com/web:1', resources: { requests: { cpu } } }];
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'p-', namespace }, spec: { containers } };
    try {
      const stored = await client.create<KubernetesObject>({ ...pods, namespace }, pod, { dryRun });
      return { kind: 'stored', message: '', pod: stored };
    } catch (error) {
      if (!(error instanceof ApiStatusError)) throw error;
      return { kind: kindOf(error.message), message: error.message, pod: undefined };
    }
  }

  async remove(cluster: ClusterName, pod: KubernetesObject | undefined): Promise<void> {
    const { namespace = '', name = '' } = pod?.metadata ?? {};
    await this.#member(cluster).client.delete({ ...pods, namespace, name }, { gracePeriodSeconds: 0 });
  }

  async podsOf(cluster: ClusterName, namespace: string): Promise<readonly KubernetesObject[]> {
    return (await this.#member(cluster).client.list({ ...pods, namespace })).items;
  }

  client(cluster: ClusterName): KubeClient {
    return this.#member(cluster).client;
  }

  credentials(name: ClusterName): HubCredentials {
    const read = (file: string): string => readFileSync(join(this.folder, name, file), 'utf8');
    return { ca: read('ca.crt'), certificatePem: read('tls.crt'), privateKeyPem: read('tls.key') };
  }

  /** The journal of a cluster, by quota. */
  async journal(cluster: ClusterName): Promise<Readonly<Record<string, JournalQuota>>> {
    const { stdout, stderr, code } = await this.sallyport(cluster, ['quota', 'ls', '-o', 'json']);
    if (code !== 0) throw new Error(`sallyport quota ls: ${stderr}`);
    const list = JSON.parse(stdout) as (JournalQuota & { readonly name: string })[];
    return Object.fromEntries(list.map((each) => [each.name, each]));
  }

  /** A command with the configuration of a gate, beside it. */
  sallyport(cluster: ClusterName, args: readonly string[], input?: string): Promise<CommandResult> {
    const { plane, configuration } = this.#member(cluster);
    const file = join(this.folder, `${cluster}.yaml`);
    writeFileSync(file, `apiVersion: config.sallyport.dev/v1alpha1\nkind: GateConfiguration\n${configuration}`);
    const command = [process.execPath, '--conditions=sallyport-source', join(root, 'src/cli/main.ts'), ...args];
    return plane.exec([...command, '--config', file], { ...(input !== undefined && { input }) });
  }

  /** What the hub has written about Pods into the status. */
  async status(name: string): Promise<QuotaNumbers> {
    const { status } = await this.#member('east').client.get<QuotaObject>({ ...quotas, name });
    const numbers = (list: Readonly<Record<string, string>> | undefined): number => Number(list?.['pods'] ?? NaN);
    return { used: numbers(status?.used), reserved: numbers(status?.reserved) };
  }

  /** A figure of a gate, or of the hub. */
  async figure(whose: ClusterName | 'hub', sample: string): Promise<number> {
    const port = whose === 'hub' ? this.#hubHealthPort : this.#member(whose).healthPort;
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
    return Number(line?.slice(sample.length) ?? NaN);
  }

  #member(name: ClusterName): FleetMember {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`there is no cluster ${name}`);
    return member;
  }
}

/** Of a member, `hard` is the slice. */
interface JournalQuota {
  readonly hard: Readonly<Record<string, string>>;
  readonly used: Readonly<Record<string, string>>;
  readonly reserved: Readonly<Record<string, string>>;
}

interface QuotaNumbers {
  readonly used: number;
  readonly reserved: number;
}

interface QuotaObject extends KubernetesObject {
  readonly status?: {
    readonly used?: Readonly<Record<string, string>>;
    readonly reserved?: Readonly<Record<string, string>>;
  };
}

function kindOf(message: string): Answer['kind'] {
  if (message.includes('the hub cannot be reached')) return 'no-hub';
  return message.includes('exceeded quota: ') ? 'exceeded' : 'fault';
}

async function kubectl(plane: ControlPlane, args: readonly string[], input = ''): Promise<void> {
  const { code, stderr } = await plane.kubectl(args, { input });
  if (code !== 0) throw new Error(stderr);
}

/** An authority, `hub/` for the hub, and a folder for each cluster, as in docs/guides/quota-hub.md. */
function makeCertificates(folder: string): void {
  for (const name of ['hub', ...clusterNames]) mkdirSync(join(folder, name));
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const request = (args: readonly string[]): void =>
    void execFileSync('openssl', ['req', '-x509', ...newKey, ...args], { cwd: folder, stdio: 'ignore' });
  request(['-subj', '/CN=fleet', '-days', '30', '-keyout', 'ca.key', '-out', 'ca.crt']);
  const issue = (name: string, extension: string): void => {
    const extensions = ['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', extension];
    const files = ['-keyout', `${name}/tls.key`, '-out', `${name}/tls.crt`];
    request(['-CA', 'ca.crt', '-CAkey', 'ca.key', '-subj', `/CN=${name}`, '-days', '30', ...extensions, ...files]);
  };
  issue('hub', 'subjectAltName=DNS:localhost');
  for (const name of clusterNames) {
    issue(name, 'extendedKeyUsage=clientAuth');
    writeFileSync(join(folder, name, 'ca.crt'), readFileSync(join(folder, 'ca.crt')));
  }
}
