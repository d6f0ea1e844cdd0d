/**
 * What the chain engine costs, as ratios inside one run: `npm run bench:chain`, and with `-- --write` into
 * docs/performance.md. Build first: the start of a command is measured on dist/.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  answerReview,
  defineMutator,
  defineValidator,
  WebhookRegistry,
  type WebhookDefinition,
} from '../src/admission/index.ts';
import type { KubernetesObject } from '../src/api/object-meta.ts';
import { BoolType, compile, createAdmissionEnvironment } from '../src/cel/index.ts';
import {
  AdmissionChain,
  createConditionCompiler,
  evaluateConditions,
  compileMatchConditions,
  InMemoryClusterState,
  mutatingWebhookPlugin,
  noOpinionAuthorizer,
  orderPlugins,
  registerWebhooks,
  ResourceCatalog,
  simulatedPlugins,
  validatingWebhookPlugin,
  type Attributes,
  type WebhookClient,
} from '../src/chain/index.ts';
import type { JsonObject } from '../src/json/index.ts';
import type { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from '../src/api/webhook-configuration.ts';
import { buildConfigurations } from '../src/registrar/index.ts';
import { silentLogger } from '../src/telemetry/index.ts';
import { buildRequest } from '../src/testing/review-builder.ts';
import { encodeReviewRequest } from '../src/admission/index.ts';
import { benchPod } from './pod-review.ts';
import { interleaved, summarise, timePerCall, type Rounds } from './rounds.ts';
import { report, type Figure } from './report.ts';

const root = join(import.meta.dirname, '..');
const rounds = 9;
const podCount = 1000;

function definitions(count: number): WebhookDefinition[] {
  return Array.from({ length: count }, (_, index) => {
    const common = { resource: 'pods', operations: ['CREATE'] } as const;
    return index % 2 === 0
      ? defineMutator({
          ...common,
          name: `mutate-${index}.bench.example.com`,
          handler: ({ object: pod }) => {
            pod.metadata ??= {};
            pod.metadata.labels = { ...pod.metadata.labels, [`bench-${index}`]: 'yes' };
          },
        })
      : defineValidator({
          ...common,
          name: `validate-${index}.bench.example.com`,
          handler: ({ object: pod }) => void pod.spec?.containers.every(({ image }) => image?.startsWith('registry.')),
        });
  });
}

/** Answers by decode → admit → encode in this process, and keeps what it was sent. */
class InProcessClient implements WebhookClient {
  readonly sent: Array<{ readonly definition: WebhookDefinition; readonly text: string }> = [];
  readonly #registry: WebhookRegistry;
  readonly #keeps: boolean;

  constructor(registry: WebhookRegistry, keeps: boolean) {
    this.#registry = registry;
    this.#keeps = keeps;
  }

  async call({ clientConfig, body }: Parameters<WebhookClient['call']>[0], signal: AbortSignal) {
    const definition = this.#registry.byPath(new URL(clientConfig.url ?? '').pathname);
    if (definition === undefined) throw new Error('no such webhook');
    const text = Buffer.from(body).toString();
    if (this.#keeps) this.sent.push({ definition, text });
    return answered(definition, text, signal);
  }
}

async function answered(definition: WebhookDefinition, text: string, signal: AbortSignal) {
  const { httpStatus, body } = await answerReview(definition, text, { signal, log: silentLogger });
  return { status: httpStatus, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) };
}

function makeChain(registry: WebhookRegistry, client: WebhookClient, withPlugins: boolean): AdmissionChain {
  const configurations = buildConfigurations(registry, {
    name: 'bench',
    address: { url: 'https://bench.invalid' },
    caBundle: undefined,
    excludedNamespaces: ['kube-system'],
    labels: {},
  });
  const compiler = createConditionCompiler();
  let uids = 0;
  const caller = { client, newUid: () => `uid-${(uids += 1)}` };
  const of = <Configuration>(kind: string): Configuration[] =>
    configurations.filter((each) => each.kind === kind) as Configuration[];
  const webhookPlugins = [
    mutatingWebhookPlugin({
      ...caller,
      webhooks: registerWebhooks(of<MutatingWebhookConfiguration>('MutatingWebhookConfiguration'), compiler),
    }),
    validatingWebhookPlugin({
      ...caller,
      webhooks: registerWebhooks(of<ValidatingWebhookConfiguration>('ValidatingWebhookConfiguration'), compiler),
    }),
  ];
  const state: KubernetesObject[] = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } },
  ];
  const catalog = new ResourceCatalog();
  return new AdmissionChain({
    plugins: withPlugins ? orderPlugins([...simulatedPlugins, ...webhookPlugins]) : webhookPlugins,
    state: new InMemoryClusterState(state),
    objectInterfaces: ({ resource }) => catalog.objectInterfaces(resource),
  });
}

function attributes(index: number): Attributes {
  return {
    operation: 'CREATE',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    subresource: '',
    name: `shop-${index}`,
    namespace: 'default',
    object: benchPod(index) as unknown as JsonObject,
    oldObject: null,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    dryRun: false,
    userInfo: { username: 'kubernetes-admin', groups: ['system:masters'] },
  };
}

