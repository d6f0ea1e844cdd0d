/**
 * What one core answers, beside a bare handler, controller-runtime and Pepr on the same work: `npm run bench`, and with
 * `-- --write` into docs/performance.md. Each subject is pinned to one core and asked from the other.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { AdmissionReviewBody } from '../src/api/admission-review.ts';
import { apply, type JsonValue, type PatchOperation } from '../src/json/index.ts';
import { ensureWrk, wrk } from './load/wrk.ts';
import { reviewSizes, storefrontPod, type ReviewSize } from './pod-reviews.ts';
import { report, type Figure } from './report.ts';
import { summarise, type Rounds } from './rounds.ts';
import { fakePeprStore } from './subjects/fake-pepr-store.ts';
import { benchFiles } from './subjects/files.ts';
import { post, type SubjectProcess } from './subjects/process.ts';
import { startBare, startControllerRuntime, startPepr, startSallyport } from './subjects/subjects.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 7);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 2);
const connections = 16;
/** Enough for V8 to have compiled everything, and for Go's heap to have found its size. */
const warmUpRequests = 30_000;

type Operation = 'mutate' | 'validate';

interface Measured {
  /** Answers a second. */
  readonly rate: Rounds;
  /** Microseconds of CPU for each answer. */
  readonly cpu: Rounds;
  readonly p99: Rounds;
}

ensureWrk();
using files = await benchFiles();

async function warmUp(subject: SubjectProcess): Promise<void> {
  for (const operation of ['mutate', 'validate'] as const) {
    const load = { url: subject.url(operation), bodyFile: files.review(7), connections, seconds: 2 };
    for (let requests = 0, turn = 0; requests < warmUpRequests && turn < 8; turn += 1) {
      requests += (await wrk(load)).requests;
    }
  }
}

/** All subjects in turns, so that what else the machine does falls on each alike. */
async function measure(
  subjects: readonly SubjectProcess[],
  operation: Operation,
  size: ReviewSize,
  closes = false,
): Promise<Map<SubjectProcess, Measured>> {
  const figures = new Map(
    subjects.map((subject) => [subject, { rate: [] as number[], cpu: [] as number[], p99: [] as number[] }]),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const [subject, { rate, cpu, p99 }] of figures) {
      const before = subject.cpuSeconds();
      const load = { url: subject.url(operation), bodyFile: files.review(size), connections, seconds, closes };
      const result = await wrk(load);
      // A client that closes sees the end of a connection as an error now and then.
      if (result.failures > 0 && !closes) throw new Error(`${subject.name}: ${result.failures} requests failed`);
      rate.push(result.requests / result.seconds);
      cpu.push(((subject.cpuSeconds() - before) * 1e6) / result.requests);
      p99.push(result.p99Milliseconds);
    }
  }
  return new Map(
    [...figures].map(([subject, { rate, cpu, p99 }]) => [
      subject,
      { rate: summarise(rate), cpu: summarise(cpu), p99: summarise(p99) },
    ]),
  );
}

function ratioOf(above: Rounds, below: Rounds): Rounds {
  return summarise(above.all.map((value, round) => value / (below.all[round] ?? NaN)));
}

function compare(
  what: string,
  wanted: string,
  measured: Map<SubjectProcess, Measured>,
  ours: SubjectProcess,
  other: SubjectProcess,
): Figure {
  const [a, b] = [measured.get(ours), measured.get(other)];
  if (a === undefined || b === undefined) throw new Error('not measured');
  return {
    what: `answers a second, ${what}: ours ÷ ${other.name}`,
    wanted,
    ratio: ratioOf(a.rate, b.rate),
    raw: {
      'ours /s': a.rate,
      [`${other.name} /s`]: b.rate,
      'ours, µs of CPU each': a.cpu,
      [`${other.name}, µs of CPU each`]: b.cpu,
    },
  };
}

/** The Pod that a subject's answer makes of `storefrontPod`, without what Go writes for a field that is empty. */
async function changedPod(subject: SubjectProcess, size: ReviewSize): Promise<JsonValue> {
  const body = await post(subject.port, subject.paths.mutate, readFileSync(files.review(size), 'utf8'), files);
  const { response } = JSON.parse(body ?? '{}') as AdmissionReviewBody;
  const patch = JSON.parse(Buffer.from(response?.patch ?? '', 'base64').toString()) as PatchOperation[];
  return withoutEmpty(apply(storefrontPod(size), patch));
}

function withoutEmpty(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => withoutEmpty(element));
  const kept = Object.entries(value).filter(([key, member]) => {
    // Pepr notes on the object that it was there.
    if (key.startsWith('bench.pepr.dev/')) return false;
    return member !== null && !isDeepStrictEqual(member, {});
  });
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutEmpty(member)]));
}

