import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stateOf } from '../../src/guard/guard-state.ts';
import { ApiStatusError } from '../../src/kube/index.ts';
import { GuardPlane, object, pod, podAddress, podLabels, until } from './guard-plane.ts';

let guard: GuardPlane;
beforeAll(async () => {
  guard = await GuardPlane.start({
    controllers: ['disruption', 'deployment', 'replicaset'],
    nodes: ['n1', 'n2', 'n3'],
  });
});
afterAll(() => guard.stop());

/** Evicts and gives the HTTP status that came of it, and the message. */
async function evict(
  namespace: string,
  name: string,
  {
    apiVersion = 'policy/v1',
    ...rest
  }: { readonly apiVersion?: string; readonly metadata?: object; readonly deleteOptions?: object } = {},
): Promise<{ readonly code: number; readonly message: string }> {
  const eviction = { apiVersion, kind: 'Eviction', metadata: { name, namespace }, ...rest };
  try {
    await guard.admin.create({ ...podAddress(namespace, name), subresource: 'eviction' }, eviction, { maxRetries: 0 });
    return { code: 201, message: '' };
  } catch (error) {
    if (!(error instanceof ApiStatusError)) throw error;
    expect(error.retryAfterSeconds ?? 0).toBe(0);
    return { code: error.statusCode, message: error.message };
  }
}

async function onNode(namespace: string, node: string, ...names: readonly string[]): Promise<void> {
  await guard.create(...names.map((name) => pod(namespace, name, { nodeName: node })));
  for (const name of names) await guard.running(namespace, name);
}

describe('kubectl drain', () => {
  it('waits for the clean-up and then succeeds; what is not guarded goes at once', async () => {
    const namespace = await guard.guarded();
    await onNode(namespace, 'n1', 'db');
    const plain = object(
      'v1',
      'Pod',
      { namespace, name: 'plain' },
      { spec: { nodeName: 'n1', containers: [{ name: 'a', image: 'a' }] } },
    );
    await guard.create(plain);
    await guard.running(namespace, 'plain');
    const drained = guard.kubectl('drain', 'n1', '--force', '--timeout=60s');
    await guard.gone(namespace, 'plain');
    // Both are asked for side by side: the other one may be gone before this one's clean-up has begun.
    await until('start', () => guard.app.running(namespace).length === 1);
    await guard.stays(namespace, 'db');
    guard.app.complete(namespace);
    const { code, stderr } = await drained;
    expect(stderr).toMatch(/error when evicting pods\/"db".*will retry after 5s.*db is held by the deletion guard/);
    expect(code).toBe(0);
    expect(await guard.pod(namespace, 'db')).toBeUndefined();
    expect(guard.app.made('start', namespace)).toHaveLength(1);
    await guard.ok('uncordon', 'n1');
  });

  it('that gives up leaves a hold that is called off, and undone once', async () => {
    const namespace = await guard.guarded({ idleAfterSeconds: 11 });
    await onNode(namespace, 'n2', 'db');
    const { code } = await guard.kubectl('drain', 'n2', '--force', '--timeout=4s');
    expect(code).toBe(1);
    expect(await guard.phase(namespace, 'db')).toBe('Cleaning');
    await until('abort', async () => (await guard.phase(namespace, 'db')) === 'Aborted');
    expect(guard.app.made('undo', namespace)).toHaveLength(1);
    await guard.stays(namespace, 'db');
    await guard.ok('uncordon', 'n2');
  });

  it('as a dry run of the server starts nothing', async () => {
    const namespace = await guard.guarded();
    await onNode(namespace, 'n3', 'db');
    const drain = ['drain', 'n3', '--force', '--dry-run=server', '--timeout=4s'];
    const { code, stderr } = await guard.kubectl(...drain);
    expect([code, stderr]).toEqual([1, expect.stringContaining('db would be held by the deletion guard')]);
    expect(await guard.state(namespace, 'db')).toBeUndefined();
    expect(guard.app.made('start', namespace)).toEqual([]);
    await guard.ok('uncordon', 'n3');
    await guard.ok('annotate', 'pod', '-n', namespace, 'db', 'sallyport.dev/guard-bypass=test');
    await guard.admin.delete(podAddress(namespace, 'db'));
    await guard.gone(namespace, 'db');
  });

  it('without evictions stops at the first refusal', async () => {
    const namespace = await guard.guarded();
    await onNode(namespace, 'n3', 'db');
    const { code, stderr } = await guard.kubectl('drain', 'n3', '--force', '--disable-eviction', '--timeout=20s');
    expect(code).toBe(1);
    expect(stderr).toContain('db is held by the deletion guard');
    expect(await guard.state(namespace, 'db')).toMatchObject({ phase: 'Cleaning', verb: 'DELETE' });
    await guard.ok('uncordon', 'n3');
  });
});

