import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod, Service } from '../../src/api/generated/core.v1.ts';
import type { KubernetesObject } from '../../src/api/object-meta.ts';
import { Quantity } from '../../src/api/quantity.ts';
import { ApiStatusError, KubeClient, loadKubeconfig, type CollectionAddress } from '../../src/kube/index.ts';
import { globalQuotaDefinition } from '../../src/quota/index.ts';
import { podUsage, serviceUsage } from '../../src/usage/index.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { GateProcess } from '../e2e/gate-process.ts';
import { until } from '../e2e/until.ts';
import { PostgresServer } from '../postgres-server.ts';
import { LiveObjects, type CountOf } from './live-objects.ts';

const root = resolve(import.meta.dirname, '../..');

/** The limits under which it storms: one quota of both clusters, and one of the first alone that lies across it. */
export const limits = {
  team: { pods: 12, 'requests.cpu': 3, configmaps: 15, 'services.nodeports': 8 },
  cap: { pods: 9 },
} as const;
const clusterNames = ['east', 'west'] as const;
type ClusterName = (typeof clusterNames)[number];
const namespaces = ['a1', 'a2'] as const;

const podCollection = { group: '', version: 'v1', resource: 'pods' };
const configMaps = { group: '', version: 'v1', resource: 'configmaps' };
const services = { group: '', version: 'v1', resource: 'services' };
const replicaSets = { group: 'apps', version: 'v1', resource: 'replicasets' };

/** Refuses what bears a label `chance`, as often as that says, beside the webhook of quotas. */
const flakyWebhook = `
import { defineValidator, deny } from 'sallyport';

export const flaky = defineValidator({
  name: 'flaky.example.com',
  rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods', 'configmaps'], scope: 'Namespaced' }],
  objectSelector: { matchExpressions: [{ key: 'chance', operator: 'Exists' }] },
  handler({ object }) {
    if (Math.random() * 100 < Number(object.metadata.labels.chance)) return deny('by chance');
  },
});
`;

interface Member {
  readonly name: ClusterName;
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly gate: GateProcess;
  readonly healthPort: number;
}

/** What a quota holds, as \`sallyport quota ls -o json\` has it. */
export interface QuotaBody {
  readonly name: string;
  readonly hard: Readonly<Record<string, string>>;
  readonly used: Readonly<Record<string, string>>;
  readonly reserved: Readonly<Record<string, string>>;
}

/** How often something was asked for, and how it ended. */
export interface StormCounts {
  done: number;
  exceeded: number;
  refusedByChance: number;
  conflicts: number;
  dryRuns: number;
}

/**
 * Two clusters with their controllers, a third that holds the GlobalQuota objects, one PostgreSQL with the ledger; and many
 * who want more than there is.
 */
export class QuotaStorm {
  readonly counts: StormCounts = { done: 0, exceeded: 0, refusedByChance: 0, conflicts: 0, dryRuns: 0 };
  /** Refusals whose own numbers do not bear them out. */
  readonly unjustified: string[] = [];
  /** Answers that nothing in the storm explains. */
  readonly unexpected: string[] = [];
  readonly #hub: ControlPlane;
  readonly #postgres: PostgresServer;
  readonly #members: readonly Member[];
  readonly #folder: string;
  readonly #configuration: string;
  readonly #live: ReadonlyMap<string, LiveObjects>;

  private constructor(parts: {
    hub: ControlPlane;
    postgres: PostgresServer;
    members: readonly Member[];
    folder: string;
    configuration: string;
    live: ReadonlyMap<string, LiveObjects>;
  }) {
    this.#hub = parts.hub;
    this.#postgres = parts.postgres;
    this.#members = parts.members;
    this.#folder = parts.folder;
    this.#configuration = parts.configuration;
    this.#live = parts.live;
  }

