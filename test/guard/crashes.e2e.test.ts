import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GuardPlane, podAddress, until, type ReplicaProcess } from './guard-plane.ts';

let guard: GuardPlane;
beforeAll(async () => {
  guard = await GuardPlane.start({ replicas: 0 });
});
afterAll(() => guard.stop());

/** A DELETE that is refused; gives the deadline of the hold. */
async function hold(namespace: string): Promise<number> {
  await expect(guard.admin.delete(podAddress(namespace, 'db'))).rejects.toThrow('is held by the deletion guard');
  return (await guard.state(namespace, 'db'))?.deadline ?? 0;
}

interface Step {
  readonly when: string;
  readonly policy: object;
  /** Brings the hold to the step at which the guard is killed. */
  readonly reach: (namespace: string) => Promise<unknown>;
  /** The Pod may leave by then, and may be gone before anybody looks. */
  readonly isReleased?: true;
}

const isStarted = (namespace: string) => until('start', () => guard.app.running(namespace).length === 1);
const steps: readonly Step[] = [
  { when: 'before the start', policy: { settleSeconds: 2 }, reach: async () => undefined },
  { when: 'while the hook runs', policy: {}, reach: isStarted },
  {
    when: 'when it has failed and waits for its next start',
    policy: { retrySeconds: 6 },
    reach: async (namespace) => {
      await isStarted(namespace);
      guard.app.fail(namespace);
      await until('retry', async () => (await guard.phase(namespace, 'db')) === 'Retrying');
    },
  },
  {
    when: 'when the Pod is released',
    policy: { finishAfterSeconds: 4 },
    isReleased: true,
    reach: async (namespace) => {
      await isStarted(namespace);
      guard.app.complete(namespace);
      await until('release', async () => (await guard.phase(namespace, 'db')) === 'Released');
    },
  },
];

describe('a guard that is killed', () => {
  it.each(steps)('$when goes on where it was', async ({ policy, reach, isReleased }) => {
    let replica = await guard.spawnReplica('first');
    const namespace = await guard.guarded(policy);
    await guard.pods(namespace, 'db');
    const deadline = await hold(namespace);
    await reach(namespace);
    guard.killReplica(replica);
    const before = await guard.state(namespace, 'db');
    expect(before?.deadline ?? deadline).toBe(deadline);
    replica = await guard.spawnReplica('second');
    await until('take-over', async () => {
      const state = await guard.state(namespace, 'db');
      return state === undefined || state.owner === 'second';
    });
    const after = await guard.state(namespace, 'db');
    if (isReleased === undefined) {
      expect(after?.phase).toBeOneOf(['Cleaning', 'Retrying']);
      expect(after?.deadline).toBe(deadline);
      await until('the hook runs', () => guard.app.running(namespace).length === 1);
      expect(await guard.phase(namespace, 'db')).toBe('Cleaning');
      guard.app.complete(namespace);
    }
    await guard.gone(namespace, 'db');
    const keys = guard.app.made('start', namespace).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    guard.killReplica(replica);
  });

  it('as one of two is replaced by the other', async () => {
    const replicas = new Map<string, ReplicaProcess>();
    for (const name of ['left', 'right']) replicas.set(name, await guard.spawnReplica(name));
    const namespace = await guard.guarded();
    await guard.pods(namespace, 'db');
    const deadline = await hold(namespace);
    await isStarted(namespace);
    const owner = (await guard.state(namespace, 'db'))?.owner ?? '';
    const dead = replicas.get(owner);
    if (dead !== undefined) guard.killReplica(dead);
    replicas.delete(owner);
    await until('take-over', async () => (await guard.state(namespace, 'db'))?.owner !== owner);
    expect(await guard.state(namespace, 'db')).toMatchObject({ phase: 'Cleaning', deadline, attempt: 1 });
    guard.app.complete(namespace);
    await guard.gone(namespace, 'db');
    expect(guard.app.made('start', namespace)).toHaveLength(1);
    for (const replica of replicas.values()) guard.killReplica(replica);
  });

  it('while an undoing is under way undoes it', async () => {
    let replica = await guard.spawnReplica('third');
    const namespace = await guard.guarded();
    await guard.pods(namespace, 'db');
    await hold(namespace);
    await isStarted(namespace);
    guard.app.hanging.add(namespace);
    await guard.ok('annotate', 'pod', '-n', namespace, 'db', 'sallyport.dev/guard-request=abort');
    await until('abort', async () => (await guard.phase(namespace, 'db')) === 'Aborting');
    guard.killReplica(replica);
    guard.app.hanging.delete(namespace);
    replica = await guard.spawnReplica('fourth');
    await until('undone', async () => (await guard.phase(namespace, 'db')) === 'Aborted');
    expect(guard.app.running(namespace)).toEqual([]);
    await guard.stays(namespace, 'db');
    guard.killReplica(replica);
  });

  it('is no reason to hold a Pod past its deadline', async () => {
    const first = await guard.spawnReplica('fifth');
    const namespace = await guard.guarded({ deadlineSeconds: 5 });
    await guard.pods(namespace, 'db');
    const deadline = await hold(namespace);
    await isStarted(namespace);
    guard.killReplica(first);
    await until('the deadline', () => Date.now() > deadline);
    const second = await guard.spawnReplica('sixth');
    // Nobody has taken over yet, and it passes all the same.
    await guard.admin.delete(podAddress(namespace, 'db'));
    await guard.gone(namespace, 'db');
    guard.killReplica(second);
  });
});

describe('an API server that is killed', () => {
  it('changes nothing of a hold', async () => {
    const replica = await guard.spawnReplica('seventh');
    const namespace = await guard.guarded();
    await guard.pods(namespace, 'db');
    const deadline = await hold(namespace);
    await isStarted(namespace);
    await guard.plane.killApiServer();
    await guard.plane.startApiServer();
    await expect
      .poll(() => guard.state(namespace, 'db').catch(() => undefined), { timeout: 20_000 })
      .toMatchObject({ phase: 'Cleaning', deadline, attempt: 1 });
    guard.app.complete(namespace);
    await guard.gone(namespace, 'db');
    expect(guard.app.made('start', namespace)).toHaveLength(1);
    guard.killReplica(replica);
  });
});
