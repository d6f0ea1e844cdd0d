import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { podSecurityCases, type RequestCase } from './cases.ts';
import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import type { StatusDetails } from '../../../src/api/status.ts';
import { AdmissionChain, InMemoryClusterState, ResourceCatalog, type Outcome } from '../../../src/chain/index.ts';
import { podSecurityPlugin, type PodSecurityConfiguration } from '../../../src/chain/plugins/pod-security/index.ts';
import { readExactJson, type JsonObject } from '../../../src/json/index.ts';

/*
 * What tools/control-plane/cmd/golden-pod-security writes.
 */
type Level = 'baseline' | 'restricted';
type ByLevel<Value> = { readonly [level in Level]?: Value };

/** Holds from version `since` on, until the next one. Both texts are empty for an allowed Pod. */
interface Judgement {
  readonly since: string;
  readonly reason: string;
  readonly detail: string;
}

interface Fixture {
  readonly check: string;
  readonly pass: ByLevel<readonly string[]>;
  readonly fail: ByLevel<readonly string[]>;
  readonly pod: KubernetesObject;
  readonly judgements: ByLevel<readonly Judgement[]>;
}

interface RequestOutcome {
  readonly status: {
    readonly code: number;
    readonly reason: string;
    readonly message: string;
    readonly details: StatusDetails;
  } | null;
  readonly warnings: readonly string[];
  readonly auditAnnotations: { readonly [key: string]: string } | null;
}

const { source, fixtures } = read('fixtures.json') as { source: string; fixtures: readonly Fixture[] };
const outcomes = read('outcomes.json') as {
  readonly source: string;
  readonly cases: string;
  readonly pods: readonly Fixture['judgements'][];
  readonly requests: readonly RequestOutcome[];
  readonly configurations: readonly string[];
};
const cases = podSecurityCases();
const levels = ['baseline', 'restricted'] as const;
/** Those of the fixtures, one to come, and the one without a number. */
const versions = [...Array.from({ length: 39 }, (_, minor) => `v1.${minor}`), 'latest'];

test('the record belongs to these cases and this release', () => {
  expect(source).toBe('k8s.io/pod-security-admission v0.37.2');
  expect(outcomes.source).toBe(source);
  expect(outcomes.cases).toBe(createHash('sha256').update(JSON.stringify(cases)).digest('hex'));
  expect(outcomes.pods).toHaveLength(cases.pods.length);
  expect(outcomes.requests).toHaveLength(cases.requests.length);
  expect(outcomes.configurations).toHaveLength(cases.configurations.length);
});

describe('fixtures of the module', () => {
  const expected = fixtures.flatMap((fixture) =>
    (['pass', 'fail'] as const).flatMap((outcome) =>
      levels.flatMap((level) =>
        (fixture[outcome][level] ?? []).map((version) => ({ ...fixture, level, version, outcome })),
      ),
    ),
  );

  test('all are there', () => {
    expect(expected).toHaveLength(4537);
    expect(new Set(fixtures.map(({ check }) => check)).size).toBe(20);
  });

  test.each(levels)('pass and fail %s as they must', async (level) => {
    const disagreements: string[] = [];
    for (const fixture of expected.filter((each) => each.level === level)) {
      const { allowed } = await createIn({ enforce: level, 'enforce-version': fixture.version }, fixture.pod);
      if (allowed !== (fixture.outcome === 'pass')) {
        disagreements.push(`${level}:${fixture.version} ${fixture.pod.metadata?.name}: allowed is ${allowed}`);
      }
    }
    expect(disagreements).toEqual([]);
  });
});

describe.each([
  { title: 'fixtures', judged: fixtures },
  {
    title: 'cases',
    judged: cases.pods.map((pod, index) => ({ pod, judgements: outcomes.pods[index] ?? {} })),
  },
])('$title at every level and version', ({ judged }) => {
  test.each(levels)('are refused with the same text by %s', async (level) => {
    const disagreements: object[] = [];
    for (const { pod, judgements } of judged) {
      for (const version of versions) {
        const detail = judgementAt(judgements[level] ?? [], version)?.detail ?? 'not recorded';
        const expected =
          detail === ''
            ? undefined
            : `pods "${pod.metadata?.name}" is forbidden: violates PodSecurity "${level}:${version}": ${detail}`;
        const { status } = await createIn({ enforce: level, 'enforce-version': version }, pod);
        if (status?.message !== expected) disagreements.push({ pod, version, expected, actual: status?.message });
      }
    }
    expect(disagreements).toEqual([]);
  });

  test.each(levels)('are told to be in a namespace that becomes %s by the same reasons', async (level) => {
    const disagreements: object[] = [];
    for (const { pod, judgements } of judged) {
      for (const { since, reason } of judgements[level] ?? []) {
        const warnings = (await tightened({ enforce: level, 'enforce-version': since }, pod)).warnings;
        const expected =
          reason === ''
            ? []
            : [
                `existing pods in namespace "team" violate the new PodSecurity enforce level "${level}:${since}"`,
                `${pod.metadata?.name}: ${reason}`,
              ];
        if (warnings.join('\n') !== expected.join('\n')) disagreements.push({ pod, since, expected, warnings });
      }
    }
    expect(disagreements).toEqual([]);
  });
});

