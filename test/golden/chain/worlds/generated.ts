import type {
  LabelSelector,
  MatchCondition,
  MutatingWebhook,
  RuleWithOperations,
} from '../../../../src/api/webhook-configuration.ts';
import type { UserInfo } from '../../../../src/api/admission-review.ts';
import type { Behaviour } from '../behaviour.ts';
import { clusterWidgets, goldenGroup, namespaces, widgetVersions } from '../cluster.ts';
import { defaultUser, type RequestSpec, type World } from '../scenario.ts';
import {
  allow,
  behaviours,
  configMap,
  configMaps,
  create,
  custom,
  deny,
  mutates,
  mutating,
  patch,
  patches,
  patchText,
  remove,
  request,
  scale,
  sets,
  update,
  validating,
  webhook,
} from './build.ts';

/**
 * Worlds made at random over rules, selectors, conditions, orders, reinvocation and failure policies; always the same
 * ones, since the seed is fixed.
 *
 * What a real API server leaves to chance is kept out: of the validating webhooks of a world, which are called at once,
 * at most one refuses and at most one warns.
 */
export function generatedWorlds(count: number, seed: number): World[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, index) => world(`generated-${index}`, random));
}

/** Numbers that only look random. Source: mulberry32, public domain. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  integer(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.integer(0, items.length - 1)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** Some of `items`, at least one, in their order. */
  some<Item>(items: readonly Item[]): Item[] {
    const chosen = items.filter(() => this.chance(0.4));
    return chosen.length > 0 ? chosen : [this.pick(items)];
  }
}

const labelValues = ['red', 'blue', 'green'];
const labelKeys = ['colour', 'shade'];

function world(name: string, random: Random): World {
  const mutatingNames = Array.from({ length: random.integer(1, 5) }, (_, index) => `m${index}`);
  const validatingNames = Array.from({ length: random.integer(0, 4) }, (_, index) => `v${index}`);
  const refusing = random.chance(0.5) ? random.pick(['none', ...validatingNames]) : 'none';
  const warning = random.pick(['none', ...validatingNames]);
  const byName: { [name: string]: Behaviour } = {};
  for (const each of mutatingNames) byName[each] = mutatingBehaviour(random, each);
  for (const each of validatingNames) byName[each] = validatingBehaviour(random, each === refusing, each === warning);
  const hook = (each: string): MutatingWebhook =>
    generatedHook(random, each, validatingNames.includes(each) && each !== refusing);
  return {
    name,
    about: 'made at random',
    mutating: split(random, mutatingNames).map((names, index) =>
      mutating(
        `${name}-${random.pick(['a', 'b', 'c', '0', 'b.c'])}${index}`,
        names.map((each) => ({ ...hook(each), reinvocationPolicy: random.pick(['Never', 'IfNeeded', 'IfNeeded']) })),
      ),
    ),
    validating: split(random, validatingNames).map((names, index) =>
      validating(`${name}-${random.pick(['a', 'b', 'c', '0', 'b.c'])}${index}`, names.map(hook)),
    ),
    behaviours: behaviours(byName),
    requests: Array.from({ length: 5 }, (_, index) => generatedRequest(random, `${name}-${index}`)),
  };
}

/** `items` in one, two or three groups. */
function split<Item>(random: Random, items: readonly Item[]): Item[][] {
  const groups: Item[][] = [[], [], []];
  for (const item of items) random.pick(groups).push(item);
  return groups.filter((group) => group.length > 0);
}

function generatedHook(random: Random, name: string, mayOnlyIgnore: boolean): MutatingWebhook {
  return webhook(name, {
    rules: Array.from({ length: random.integer(1, 2) }, () => generatedRule(random)),
    failurePolicy: mayOnlyIgnore ? 'Ignore' : random.pick(['Fail', 'Ignore']),
    matchPolicy: random.pick(['Exact', 'Equivalent', 'Equivalent']),
    ...(random.chance(0.3)
      ? {
          namespaceSelector: selector(
            random,
            ['env', 'team', 'kubernetes.io/metadata.name'],
            ['prod', 'dev', 'a', 'b', 'plain'],
          ),
        }
      : {}),
    ...(random.chance(0.4) ? { objectSelector: selector(random, labelKeys, labelValues) } : {}),
    ...(random.chance(0.3) ? { matchConditions: generatedConditions(random) } : {}),
    sideEffects: random.pick(['None', 'NoneOnDryRun']),
    admissionReviewVersions: random.pick([['v1'], ['v1', 'v1beta1'], ['v1beta1'], ['v2', 'v1']]),
  });
}

