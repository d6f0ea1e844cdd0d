import { describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../api/object-meta.ts';
import { systemClock } from '../../../telemetry/index.ts';
import { AdmissionChain, InMemoryClusterState, ResourceCatalog, type Outcome } from '../../index.ts';
import { podSecurityPlugin } from './index.ts';
import { runPlugin, summaryOf, testNamespace } from '../../../../test/run-plugin.ts';

/*
 * What it says of Pods, namespaces and workloads is held against the API server's own plug-in in test/golden/pod-security.
 * Here is what that one never meets, or meets only after a while.
 */

const plugin = podSecurityPlugin();
const restricted = namespace('restricted');

function namespace(level: string): KubernetesObject {
  const labels = { 'pod-security.kubernetes.io/enforce': level };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: testNamespace, labels } };
}

function pod(spec: unknown, name = 'web', uid?: string): KubernetesObject {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', controller: true };
  const ownerReferences = uid === undefined ? [] : [{ ...owner, uid }];
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: testNamespace, ownerReferences } },
    ...{ spec },
  };
}

describe('podSecurityPlugin(), objects that the API server could not have read', () => {
  const undecodable: readonly [unknown, string][] = [
    [{ containers: 'web' }, 'spec.containers must be a list'],
    [{ containers: [7] }, 'spec.containers[0] must be an object'],
    [[], 'spec must be an object'],
    [{ hostPID: 'true' }, 'spec.hostPID must be a boolean'],
    [{ hostUsers: 'false' }, 'spec.hostUsers must be a boolean'],
    [{ volumes: [{ secret: 'x' }] }, 'spec.volumes[0].secret must be an object'],
    [{ securityContext: { runAsUser: 0.5 } }, 'spec.securityContext.runAsUser must be an integer'],
    [{ securityContext: { runAsUser: '0' } }, 'spec.securityContext.runAsUser must be an integer'],
    [{ os: { name: 1 }, hostIPC: 1 }, 'spec.hostIPC must be a boolean, spec.os.name must be a string'],
  ];

  test.each(undecodable)('a Pod of spec %j is refused', async (spec, problem) => {
    const outcome = await runPlugin(plugin, { object: pod(spec), cluster: [restricted] });
    expect(outcome.status).toMatchObject({
      code: 400,
      reason: 'BadRequest',
      message: 'failed to decode object',
      details: { name: 'web', kind: 'pods' },
    });
    expect(outcome.auditAnnotations).toEqual({
      'pod-security.kubernetes.io/error': { value: `failed to decode object: ${problem}`, level: 'Metadata' },
    });
  });

  test('so is an update of such a Pod', async () => {
    const request = { object: pod({}), oldObject: pod([]), cluster: [restricted] };
    const outcome = await runPlugin(plugin, request);
    expect(summaryOf(outcome, request.object)).toBe('400 BadRequest: failed to decode old object');
  });

  test('and what is no Pod on a subresource of Pods', async () => {
    const catalog = new ResourceCatalog();
    const chain = new AdmissionChain({
      plugins: [plugin],
      state: new InMemoryClusterState([restricted]),
      objectInterfaces: ({ resource }) => catalog.objectInterfaces(resource),
    });
    const outcome = await chain.run({
      operation: 'UPDATE',
      kind: { group: '', version: 'v1', kind: 'Other' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      subresource: 'unheard-of',
      name: 'web',
      namespace: testNamespace,
      object: { apiVersion: 'v1', kind: 'Other' },
      oldObject: null,
      options: null,
      dryRun: false,
      userInfo: {},
    });
    expect(outcome.status?.message).toBe('failed to decode object');
  });

  test('a Namespace is refused, old or new', async () => {
    const broken = { ...restricted, metadata: 'team' } as unknown as KubernetesObject;
    expect(summaryOf(await runPlugin(plugin, { object: broken }), broken)).toBe(
      '400 BadRequest: failed to decode object',
    );
    expect(summaryOf(await runPlugin(plugin, { object: restricted, oldObject: broken }), restricted)).toBe(
      '400 BadRequest: failed to decode  old object',
    );
  });

  test('a workload is let through with a note', async () => {
    const spec = { template: { spec: { containers: {} } } };
    const object = { ...pod(spec), apiVersion: 'apps/v1', kind: 'Deployment' };
    const outcome = await runPlugin(plugin, { object, cluster: [restricted] });
    expect(outcome).toMatchObject({ allowed: true, warnings: [] });
    expect(outcome.auditAnnotations['pod-security.kubernetes.io/error']?.value).toBe(
      'failed to decode object: spec.template.spec.containers must be a list',
    );
  });

  test('a namespace of the cluster lets no Pod in', async () => {
    const broken = { ...namespace('privileged'), metadata: { name: testNamespace, labels: { team: 7 } } };
    const cluster = [broken as unknown as KubernetesObject];
    const outcome = await runPlugin(plugin, { object: pod({}), cluster });
    expect(outcome.status?.message).toBe(`Internal error occurred: failed to lookup namespace "${testNamespace}"`);
    expect(outcome.auditAnnotations['pod-security.kubernetes.io/error']?.value).toMatch(
      /: metadata.labels\[team\] must be a string$/,
    );
  });

  test('a Pod of the cluster is said to be unknown', async () => {
    const { warnings } = await tighten([pod({}), pod([], 'broken')]);
    expect(warnings).toEqual(['failed to list pods while checking new PodSecurity enforce level']);
  });
});

describe('podSecurityPlugin(), a namespace with many Pods', () => {
  const privileged = { containers: [{ name: 'web', securityContext: { privileged: true } }] };
  const many = (count: number): KubernetesObject[] =>
    Array.from({ length: count }, (_, index) => pod(privileged, `pod-${String(index).padStart(5, '0')}`));

  test('looks at 3000 of them', async () => {
    expect((await tighten(many(3000))).warnings).toEqual([
      'existing pods in namespace "team" violate the new PodSecurity enforce level "baseline:latest"',
      'pod-00000 (and 2999 other pods): privileged',
    ]);
    expect((await tighten(many(3001))).warnings).toEqual([
      'new PodSecurity enforce level only checked against the first 3000 of 3001 existing pods',
      'existing pods in namespace "team" violate the new PodSecurity enforce level "baseline:latest"',
      'pod-00000 (and 2999 other pods): privileged',
    ]);
  });

  test('takes one of each controller before further ones', async () => {
    const replicas = Array.from({ length: 3000 }, (_, index) => pod({}, `a-${index}`, 'a'));
    const { warnings } = await tighten([...replicas, pod(privileged, 'z', 'z')]);
    expect(warnings).toContain('z: privileged');
  });

  test('looks at them for a second', async () => {
    // Each look at this clock takes 100 ms.
    let now = 0;
    const clock = { ...systemClock, monotonic: () => (now += 100), after: () => () => undefined };
    const { warnings } = await tighten(many(50), { clock });
    expect(warnings[0]).toBe('new PodSecurity enforce level only checked against the first 10 of 50 existing pods');
  });

  test('and for half of the time that the request has', async () => {
    let now = 0;
    const clock = { ...systemClock, monotonic: () => (now += 1), after: () => () => undefined };
    const { warnings } = await tighten(many(50), { clock, requestTimeoutSeconds: 0.04 });
    expect(warnings[0]).toMatch(/^new PodSecurity enforce level only checked against the first (1\d|20) of 50/);
  });
});

/** Makes the namespace of these Pods baseline. */
async function tighten(
  pods: readonly KubernetesObject[],
  options: Partial<ConstructorParameters<typeof AdmissionChain>[0]> = {},
): Promise<Outcome> {
  const catalog = new ResourceCatalog();
  const chain = new AdmissionChain({
    plugins: [plugin],
    state: new InMemoryClusterState([namespace('privileged'), ...pods]),
    objectInterfaces: ({ resource }) => catalog.objectInterfaces(resource),
    ...options,
  });
  const labels = (level: string) => ({ 'pod-security.kubernetes.io/enforce': level });
  return chain.run({
    operation: 'UPDATE',
    kind: { group: '', version: 'v1', kind: 'Namespace' },
    resource: { group: '', version: 'v1', resource: 'namespaces' },
    subresource: '',
    name: testNamespace,
    namespace: testNamespace,
    object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: testNamespace, labels: labels('baseline') } },
    oldObject: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: testNamespace, labels: labels('privileged') } },
    options: null,
    dryRun: false,
    userInfo: {},
  });
}
