import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setImmediate } from 'node:timers/promises';
import type { Pod } from '../api/generated/core.v1.ts';
import { ApiStatusError } from '../kube/index.ts';
import { silentLogger } from '../telemetry/index.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import type { GuardClient } from './guard-client.ts';
import { resolveGuardPolicy } from './guard-policy.ts';
import { formatState, stateAnnotation, stateOf } from './guard-state.ts';
import { Membership } from './membership.ts';
import { Slots } from './slots.ts';
import { Worker } from './worker.ts';

const leaseSeconds = 15;

function orphan(name: string): Pod {
  const state = formatState({
    uid: name,
    phase: 'Cleaning',
    guard: 'shop/db',
    since: 0,
    deadline: 3_600_000,
    attempt: 1,
    requester: 'alice',
    requesterClass: 'User',
    verb: 'DELETE',
    lastAttempt: 0,
    owner: 'gone',
  });
  const metadata = {
    namespace: 'shop',
    name,
    uid: name,
    resourceVersion: '1',
    annotations: { [stateAnnotation]: state },
  };
  return { metadata, spec: { nodeName: 'n1', containers: [] }, status: { phase: 'Running' } };
}

/** An API server of Pods and Leases, of which `patch` can be kept waiting or refused. */
class World {
  readonly clock = new FakeClock();
  readonly pods: Map<string, Pod>;
  renewals = 0;
  patch: (name: string) => Promise<void> = () => Promise.resolve();
  readonly worker: Worker;

  constructor(names: readonly string[]) {
    this.pods = new Map(names.map((name) => [name, orphan(name)]));
    const client = this.#client();
    const membership = new Membership({ client, namespace: 'gate', identity: 'one', leaseSeconds, clock: this.clock });
    const hook = {
      start: () => Promise.resolve(),
      status: () => Promise.resolve({ phase: 'Running' as const }),
      undo: () => Promise.resolve(),
    };
    const guard = { name: 'shop/db', matches: () => true, policy: resolveGuardPolicy({}), hook };
    this.worker = new Worker({
      client,
      guards: { guardOf: () => guard },
      pods: {
        get: (name) => this.pods.get(name),
        list: () => [...this.pods.values()],
        subscribe: () => () => undefined,
      },
      membership,
      slots: new Slots({ client, namespace: 'gate', clock: this.clock }),
      hookTimeoutSeconds: 5,
      observer: {},
      clock: this.clock,
      log: silentLogger,
    });
  }

  ownerOf(name: string): string | undefined {
    const pod = this.pods.get(name);
    return pod === undefined ? undefined : stateOf(pod)?.owner;
  }

  /** The time between two renewals passes, and what follows from it comes to rest. */
  async beat(): Promise<void> {
    this.clock.advance((leaseSeconds * 1000) / 3);
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  }

  #client(): GuardClient {
    const refuse = (code: number): never => {
      throw new ApiStatusError('a request', code, { kind: 'Status', apiVersion: 'v1', message: 'no' });
    };
    const answers = {
      create: () => refuse(500),
      delete: () => Promise.resolve(),
      get: async ({ resource, name }: { resource: string; name: string }) =>
        resource === 'pods' ? (this.pods.get(name) ?? refuse(404)) : refuse(404),
      list: () => Promise.resolve({ items: [] }),
      replace: () => refuse(500),
      patch: async (
        { name }: { name: string },
        { operations }: { operations?: readonly { path: string; value: string }[] },
      ) => {
        if (operations === undefined) {
          this.renewals += 1;
          return {};
        }
        await this.patch(name);
        const value = operations.findLast(({ path }) => path.endsWith('guard-state'))?.value ?? '';
        const pod = this.pods.get(name) ?? refuse(404);
        const written: Pod = {
          ...pod,
          metadata: { ...pod.metadata, resourceVersion: '2', annotations: { [stateAnnotation]: value } },
        };
        this.pods.set(name, written);
        return written;
      },
    };
    // The worker asks of a client what stands above.
    return answers as unknown as GuardClient;
  }
}

describe('Worker, of the holds of a replica that is gone,', () => {
  let world: World;
  beforeEach(async () => {
    world = new World(['db-0', 'db-1', 'db-2']);
    await world.worker.start();
  });
  afterEach(() => world.worker.stop());

  it('takes over all', async () => {
    await world.beat();
    expect(['db-0', 'db-1', 'db-2'].map((name) => world.ownerOf(name))).toEqual(['one', 'one', 'one']);
  });

  it('takes over the others when one cannot be written, and that one when it can', async () => {
    world.patch = async (name) => {
      if (name === 'db-0') throw new ApiStatusError('PATCH', 403, { kind: 'Status', apiVersion: 'v1', message: 'no' });
    };
    await world.beat();
    expect(['db-0', 'db-1', 'db-2'].map((name) => world.ownerOf(name))).toEqual(['gone', 'one', 'one']);
    world.patch = () => Promise.resolve();
    await world.beat();
    expect(world.ownerOf('db-0')).toBe('one');
  });

  it('renews its Lease while they take long', async () => {
    const slow = Promise.withResolvers<void>();
    world.patch = () => slow.promise;
    const before = world.renewals;
    for (let beat = 0; beat < 6; beat++) await world.beat();
    expect(world.renewals - before).toBe(6);
    slow.resolve();
    await world.beat();
    expect(['db-0', 'db-1', 'db-2'].map((name) => world.ownerOf(name))).toEqual(['one', 'one', 'one']);
  });
});
