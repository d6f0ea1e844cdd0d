/**
 * What the deletion guard costs: `npm run bench:guard`, and with `-- --write` into docs/performance.md. `--pods N` holds
 * fewer Pods than 10,000 at once. Needs the real API server (node tools/control-plane/build.ts).
 */
import { readFileSync } from 'node:fs';
import { defineValidator, deny, type WebhookDefinition } from '../src/admission/index.ts';
import type { Pod } from '../src/api/generated/core.v1.ts';
import { formatState, guardLabel, guardLabelValue, resolveGuardPolicy, stateAnnotation } from '../src/guard/index.ts';
import { Gatekeeper } from '../src/guard/gatekeeper.ts';
import { Slots } from '../src/guard/slots.ts';
import { guardWebhooks } from '../src/guard/webhooks.ts';
import { KubeClient } from '../src/kube/index.ts';
import { silentLogger, systemClock } from '../src/telemetry/index.ts';
import { plainClusterConfig } from '../test/cluster-config.ts';
import { GuardPlane, object, podSpec } from '../test/guard/guard-plane.ts';
import { serve, testAuthority } from '../test/loopback-server.ts';
import { interleaved, summarise, type Rounds } from './rounds.ts';
import { report, type Figure } from './report.ts';

const rounds = 9;
const requestsPerRound = 2000;
const flag = process.argv.indexOf('--pods');
const podCount = flag === -1 ? 10_000 : Number(process.argv[flag + 1]);

const heldPod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'shop',
    name: 'db-0',
    uid: '3f1c',
    labels: { app: 'db', [guardLabel]: guardLabelValue },
    annotations: {
      [stateAnnotation]: formatState({
        uid: '3f1c',
        phase: 'Cleaning',
        guard: 'shop/db',
        since: Date.now(),
        deadline: Date.now() + 3_600_000,
        attempt: 1,
        requester: 'alice',
        requesterClass: 'User',
        verb: 'DELETE',
        lastAttempt: Date.now() + 3_600_000,
        owner: 'bench',
      }),
    },
  },
  spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'registry.example.com/db:1' }] },
  status: { phase: 'Running' },
};

/** An API server that nobody may ask: a decision from the cache needs none. */
function unreachable(): KubeClient {
  return new KubeClient(plainClusterConfig('https://127.0.0.1:9'));
}

function guardWebhook(): WebhookDefinition {
  const client = unreachable();
  const guards = {
    guardOf: () => ({
      name: 'shop/db',
      matches: () => true,
      policy: resolveGuardPolicy({}),
      hook: { start: () => never(), status: () => never(), undo: () => never() },
    }),
  };
  const gatekeeper = new Gatekeeper({
    client,
    guards,
    pods: { get: () => heldPod, list: () => [heldPod], subscribe: () => () => undefined },
    isTerminating: () => false,
    slots: new Slots({ client, namespace: 'default', clock: systemClock }),
    identity: 'bench',
    claimed: () => undefined,
    failOpenAfterSeconds: 600,
    observer: {},
    clock: systemClock,
    log: silentLogger,
  });
  const webhook = guardWebhooks({ gatekeeper, guards, user: 'guard' }).find(({ name }) => name.startsWith('delete.'));
  if (webhook === undefined) throw new Error('the guard has a webhook on DELETE');
  return webhook;
}

async function never(): Promise<never> {
  throw new Error('a decision calls no hook');
}

/** 99th percentile in µs of requests one after the other over one connection. */
async function decisionTime(): Promise<Figure> {
  const nothing = defineValidator({
    name: 'nothing.bench.example.com',
    resource: 'pods',
    operations: ['DELETE'],
    handler: () => deny('no'),
  });
  const guard = guardWebhook();
  await using gate = await serve(await testAuthority(), [nothing, guard]);
  using connection = await gate.connect();
  const body = JSON.stringify(review());
  const p99 = async ({ path }: WebhookDefinition): Promise<number> => {
    const times: number[] = [];
    for (let index = 0; index < requestsPerRound; index += 1) {
      const start = performance.now();
      connection.post(`${path}?timeout=10s`, body);
      const answer = await connection.answer();
      times.push((performance.now() - start) * 1000);
      if (answer?.body.includes('"allowed":false') !== true) throw new Error(`not held: ${answer?.body}`);
    }
    return times.sort((one, other) => one - other)[Math.floor(requestsPerRound * 0.99)] ?? NaN;
  };
  await p99(nothing);
  await p99(guard);
  const raw = await interleaved(rounds, { nothing: () => p99(nothing), guard: () => p99(guard) });
  const ratios = raw.guard.all.map((time, round) => time / (raw.nothing.all[round] ?? NaN));
  return {
    what: `p99 of a decision on a held Pod from the cache ÷ that of a webhook that only denies (HTTPS, ${requestsPerRound} requests a round)`,
    wanted: '≤ 2',
    ratio: summarise(ratios),
    raw: { 'guard p99 µs': raw.guard, 'nothing p99 µs': raw.nothing },
  };
}

