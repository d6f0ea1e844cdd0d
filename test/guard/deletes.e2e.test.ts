import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GuardPlane, pod, podAddress, until } from './guard-plane.ts';

let guard: GuardPlane;
beforeAll(async () => {
  guard = await GuardPlane.start();
});
afterAll(() => guard.stop());

const webhookCalls = (): number =>
  guard.replicas.flatMap(({ requests }) => requests).filter(({ webhook }) => webhook === 'delete.guard.sallyport.dev')
    .length;

describe('a DELETE of a guarded Pod', () => {
  it('is refused with what to do, and starts the clean-up', async () => {
    const namespace = await guard.guarded();
    await guard.pods(namespace, 'db');
    const { code, stderr } = await guard.kubectl('delete', 'pod', '-n', namespace, 'db');
    expect(code).toBe(1);
    expect(stderr).toContain('db is held by the deletion guard');
    expect(stderr).toContain(`sallyport guard explain -n ${namespace} db`);
    expect(stderr).toContain(`kubectl annotate pod -n ${namespace} db sallyport.dev/guard-bypass=REASON`);
    await guard.stays(namespace, 'db');
    expect(await guard.state(namespace, 'db')).toMatchObject({
      phase: 'Cleaning',
      attempt: 1,
      verb: 'DELETE',
      requester: 'kubernetes-admin',
      graceSeconds: 30,
    });
    await until('start', () => guard.app.made('start', namespace).length === 1);
  });

  it('twenty times at once through two replicas starts one clean-up', async () => {
    const namespace = await guard.guarded();
    await guard.pods(namespace, 'db');
    const before = guard.replicas.map(({ requests }) => requests.length);
    guard.balancer.reset();
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, () => guard.admin.delete(podAddress(namespace, 'db'))),
    );
    const messages = answers.map((answer) => (answer.status === 'rejected' ? String(answer.reason) : 'deleted'));
    expect([...new Set(messages)]).toEqual([expect.stringContaining('db is held by the deletion guard')]);
    guard.replicas.forEach(({ requests }, index) => expect(requests.length).toBeGreaterThan(before[index] ?? 0));
    await until('start', () => guard.app.made('status', namespace).length > 0);
    expect(guard.app.made('start', namespace)).toHaveLength(1);
    const claims = guard.replicas
      .flatMap(({ changes }) => changes)
      .filter(({ pod }) => pod.metadata?.namespace === namespace);
    expect(claims).toHaveLength(1);
  });

  it('passes when the clean-up is done; the last one, by the kubelet, does not come to the guard', async () => {
    const namespace = await guard.guarded({ finishAfterSeconds: 60 });
    await guard.pods(namespace, 'db');
    await guard.kubectl('delete', 'pod', '-n', namespace, 'db');
    await until('start', () => guard.app.running(namespace).length === 1);
    guard.app.complete(namespace);
    await until('release', async () => (await guard.phase(namespace, 'db')) === 'Released');
    await guard.kubelet.pause();
    await guard.ok('delete', 'pod', '-n', namespace, 'db', '--wait=false');
    expect((await guard.pod(namespace, 'db'))?.metadata?.deletionTimestamp).toBeDefined();
    const calls = webhookCalls();
    // Once more while it terminates: there is nothing to decide.
    await guard.ok('delete', 'pod', '-n', namespace, 'db', '--wait=false');
    guard.kubelet.resume();
    await guard.gone(namespace, 'db');
    expect(webhookCalls()).toBe(calls);
  });

  it('by force is held like any other, and goes at once after the release', async () => {
    const namespace = await guard.guarded({ finishAfterSeconds: 60 });
    await guard.pods(namespace, 'db');
    const calls = webhookCalls();
    const force = ['delete', 'pod', '-n', namespace, 'db', '--grace-period=0', '--force'];
    expect((await guard.kubectl(...force)).code).toBe(1);
    // The API server asks again when the claim has made its copy stale.
    expect(webhookCalls() - calls).toBeOneOf([1, 2]);
    expect(await guard.state(namespace, 'db')).toMatchObject({ phase: 'Cleaning', attempt: 1, graceSeconds: 0 });
    await guard.stays(namespace, 'db');
    await until('start', () => guard.app.running(namespace).length === 1);
    guard.app.complete(namespace);
    await until('release', async () => (await guard.phase(namespace, 'db')) === 'Released');
    expect((await guard.kubectl(...force)).code).toBe(0);
    await guard.gone(namespace, 'db');
  });

  it('as a dry run tells what would be, and starts nothing', async () => {
    const namespace = await guard.guarded();
    await guard.pods(namespace, 'db');
    const { code, stderr } = await guard.kubectl('delete', 'pod', '-n', namespace, 'db', '--dry-run=server');
    expect(code).toBe(1);
    expect(stderr).toContain('db would be held by the deletion guard');
    expect(await guard.state(namespace, 'db')).toBeUndefined();
    expect(guard.app.made('start', namespace)).toEqual([]);
  });

  it('is carried out by the guard when nobody asks again', async () => {
    const namespace = await guard.guarded();
    guard.app.durations.set(namespace, 100);
    await guard.pods(namespace, 'db');
    await guard.kubectl('delete', 'pod', '-n', namespace, 'db', '--grace-period=7');
    await guard.kubelet.pause();
    const deleted = await until('finisher', async () => {
      const found = await guard.pod(namespace, 'db');
      return found?.metadata?.deletionTimestamp === undefined ? undefined : found;
    });
    expect(deleted.metadata?.deletionGracePeriodSeconds).toBe(7);
    guard.kubelet.resume();
  });
});