/**
 * Own cost of the engine against decode → admit → encode, per webhook call: the same reviews that the chain sends are
 * answered once more without it, and what the chain takes beyond that is its own. Once with the webhooks alone, once with
 * the default plug-ins, whose work is then counted as the engine's too.
 */
async function engineCost(): Promise<Figure[]> {
  const registry = new WebhookRegistry(definitions(20));
  const signal = new AbortController().signal;
  const chains = {
    alone: makeChain(registry, new InProcessClient(registry, false), false),
    whole: makeChain(registry, new InProcessClient(registry, false), true),
  };
  const recorder = new InProcessClient(registry, true);
  const { allowed, status } = await makeChain(registry, recorder, false).run(attributes(0));
  if (!allowed) throw new Error(status?.message);
  const { sent } = recorder;
  const run = async (chain: AdmissionChain): Promise<number> => {
    const pods = Array.from({ length: podCount }, (_, index) => attributes(index));
    const start = performance.now();
    for (const pod of pods) await chain.run(pod);
    return ((performance.now() - start) * 1000) / podCount / sent.length;
  };
  const figures = await interleaved(rounds, {
    alone: () => run(chains.alone),
    whole: () => run(chains.whole),
    webhooks: async () => {
      const start = performance.now();
      for (let pod = 0; pod < podCount; pod += 1) {
        for (const { definition, text } of sent) await answered(definition, text, signal);
      }
      return ((performance.now() - start) * 1000) / podCount / sent.length;
    },
  });
  const figure = (what: string, wanted: string, all: readonly number[]): Figure => {
    const own = all.map((value, round) => value - (figures.webhooks.all[round] ?? NaN));
    return {
      what,
      wanted,
      ratio: summarise(own.map((value, round) => value / (figures.webhooks.all[round] ?? NaN))),
      raw: {
        'own µs': summarise(own),
        'decode → admit → encode µs': figures.webhooks,
        'one Pod, all of it, µs': summarise(all.map((value) => value * sent.length)),
      },
    };
  };
  const each = `${podCount} Pods, ${sent.length} webhook calls each`;
  return [
    figure(
      `engine's own cost for one in-process webhook ÷ decode → admit → encode of that webhook (${each})`,
      '≤ 1',
      figures.alone.all,
    ),
    figure(
      `the same with the work of all default plug-ins counted as the engine's (${each})`,
      'told',
      figures.whole.all,
    ),
  ];
}

async function conditionCost(): Promise<Figure[]> {
  const expression = 'request.userInfo.username.startsWith("system:node:")';
  const compiled = compile(expression, createAdmissionEnvironment(), { resultType: BoolType });
  if (!compiled.ok) throw new Error(compiled.message);
  const text = encodeReviewRequest('v1', buildRequest(benchPod()));
  const conditions = compileMatchConditions([{ name: 'nodes', expression }], createConditionCompiler());
  const request = { userInfo: { username: 'system:node:worker-1', groups: ['system:nodes'] } };
  const object = benchPod() as unknown as JsonObject;
  const variables = { request, object, oldObject: null, authorizer: noOpinionAuthorizer };
  const figures = await interleaved(rounds, {
    condition: () => timePerCall(20_000, () => evaluateConditions(conditions, variables, 'Fail')),
    parse: () => timePerCall(2_000, () => JSON.parse(text) as unknown),
  });
  return [
    {
      what: `the condition \`${expression}\`, parsed once ÷ \`JSON.parse\` of a review of ${(text.length / 1024).toFixed(1)} KB`,
      wanted: '≤ 0.05',
      ratio: summarise(figures.condition.all.map((value, round) => value / (figures.parse.all[round] ?? NaN))),
      raw: { 'condition µs': figures.condition, 'JSON.parse µs': figures.parse },
    },
  ];
}

function start(...args: string[]): number {
  const began = performance.now();
  spawnSync(process.execPath, args, { cwd: root });
  return performance.now() - began;
}

async function startCost(): Promise<Figure[]> {
  const main = 'dist/cli/main.js';
  if (!existsSync(join(root, main))) throw new Error('dist/ is missing: run `npm run build` first');
  const file = 'examples/getting-started/manifests/pod-without-resources.yaml';
  // Once before, so that compiled code is in Node's cache, as it is for everybody from the second start on.
  start(main, 'review', '-f', file);
  const figures: Record<'review' | 'bare', Rounds> = await interleaved(25, {
    bare: () => start('-e', '0'),
    review: () => start(main, 'review', '-f', file),
  });
  return [
    {
      what: '`sallyport review` of one file ÷ start of bare `node -e 0`',
      wanted: '≤ 3',
      ratio: summarise(figures.review.all.map((value, round) => value / (figures.bare.all[round] ?? NaN))),
      raw: { 'review ms': figures.review, 'node -e 0 ms': figures.bare },
    },
  ];
}

const figures = [...(await startCost()), ...(await conditionCost()), ...(await engineCost())];
report('chain', 'The chain engine (`npm run bench:chain`)', figures, process.argv.includes('--write'));