function review(): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '0df28fbd-5f5f-11e8-bc74-36e6bb280816',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      name: 'db-0',
      namespace: 'shop',
      operation: 'DELETE',
      userInfo: { username: 'alice', groups: ['system:authenticated'] },
      object: null,
      oldObject: heldPod,
      dryRun: false,
      options: { apiVersion: 'meta.k8s.io/v1', kind: 'DeleteOptions', gracePeriodSeconds: 30 },
    },
  };
}

interface Held {
  readonly pods: number;
  readonly residentBytes: number;
  readonly podWritesPerMinute: number;
  readonly leaseWritesPerMinute: number;
}

/** Holds more and more Pods by one replica in a process of its own, on a real API server. */
async function heldAtOnce(counts: readonly number[]): Promise<Held[]> {
  const guard = await GuardPlane.start({ replicas: 0, leaseSeconds: 15 });
  try {
    const replica = await guard.spawnReplica('bench');
    const namespace = await guard.guarded({ deadlineSeconds: 36_000, pollSeconds: 30 });
    await guard.kubelet.pause();
    const names: string[] = [];
    const held: Held[] = [await observe(guard, replica.pid, 0)];
    for (const count of counts) {
      const added = Array.from({ length: count - names.length }, (_, index) => `pod-${names.length + index}`);
      names.push(...added);
      await inParallel(added, async (name) => {
        const labels = { app: 'db', [guardLabel]: guardLabelValue };
        await guard.create(object('v1', 'Pod', { namespace, name, labels }, { spec: { ...podSpec, nodeName: 'n1' } }));
      });
      const pods = { group: '', version: 'v1', resource: 'pods', namespace } as const;
      await inParallel(added, async (name) => {
        const isHeld = await guard.admin.delete({ ...pods, name }, { maxRetries: 0 }).then(
          () => false,
          () => true,
        );
        if (!isHeld) throw new Error(`${name} was not held`);
      });
      held.push(await observe(guard, replica.pid, names.length));
      process.stderr.write(`${JSON.stringify(held.at(-1))}\n`);
    }
    return held;
  } finally {
    await guard.stop();
  }
}

async function inParallel(names: readonly string[], act: (name: string) => Promise<void>): Promise<void> {
  const waiting = [...names];
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await act(name);
  };
  await Promise.all(Array.from({ length: 16 }, work));
}

/** One minute in which nobody but the replica writes. */
async function observe(guard: GuardPlane, pid: number, pods: number): Promise<Held> {
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const before = await writes(guard);
  await new Promise((resolve) => setTimeout(resolve, 60_000));
  const after = await writes(guard);
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {
    pods,
    residentBytes: Number(resident) * 1024,
    podWritesPerMinute: after.pods - before.pods,
    leaseWritesPerMinute: after.leases - before.leases,
  };
}

/** As the API server counts them; nodes renew their Leases by APPLY, which is left out. */
async function writes(guard: GuardPlane): Promise<{ readonly pods: number; readonly leases: number }> {
  const text = await guard.admin.request({ path: '/metrics' });
  const sum = (resource: string): number =>
    [...text.matchAll(/^apiserver_request_total\{(.*)\} (\d+)$/gm)]
      .filter(([, labels = '']) => labels.includes(`resource="${resource}"`))
      .filter(([, labels = '']) => /verb="(POST|PUT|PATCH|DELETE)"/.test(labels))
      .reduce((total, [, , count]) => total + Number(count), 0);
  return { pods: sum('pods'), leases: sum('leases') };
}

const one = (value: number): Rounds => summarise([value]);

function heldFigures(held: readonly Held[]): Figure[] {
  const [none, half, all] = held;
  if (none === undefined || half === undefined || all === undefined) return [];
  const perPod = (from: Held, to: Held): number =>
    (to.residentBytes - from.residentBytes) / (to.pods - from.pods) / 1024;
  return [
    {
      what: `memory for each Pod of the second half ÷ for each of the first, of ${all.pods} held at once by one replica`,
      wanted: '≤ 1.5',
      ratio: one(perPod(half, all) / perPod(none, half)),
      raw: {
        'resident MiB with none held': one(none.residentBytes / 2 ** 20),
        [`resident MiB with ${half.pods}`]: one(half.residentBytes / 2 ** 20),
        [`resident MiB with ${all.pods}`]: one(all.residentBytes / 2 ** 20),
        'KiB for each Pod of the first half': one(perPod(none, half)),
        'KiB for each Pod of the second half': one(perPod(half, all)),
      },
    },
    {
      what: `writes to Pods a minute for each held Pod, with ${all.pods} held at once`,
      wanted: 'none',
      ratio: one(all.podWritesPerMinute / all.pods),
      raw: {
        'writes to Leases a minute with none held': one(none.leaseWritesPerMinute),
        [`writes to Leases a minute with ${all.pods}`]: one(all.leaseWritesPerMinute),
        [`writes to Pods a minute with ${all.pods}`]: one(all.podWritesPerMinute),
      },
    },
  ];
}

const decision = await decisionTime();
const held = heldFigures(await heldAtOnce([podCount / 2, podCount]));
report('guard', 'The deletion guard (`npm run bench:guard`)', [decision, ...held], process.argv.includes('--write'));