describe('the state on a Pod', () => {
  it('is written by the guard alone', async () => {
    const namespace = await guard.guarded();
    await guard.pods(namespace, 'db');
    const { code, stderr } = await guard.kubectl(
      'annotate',
      'pod',
      '-n',
      namespace,
      'db',
      'sallyport.dev/guard-state={}',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('written by the deletion guard alone');
    expect((await guard.kubectl('annotate', 'pod', '-n', namespace, 'db', 'other=1')).code).toBe(0);
  });
});

describe('a Pod that is taken out of service', () => {
  it('is unready and without its traffic label before the clean-up starts, and gets both back when it is called off', async () => {
    const takeOutOfService = { readinessGate: true, trafficLabel: 'traffic' };
    const namespace = await guard.guarded({ takeOutOfService, settleSeconds: 6 });
    const made = pod(namespace, 'db', {});
    const labels = { ...made.metadata?.labels, traffic: 'on' };
    await guard.create({ ...made, metadata: { ...made.metadata, labels } });
    // Ready at all only when the guard has set the condition of its gate.
    await guard.running(namespace, 'db');
    expect((await guard.pod(namespace, 'db'))?.spec?.readinessGates).toEqual([
      { conditionType: 'sallyport.dev/in-service' },
    ]);
    await expect(guard.admin.delete(podAddress(namespace, 'db'))).rejects.toThrow('is held');
    const isOut = async (): Promise<boolean> => {
      const { metadata, status } = (await guard.pod(namespace, 'db')) ?? {};
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      return ready?.status === 'False' && metadata?.labels?.['traffic'] === undefined;
    };
    await until('out of service', isOut);
    expect(guard.app.made('start', namespace)).toEqual([]);
    await until('start', () => guard.app.running(namespace).length === 1);
    await guard.ok('annotate', 'pod', '-n', namespace, 'db', 'sallyport.dev/guard-request=abort');
    await until('abort', async () => (await guard.phase(namespace, 'db')) === 'Aborted');
    await guard.running(namespace, 'db');
    const { annotations, labels: back } = (await guard.pod(namespace, 'db'))?.metadata ?? {};
    expect(back).toMatchObject({ traffic: 'on' });
    expect(annotations).not.toHaveProperty(['sallyport.dev/guard-request']);
    expect(guard.app.made('undo', namespace)).toHaveLength(1);
  });
});
