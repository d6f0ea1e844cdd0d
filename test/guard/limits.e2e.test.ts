import { request } from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { guardMetrics } from '../../src/guard/index.ts';
import { unregister } from '../../src/registrar/index.ts';
import { systemClock } from '../../src/telemetry/index.ts';
import { prometheusMetrics } from '../../src/telemetry/prometheus-metrics.ts';
import { GuardPlane, object, podLabels, podSpec, until } from './guard-plane.ts';

/** Deadlines, crashes, lies and ways out. */

let guard: GuardPlane;
beforeAll(async () => {
  guard = await GuardPlane.start({ controllers: ['deployment', 'replicaset'] });
}, 120_000);
afterAll(() => guard.stop());

/** A guarded Pod whose clean-up has begun. */
async function held(policy: object = {}): Promise<string> {
  const namespace = await guard.guarded(policy);
  await guard.pods(namespace, 'db');
  expect(await remove(namespace)).toMatchObject({ code: 1 });
  await started(namespace);
  return namespace;
}

const remove = (namespace: string, ...flags: string[]) =>
  guard.kubectl('delete', 'pod', '-n', namespace, 'db', '--wait=false', ...flags);

async function started(namespace: string, times = 1): Promise<void> {
  await until(`start ${times}`, () => guard.app.made('start', namespace).length >= times);
}

async function reaches(namespace: string, phase: string): Promise<void> {
  await until(`${namespace}/db is ${phase}`, async () => (await guard.phase(namespace, 'db')) === phase);
}

/** The counters that the changes seen by all replicas make. */
async function counters(): Promise<string> {
  const metrics = prometheusMetrics();
  const observer = guardMetrics(metrics, () => []);
  for (const { changes } of guard.replicas) for (const change of changes) observer.phaseChanged?.(change);
  return (await metrics.read()).text;
}

it('26: a hook that hangs beyond the deadline: the Pod is released, with a warning', async () => {
  const namespace = await guard.guarded({ deadlineSeconds: 3, finishAfterSeconds: 60 });
  await guard.pods(namespace, 'db');
  guard.app.hanging.add(namespace);
  expect((await remove(namespace)).code).toBe(1);
  await reaches(namespace, 'Released');
  const { code, stderr } = await remove(namespace);
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining('released by the deletion guard without its clean-up: the deadline passed'),
  ]);
  await guard.gone(namespace, 'db');
  expect(await counters()).toContain('sallyport_guard_deadline_exceeded_total 1');
});

it('26: with onDeadline: Hold it is held on, and counted', async () => {
  const namespace = await guard.guarded({ deadlineSeconds: 2, onDeadline: 'Hold' });
  await guard.pods(namespace, 'db');
  guard.app.hanging.add(namespace);
  expect((await remove(namespace)).code).toBe(1);
  await reaches(namespace, 'Held');
  expect((await remove(namespace)).code).toBe(1);
  expect(await counters()).toContain('sallyport_guard_deadline_exceeded_total 2');
  // Done after all: the hook is asked on.
  guard.app.hanging.delete(namespace);
  await until('it runs', () => guard.app.running(namespace).length > 0);
  guard.app.complete(namespace);
  await guard.gone(namespace, 'db');
});

it('27: another replica takes over from one that was killed: no second start, the same deadline', async () => {
  const own = [...guard.replicas];
  for (const replica of own) await guard.removeReplica(replica);
  const processes = new Map<string, Awaited<ReturnType<GuardPlane['spawnReplica']>>>();
  for (const identity of ['one', 'two']) processes.set(identity, await guard.spawnReplica(identity));
  const namespace = await held();
  const before = await guard.state(namespace, 'db');
  const owner = processes.get(before?.owner ?? '');
  if (owner === undefined) throw new Error(`nobody is ${before?.owner}`);
  guard.killReplica(owner);
  await until('the other owns it', async () => (await guard.state(namespace, 'db'))?.owner !== before?.owner);
  expect(await guard.state(namespace, 'db')).toMatchObject({
    phase: 'Cleaning',
    deadline: before?.deadline,
    attempt: 1,
  });
  guard.app.complete(namespace);
  await guard.gone(namespace, 'db');
  expect(guard.app.made('start', namespace)).toHaveLength(1);
  for (const process of processes.values()) if (process !== owner) guard.killReplica(process);
  for (const identity of ['replica-2', 'replica-3']) await guard.addReplica(identity);
});

it('28: replicas that know nothing but the cluster decide the same', async () => {
  const namespace = await held();
  const before = await guard.state(namespace, 'db');
  for (const replica of [...guard.replicas]) await guard.removeReplica(replica);
  for (const identity of ['replica-4', 'replica-5']) await guard.addReplica(identity);
  const { code, stderr } = await remove(namespace);
  expect([code, stderr]).toEqual([1, expect.stringContaining('is held by the deletion guard')]);
  expect(await guard.state(namespace, 'db')).toMatchObject({
    phase: 'Cleaning',
    deadline: before?.deadline,
    attempt: 1,
  });
  guard.app.complete(namespace);
  await guard.gone(namespace, 'db');
  expect(guard.app.made('start', namespace)).toHaveLength(1);
});

