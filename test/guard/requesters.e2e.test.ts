import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/api/object-meta.ts';
import { GuardPlane, object, podLabels, podSpec, until } from './guard-plane.ts';

/** Who makes Pods leave, each the real one, and what becomes of it. */

let guard: GuardPlane;
/** A Pod on a node that is taken away at the beginning: PodGC waits for 40 s before it acts, and looks every 20 s. */
let orphaned: string;
beforeAll(async () => {
  guard = await GuardPlane.start({
    controllers: [
      'deployment',
      'replicaset',
      'garbagecollector',
      'namespace',
      'podgc',
      'nodelifecycle',
      'taint-eviction-controller',
    ],
    nodes: ['n1', 'n2', 'n3'],
  });
  orphaned = await guard.guarded();
  await guard.create(podOn('n3', orphaned, 'left'));
  await guard.running(orphaned, 'left');
  await guard.kubelet.removeNode('n3');
}, 120_000);
afterAll(() => guard.stop());

function podOn(node: string, namespace: string, name: string): KubernetesObject {
  const nodeSelector = { 'kubernetes.io/hostname': node };
  return object('v1', 'Pod', { namespace, name, labels: podLabels }, { spec: { ...podSpec, nodeSelector } });
}

function deployment(namespace: string, name: string): KubernetesObject {
  const labels = { ...podLabels, app: name };
  const spec = {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels }, spec: { ...podSpec, nodeSelector: { 'kubernetes.io/hostname': 'n1' } } },
  };
  return object('apps/v1', 'Deployment', { namespace, name }, { spec });
}

async function podOfDeployment(namespace: string, name: string): Promise<string> {
  await guard.create(deployment(namespace, name));
  const pod = await until(`a Pod of ${name}`, async () =>
    (await guard.podsOf(namespace)).find((each) => each.metadata?.labels?.['app'] === name),
  );
  const podName = pod.metadata?.name ?? '';
  await guard.running(namespace, podName);
  return podName;
}

/** Deletes that were refused, in the whole cluster. */
const refusals = (): number =>
  guard.replicas
    .flatMap(({ requests }) => requests)
    .filter(
      ({ webhook, outcome, dryRun }) => webhook === 'delete.guard.sallyport.dev' && outcome === 'denied' && !dryRun,
    ).length;

it('20: taint eviction asks five times and forgets; the guard deletes the Pod when its clean-up is done', async () => {
  const namespace = await guard.guarded();
  await guard.create(podOn('n2', namespace, 'db'));
  await guard.running(namespace, 'db');
  const before = refusals();
  await guard.ok('taint', 'node', 'n2', 'maintenance=now:NoExecute');
  await until('it is held', async () => (await guard.phase(namespace, 'db')) === 'Cleaning');
  expect(await guard.state(namespace, 'db')).toMatchObject({ requesterClass: 'TaintEviction', verb: 'DELETE' });
  await until('the hook was started', () => guard.app.made('start', namespace).length > 0);
  await until('it was refused five times', () => refusals() - before >= 5);
  guard.app.complete(namespace);
  await guard.gone(namespace, 'db');
  // Five tries, each of which may reach us twice.
  expect(refusals() - before).toBeLessThanOrEqual(10);
  expect(guard.app.made('start', namespace)).toHaveLength(1);
  await guard.ok('taint', 'node', 'n2', 'maintenance-');
});

it.each([
  ['background', true],
  ['foreground', true],
  ['orphan', false],
] as const)('21: a Deployment deleted with --cascade=%s: its Pod is held: %s', async (cascade, isHeld) => {
  const namespace = await guard.guarded();
  const pod = await podOfDeployment(namespace, `web-${cascade}`);
  await guard.ok('delete', 'deployment', '-n', namespace, `web-${cascade}`, `--cascade=${cascade}`, '--wait=false');
  if (isHeld) {
    await until('it is held', async () => (await guard.phase(namespace, pod)) === 'Cleaning');
    expect(await guard.state(namespace, pod)).toMatchObject({ requesterClass: 'GarbageCollector' });
    await until('the hook was started', () => guard.app.running(namespace).length > 0);
    guard.app.complete(namespace);
    await guard.gone(namespace, pod);
  } else {
    await until(
      'the Deployment is gone',
      async () => (await guard.kubectl('get', 'deployment', '-n', namespace, `web-${cascade}`)).code !== 0,
    );
    expect(await guard.state(namespace, pod)).toBeUndefined();
    await guard.stays(namespace, pod);
  }
});

it('22: a Namespace that is deleted takes its Pods with it', async () => {
  const namespace = await guard.guarded();
  await guard.pods(namespace, 'a', 'b', 'c');
  await guard.ok('delete', 'namespace', namespace, '--timeout=60s');
  expect(guard.app.made('start', namespace)).toEqual([]);
});

it('22: with onNamespaceDelete: Hold each Pod cleans up first, though its DeletionGuard goes, and the Namespace ends', async () => {
  const namespace = await guard.guarded({ onNamespaceDelete: 'Hold' });
  await guard.pods(namespace, 'a', 'b');
  guard.app.durations.set(namespace, 5000);
  const deleted = guard.ok('delete', 'namespace', namespace, '--timeout=100s');
  await until('the DeletionGuard is gone', async () => {
    const { code, stdout } = await guard.kubectl('get', 'deletionguards', '-n', namespace, '-o', 'name');
    return code === 0 && stdout === '';
  });
  await deleted;
  for (const pod of ['a', 'b']) {
    const [started, ...again] = guard.app.made('start', namespace, pod);
    expect(again).toEqual([]);
    // It was asked until it had ended.
    const asked = guard.app.made('status', namespace, pod).at(-1);
    expect((asked?.at ?? 0) - (started?.at ?? Infinity)).toBeGreaterThanOrEqual(5000);
  }
  expect(guard.app.made('undo', namespace)).toEqual([]);
});

it('23: the first Pod of a collection that is held keeps the others from being asked about', async () => {
  const namespace = await guard.guarded();
  await guard.pods(namespace, 'a', 'b');
  const { code, stderr } = await guard.kubectl('delete', '--raw', `/api/v1/namespaces/${namespace}/pods`);
  expect([code, stderr]).toEqual([1, expect.stringContaining('is held by the deletion guard')]);
  const phases = [await guard.phase(namespace, 'a'), await guard.phase(namespace, 'b')];
  expect(phases.filter((phase) => phase === 'Cleaning')).toHaveLength(1);
  expect(phases.filter((phase) => phase === undefined)).toHaveLength(1);
});

it('25: what has ended or never ran leaves at once', async () => {
  const namespace = await guard.guarded();
  await guard.pods(namespace, 'succeeded', 'failed');
  for (const [name, phase] of [
    ['succeeded', 'Succeeded'],
    ['failed', 'Failed'],
  ] as const) {
    await guard.ok(
      'patch',
      'pod',
      '-n',
      namespace,
      name,
      '--subresource=status',
      '-p',
      JSON.stringify({ status: { phase } }),
    );
  }
  await guard.create(podOn('nowhere', namespace, 'pending'));
  await guard.ok('delete', 'pods', '-n', namespace, 'succeeded', 'failed', 'pending', '--timeout=20s');
  expect(guard.app.made('start', namespace)).toEqual([]);
});

it('24: PodGC takes a Pod whose node is gone', async () => {
  await guard.gone(orphaned, 'left', 100);
  expect(guard.app.made('start', orphaned)).toEqual([]);
});