  static async open(): Promise<QuotaStorm> {
    mkdirSync(join(root, '.cache'), { recursive: true });
    // Inside the package, so that the webhook finds it.
    const folder = mkdtempSync(join(root, '.cache/quota-storm-'));
    writeFileSync(join(folder, 'flaky.ts'), flakyWebhook);
    const postgres = await PostgresServer.start();
    const database = postgres.newDatabase();
    const hub = await ControlPlane.start();
    await apply(hub, globalQuotaDefinition());
    await kubectl(hub, 'wait', '--for=condition=Established', 'crd/globalquotas.quota.sallyport.dev');
    const selector = { matchLabels: { team: 'a' } };
    await apply(
      hub,
      quota('team', { hard: limits.team, namespaces: { selector }, warnAtPercent: 0 }),
      quota('cap', { hard: limits.cap, clusters: { names: ['east'] }, namespaces: { selector }, warnAtPercent: 0 }),
    );
    const members: Member[] = [];
    for (const name of clusterNames) {
      const plane = await ControlPlane.start({
        controllers: ['replicaset-controller', 'garbage-collector-controller'],
      });
      for (const each of namespaces) {
        await apply(plane, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: each, labels: { team: 'a' } } });
      }
      const [port, healthPort] = [await findFreePort(), await findFreePort()];
      const configuration = `server: { host: 127.0.0.1, port: ${port}, healthPort: ${healthPort} }
webhooks: { paths: ["${folder}"] }
registration: { url: "https://127.0.0.1:${port}" }
quota:
  cluster: ${name}
  objects: { mode: Cluster, kubeconfig: "${hub.kubeconfig}" }
  store: { mode: PostgreSQL, url: "${database}" }
`;
      writeFileSync(
        join(folder, `${name}.yaml`),
        `apiVersion: config.sallyport.dev/v1alpha1\nkind: GateConfiguration\n${configuration}`,
      );
      const gate = await GateProcess.start(plane, configuration);
      const client = new KubeClient(await loadKubeconfig([plane.kubeconfig]), { maxConcurrentRequests: 64 });
      members.push({ name, plane, client, gate, healthPort });
    }
    const live = await watchAll(members);
    const storm = new QuotaStorm({ hub, postgres, members, folder, configuration: join(folder, 'east.yaml'), live });
    for (const member of members) await storm.#untilEnforced(member);
    return storm;
  }

  async close(): Promise<void> {
    for (const { gate, client, plane } of this.#members) {
      await gate.stop();
      client.close();
      await plane.stop();
    }
    await this.#hub.stop();
    await this.#postgres.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Everybody at once, for so long. */
  async blow(seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000;
    const isOver = (): boolean => performance.now() >= end;
    await Promise.all(
      this.#members.flatMap((member) => [
        this.#churnReplicaSets(member, isOver),
        this.#applyPods(member, isOver),
        this.#raceServices(member, seconds),
        this.#raceResizes(member, isOver),
        ...namespaces.map((namespace) => this.#churnConfigMaps(member, namespace, isOver)),
      ]),
    );
  }

  /** The most that surely lived at one instant of what was heard so far. */
  seen(name: string): number {
    return this.#live.get(name)?.highest() ?? 0;
  }

  /** The most that surely lived at one instant, by resource. */
  async highest(): Promise<Record<string, number>> {
    const highest: Record<string, number> = {};
    for (const [name, live] of this.#live) {
      await live.stop();
      highest[name] = live.highest();
    }
    return highest;
  }

  /** What the ledger has. */
  async quotas(): Promise<QuotaBody[]> {
    const main = join(root, 'src/cli/main.ts');
    const command = [process.execPath, '--conditions=sallyport-source', main, 'quota', 'ls', '-o', 'json'];
    const { stdout, stderr, code } = await this.#hub.exec([...command, '--config', this.#configuration]);
    if (code !== 0) throw new Error(`sallyport quota ls: ${stderr}`);
    return JSON.parse(stdout) as QuotaBody[];
  }

  /** Nothing is reserved any more, and what is used is what a list of both clusters finds. */
  async isQuiet(): Promise<boolean> {
    const found = await this.lived();
    const quotas = await this.quotas();
    const isSame = (name: 'team' | 'cap'): boolean => {
      const body = quotas.find((each) => each.name === name);
      return Object.entries(found[name]).every(([resource, amount]) => {
        return numberOf(body?.used[resource]) === amount && numberOf(body?.reserved[resource]) === 0;
      });
    };
    return isSame('team') && isSame('cap');
  }

  /** What consistent lists of both clusters count. */
  async lived(): Promise<Record<'team' | 'cap', Record<string, number>>> {
    const team: Record<string, number> = { pods: 0, 'requests.cpu': 0, configmaps: 0, 'services.nodeports': 0 };
    const cap = { pods: 0 };
    const add = (name: string, amount: number): void => void (team[name] = (team[name] ?? 0) + amount);
    for (const { client, name } of this.#members) {
      for (const pod of await ours(client, podCollection)) {
        add('pods', counts.pods(pod));
        add('requests.cpu', counts['requests.cpu'](pod));
        if (name === 'east') cap.pods += counts.pods(pod);
      }
      add('configmaps', (await ours(client, configMaps)).length);
      for (const service of await ours(client, services))
        add('services.nodeports', counts['services.nodeports'](service));
    }
    // Thousandths of a processor do not add up as floating numbers do.
    team['requests.cpu'] = Math.round((team['requests.cpu'] ?? 0) * 1000) / 1000;
    return { team, cap };
  }

  /** Makes config maps, in both clusters in turns, until it is refused. Says how many it could make. */
  async fill(): Promise<number> {
    for (let made = 0; ; made += 1) {
      const member = this.#members[made % this.#members.length];
      if (member === undefined) throw new Error('there are no members');
      const object = { ...configMap('fill-'), metadata: { generateName: 'fill-', namespace: 'a1' } };
      const said = await this.#ask(() => member.client.create({ ...configMaps, namespace: 'a1' }, object));
      if (said === 'exceeded') return made;
      if (said !== 'done') throw new Error(`filling up ended otherwise: ${said}`);
    }
  }

  /** A figure of every gate. */
  async figures(name: string): Promise<number[]> {
    return Promise.all(
      this.#members.map(async ({ healthPort }) => {
        const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
        const line = text.split('\n').find((each) => each.startsWith(`${name} `));
        return Number(line?.slice(name.length) ?? NaN);
      }),
    );
  }

  async #untilEnforced({ client }: Member): Promise<void> {
    const address = { ...services, namespace: 'a1' };
    const probe = service('probe', 99);
    await until(async () => {
      const said = await client.create(address, probe, { dryRun: true }).then(
        () => 'allowed',
        (error: unknown) => String(error),
      );
      return said.includes('exceeded quota: team');
    }, 30);
  }

  async #churnReplicaSets({ name, client }: Member, isOver: () => boolean): Promise<void> {
    const address = { ...replicaSets, namespace: 'a1' };
    while (!isOver()) {
      const made = await client.create<KubernetesObject>(address, replicaSet(8, pick('100m', '250m', '400m')));
      await sleep(500 + Math.random() * 2000);
      const { uid = '', name: own = '' } = made.metadata ?? {};
      this.#doom(uid);
      await client.delete({ ...address, name: own }, { propagationPolicy: 'Background' });
      void name;
    }
  }

  async #applyPods({ plane, client }: Member, isOver: () => boolean): Promise<void> {
    const pods = [1, 2, 3, 4, 5].map((index) => {
      const labels = { chance: '20', made: 'by-kubectl' };
      const metadata = { name: `applied-${index}`, namespace: 'a2', labels };
      return { apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec('150m') };
    });
    const input = pods.map((pod) => JSON.stringify(pod)).join('\n---\n');
    while (!isOver()) {
      const serverSide = Math.random() < 0.5 ? ['--server-side', '--force-conflicts'] : [];
      const { stderr } = await plane.kubectl(['apply', ...serverSide, '-f', '-'], { input });
      for (const line of stderr.split('\n')) if (line !== '') this.#heard(line);
      const options = { labelSelector: 'made=by-kubectl' };
      for (const { metadata } of (await client.list(podCollection, options)).items) this.#doom(metadata?.uid ?? '');
      await plane.kubectl(['delete', 'pods', '-n', 'a2', '-l', 'made=by-kubectl', '--wait=false', '--grace-period=0']);
    }
  }

  /**
   * Many who change the ports of one Service, each from what it read; so seldom that the node ports last. The API server
   * (v1.37.2) takes the ports of a write before it stores it, and keeps those of a write that then loses to another. In
   * ten minutes of races there were no more of them; that one is there twice it says also without any webhook.
   */
  async #raceServices({ client, name }: Member, seconds: number): Promise<void> {
    const address = { ...services, namespace: 'a1' };
    await this.#ask(() => client.create(address, service(`raced-${name}`, 1)));
    const raced = { ...address, name: `raced-${name}` };
    const bursts = 60;
    for (let burst = 0; burst < bursts; burst += 1) {
      await this.#fourAtOnce(() => {
        const ports = 1 + Math.floor(Math.random() * 6);
        return client.patch(raced, { type: 'merge', changes: { spec: { ports: portsOf(ports) } } });
      });
      await sleep((seconds * 1000) / bursts);
    }
  }

  /** Many who change the requests of one Pod, each from what it read. */
  async #raceResizes({ client, name }: Member, isOver: () => boolean): Promise<void> {
    const address = { ...podCollection, namespace: 'a1' };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: `raced-${name}` }, spec: podSpec('100m') };
    while (!isOver() && (await this.#ask(() => client.create(address, pod))) !== 'done');
    const raced = { ...address, name: `raced-${name}`, subresource: 'resize' };
    while (!isOver()) {
      await this.#fourAtOnce(() => {
        const changes = { spec: podSpec(pick('100m', '300m', '700m', '1500m')) };
        return client.patch(raced, { type: 'strategic', changes });
      });
    }
  }

  async #fourAtOnce(request: () => Promise<unknown>): Promise<void> {
    await Promise.all([1, 2, 3, 4].map(() => this.#ask(request)));
  }

  /** By generated names, by apply, by names that are taken; and dry runs. */
  async #churnConfigMaps({ client }: Member, namespace: string, isOver: () => boolean): Promise<void> {
    const address = { ...configMaps, namespace };
    let turn = 0;
    while (!isOver()) {
      turn += 1;
      const labels = { chance: '30' };
      await Promise.all([
        this.#ask(() =>
          client.create(address, { ...configMap(), metadata: { generateName: 'g-', namespace, labels } }),
        ),
        // Two of one name: of the one that loses nobody says that it is not stored.
        ...[1, 2].map(() =>
          this.#ask(() =>
            client.create(address, { ...configMap(), metadata: { name: `n-${turn % 4}`, namespace, labels } }),
          ),
        ),
        this.#ask(() => {
          const object = {
            ...configMap(),
            metadata: { name: `s-${turn % 3}`, namespace },
            data: { turn: String(turn) },
          };
          return client.apply({ ...address, name: `s-${turn % 3}` }, object, { fieldManager: 'storm', force: true });
        }),
        this.#ask(
          () =>
            client.create(address, { ...configMap(), metadata: { generateName: 'd-', namespace } }, { dryRun: true }),
          true,
        ),
      ]);
      if (turn % 3 === 0) {
        for (const { metadata } of (await client.list(address)).items) {
          const { uid = '', name = '' } = metadata ?? {};
          if (Math.random() < 0.3) continue;
          this.#doom(uid);
          await this.#ask(() => client.delete({ ...address, name }));
        }
      }
    }
  }

  #doom(uid: string): void {
    for (const live of this.#live.values()) live.dooms(uid);
  }

  async #ask(request: () => Promise<unknown>, isDryRun = false): Promise<string> {
    try {
      await request();
      if (isDryRun) this.counts.dryRuns += 1;
      else this.counts.done += 1;
      return 'done';
    } catch (error) {
      if (!(error instanceof ApiStatusError)) throw error;
      return this.#heard(error.message, error.reason);
    }
  }

  /** Sorts an answer that is no success. */
  #heard(message: string, reason?: string): string {
    if (message.includes('exceeded quota: ')) {
      this.counts.exceeded += 1;
      for (const problem of contradictions(message)) this.unjustified.push(problem);
      return 'exceeded';
    }
    if (message.includes('by chance')) {
      this.counts.refusedByChance += 1;
      return 'by chance';
    }
    const isConflict = reason === 'Conflict' || reason === 'AlreadyExists' || reason === 'NotFound';
    if (isConflict || /conflict|duplicate nodePort/i.test(message)) {
      this.counts.conflicts += 1;
      return 'conflict';
    }
    // A warning of kubectl that it had applied an object otherwise before.
    if (!message.startsWith('Warning:')) this.unexpected.push(message);
    return message;
  }
}