it('29: a clean-up that the application knows nothing of is started again, under the same key', async () => {
  const namespace = await held();
  guard.app.forget(namespace);
  await started(namespace, 2);
  const keys = guard.app.made('start', namespace).map(({ key }) => key);
  expect(new Set(keys).size).toBe(1);
  expect(await guard.phase(namespace, 'db')).toBe('Cleaning');
  guard.app.complete(namespace);
  await guard.gone(namespace, 'db');
});

it('30: the bypass annotation lets a held Pod go, which is counted', async () => {
  const namespace = await held({ finishAfterSeconds: 60 });
  await guard.ok('annotate', 'pod', '-n', namespace, 'db', 'sallyport.dev/guard-bypass=disk is gone');
  await reaches(namespace, 'Released');
  expect(await guard.state(namespace, 'db')).toMatchObject({ releaseCause: 'Bypass', message: 'disk is gone' });
  expect((await remove(namespace)).code).toBe(0);
  await guard.gone(namespace, 'db');
  expect(await counters()).toContain('sallyport_guard_bypass_total 1');
});

it('30: it works while no replica answers, and nothing else does', async () => {
  const namespace = await held({ finishAfterSeconds: 60 });
  const restore = guard.cutOff();
  const refused = await remove(namespace);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('failed calling webhook')]);
  await guard.ok('annotate', 'pod', '-n', namespace, 'db', 'sallyport.dev/guard-bypass=guard is down');
  expect((await remove(namespace)).code).toBe(0);
  restore();
  await guard.gone(namespace, 'db');
});

it('31: a review that did not come from the API server starts nothing on what it invents', async () => {
  const namespace = await guard.guarded();
  const metadata = { namespace, name: 'free' };
  await guard.create(object('v1', 'Pod', metadata, { spec: podSpec }));
  await guard.running(namespace, 'free');
  const real = await guard.pod(namespace, 'free');
  const forgeries = [
    // Labels that it has not.
    { ...real, metadata: { ...real?.metadata, labels: podLabels } },
    // A Pod that is not.
    { ...real, metadata: { ...metadata, name: 'ghost', uid: 'ghost', labels: podLabels } },
    // Another Pod of that name.
    { ...real, metadata: { ...real?.metadata, uid: 'former', labels: podLabels } },
  ];
  for (const oldObject of forgeries) await forge(namespace, oldObject);
  expect(guard.app.made('start', namespace)).toEqual([]);
  await guard.stays(namespace, 'free');
  expect((await guard.pod(namespace, 'free'))?.metadata?.annotations ?? {}).toEqual({});
});

async function forge(namespace: string, oldObject: object): Promise<void> {
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'forged',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      name: 'free',
      namespace,
      operation: 'DELETE',
      userInfo: { username: 'mallory' },
      object: null,
      oldObject: { apiVersion: 'v1', kind: 'Pod', ...oldObject },
      dryRun: false,
      options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  };
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = { 'content-type': 'application/json' };
  request(
    new URL('/validate/delete.guard.sallyport.dev', guard.balancer.url),
    { method: 'POST', headers, rejectUnauthorized: false, agent: false },
    (response) => {
      response.resume();
      response.once('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`)),
      );
    },
  )
    .once('error', reject)
    .end(JSON.stringify(review));
  await promise;
}

it('33: another webhook refuses what was released: the clean-up is undone, once', async () => {
  const namespace = await guard.guarded({ releaseSeconds: 3, finishAfterSeconds: 1 });
  await guard.pods(namespace, 'db');
  const webhook = {
    name: 'never.example.com',
    // Nobody listens there.
    clientConfig: { url: 'https://127.0.0.1:9/never' },
    rules: [{ operations: ['DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    failurePolicy: 'Fail',
  };
  const fields = { webhooks: [webhook] };
  await guard.create(
    object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', { name: 'never' }, fields),
  );
  await until('it refuses', async () =>
    (await guard.kubectl('delete', 'pod', '-n', namespace, 'db', '--dry-run=server')).stderr.includes(
      'never.example.com',
    ),
  );
  expect((await remove(namespace)).code).toBe(1);
  await started(namespace);
  guard.app.complete(namespace);
  await reaches(namespace, 'Aborted');
  expect(await guard.state(namespace, 'db')).toMatchObject({ abortCause: 'NotDeleted' });
  expect(guard.app.made('undo', namespace)).toHaveLength(1);
  await guard.ok('delete', 'validatingwebhookconfiguration', 'never');
});

it('32: uninstalling while Pods are held takes the configurations away first, and deletes pass', async () => {
  const namespace = await held();
  const kinds = 'validatingwebhookconfiguration,mutatingwebhookconfiguration';
  await guard.ok('label', kinds, 'sallyport', 'app.kubernetes.io/managed-by=sallyport');
  expect(await unregister({ client: guard.admin, name: 'sallyport', clock: systemClock })).toHaveLength(2);
  await until('the delete passes', async () => (await remove(namespace)).code === 0);
  await guard.gone(namespace, 'db');
  expect(await guard.ok('get', 'validatingwebhookconfigurations,mutatingwebhookconfigurations', '-o', 'name')).toBe('');
});
