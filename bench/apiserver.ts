/**
 * What webhooks cost who creates Pods through a real API server: `npm run bench:apiserver`, and with `-- --write` into
 * docs/performance.md. API server, etcd, webhooks and clients share the machine. `APISERVER_ROUNDS=1 APISERVER_PODS=100`
 * for less.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { KubeClient, loadKubeconfig } from '../src/kube/index.ts';
import { ControlPlane } from '../src/testing/control-plane/index.ts';
import type { CreatedPods, CreatePods } from './load/create-pods.ts';
import { report, type Figure } from './report.ts';
import { summarise, type Rounds } from './rounds.ts';
import { benchFiles } from './subjects/files.ts';
import type { SubjectProcess } from './subjects/process.ts';
import { startBare, startControllerRuntime, startSallyport } from './subjects/subjects.ts';

const rounds = Number(process.env['APISERVER_ROUNDS'] ?? 5);
const clientCounts = [8, 50, 200] as const;
const pods = Number(process.env['APISERVER_PODS'] ?? 400);
/** Two requests each, after which V8 has compiled what matters most. */
const warmUpPods = 1500;

interface Contender {
  readonly name: string;
  /** Its namespace; what is created there goes to its webhooks alone. */
  readonly namespace: string;
  readonly subject: SubjectProcess | undefined;
  /** Of each kind. */
  readonly webhooks: number;
}

using files = await benchFiles();
await using plane = await ControlPlane.start();
await using stack = new AsyncDisposableStack();
const admin = new KubeClient(await loadKubeconfig([plane.kubeconfig]));
stack.defer(() => admin.close());
const generator = fork(join(import.meta.dirname, 'load/create-pods.ts'), {
  execArgv: ['--conditions=sallyport-source'],
});
stack.defer(() => void generator.disconnect());

async function ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  return admin.request({ method, path, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
}

/**
 * The API server speaks HTTP/1.1 to webhooks in a cluster, but HTTP/2 where it sees a loopback address. It does not see one in
 * this name.
 */
const host = hostname();
if ((await lookup(host)).address !== '127.0.0.1') {
  throw new Error(`the name of this machine must stand for 127.0.0.1: add "127.0.0.1 ${host}" to /etc/hosts`);
}

async function register({ namespace, subject, webhooks }: Contender): Promise<void> {
  await ask('POST', '/api/v1/namespaces', { kind: 'Namespace', apiVersion: 'v1', metadata: { name: namespace } });
  if (subject === undefined) return;
  for (const [kind, path] of [
    ['Mutating', subject.paths.mutate],
    ['Validating', subject.paths.validate],
  ] as const) {
    await ask('POST', `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: `${kind}WebhookConfiguration`,
      metadata: { name: namespace },
      webhooks: Array.from({ length: webhooks }, (_, index) => ({
        name: `w${index}.${namespace}.example.com`,
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        timeoutSeconds: 10,
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
        clientConfig: {
          url: `https://${host}:${subject.port}${path}${index === 0 ? '' : `/${index + 1}`}`,
          caBundle: Buffer.from(files.ca).toString('base64'),
        },
      })),
    });
  }
}

async function order(process: ChildProcess, what: CreatePods): Promise<CreatedPods> {
  const answer = once(process, 'message');
  process.send(what);
  // What bench/load/create-pods.ts answers.
  const [created] = (await answer) as [CreatedPods];
  if (created.failure !== undefined) throw new Error(created.failure);
  return created;
}

type Run = CreatedPods & {
  /** Of the webhook server, for each Pod. */
  readonly cpuMicroseconds: number;
};

/** Creates Pods, sees that the webhooks were called, and takes the Pods away again. */
async function create({ name, namespace, subject }: Contender, clients: number, count: number): Promise<Run> {
  const { server, token, caCertificate } = plane;
  const before = subject?.cpuSeconds() ?? 0;
  const created = await order(generator, { server, token, caCertificate, namespace, pods: count, clients });
  const cpuMicroseconds = (((subject?.cpuSeconds() ?? 0) - before) * 1e6) / count;
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const { items } = JSON.parse(await ask('GET', `${path}?limit=1`)) as {
    items: { metadata: { labels: Record<string, string> } }[];
  };
  const isChanged = items[0]?.metadata.labels['team'] === 'unknown';
  if (isChanged !== (subject !== undefined)) throw new Error(`${name}: the Pods are not what they should be`);
  await ask('DELETE', `${path}?gracePeriodSeconds=0`);
  return { ...created, cpuMicroseconds };
}

