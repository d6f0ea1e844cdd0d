/**
 * What the quota ledger costs, as ratios inside one run: `npm run bench:quota`, and with `-- --write` into
 * docs/performance.md. Needs PostgreSQL (tools/postgres/install.ts). Its files lie in the system's temporary folder, which
 * should be on the disk that is to be measured.
 */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { answerReview, defineValidator, encodeReviewRequest, deny } from '../src/admission/index.ts';
import {
  Hub,
  Ledger,
  ledgerStoreFor,
  Member,
  MemoryLedgerStore,
  type LedgerStoreLocation,
  type Reservation,
} from '../src/quota/index.ts';
import { podUsage } from '../src/usage/index.ts';
import { silentLogger, systemClock } from '../src/telemetry/index.ts';
import { buildRequest } from '../src/testing/review-builder.ts';
import { PostgresServer } from '../test/postgres-server.ts';
import { list, quotaTerms } from '../test/quota-builders.ts';
import { benchPod } from './pod-review.ts';
import { report, type Figure } from './report.ts';
import { interleaved, summarise, type Rounds } from './rounds.ts';

const rounds = 5;
/** Requests under way at once: a storm, such as a Deployment scaled up. */
const callers = 512;
const cluster = '6f1f2d3c-77f0-4b2f-9d0a-1f4f3a5c9e11';
const hard = { pods: '1000000000', 'requests.cpu': '1000000000', 'requests.memory': '1000000Ti' };
const usage = list({
  'count/pods': '1',
  pods: '1',
  cpu: '300m',
  'requests.cpu': '300m',
  memory: '384Mi',
  'requests.memory': '384Mi',
  'limits.memory': '768Mi',
});

let uids = 0;
function reservation(quota: string): Reservation {
  uids += 1;
  // At random, as those of an API server are: what is written of them lies anywhere in an index.
  const uid = randomUUID();
  return {
    key: { cluster, resource: 'pods', uid },
    namespace: 'shop',
    name: `web-${uids}`,
    attempt: uid,
    usage,
    quotas: [quota],
    dryRun: false,
  };
}