async function checkSameWork(subjects: readonly SubjectProcess[]): Promise<void> {
  const [first] = subjects;
  if (first === undefined) return;
  for (const size of reviewSizes) {
    const expected = await changedPod(first, size);
    for (const subject of subjects) {
      if (!isDeepStrictEqual(await changedPod(subject, size), expected)) {
        throw new Error(`${subject.name} makes another Pod of the ${size} KB review than ${first.name}`);
      }
    }
  }
  const stranger = files.probe.replaceAll('registry.example.com', 'registry.invalid');
  for (const subject of subjects) {
    for (const [body, allowed] of [
      [files.probe, true],
      [stranger, false],
    ] as const) {
      const answer = JSON.parse(
        (await post(subject.port, subject.paths.validate, body, files)) ?? '{}',
      ) as AdmissionReviewBody;
      if (answer.response?.allowed !== allowed) throw new Error(`${subject.name} does not say ${allowed}`);
    }
  }
}

/** Each time with nothing kept from a former start, and then with what that start kept. */
async function startTimes(): Promise<Figure[]> {
  const bare: number[] = [];
  const first: number[] = [];
  const later: number[] = [];
  for (let round = 0; round < 11; round += 1) {
    const began = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    bare.push(performance.now() - began);
    const environment = { TMPDIR: mkdtempSync(join(files.directory, 'start-')), NODE_COMPILE_CACHE: undefined };
    for (const times of [first, later]) {
      await using gate = await startSallyport(files, { isPinned: false, environment });
      times.push(gate.startMilliseconds);
    }
  }
  const figure = (what: string, wanted: string, ours: readonly number[]): Figure => ({
    what: `${what} of \`sallyport serve\` to its first answer, with no cluster in reach ÷ start of bare \`node -e 0\``,
    wanted,
    ratio: ratioOf(summarise(ours), summarise(bare)),
    raw: { 'sallyport ms': summarise(ours), 'node -e 0 ms': summarise(bare) },
  });
  return [
    figure('start', '≤ 6', later),
    figure('the very first start (nothing compiled is kept, types are removed from the webhooks)', 'told', first),
  ];
}

const figures: Figure[] = await startTimes();
{
  await using bare = await startBare(files);
  await using ours = await startSallyport(files);
  await using controllerRuntime = await startControllerRuntime(files);
  await using store = await fakePeprStore();
  await using pepr = await startPepr(files, 'info', store.url);
  await checkSameWork([bare, ours, controllerRuntime, pepr]);
  const subjects = [bare, ours, controllerRuntime, pepr];
  for (const subject of subjects) await warmUp(subject);
  for (const size of reviewSizes) {
    for (const operation of ['mutate', 'validate'] as const) {
      const measured = await measure(subjects, operation, size);
      const what = `${operation}, ${size} KB`;
      const wanted =
        size === 60 ? ['told', 'told', 'told'] : ['≥ 0.8', operation === 'mutate' ? '≥ 5' : '≥ 2.5', '≥ 10'];
      [bare, controllerRuntime, pepr].forEach((other, index) =>
        figures.push(compare(what, wanted[index] ?? '', measured, ours, other)),
      );
      const [a, b] = [measured.get(ours), measured.get(bare)];
      if (a !== undefined && b !== undefined) {
        figures.push({
          what: `99th percentile at ${connections} connections, ${what}: ours ÷ ${bare.name}`,
          wanted: size === 60 ? 'told' : '≤ 1.5',
          ratio: ratioOf(a.p99, b.p99),
          raw: { 'ours ms': a.p99, [`${bare.name} ms`]: b.p99 },
        });
      }
    }
  }
  const closing = await measure([bare, ours, controllerRuntime], 'validate', 4, true);
  const what = 'validate, 4 KB, a new connection for each';
  for (const other of [bare, controllerRuntime]) figures.push(compare(what, 'told', closing, ours, other));
  const memory = summarise([ours.memoryMebibytes('VmHWM')]);
  figures.push({
    what: 'MiB of memory that `sallyport serve`, with the environment of its manifests, held at most under all of this',
    wanted: '≤ 150',
    ratio: memory,
    raw: Object.fromEntries(
      subjects.map((subject) => [`${subject.name} MiB`, summarise([subject.memoryMebibytes('VmHWM')])]),
    ),
  });
}
{
  await using ours = await startSallyport(files);
  await using store = await fakePeprStore();
  await using pepr = await startPepr(files, 'error', store.url);
  for (const subject of [ours, pepr]) await warmUp(subject);
  for (const operation of ['mutate', 'validate'] as const) {
    const measured = await measure([ours, pepr], operation, 4);
    figures.push(compare(`${operation}, 4 KB`, 'told', measured, ours, pepr));
  }
}
report('gate', 'The gate on one core (`npm run bench`)', figures, process.argv.includes('--write'));