function generatedRule(random: Random): RuleWithOperations {
  return {
    operations: random.chance(0.5) ? ['*'] : random.some(['CREATE', 'UPDATE', 'DELETE']),
    apiGroups: random.pick([[goldenGroup], [goldenGroup], ['*'], ['', goldenGroup], ['apps']]),
    apiVersions: random.pick([['*'], ['v1'], ['v1beta1'], ['v1alpha1'], ['v1alpha1', 'v1beta1'], ['v2']]),
    resources: random.pick([
      ['widgets'],
      ['widgets'],
      ['*'],
      ['*/*'],
      ['widgets/*'],
      ['widgets', 'widgets/scale'],
      ['*/scale'],
      ['configmaps', 'clusterwidgets'],
    ]),
    ...(random.chance(0.3) ? { scope: random.pick(['*', 'Namespaced', 'Cluster'] as const) } : {}),
  };
}

function selector(random: Random, keys: readonly string[], values: readonly string[]): LabelSelector {
  const key = random.pick(keys);
  if (random.chance(0.3)) return { matchLabels: { [key]: random.pick(values) } };
  const operator = random.pick(['In', 'NotIn', 'Exists', 'DoesNotExist'] as const);
  const wanted = operator === 'In' || operator === 'NotIn' ? { values: random.some(values) } : {};
  const own: LabelSelector = { matchExpressions: [{ key, operator, ...wanted }] };
  return random.chance(0.2) ? { ...own, matchLabels: { [random.pick(keys)]: random.pick(values) } } : own;
}

const expressions = [
  'true',
  "request.operation == 'CREATE'",
  "request.operation != 'DELETE'",
  "request.userInfo.username == 'alice'",
  "request.userInfo.username.startsWith('system:')",
  "has(request.namespace) && request.namespace == 'prod'",
  '!has(request.subResource)',
  'object != null && has(object.spec)',
  'object != null && has(object.spec.order)',
  'oldObject == null',
  'request.dryRun == false',
  'object.spec.count > 1',
  'object.spec.nothing == 1',
  "object == null || !has(object.metadata.labels) || !('colour' in object.metadata.labels)",
  "request.kind.version == 'v1beta1'",
];

function generatedConditions(random: Random): MatchCondition[] {
  return Array.from({ length: random.integer(1, 3) }, (_, index) => ({
    name: `c${index}`,
    expression: random.pick(expressions),
  }));
}

/**
 * Only widgets are changed: of a built-in kind the API server drops fields that its Go type has not, which the engine does
 * not.
 */
const aWidget = { present: '/spec/flavour' } as const;

