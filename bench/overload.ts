/**
 * Five times more than one core can answer: `npm run bench:overload`, and with `-- --write` into docs/performance.md.
 */
import { get } from 'node:http';
import { report, type Figure } from './report.ts';
import { summarise, type Rounds } from './rounds.ts';
import { steadyLoad, type SteadyResult } from './load/steady.ts';
import { benchFiles } from './subjects/files.ts';
import { startSallyport } from './subjects/subjects.ts';

const rounds = Number(process.env['OVERLOAD_ROUNDS'] ?? 3);
const seconds = 8;
const timeoutMilliseconds = 1000;
/** Rates about what one core can, of which the peak is the best: bench/busy-webhooks takes five milliseconds for each. */
const peakRates = [170, 185, 200];

using files = await benchFiles();
await using gate = await startSallyport(files, { webhooks: 'bench/busy-webhooks' });
const load = (perSecond: number, forSeconds: number) =>
  steadyLoad({ url: gate.url('validate'), files, perSecond, seconds: forSeconds, timeoutMilliseconds });

/** Milliseconds until the event loop is free again, as readiness has it. */
async function untilReady(): Promise<number> {
  const began = performance.now();
  while (performance.now() - began < 30_000) {
    const isWell = await new Promise<boolean>((resolve) => {
      get(`http://127.0.0.1:${gate.healthPort}/readyz?verbose`, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks).includes('[+]event-loop ok')));
      }).on('error', () => resolve(false));
    });
    if (isWell) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return performance.now() - began;
}

/** How many requests the gate itself had for longer than the timeout, from their header to their answer. */
async function heldTooLong(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${gate.healthPort}/metrics`)).text();
  const sum = (series: RegExp): number =>
    [...text.matchAll(series)].reduce((total, [, value]) => total + Number(value), 0);
  const name = 'sallyport_admission_request_duration_seconds';
  const inTime = new RegExp(`^${name}_bucket\\{.*\\ble="${timeoutMilliseconds / 1000}".*\\} (\\d+)$`, 'gm');
  return sum(new RegExp(`^${name}_count.* (\\d+)$`, 'gm')) - sum(inTime);
}

const peaks: number[] = [];
const floods: SteadyResult[] = [];
const tooLong: number[] = [];
const recoveries: number[] = [];
const memory: number[] = [];
await load(100, 4);
for (let round = 0; round < rounds; round += 1) {
  let peak = 0;
  for (const rate of peakRates) peak = Math.max(peak, (await load(rate, seconds / 2)).answeredPerSecond);
  const before = await heldTooLong();
  peaks.push(peak);
  floods.push(await load(peak * 5, seconds));
  memory.push(gate.memoryMebibytes());
  recoveries.push(await untilReady());
  tooLong.push((await heldTooLong()) - before);
}
const flooded = (value: (flood: SteadyResult) => number): Rounds => summarise(floods.map(value));
const figures: Figure[] = [
  {
    what: 'answered in time under five times the peak ÷ at the peak',
    wanted: '≥ 0.8',
    ratio: summarise(floods.map(({ answeredPerSecond }, round) => answeredPerSecond / (peaks[round] ?? NaN))),
    raw: {
      'at the peak /s': summarise(peaks),
      'under five times the peak /s': flooded(({ answeredPerSecond }) => answeredPerSecond),
      sent: flooded(({ sent }) => sent),
      'not sent, since 600 were under way': flooded(({ held }) => held),
      'turned away': flooded(({ shed }) => shed),
      'connections asked for': flooded(({ connections }) => connections),
      'failed otherwise': flooded(({ failed }) => failed),
    },
  },
  {
    what: `callers that waited for their whole timeout of ${timeoutMilliseconds} ms in vain ÷ all`,
    wanted: '0',
    ratio: flooded(({ unconnected, unanswered, sent }) => (unconnected + unanswered) / sent),
    raw: {
      'given up before there was a connection': flooded(({ unconnected }) => unconnected),
      'given up on an answer, in what the connection had left of the time': flooded(({ unanswered }) => unanswered),
      'requests that the gate had for longer than the timeout': summarise(tooLong),
      'the longest wait for an answer, from when there was a connection, ms': flooded(
        (flood) => flood.longestMilliseconds,
      ),
      'the longest pause of the load generator, ms': flooded(({ ownDelayMilliseconds }) => ownDelayMilliseconds),
    },
  },
  {
    what: 'ms from the last answer of the flood until the check `event-loop` of /readyz passes',
    wanted: '≤ 5000',
    ratio: summarise(recoveries),
    raw: { 'memory after each round, MiB': summarise(memory) },
  },
];
report('overload', 'Overload (`npm run bench:overload`)', figures, process.argv.includes('--write'));