/** A refusal must say that used and requested together are more than the limit, and that this is the quota's limit. */
function contradictions(message: string): string[] {
  const pattern = /exceeded quota: (\S+), requested: (\S+), used: (\S+), limited: ([^;\s"]+)/g;
  return [...message.matchAll(pattern)].flatMap(([text, name = '', ...lists]) => {
    const [requested, used, limited] = lists.map(amountsOf);
    const known: Readonly<Record<string, number>> = name === 'team' ? limits.team : limits.cap;
    return [...(limited ?? new Map<string, number>())].flatMap(([resource, limit]) => {
      const sum = (requested?.get(resource) ?? NaN) + (used?.get(resource) ?? NaN);
      const isBorneOut = sum > limit && limit === known[resource] && (used?.get(resource) ?? NaN) <= limit;
      return isBorneOut ? [] : [text];
    });
  });
}

function amountsOf(list: string): Map<string, number> {
  return new Map(
    list.split(',').map((entry) => {
      const [name = '', amount = ''] = entry.split('=');
      return [name, numberOf(amount)];
    }),
  );
}

function numberOf(amount: string | undefined): number {
  return amount === undefined ? 0 : Number(Quantity.parse(amount).nano()) / 1e9;
}

const isOurs = ({ metadata }: KubernetesObject): boolean => namespaces.some((each) => each === metadata?.namespace);

async function ours(client: KubeClient, collection: CollectionAddress): Promise<KubernetesObject[]> {
  return (await client.list(collection)).items.filter(isOurs);
}

/** The collection says of which kind an object is. */
const counts = {
  pods: (pod) => numberOf(String(podUsage(pod as Pod, { now: Date.now() }).get('pods') ?? 0)),
  'requests.cpu': (pod) => numberOf(String(podUsage(pod as Pod, { now: Date.now() }).get('requests.cpu') ?? 0)),
  'services.nodeports': (each) => numberOf(String(serviceUsage(each as Service).get('services.nodeports') ?? 0)),
} satisfies Record<string, CountOf>;

/** One history for each limit. */
async function watchAll(members: readonly Member[]): Promise<ReadonlyMap<string, LiveObjects>> {
  const histories: [string, CollectionAddress, CountOf, readonly ClusterName[]][] = [
    ['team pods', podCollection, counts.pods, clusterNames],
    ['team requests.cpu', podCollection, counts['requests.cpu'], clusterNames],
    ['team configmaps', configMaps, () => 1, clusterNames],
    ['team services.nodeports', services, counts['services.nodeports'], clusterNames],
    ['cap pods', podCollection, counts.pods, ['east']],
  ];
  const live = new Map<string, LiveObjects>();
  for (const [name, collection, countOf, of] of histories) {
    const history = new LiveObjects((object) => (isOurs(object) ? countOf(object) : 0));
    for (const member of members) if (of.includes(member.name)) await history.watch(member.client, collection);
    live.set(name, history);
  }
  return live;
}

function pick<T>(...choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(Math.random() * choices.length)] ?? choices[0];
}

function podSpec(cpu: string): object {
  return { containers: [{ name: 'main', image: 'registry.example.com/web:1', resources: { requests: { cpu } } }] };
}

function replicaSet(replicas: number, cpu: string): object {
  const labels = { app: 'storm', chance: '10' };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { generateName: 'storm-', namespace: 'a1' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'storm' } },
      template: { metadata: { labels }, spec: podSpec(cpu) },
    },
  };
}

function configMap(generateName = ''): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName } };
}

function portsOf(count: number): object[] {
  return Array.from({ length: count }, (_each, index) => ({ name: `p${index}`, port: 80 + index }));
}

function service(name: string, ports: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'a1' },
    spec: { type: 'NodePort', ports: portsOf(ports) },
  };
}

function quota(name: string, spec: object): object {
  return { apiVersion: 'quota.sallyport.dev/v1alpha1', kind: 'GlobalQuota', metadata: { name }, spec };
}

async function apply(plane: ControlPlane, ...objects: object[]): Promise<void> {
  const input = objects.map((object) => JSON.stringify(object)).join('\n---\n');
  const { code, stderr } = await plane.kubectl(['apply', '-f', '-'], { input });
  if (code !== 0) throw new Error(stderr);
}

async function kubectl(plane: ControlPlane, ...args: string[]): Promise<void> {
  const { code, stderr } = await plane.kubectl(args);
  if (code !== 0) throw new Error(stderr);
}
