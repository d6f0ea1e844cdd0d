import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pod } from '../../src/api/generated/core.v1.ts';
import { stateOf, takesSlot } from '../../src/guard/guard-state.ts';
import { GuardPlane, object, podLabels, until } from './guard-plane.ts';

let guard: GuardPlane;
beforeAll(async () => {
  guard = await GuardPlane.start({
    controllers: ['deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'garbagecollector'],
    nodes: ['n1', 'n2'],
  });
});
afterAll(() => guard.stop());

const template = (image: string): object => ({
  metadata: { labels: podLabels },
  spec: { containers: [{ name: 'main', image }], terminationGracePeriodSeconds: 1 },
});

/** Makes a workload of guarded Pods, whose image is `<name>:1`. */
async function start(
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet',
  namespace: string,
  name: string,
  more: object,
): Promise<void> {
  const spec = { selector: { matchLabels: podLabels }, template: template(`${name}:1`), ...more };
  await guard.create(object('apps/v1', kind, { namespace, name }, { spec }));
}

/** Looks at the Pods of a namespace until `isOver`, and tells the most that were cleaning and that there were at one time. */
async function watchOver(
  namespace: string,
  isOver: (pods: readonly Pod[]) => boolean,
): Promise<{ readonly leaving: number; readonly pods: number; readonly order: string[] }> {
  let leaving = 0;
  let most = 0;
  const order: string[] = [];
  await until(
    'the workload is as it shall be',
    async () => {
      const pods = await guard.podsOf(namespace);
      const cleaning = pods.filter((pod) => pod.metadata?.deletionTimestamp === undefined && takesSlot(stateOf(pod)));
      leaving = Math.max(leaving, cleaning.length);
      most = Math.max(most, pods.length);
      for (const { metadata } of cleaning) {
        if (metadata?.name !== undefined && order.at(-1) !== metadata.name) order.push(metadata.name);
      }
      return isOver(pods);
    },
    100,
  );
  return { leaving, pods: most, order };
}

const areReady = (pods: readonly Pod[], count: number, image: string): boolean =>
  pods.length === count &&
  pods.every(
    ({ spec, status }) =>
      spec?.containers[0]?.image === image &&
      (status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false),
  );

describe('a Deployment', () => {
  it('rolls over with one old Pod held at a time, each of which goes soon after its release', async () => {
    const namespace = await guard.guarded({ settleSeconds: 0 });
    guard.app.durations.set(namespace, 2000);
    await start('Deployment', namespace, 'db', { replicas: 3 });
    await until('rollout', async () => areReady(await guard.podsOf(namespace), 3, 'db:1'));
    await guard.ok('set', 'image', '-n', namespace, 'deployment/db', 'main=db:2');
    const seen = await watchOver(namespace, (pods) => areReady(pods, 3, 'db:2'));
    expect(seen.leaving).toBe(1);
    expect(seen.pods).toBeLessThanOrEqual(6);
    expect(guard.app.made('start', namespace)).toHaveLength(3);
    expect(guard.app.made('undo', namespace)).toEqual([]);
  });

  it('deletes a released Pod because it is woken, not when its back-off ends', async () => {
    const namespace = await guard.guarded();
    await start('Deployment', namespace, 'db', { replicas: 1 });
    await until('rollout', async () => areReady(await guard.podsOf(namespace), 1, 'db:1'));
    const [old] = await guard.podsOf(namespace);
    const name = old?.metadata?.name ?? '';
    await guard.ok('scale', 'deployment', '-n', namespace, 'db', '--replicas=0');
    const attempts = (): number =>
      guard.replicas
        .flatMap(({ requests }) => requests)
        .filter(({ webhook }) => webhook === 'delete.guard.sallyport.dev').length;
    // Each pause is twice the one before: after one of five seconds the next try is ten seconds away.
    let [count, triedAt, pause] = [attempts(), Date.now(), 0];
    const isFarAway = (): boolean => {
      if (attempts() > count) [count, triedAt, pause] = [attempts(), Date.now(), Date.now() - triedAt];
      return pause >= 4000;
    };
    await until('back-off', isFarAway, 60);
    guard.app.complete(namespace);
    // The Pod may be gone before anybody looks at it; the replica that released it knows when that was.
    const { since: releasedAt } = await until(
      'release',
      () =>
        guard.replicas
          .flatMap(({ changes }) => changes)
          .find(({ pod, after }) => pod.metadata?.name === name && after?.phase === 'Released')?.after,
    );
    const deletedAt = await until('deletion', async () => {
      const pod = await guard.pod(namespace, name);
      return pod?.metadata?.deletionTimestamp === undefined && pod !== undefined ? undefined : Date.now();
    });
    expect(deletedAt - releasedAt).toBeLessThan(6000);
  });
});

describe('a StatefulSet', () => {
  it('rolls over and shrinks in its order, one Pod held at a time', async () => {
    const namespace = await guard.guarded();
    guard.app.durations.set(namespace, 1000);
    await start('StatefulSet', namespace, 'db', { replicas: 3, serviceName: 'db' });
    await until('rollout', async () => areReady(await guard.podsOf(namespace), 3, 'db:1'), 60);
    // Looked at from before the change on: the first Pod may be done before kubectl has ended.
    const [rolled] = await Promise.all([
      watchOver(namespace, (pods) => areReady(pods, 3, 'db:2')),
      guard.ok('set', 'image', '-n', namespace, 'statefulset/db', 'main=db:2'),
    ]);
    expect(rolled).toMatchObject({ leaving: 1, order: ['db-2', 'db-1', 'db-0'] });
    const [shrunk] = await Promise.all([
      watchOver(namespace, (pods) => areReady(pods, 1, 'db:2')),
      guard.ok('scale', 'statefulset', '-n', namespace, 'db', '--replicas=1'),
    ]);
    expect(shrunk).toMatchObject({ leaving: 1, order: ['db-2', 'db-1'] });
  });
});

describe('other workloads', () => {
  it('a DaemonSet changes its Pods after their clean-up', async () => {
    const namespace = await guard.guarded();
    guard.app.durations.set(namespace, 500);
    await start('DaemonSet', namespace, 'agent', {});
    await until('rollout', async () => areReady(await guard.podsOf(namespace), 2, 'agent:1'));
    await guard.ok('set', 'image', '-n', namespace, 'daemonset/agent', 'main=agent:2');
    const seen = await watchOver(namespace, (pods) => areReady(pods, 2, 'agent:2'));
    expect(seen.leaving).toBe(1);
    expect(guard.app.made('start', namespace)).toHaveLength(2);
  });

  it('a Job that is suspended lets its Pod go after its clean-up', async () => {
    const namespace = await guard.guarded();
    await guard.create(
      object(
        'batch/v1',
        'Job',
        { namespace, name: 'work' },
        {
          spec: {
            template: {
              metadata: { labels: podLabels },
              spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] },
            },
          },
        },
      ),
    );
    const [name] = await until('a Pod', async () => {
      const pods = await guard.podsOf(namespace);
      return pods.length === 1 && areReady(pods, 1, 'a') ? pods.map(({ metadata }) => metadata?.name ?? '') : undefined;
    });
    await guard.ok('patch', 'job', '-n', namespace, 'work', '--type=merge', '-p', '{"spec":{"suspend":true}}');
    await until('hold', async () => (await guard.phase(namespace, name ?? '')) === 'Cleaning');
    await until('start', () => guard.app.running(namespace).length === 1);
    guard.app.complete(namespace);
    await guard.gone(namespace, name ?? '');
  });
});