describe('an eviction', () => {
  it('that the disruption budget forbids starts nothing; once it is free, the clean-up begins', async () => {
    const namespace = await guard.guarded({ finishAfterSeconds: 60 });
    await guard.create(
      object(
        'policy/v1',
        'PodDisruptionBudget',
        { namespace, name: 'db' },
        { spec: { minAvailable: 1, selector: { matchLabels: podLabels } } },
      ),
    );
    const template = { metadata: { labels: podLabels }, spec: { containers: [{ name: 'a', image: 'a' }] } };
    const deployment = { replicas: 1, selector: { matchLabels: podLabels }, template };
    await guard.create(object('apps/v1', 'Deployment', { namespace, name: 'db' }, { spec: deployment }));
    const allowed = async (): Promise<string> =>
      guard.ok(
        'get',
        'pdb',
        '-n',
        namespace,
        'db',
        '-o',
        'jsonpath={.status.currentHealthy},{.status.disruptionsAllowed}',
      );
    await until('one healthy Pod', async () => (await allowed()) === '1,0');
    const [first] = await guard.podsOf(namespace);
    const name = first?.metadata?.name ?? '';
    const refused = await evict(namespace, name);
    expect(refused.code).toBe(429);
    expect(refused.message).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    expect(await guard.state(namespace, name)).toBeUndefined();
    await guard.ok('scale', 'deployment', '-n', namespace, 'db', '--replicas=2');
    await until('two healthy Pods', async () => (await allowed()) === '2,1');
    const held = await evict(namespace, name);
    expect(held.code).toBe(429);
    expect(held.message).toContain('is held by the deletion guard');
    expect(await guard.phase(namespace, name)).toBe('Cleaning');
    await until('start', () => guard.app.running(namespace).length === 1);
    guard.app.complete(namespace);
    await until('release', async () => (await guard.phase(namespace, name)) === 'Released');
    expect((await evict(namespace, name)).code).toBe(201);
    await guard.gone(namespace, name);
  });

  it.each([
    ['a v1beta1 body', { apiVersion: 'policy/v1beta1' }],
    ['a body without a namespace', { metadata: { name: 'db' } }],
  ])('with %s is held like any other', async (_what, body) => {
    const namespace = await guard.guarded();
    await guard.pods(namespace, 'db');
    const { code, message } = await evict(namespace, 'db', body);
    expect(code).toBe(429);
    expect(message).toContain('is held by the deletion guard');
    expect(await guard.state(namespace, 'db')).toMatchObject({ phase: 'Cleaning', verb: 'eviction' });
  });

  it('of a Pod that was made again under its name is a story of its own', async () => {
    const namespace = await guard.guarded({ finishAfterSeconds: 60 });
    await guard.pods(namespace, 'db');
    expect((await evict(namespace, 'db')).code).toBe(429);
    await until('start', () => guard.app.running(namespace).length === 1);
    guard.app.complete(namespace);
    await until('release', async () => (await guard.phase(namespace, 'db')) === 'Released');
    const former = await guard.pod(namespace, 'db');
    await guard.admin.delete(podAddress(namespace, 'db'));
    await guard.gone(namespace, 'db');
    // Somebody keeps a copy of the state, and makes the Pod from it.
    const copy = pod(namespace, 'db', {});
    await guard.create({ ...copy, metadata: { ...copy.metadata, annotations: former?.metadata?.annotations ?? {} } });
    await guard.running(namespace, 'db');
    const isCopied = async (): Promise<void> => {
      expect(await guard.phase(namespace, 'db')).toBe('Released');
      expect(stateOf((await guard.pod(namespace, 'db')) ?? {})).toBeUndefined();
    };
    await isCopied();
    const uid = former?.metadata?.uid;
    expect((await evict(namespace, 'db', { deleteOptions: { preconditions: { uid } } })).code).toBe(409);
    await isCopied();
    expect((await evict(namespace, 'db')).code).toBe(429);
    expect(await guard.state(namespace, 'db')).toMatchObject({ phase: 'Cleaning', attempt: 1 });
  });
});
