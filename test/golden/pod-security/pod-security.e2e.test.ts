import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import { AdmissionChain, InMemoryClusterState, ResourceCatalog } from '../../../src/chain/index.ts';
import { podSecurityPlugin } from '../../../src/chain/plugins/pod-security/index.ts';
import type { JsonObject } from '../../../src/json/index.ts';
import { ControlPlane } from '../../../src/testing/control-plane/index.ts';
import { ApiSession } from '../../../tools/golden/api-session.ts';

/*
 * The module's fixtures go to a real kube-apiserver, which reads, defaults and prepares them before its plug-in sees them,
 * and to ours, which sees manifests: refusals and warnings must be the same.
 */

type ByLevel = { readonly [level: string]: readonly string[] };
interface Fixture {
  readonly pass: ByLevel;
  readonly fail: ByLevel;
  readonly pod: KubernetesObject & { readonly spec: JsonObject };
}

const { fixtures } = JSON.parse(readFileSync(new URL('fixtures.json', import.meta.url), 'utf8')) as {
  readonly fixtures: readonly Fixture[];
};

/** Each Pod at the first and the last version at which it must pass or fail a level. */
const creations = fixtures.flatMap(({ pass, fail, pod }) =>
  [pass, fail].flatMap((byLevel) =>
    Object.entries(byLevel).flatMap(([level, versions]) =>
      [...new Set([versions[0], versions.at(-1)])].flatMap((version) =>
        version === undefined ? [] : [{ pod, namespace: namespaceFor(level, version) }],
      ),
    ),
  ),
);

let plane: ControlPlane;
let session: ApiSession;

beforeAll(async () => {
  plane = await ControlPlane.start();
  session = new ApiSession(plane);
  const namespaces = new Map(creations.map(({ namespace }) => [namespace.metadata.name, namespace]));
  for (const body of namespaces.values()) await session.expect({ method: 'POST', path: '/api/v1/namespaces', body });
});

afterAll(async () => {
  session?.close();
  await plane?.stop();
});

test('Pods are refused in the same words', async () => {
  await compare(creations, 'pods', '/api/v1', (pod, namespace) => ({
    ...pod,
    metadata: { ...pod.metadata, name: 'web', namespace },
  }));
});

test('Deployments of them are warned about in the same words', async () => {
  await compare(creations, 'deployments', '/apis/apps/v1', ({ metadata = {}, spec }, namespace) => {
    const labels = { app: 'web' };
    const template = { metadata: { ...metadata, labels }, spec };
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace },
      ...{ spec: { selector: { matchLabels: labels }, template } },
    };
  });
});

type Namespace = ReturnType<typeof namespaceFor>;

function namespaceFor(level: string, version: string) {
  const prefix = 'pod-security.kubernetes.io';
  const labels = { [`${prefix}/enforce`]: level, [`${prefix}/enforce-version`]: version };
  const name = `${level}-${version.replaceAll('.', '-')}`;
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

async function compare(
  tried: readonly { readonly pod: Fixture['pod']; readonly namespace: Namespace }[],
  resource: string,
  root: string,
  objectOf: (pod: Fixture['pod'], namespace: string) => KubernetesObject,
): Promise<void> {
  const disagreements: object[] = [];
  let compared = 0;
  for (const { pod, namespace } of tried) {
    const name = namespace.metadata.name;
    // Objects of the fixtures are JSON.
    const object = objectOf(pod, name) as JsonObject;
    const path = `${root}/namespaces/${name}/${resource}`;
    const answer = await session.send({ method: 'POST', path, query: { dryRun: 'All' }, body: object });
    // Some Pods that must fail are no valid Pods either, which is found out before the plug-in is asked.
    if (answer.code === 422) continue;
    const theirs = {
      refusal: answer.code < 300 ? undefined : answer.body['message'],
      warnings: answer.warnings.filter((warning) => warning.startsWith('would violate')),
    };
    const ours = await admit(object, resource, namespace);
    compared += 1;
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) disagreements.push({ name, pod, ours, theirs });
  }
  expect(compared).toBe(750);
  expect(disagreements).toEqual([]);
}

async function admit(object: JsonObject, resource: string, namespace: Namespace) {
  const catalog = new ResourceCatalog();
  const chain = new AdmissionChain({
    plugins: [podSecurityPlugin()],
    state: new InMemoryClusterState([namespace]),
    objectInterfaces: (attributes) => catalog.objectInterfaces(attributes.resource),
  });
  const group = resource === 'pods' ? '' : 'apps';
  const { status, warnings } = await chain.run({
    operation: 'CREATE',
    kind: { group, version: 'v1', kind: resource === 'pods' ? 'Pod' : 'Deployment' },
    resource: { group, version: 'v1', resource },
    subresource: '',
    name: 'web',
    namespace: namespace.metadata.name,
    object,
    oldObject: null,
    options: null,
    dryRun: true,
    userInfo: { username: 'admin' },
  });
  return { refusal: status?.message, warnings };
}