function mutatingBehaviour(random: Random, name: string): Behaviour {
  const change = random.integer(0, 11);
  const base = ((): Behaviour => {
    switch (change) {
      case 0:
      case 1:
        return mutates(
          { when: [aWidget, { absent: '/spec/order' }], operations: [sets('order', [name])] },
          {
            when: [aWidget, { present: '/spec/order' }],
            operations: [{ op: 'add', path: '/spec/order/-', value: name }],
          },
        );
      case 2:
      case 3:
        return mutates({ when: [aWidget, { absent: `/spec/${name}` }], operations: [sets(name, true)] });
      case 4:
        return mutates(
          {
            when: [aWidget, { absent: '/metadata/labels' }],
            operations: [{ op: 'add', path: '/metadata/labels', value: { colour: random.pick(labelValues) } }],
          },
          {
            when: [aWidget, { present: '/metadata/labels' }],
            operations: [{ op: 'add', path: '/metadata/labels/colour', value: random.pick(labelValues) }],
          },
        );
      case 5:
        return mutates({
          when: [aWidget, { present: '/metadata/labels' }],
          operations: [{ op: 'remove', path: '/metadata/labels' }],
        });
      case 6:
        return mutates({
          when: [aWidget],
          operations: [{ op: 'replace', path: '/spec/flavour', value: random.pick(['plain', 'sweet']) }],
        });
      case 7:
        return deny({ message: `${name} says no`, code: random.pick([400, 403, 422]) });
      case 8:
        return random.pick<Behaviour>([
          { kind: 'raw', status: 500 },
          { kind: 'raw', body: 'not json' },
          { kind: 'answer', response: { uid: 'wrong' } },
          { kind: 'drop' },
        ]);
      case 9:
        return { kind: 'sequence', steps: [allow, mutates({ when: [aWidget], operations: [sets('late', name)] })] };
      case 10:
        return random.pick<Behaviour>([
          patchText('[]'),
          patchText('{}'),
          patches({ op: 'remove', path: '/spec/missing' }),
          patches({ op: 'test', path: '/spec/flavour', value: 'plain' }),
        ]);
      default:
        return allow;
    }
  })();
  if (base.kind !== 'mutate' && base !== allow) return base;
  const response = {
    ...(random.chance(0.2) ? { warnings: [random.pick(['careful', `${name} was here`])] } : {}),
    ...(random.chance(0.2) ? { auditAnnotations: { by: random.pick([name, 'x']) } } : {}),
  };
  return base.kind === 'mutate' ? { ...base, response } : { kind: 'answer', response };
}

function validatingBehaviour(random: Random, refuses: boolean, warns: boolean): Behaviour {
  if (refuses) {
    return random.pick<Behaviour>([
      deny({ message: 'not like this', reason: 'Forbidden', code: 403 }),
      deny(),
      { kind: 'raw', status: 500 },
      { kind: 'answer', response: { patch: 'W10=', patchType: 'JSONPatch' } },
    ]);
  }
  const response = {
    ...(warns ? { warnings: ['validated'] } : {}),
    ...(random.chance(0.2) ? { auditAnnotations: { ok: 'yes' } } : {}),
  };
  return random.pick<Behaviour>([
    { kind: 'answer', response },
    { kind: 'answer', response },
    { kind: 'raw', status: 503 },
  ]);
}

const users: readonly UserInfo[] = [
  defaultUser,
  { username: 'bob', groups: ['system:masters', 'system:authenticated'] },
  {
    username: 'system:serviceaccount:dev:robot',
    uid: '9',
    groups: ['system:masters', 'system:authenticated'],
    extra: { scope: ['x'] },
  },
];

function generatedRequest(random: Random, name: string): RequestSpec {
  const user = random.pick(users);
  const labels = () => (random.chance(0.5) ? { labels: { [random.pick(labelKeys)]: random.pick(labelValues) } } : {});
  const facts = {
    namespace: random.pick(namespaces).metadata?.name ?? 'plain',
    version: random.pick([...widgetVersions, 'v1'] as const),
    spec: { count: random.integer(0, 3) },
    ...labels(),
    stored: { spec: { count: random.integer(0, 3) }, ...labels() },
    dryRun: random.chance(0.15),
    user,
  };
  const common = { dryRun: facts.dryRun, user };
  switch (random.integer(0, 11)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return create(name, facts);
    case 4:
    case 5:
      return update(name, facts);
    case 6:
      return patch(
        name,
        {
          spec: { count: random.integer(0, 3) },
          metadata: { labels: { [random.pick(labelKeys)]: random.pick([...labelValues, null]) } },
        },
        facts,
      );
    case 7:
    case 8:
      return remove(name, facts);
    case 9:
      return scale(name, random.integer(1, 4), facts);
    case 10:
      return request(name, 'create', clusterWidgets, { ...common, body: custom('ClusterWidget', name, facts.labels) });
    default:
      return request(name, 'create', configMaps, {
        ...common,
        namespace: facts.namespace,
        body: configMap(name, facts.labels),
      });
  }
}