/** Resolves when a new Pod is changed, or, without webhooks, at once. */
async function untilCalled({ name, namespace, subject }: Contender): Promise<void> {
  const pod = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'probe' }, spec: { containers: [probe] } };
  for (let attempt = 0; subject !== undefined; attempt += 1) {
    const answer = await ask('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
    if (answer.includes('"team":"unknown"')) return;
    if (attempt === 100) throw new Error(`${name}: its webhooks are not called`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const probe = { name: 'web', image: 'registry.example.com/web' };

const isPinned = false;
const [bare, ours, many, controllerRuntime] = [
  stack.use(await startBare(files, { isPinned })),
  stack.use(await startSallyport(files, { isPinned })),
  stack.use(await startSallyport(files, { isPinned, webhooks: 'bench/many-webhooks', name: 'sallyport with 16' })),
  stack.use(await startControllerRuntime(files, { isPinned })),
];
const contenders = {
  none: { name: 'no webhooks', namespace: 'none', subject: undefined, webhooks: 0 },
  bare: { name: bare.name, namespace: 'bare', subject: bare, webhooks: 1 },
  ours: { name: 'ours', namespace: 'ours', subject: ours, webhooks: 1 },
  many: { name: '16 of ours', namespace: 'many', subject: many, webhooks: 8 },
  controllerRuntime: { name: controllerRuntime.name, namespace: 'go', subject: controllerRuntime, webhooks: 1 },
} satisfies Record<string, Contender>;
type Name = keyof typeof contenders;
const names = Object.keys(contenders) as Name[];

for (const contender of Object.values(contenders)) await register(contender);
for (const name of names) {
  // The API server learns of new configurations within a second or two, and until then calls nobody.
  await untilCalled(contenders[name]);
  await create(contenders[name], 50, warmUpPods);
}
const figures: Figure[] = [];
for (const clients of clientCounts) {
  const runs = Object.fromEntries(names.map((name) => [name, [] as Run[]])) as Record<Name, Run[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) runs[name].push(await create(contenders[name], clients, pods));
  }
  figures.push(...compare(clients, runs));
}
report('apiserver', 'Through a real API server (`npm run bench:apiserver`)', figures, process.argv.includes('--write'));

function compare(clients: number, runs: Record<Name, readonly Run[]>): Figure[] {
  const rate = (name: Name): Rounds => summarise(runs[name].map(({ perSecond }) => perSecond));
  const added = (name: Name, which: 'averageMilliseconds' | 'p95Milliseconds' | 'p99Milliseconds'): Rounds =>
    summarise(runs[name].map((run, round) => run[which] - (runs.none[round]?.[which] ?? NaN)));
  const ratio = (above: Rounds, below: Rounds): Rounds =>
    summarise(above.all.map((value, round) => value / (below.all[round] ?? NaN)));
  const cpu = (...which: Name[]): Record<string, Rounds> =>
    Object.fromEntries(
      which.map((name) => [
        `${contenders[name].name}, µs of CPU for each Pod`,
        summarise(runs[name].map(({ cpuMicroseconds }) => cpuMicroseconds)),
      ]),
    );
  const raw = (...which: Name[]): Record<string, Rounds> =>
    Object.fromEntries(which.map((name) => [`${contenders[name].name} /s`, rate(name)]));
  const latencies = (name: Name): [string, Rounds][] => [
    [`${contenders[name].name} adds, average ms`, added(name, 'averageMilliseconds')],
    [`${contenders[name].name} adds, p95 ms`, added(name, 'p95Milliseconds')],
    [`${contenders[name].name} adds, p99 ms`, added(name, 'p99Milliseconds')],
  ];
  const what = `Pods created a second by ${clients} clients, one mutating and one validating webhook`;
  return [
    {
      what: `${what}: ours ÷ ${bare.name}`,
      wanted: '≥ 0.9',
      ratio: ratio(rate('ours'), rate('bare')),
      raw: { ...raw('none', 'bare', 'ours'), ...cpu('bare', 'ours') },
    },
    {
      what: `${what}: ours ÷ ${controllerRuntime.name}`,
      wanted: '≥ 1.3',
      ratio: ratio(rate('ours'), rate('controllerRuntime')),
      raw: { ...raw('controllerRuntime'), ...cpu('controllerRuntime') },
    },
    {
      what: `Pods created a second by ${clients} clients: 8 mutating and 8 validating webhooks of ours ÷ one of each`,
      wanted: 'told',
      ratio: ratio(rate('many'), rate('ours')),
      raw: raw('many'),
    },
    {
      what: `latency added on the average at ${clients} clients: ours ÷ ${controllerRuntime.name}`,
      wanted: 'told',
      ratio: ratio(added('ours', 'averageMilliseconds'), added('controllerRuntime', 'averageMilliseconds')),
      raw: {
        [`${contenders.none.name}, average ms`]: summarise(runs.none.map((run) => run.averageMilliseconds)),
        ...Object.fromEntries((['bare', 'ours', 'controllerRuntime', 'many'] as const).flatMap(latencies)),
      },
    },
  ];
}