/** Reservations in a second, with many callers who ask again as soon as they are answered. */
async function storm(
  ledger: Ledger,
  milliseconds: number,
  quotaOf: (index: number) => string = () => 'team',
): Promise<number> {
  const began = performance.now();
  let answered = 0;
  let asked = 0;
  const call = async (): Promise<void> => {
    while (performance.now() - began < milliseconds) {
      const { allowed } = await ledger.reserve(reservation(quotaOf((asked += 1))));
      if (!allowed) throw new Error('refused');
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return (answered * 1000) / (performance.now() - began);
}

async function openLedger(location: LedgerStoreLocation, maxBatch?: number): Promise<Ledger> {
  const ledger = new Ledger({ store: await ledgerStoreFor(location), ...(maxBatch !== undefined && { maxBatch }) });
  await ledger.start();
  await ledger.setTerms(quotaTerms('team', hard));
  return ledger;
}

const ratioOf = (a: Rounds, b: Rounds): Rounds => summarise(a.all.map((value, round) => value / (b.all[round] ?? NaN)));

async function hotQuotaOnSqlite(folder: string): Promise<Figure[]> {
  const location = (name: string): LedgerStoreLocation => ({ mode: 'SQLite', path: join(folder, name) });
  const grouped = await openLedger(location('grouped.sqlite'));
  const single = await openLedger(location('single.sqlite'), 1);
  const figures = await interleaved(rounds, { grouped: () => storm(grouped, 1500), single: () => storm(single, 1500) });
  await grouped.stop();
  await single.stop();
  return [
    {
      what: `reservations of one hot quota on SQLite, ${callers} callers, group commit ÷ one commit for each`,
      wanted: '≥ 30',
      ratio: ratioOf(figures.grouped, figures.single),
      raw: { 'group commit /s': figures.grouped, 'one commit each /s': figures.single },
    },
  ];
}

/** What the other processes of this file do: a storm whenever they are told. */
async function stormWhenTold(url: string): Promise<void> {
  const ledger = await openLedger({ mode: 'PostgreSQL', url });
  process.on('message', (milliseconds: number) => {
    void storm(ledger, milliseconds).then((rate) => process.send?.(rate));
  });
  process.send?.(0);
}

async function hotQuotaOnPostgres(): Promise<Figure[]> {
  const server = await PostgresServer.start();
  try {
    const url = server.newDatabase();
    const grouped = await openLedger({ mode: 'PostgreSQL', url });
    const single = await openLedger({ mode: 'PostgreSQL', url: server.newDatabase() }, 1);
    const gates = Array.from({ length: 4 }, () =>
      fork(import.meta.filename, ['--gate', url], { execArgv: process.execArgv }),
    );
    for (const gate of gates) await once(gate, 'message');
    const four = async (): Promise<number> => {
      const answers = gates.map((gate) => once(gate, 'message') as Promise<[number]>);
      for (const gate of gates) gate.send(1500);
      return (await Promise.all(answers)).reduce((sum, [rate]) => sum + rate, 0);
    };
    const figures = await interleaved(rounds, {
      grouped: () => storm(grouped, 1500),
      four,
      single: () => storm(single, 1500),
    });
    for (const gate of gates) gate.kill();
    await grouped.stop();
    await single.stop();
    return [
      {
        what: `the same on PostgreSQL, one gate process`,
        wanted: '≥ 20',
        ratio: ratioOf(figures.grouped, figures.single),
        raw: { 'group commit /s': figures.grouped, 'one commit each /s': figures.single },
      },
      {
        what: `the same on PostgreSQL, four gate processes on one quota ÷ one commit for each in one process`,
        wanted: '≥ 20',
        ratio: ratioOf(figures.four, figures.single),
        raw: { 'group commit of four, together /s': figures.four },
      },
    ];
  } finally {
    await server.remove();
  }
}

async function flatness(folder: string): Promise<Figure[]> {
  const make = async (name: string, quotas: number): Promise<Ledger> => {
    const ledger = await openLedger({ mode: 'SQLite', path: join(folder, name) });
    await Promise.all(Array.from({ length: quotas }, (_, index) => ledger.setTerms(quotaTerms(`team-${index}`, hard))));
    return ledger;
  };
  const few = await make('few.sqlite', 10);
  const many = await make('many.sqlite', 10_000);
  const random = (count: number) => () => `team-${Math.floor(Math.random() * count)}`;
  const perRequest = (rate: number): number => 1e6 / rate;
  const byQuotas = await interleaved(rounds, {
    few: async () => perRequest(await storm(few, 1500, random(10))),
    many: async () => perRequest(await storm(many, 1500, random(10_000))),
    // The same quotas of the large ledger: what the size alone costs, without a batch that meets more quotas.
    manyOfTen: async () => perRequest(await storm(many, 1500, random(10))),
  });
  await few.stop();
  await many.stop();

  const path = join(folder, 'charges.sqlite');
  const filling = fork(import.meta.filename, ['--fill', path], { execArgv: process.execArgv });
  const [resident] = (await once(filling, 'message')) as [number];
  await once(filling, 'exit');
  const filled = await openLedger({ mode: 'SQLite', path });
  const bytes = statSync(path).size / 2 ** 20;
  const byCharges: Record<'few' | 'many', number[]> = { few: [], many: [] };
  for (let round = 0; round < rounds; round += 1) {
    // A new ledger each round, so that it stays small.
    const fresh = await openLedger({ mode: 'SQLite', path: join(folder, `fresh-${round}.sqlite`) });
    for (let index = 0; index < 1000; index += 1) void fresh.reserve(reservation('team'));
    await fresh.reserve(reservation('team'));
    byCharges.few.push(perRequest(await storm(fresh, 400)));
    byCharges.many.push(perRequest(await storm(filled, 400)));
    await fresh.stop();
  }
  const [fewCharges, manyCharges] = [summarise(byCharges.few), summarise(byCharges.many)];
  await filled.stop();
  return [
    {
      what: 'cost of a request on SQLite with 10,000 quotas ÷ with 10, of which ten are asked for',
      wanted: 'flat',
      ratio: ratioOf(byQuotas.manyOfTen, byQuotas.few),
      raw: { 'ten quotas µs': byQuotas.few, 'ten of 10,000 µs': byQuotas.manyOfTen },
    },
    {
      what: 'the same, of which all are asked for at random, so that every request of a batch changes another quota',
      wanted: 'told',
      ratio: ratioOf(byQuotas.many, byQuotas.few),
      raw: { 'any of 10,000 µs': byQuotas.many },
    },
    {
      what: 'cost of a request on SQLite with 1,000,000 charges ÷ with 1,000',
      wanted: 'flat',
      ratio: ratioOf(manyCharges, fewCharges),
      raw: { '1,000 charges µs': fewCharges, '1,000,000 charges µs': manyCharges },
    },
    {
      what: 'memory of the whole process with a ledger of a million charges on SQLite, MiB: it knows the newest 32,768 and caches pages',
      wanted: 'told',
      ratio: summarise([resident]),
      raw: { 'file of them MiB': summarise([bytes]) },
    },
  ];
}

async function memoryOfMemoryStore(): Promise<Figure[]> {
  const ledger = new Ledger({ store: new MemoryLedgerStore() });
  await ledger.setTerms(quotaTerms('team', hard));
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let done = 0; done < 100_000; done += 1000) {
    await Promise.all(Array.from({ length: 1000 }, () => ledger.reserve(reservation('team'))));
  }
  globalThis.gc?.();
  const grown = ((process.memoryUsage().heapUsed - before) * 10) / 2 ** 20;
  return [
    {
      what: 'memory of a million charges in the store for tests, MiB, from 100,000',
      wanted: 'told',
      ratio: summarise([grown]),
      raw: {},
    },
  ];
}

/** A thread whose requests come when they come, a thousand in a second, whatever the gate is doing. */
const arrivals = `
  const { parentPort, workerData } = require('node:worker_threads');
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (let sent = 0; sent < workerData; sent += 1) {
    Atomics.wait(sleeper, 0, 0, 1);
    parentPort.postMessage(performance.timeOrigin + performance.now());
  }
`;

async function addedLatency(folder: string): Promise<Figure[]> {
  const ledger = new Ledger({ store: await ledgerStoreFor({ mode: 'SQLite', path: join(folder, 'slice.sqlite') }) });
  await ledger.start();
  const hub = new Hub({
    ledger: new Ledger({ store: new MemoryLedgerStore() }),
    clock: systemClock,
    uniqueName: randomUUID,
  });
  await hub.setTerms(quotaTerms('team', hard));
  const member = new Member({
    ledger,
    hub: {
      sync: (request, signal) => hub.sync('bench', request, signal),
      watch: (request, signal) => hub.watch('bench', request, signal),
    },
    cluster,
    clock: systemClock,
    uniqueName: randomUUID,
  });
  await member.setTerms(quotaTerms('team', hard));
  member.start();
  const common = { resource: 'pods', operations: ['CREATE'] } as const;
  const nothing = defineValidator({ ...common, name: 'nothing.bench.example.com', handler: () => undefined });
  const admitting = (name: string, admitter: Pick<Ledger, 'reserve'>) =>
    defineValidator({
      ...common,
      name: `${name}.bench.example.com`,
      handler: async ({ object, uid }) => {
        const pod = reservation('team');
        const usage = podUsage(object, { now: Date.now() });
        const { allowed } = await admitter.reserve({ ...pod, attempt: uid, usage });
        return allowed ? undefined : deny('exceeded quota');
      },
    });
  const quota = admitting('quota', member);
  const durable = admitting('durable', ledger);
  const text = encodeReviewRequest('v1', buildRequest(benchPod()));
  const signal = new AbortController().signal;
  // A slice with room for all that comes, and blocks that have grown by use.
  const large = reservation('team');
  await member.reserve({ ...large, usage: list({ pods: '1M', 'requests.cpu': '1M', 'requests.memory': '1000Ti' }) });
  await ledger.release([large], { by: 'bench', reason: 'has made the slice grow' });
  for (let index = 0; index < 300; index += 1) {
    await answerReview(quota, text, { signal, log: silentLogger });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const p99 = async (definition: typeof nothing, atOnce: number): Promise<number> => {
    const times: number[] = [];
    const call = async (): Promise<void> => {
      for (let index = 0; index < 2000 / atOnce; index += 1) {
        const began = performance.now();
        await answerReview(definition, text, { signal, log: silentLogger });
        times.push(performance.now() - began);
        await new Promise(setImmediate);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, call));
    return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN;
  };
  const p99Arriving = async (definition: typeof nothing): Promise<number> => {
    const times: number[] = [];
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const clients = new Worker(arrivals, { eval: true, workerData: 2000 });
    clients.on('message', (sent: number) => {
      void answerReview(definition, text, { signal, log: silentLogger }).then(() => {
        times.push(performance.timeOrigin + performance.now() - sent);
        if (times.length === 2000) resolve(undefined);
      });
    });
    await promise;
    await clients.terminate();
    return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN;
  };
  const figures = await interleaved(rounds, {
    nothing: () => p99(nothing, 1),
    quota: () => p99(quota, 1),
    durable: () => p99(durable, 1),
    nothingOf16: () => p99(nothing, 16),
    quotaOf16: () => p99(quota, 16),
    nothingArriving: () => p99Arriving(nothing),
    quotaArriving: () => p99Arriving(quota),
  });
  await member.stop();
  await ledger.stop();
  const added = (a: Rounds, b: Rounds): Rounds => summarise(a.all.map((value, round) => value - (b.all[round] ?? NaN)));
  return [
    {
      what: 'p99 that admission from a slice on SQLite adds to decode → admit → encode of a webhook that does nothing, ms, one caller',
      wanted: '≤ 1',
      ratio: added(figures.quota, figures.nothing),
      raw: { 'with quota p99 ms': figures.quota, 'without p99 ms': figures.nothing },
    },
    {
      what: 'the same when every answer waits for its own commit',
      wanted: 'told',
      ratio: added(figures.durable, figures.nothing),
      raw: { 'with a commit p99 ms': figures.durable },
    },
    {
      what: 'the same from a slice, 16 callers at once',
      wanted: 'told',
      ratio: added(figures.quotaOf16, figures.nothingOf16),
      raw: { 'with quota p99 ms': figures.quotaOf16, 'without p99 ms': figures.nothingOf16 },
    },
    {
      what: 'the same from a slice, a thousand requests a second that come whether the last commit is through or not',
      wanted: '≤ 1',
      ratio: added(figures.quotaArriving, figures.nothingArriving),
      raw: { 'with quota p99 ms': figures.quotaArriving, 'without p99 ms': figures.nothingArriving },
    },
  ];
}

/** What another process of this file does: a ledger of a million charges. Tells how many MiB it takes itself. */
async function fill(path: string): Promise<void> {
  const ledger = await openLedger({ mode: 'SQLite', path });
  const call = async (_: unknown, caller: number): Promise<void> => {
    for (let index = caller; index < 1_000_000; index += callers) await ledger.reserve(reservation('team'));
  };
  await Promise.all(Array.from({ length: callers }, call));
  await ledger.stop();
  globalThis.gc?.();
  process.send?.(process.memoryUsage().rss / 2 ** 20);
  process.disconnect();
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  try {
    const figures = [
      ...(await hotQuotaOnSqlite(folder)),
      ...(await hotQuotaOnPostgres()),
      ...(await addedLatency(folder)),
      ...(await memoryOfMemoryStore()),
      ...(await flatness(folder)),
    ];
    report('quota', 'The quota ledger (`npm run bench:quota`)', figures, process.argv.includes('--write'));
  } finally {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    rmSync(folder, { recursive: true });
  }
}

const [, , task, target = ''] = process.argv;
if (task === '--gate') await stormWhenTold(target);
else if (task === '--fill') await fill(target);
else await main();
