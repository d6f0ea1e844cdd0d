import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { guardNamespace } from './guard-replica.ts';
import { GuardPlane, object, pod, podAddress, until } from './guard-plane.ts';

let guard: GuardPlane;
beforeAll(async () => {
  guard = await GuardPlane.start({
    controllers: ['namespace', 'podgc', 'garbagecollector', 'deployment', 'replicaset'],
    nodes: ['n1', 'n2'],
  });
});
afterAll(() => guard.stop());

const containers = [{ name: 'a', image: 'a' }];

it('while no replica answers, guarded Pods stay, and everything else goes on', { timeout: 200_000 }, async () => {
  const namespace = await guard.guarded({ finishAfterSeconds: 60 });
  const nodes = { held: 'n1', 'broken-glass': 'n1', leaving: 'n1', lost: 'n2' };
  await guard.create(...Object.entries(nodes).map(([name, nodeName]) => pod(namespace, name, { nodeName })));
  for (const name of Object.keys(nodes)) await guard.running(namespace, name);
  await guard.admin.create(
    { group: '', version: 'v1', resource: 'namespaces' },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plain' } },
  );
  const web = { spec: { nodeName: 'n1', containers } };
  await guard.create(object('v1', 'Pod', { namespace: 'plain', name: 'web' }, web));
  const plain = { app: 'plain' };
  const template = { metadata: { labels: plain }, spec: { nodeName: 'n1', containers } };
  await guard.create(
    object(
      'apps/v1',
      'Deployment',
      { namespace, name: 'plain' },
      { spec: { replicas: 2, selector: { matchLabels: plain }, template } },
    ),
  );
  await guard.ok('rollout', 'status', '-n', namespace, 'deployment/plain', '--timeout=30s');

  // One that is on its way.
  await expect(guard.admin.delete(podAddress(namespace, 'leaving'))).rejects.toThrow('is held');
  await until('start', () => guard.app.running(namespace).length === 1);
  guard.app.complete(namespace);
  await until('release', async () => (await guard.phase(namespace, 'leaving')) === 'Released');
  await guard.kubelet.pause();
  await guard.admin.delete(podAddress(namespace, 'leaving'));

  onTestFinished(guard.cutOff());
  guard.kubelet.resume();
  await guard.gone(namespace, 'leaving');

  await expect(guard.admin.delete(podAddress(namespace, 'held'), { maxRetries: 0 })).rejects.toMatchObject({
    statusCode: 500,
  });
  await guard.ok('annotate', 'pod', '-n', namespace, 'broken-glass', 'sallyport.dev/guard-bypass=the guard is down');
  await guard.admin.delete(podAddress(namespace, 'broken-glass'));
  await guard.gone(namespace, 'broken-glass');

  // The controllers: garbage collector, namespace controller, and PodGC after its forty seconds.
  await guard.kubelet.removeNode('n2');
  await guard.ok('delete', 'deployment', '-n', namespace, 'plain');
  await guard.ok('delete', 'namespace', 'plain', '--timeout=60s');
  const isPlain = async (): Promise<boolean> =>
    (await guard.podsOf(namespace)).some(({ metadata }) => metadata?.labels?.['app'] === 'plain');
  await until('collected', async () => !(await isPlain()), 100);
  await guard.gone(namespace, 'lost', 100);
  await guard.stays(namespace, 'held');
});

it('uninstalled, it leaves nothing that holds a Pod, and nothing of its own', async () => {
  const namespace = await guard.guarded();
  await guard.pods(namespace, 'db');
  await expect(guard.admin.delete(podAddress(namespace, 'db'))).rejects.toThrow('is held');
  await until('start', () => guard.app.running(namespace).length === 1);
  await guard.ok('delete', 'validatingwebhookconfiguration,mutatingwebhookconfiguration', 'sallyport');
  // The API server follows its configurations by a watch.
  await until('no webhook', () =>
    guard.admin.delete(podAddress(namespace, 'db')).then(
      () => true,
      () => false,
    ),
  );
  await guard.gone(namespace, 'db');
  for (const replica of [...guard.replicas]) await guard.removeReplica(replica);
  await guard.ok('delete', 'crd', 'deletionguards.guard.sallyport.dev');
  await guard.ok('delete', 'namespace', guardNamespace, '--timeout=60s');
  expect(await guard.ok('get', 'leases', '-A', '-o', 'name')).not.toContain('guard-');
});
