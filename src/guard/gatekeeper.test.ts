import { expect, it } from 'vitest';
import type { Pod } from '../api/generated/core.v1.ts';
import { ApiStatusError } from '../kube/index.ts';
import { silentLogger } from '../telemetry/index.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import type { GuardClient } from './guard-client.ts';
import { Gatekeeper } from './gatekeeper.ts';
import { guardLabel, guardLabelValue } from './guard-state.ts';
import { resolveGuardPolicy, type GuardPolicy } from './guard-policy.ts';
import { Slots } from './slots.ts';

const failOpenAfterSeconds = 600;

const db: Pod = {
  metadata: {
    namespace: 'shop',
    name: 'db-0',
    uid: 'u',
    resourceVersion: '1',
    labels: { [guardLabel]: guardLabelValue },
  },
  spec: { nodeName: 'n1', containers: [] },
  status: { phase: 'Running' },
};

/** Deletes db-0 at these seconds, by an API server that refuses every write of its state in this way. */
async function answers(code: number, seconds: readonly number[], policy: Partial<GuardPolicy> = {}): Promise<string[]> {
  const clock = new FakeClock();
  const refuse = (status: number): never => {
    throw new ApiStatusError('PATCH', status, { kind: 'Status', apiVersion: 'v1' });
  };
  const answers = {
    get: async ({ resource }: { resource: string }) =>
      resource === 'pods' ? db : resource === 'namespaces' || resource === 'nodes' ? { metadata: {} } : refuse(404),
    list: async () => ({ items: [] }),
    patch: async () => refuse(code),
  };
  // A keeper asks of a client what stands above.
  const client = answers as unknown as GuardClient;
  const hook = {
    start: async () => undefined,
    status: async () => ({ phase: 'Running' as const }),
    undo: async () => undefined,
  };
  const guard = { name: 'shop/db', matches: () => true, policy: resolveGuardPolicy(policy), hook };
  const keeper = new Gatekeeper({
    client,
    guards: { guardOf: () => guard },
    pods: { get: () => db, list: () => [db], subscribe: () => () => undefined },
    isTerminating: () => false,
    slots: new Slots({ client, namespace: 'gate', clock }),
    identity: 'one',
    claimed: () => undefined,
    failOpenAfterSeconds,
    observer: {},
    clock,
    log: silentLogger,
  });
  const kinds: string[] = [];
  for (const at of seconds) {
    clock.advance(at * 1000 - clock.now());
    const { kind } = await keeper.decide({
      verb: 'DELETE',
      namespace: 'shop',
      name: 'db-0',
      pod: db,
      user: { username: 'alice' },
      dryRun: false,
      graceSeconds: 30,
      uidPrecondition: undefined,
    });
    kinds.push(kind);
  }
  return kinds;
}

it.each([403, 422, 500])(
  'a Pod whose state cannot be written (%i) is held, and let go when that has lasted',
  async (code) => {
    expect(await answers(code, [0, 300, 599, 600, 700])).toEqual(['hold', 'hold', 'hold', 'allow', 'allow']);
  },
);

it('failures far apart are not taken for one that lasts', async () => {
  expect(await answers(500, [0, 601, 1202])).toEqual(['hold', 'hold', 'hold']);
});

it('with onDeadline: Hold it is never let go', async () => {
  expect(await answers(500, [0, 300, 600, 900], { onDeadline: 'Hold' })).toEqual(['hold', 'hold', 'hold', 'hold']);
});
