/**
 * What `isolation: 'thread'` costs, and what an endless loop in such a handler does to the other webhooks:
 * `npm run bench:isolation`, and with `-- --write` into docs/performance.md. `ISOLATION_ROUNDS=1` for less.
 */
import { ensureWrk, wrk, type WrkResult } from './load/wrk.ts';
import { report } from './report.ts';
import { summarise, type Rounds } from './rounds.ts';
import { benchFiles } from './subjects/files.ts';
import { post } from './subjects/process.ts';
import { startSallyport } from './subjects/subjects.ts';

const rounds = Number(process.env['ISOLATION_ROUNDS'] ?? 7);
const seconds = 3;
const connections = 16;
/** Who call the webhook that does not come back, each again and again. */
const endlessCallers = 4;

ensureWrk();
using files = await benchFiles();
await using gate = await startSallyport(files, { webhooks: 'bench/isolated-webhooks' });

async function load(path: string): Promise<WrkResult> {
  const url = `https://127.0.0.1:${gate.port}${path}`;
  const result = await wrk({ url, bodyFile: files.review(4), connections, seconds });
  if (result.failures > 0) throw new Error(`${path}: ${result.failures} requests failed`);
  return result;
}

/** Calls the endless webhook until it is told to stop; resolves with how many calls failed, as all of them must. */
async function callEndless(until: AbortSignal): Promise<number> {
  const caller = async (): Promise<number> => {
    let failed = 0;
    for (; !until.aborted; failed += 1) {
      const answer = await post(gate.port, '/endless?timeout=1s', files.probe, files);
      if (answer !== undefined) throw new Error(`the endless webhook answered: ${answer}`);
    }
    return failed;
  };
  const counts = await Promise.all(Array.from({ length: endlessCallers }, caller));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function besideEndless(path: string): Promise<{ readonly result: WrkResult; readonly failed: number }> {
  const stop = new AbortController();
  const calls = callEndless(stop.signal);
  const result = await load(path);
  stop.abort();
  return { result, failed: await calls };
}

const inline: WrkResult[] = [];
const isolated: WrkResult[] = [];
const beside: WrkResult[] = [];
const failed: number[] = [];
for (const path of ['/validate', '/isolated', '/validate', '/isolated']) await load(path);
for (let round = 0; round < rounds; round += 1) {
  inline.push(await load('/validate'));
  isolated.push(await load('/isolated'));
  const { result, failed: count } = await besideEndless('/validate');
  beside.push(result);
  failed.push(count);
}

const of = (results: readonly WrkResult[], value: (result: WrkResult) => number): Rounds =>
  summarise(results.map(value));
const rate = ({ requests, seconds: took }: WrkResult): number => requests / took;
const p50 = ({ p50Milliseconds }: WrkResult): number => p50Milliseconds;
const p99 = ({ p99Milliseconds }: WrkResult): number => p99Milliseconds;
const ratio = (above: readonly WrkResult[], value: (result: WrkResult) => number): Rounds =>
  summarise(above.map((result, round) => value(result) / (of(inline, value).all[round] ?? NaN)));

const same = `validate, 4 KB, ${connections} connections: isolation: 'thread' ÷ the same handler without it`;
report(
  'isolation',
  'Handlers in a thread of their own (`npm run bench:isolation`)',
  [
    {
      what: `answers a second, ${same}`,
      wanted: 'told',
      ratio: ratio(isolated, rate),
      raw: { 'in a thread /s': of(isolated, rate), 'without /s': of(inline, rate) },
    },
    {
      what: `50th percentile, ${same}`,
      wanted: 'told',
      ratio: ratio(isolated, p50),
      raw: { 'in a thread ms': of(isolated, p50), 'without ms': of(inline, p50) },
    },
    {
      what: `99th percentile, ${same}`,
      wanted: 'told',
      ratio: ratio(isolated, p99),
      raw: { 'in a thread ms': of(isolated, p99), 'without ms': of(inline, p99) },
    },
    {
      what: `99th percentile of another webhook while ${endlessCallers} clients call an endless loop in a thread ÷ without them`,
      wanted: '≤ 2',
      ratio: ratio(beside, p99),
      raw: {
        'beside the loop ms': of(beside, p99),
        'without it ms': of(inline, p99),
        'beside the loop /s': of(beside, rate),
        'without it /s': of(inline, rate),
        'calls of the loop, all of which failed': summarise(failed),
      },
    },
  ],
  process.argv.includes('--write'),
);