describe('requests', () => {
  test.each(cases.requests.map((request, index) => ({ ...request, expected: outcomes.requests[index] })))(
    '$title',
    async ({ expected, ...request }) => {
      const { status, warnings, auditAnnotations } = await run(request);
      const { code, reason, message, details } = status ?? {};
      expect(status === undefined ? null : { code, reason, message, details }).toEqual(
        expected?.status == null
          ? null
          : {
              code: expected.status.code,
              reason: expected.status.reason,
              message: expected.status.message,
              details: expected.status.details,
            },
      );
      expect(warnings).toEqual(expected?.warnings);
      const annotations = Object.entries(auditAnnotations).map(([key, { value }]) => [key, value]);
      expect(Object.fromEntries(annotations)).toEqual(expected?.auditAnnotations ?? {});
    },
  );
});

test.each(
  cases.configurations.map((configuration, index) => ({ configuration, text: outcomes.configurations[index] })),
)('the configuration is refused: $text', ({ configuration, text }) => {
  expect(() => podSecurityPlugin(configuration)).toThrow(expect.objectContaining({ message: text }));
});

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
}

function judgementAt(judgements: readonly Judgement[], version: string): Judgement | undefined {
  const index = versions.indexOf(version);
  return judgements.findLast(({ since }) => versions.indexOf(since) <= index);
}

function namespaceWith(labels: { readonly [label: string]: string }): KubernetesObject {
  const prefixed = Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value] as const);
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team', labels: Object.fromEntries(prefixed) } };
}

const podKind = { group: '', version: 'v1', kind: 'Pod' };
const namespaceKind = { ...podKind, kind: 'Namespace' };
const common = { configuration: null, subresource: '', namespace: 'team', user: 'alice' } as const;

function createIn(labels: { readonly [label: string]: string }, pod: KubernetesObject): Promise<Outcome> {
  return run({
    ...common,
    state: [namespaceWith(labels)],
    operation: 'CREATE',
    kind: podKind,
    resource: { group: '', version: 'v1', resource: 'pods' },
    name: pod.metadata?.name ?? '',
    object: pod,
    oldObject: null,
  });
}

function tightened(labels: { readonly [label: string]: string }, pod: KubernetesObject): Promise<Outcome> {
  return run({
    ...common,
    state: [namespaceWith({}), { ...pod, metadata: { ...pod.metadata, namespace: 'team' } }],
    operation: 'UPDATE',
    kind: namespaceKind,
    resource: { group: '', version: 'v1', resource: 'namespaces' },
    name: 'team',
    object: namespaceWith(labels),
    oldObject: namespaceWith({}),
  });
}

const plugins = new Map<PodSecurityConfiguration | null, ReturnType<typeof podSecurityPlugin>>();

function run({
  configuration,
  state,
  object,
  oldObject,
  user,
  ...request
}: Omit<RequestCase, 'title'>): Promise<Outcome> {
  const plugin = plugins.get(configuration) ?? podSecurityPlugin(configuration ?? {});
  plugins.set(configuration, plugin);
  const catalog = new ResourceCatalog();
  const chain = new AdmissionChain({
    plugins: [plugin],
    state: new InMemoryClusterState(state),
    objectInterfaces: (attributes) => catalog.objectInterfaces(attributes.resource),
  });
  return chain.run({
    ...request,
    object: asRead(object),
    oldObject: oldObject === null ? null : asRead(oldObject),
    options: null,
    dryRun: false,
    userInfo: { username: user },
  });
}

/** As the object comes out of a manifest. */
function asRead(object: KubernetesObject): JsonObject {
  // What is written as an object is read as one.
  return readExactJson(JSON.stringify(object)) as JsonObject;
}
