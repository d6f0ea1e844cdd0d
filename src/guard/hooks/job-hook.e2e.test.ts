import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Job } from '../../api/generated/batch.v1.ts';
import type { Pod } from '../../api/generated/core.v1.ts';
import { KubeClient, loadKubeconfig } from '../../kube/index.ts';
import { ControlPlane, FakeKubelet } from '../../testing/index.ts';
import type { HookCall, HookReport } from '../hook.ts';
import { hookSpecSchema } from './hook-spec.ts';
import { JobHook } from './job-hook.ts';

const namespace = 'default';
const jobs = { group: 'batch', version: 'v1', resource: 'jobs', namespace } as const;
const pods = { group: '', version: 'v1', resource: 'pods', namespace } as const;

let plane: ControlPlane;
let kubelet: FakeKubelet;
let client: KubeClient;
beforeAll(async () => {
  plane = await ControlPlane.start({ controllers: ['job', 'garbagecollector', 'namespace'] });
  kubelet = await FakeKubelet.start(plane);
  client = new KubeClient(await loadKubeconfig([plane.kubeconfig]));
});
afterAll(async () => {
  client.close();
  await kubelet.stop();
  await plane.stop();
});

const container = { name: 'main', image: 'registry.example.com/tool:1', env: [{ name: 'LEVEL', value: 'debug' }] };
function template(name: string): object {
  const metadata = { labels: { app: name, 'sallyport.dev/guard': 'enabled' } };
  return { spec: { backoffLimit: 0, template: { metadata, spec: { containers: [container] } } } };
}

function hookWith(options: object = {}, where = namespace): JobHook {
  const { job } = hookSpecSchema.parse({ job: { template: template('leave'), ...options } });
  if (job === undefined) throw new Error('a job hook');
  return new JobHook({ client, namespace: where, spec: job });
}

function callFor(uid: string, attempt = 1): HookCall {
  return {
    pod: {
      metadata: { namespace, name: 'db-0', uid },
      spec: { nodeName: 'n1', containers: [] },
      status: { podIP: '10.244.0.9' },
    },
    guard: 'default/db',
    attempt,
    idempotencyKey: `${uid}/${attempt}`,
    deadline: Date.UTC(2026, 0, 1),
    requester: 'alice',
    verb: 'DELETE',
    signal: AbortSignal.timeout(60_000),
  };
}

/** Asks until it is so; the test's own timeout ends it. */
async function until<T>(ask: () => Promise<T>, isEnough: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isEnough(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Ends the one Pod that a Job runs. */
async function end(job: string, phase: 'Succeeded' | 'Failed'): Promise<void> {
  const running = async (): Promise<Pod[]> =>
    (await client.list<Pod>(pods, { labelSelector: `job-name=${job}`, fieldSelector: 'status.phase=Running' })).items;
  const [pod] = await until(running, (found) => found.length > 0);
  const name = pod?.metadata?.name ?? '';
  await client.patch({ ...pods, name, subresource: 'status' }, { type: 'merge', changes: { status: { phase } } });
}

const uid = '6dbb6b7c-3a0e-4dd1-a95f-f3f3b1a0f0d1';
const isOver = ({ phase }: HookReport): boolean => phase === 'Done' || phase === 'Failed';

it('runs one Job for an attempt, whose end is the end of the clean-up', async () => {
  const hook = hookWith();
  const call = callFor(uid);
  expect(await hook.status(call)).toEqual({ phase: 'Unknown' });
  await hook.start(call);
  await hook.start(call);
  expect(await hook.status(call)).toMatchObject({ phase: 'Running' });
  const { items } = await client.list<Job>(jobs);
  expect(items).toHaveLength(1);
  const [job] = items;
  expect(job?.metadata).toMatchObject({ name: `guard-${uid}-1`, labels: { 'sallyport.dev/guarded-pod': uid } });
  expect(job?.metadata?.ownerReferences).toBeUndefined();
  expect(job?.spec).toMatchObject({ ttlSecondsAfterFinished: 3600, backoffLimit: 0 });
  expect(job?.spec?.template.metadata?.labels).not.toHaveProperty('sallyport.dev/guard');
  expect(job?.spec?.template.spec?.containers[0]?.env).toEqual([
    { name: 'LEVEL', value: 'debug' },
    { name: 'SALLYPORT_POD_NAME', value: 'db-0' },
    { name: 'SALLYPORT_POD_NAMESPACE', value: 'default' },
    { name: 'SALLYPORT_POD_UID', value: uid },
    { name: 'SALLYPORT_POD_IP', value: '10.244.0.9' },
    { name: 'SALLYPORT_NODE_NAME', value: 'n1' },
    { name: 'SALLYPORT_IDEMPOTENCY_KEY', value: `${uid}/1` },
    { name: 'SALLYPORT_DEADLINE', value: '2026-01-01T00:00:00.000Z' },
  ]);
  await end(`guard-${uid}-1`, 'Succeeded');
  expect(await until(() => hook.status(call), isOver)).toMatchObject({ phase: 'Done' });
});

it('says that a Job failed, and makes another for the next attempt', async () => {
  const hook = hookWith();
  const [first, second] = [callFor('failing'), callFor('failing', 2)];
  await hook.start(first);
  await end('guard-failing-1', 'Failed');
  expect(await until(() => hook.status(first), isOver)).toMatchObject({
    phase: 'Failed',
    message: expect.stringContaining(
      'Job guard-failing-1 failed: Job has reached the specified backoff limit',
    ) as string,
  });
  expect(await hook.status(second)).toEqual({ phase: 'Unknown' });
  await hook.start(second);
  expect(await hook.status(second)).toMatchObject({ phase: 'Running' });
});

it('undoes by deleting the Job and running another, which a new attempt waits for', async () => {
  const hook = hookWith({ undoTemplate: template('stay') });
  const call = callFor('undone');
  await hook.start(call);
  await hook.undo(call);
  await hook.undo(call);
  expect(
    await until(
      () => hook.status(call),
      ({ phase }) => phase === 'Unknown',
    ),
  ).toEqual({ phase: 'Unknown' });
  await expect(hook.start(callFor('undone', 2))).rejects.toThrow('Job guard-undone-1-undo is still undoing');
  await end('guard-undone-1-undo', 'Succeeded');
  await until(
    () =>
      hook.start(callFor('undone', 2)).then(
        () => true,
        () => false,
      ),
    (hasStarted) => hasStarted,
  );
});

it('says that nothing can be made in a namespace that is being deleted', async () => {
  await plane.kubectl(['create', 'namespace', 'leaving']);
  const finalizer = { metadata: { name: 'keeps', finalizers: ['example.com/keep'] } };
  await client.create(
    { group: '', version: 'v1', resource: 'configmaps', namespace: 'leaving' },
    { apiVersion: 'v1', kind: 'ConfigMap', ...finalizer },
  );
  await plane.kubectl(['delete', 'namespace', 'leaving', '--wait=false']);
  await expect(hookWith({}, 'leaving').start(callFor('late'))).rejects.toThrow(
    'Job leaving/guard-late-1 cannot be made while its namespace is being deleted; use an http hook',
  );
});
