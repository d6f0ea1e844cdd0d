/**
 * Five times more than one core can answer: `npm run bench:overload`, and with `-- --write` into docs/performance.md. Run
 * with this process on the core that the gate does not have: `taskset -c 1`.
 */
import { get } from 'node:http';
import { report, type Figure } from './report.ts';
import { summarise } from './rounds.ts';
import { steadyLoad } from './load/steady.ts';
import { benchFiles } from './subjects/files.ts';
import { startSallyport } from './subjects/subjects.ts';

const rounds = Number(process.env['OVERLOAD_ROUNDS'] ?? 3);
const seconds = 8;
const timeoutMilliseconds = 1000;
/** More than one core can: bench/busy-webhooks takes two milliseconds for each. */
const beyondPeak = 520;

using files = await benchFiles();
await using gate = await startSallyport(files, { webhooks: 'bench/busy-webhooks' });
const path = `${gate.paths.validate}?timeout=${timeoutMilliseconds / 1000}s`;
const load = (perSecond: number, forSeconds: number) =>
  steadyLoad({ port: gate.port, path, files, perSecond, seconds: forSeconds });

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
const rates: number[] = [];
const longest: number[] = [];
const longestSeen: number[] = [];
const ownDelays: number[] = [];
const tooLong: number[] = [];
const recoveries: number[] = [];
const memory: number[] = [];
const shed: number[] = [];
const failed: number[] = [];
await load(200, 4);
for (let round = 0; round < rounds; round += 1) {
  const alone = await load(beyondPeak, seconds);
  const peak = alone.answered / alone.seconds;
  const before = await heldTooLong();
  const flooded = await load(peak * 5, seconds);
  peaks.push(peak);
  rates.push(flooded.answered / flooded.seconds);
  longest.push(flooded.longestMilliseconds);
  longestSeen.push(flooded.longestSeenMilliseconds);
  ownDelays.push(flooded.ownDelayMilliseconds);
  shed.push(flooded.shed);
  failed.push(flooded.failed);
  memory.push(gate.memoryMebibytes());
  recoveries.push(await untilReady());
  tooLong.push((await heldTooLong()) - before);
}
const figures: Figure[] = [
  {
    what: 'answered in time under five times the peak ÷ at the peak',
    wanted: '≥ 0.8',
    ratio: summarise(rates.map((rate, round) => rate / (peaks[round] ?? NaN))),
    raw: {
      'at the peak /s': summarise(peaks),
      'under five times the peak /s': summarise(rates),
      'turned away': summarise(shed),
      'neither answered nor turned away': summarise(failed),
    },
  },
  {
    what:
      `the longest that anybody waited ÷ the timeout of ${timeoutMilliseconds} ms, from when a request was written to its ` +
      'connection, less what the load generator was late',
    wanted: '≤ 1',
    ratio: summarise(longest.map((value) => value / timeoutMilliseconds)),
    raw: {
      ms: summarise(longest),
      'with the handshake and the delay of the load generator, ms': summarise(longestSeen),
      'delay of the load generator at most, ms': summarise(ownDelays),
      'requests that the gate had for longer than the timeout': summarise(tooLong),
    },
  },
  {
    what: 'ms from the end of the flood until the check `event-loop` of /readyz passes',
    wanted: '≤ 5000',
    ratio: summarise(recoveries),
    raw: { 'memory after each round, MiB': summarise(memory) },
  },
];
report('overload', 'Overload (`npm run bench:overload`)', figures, process.argv.includes('--write'));
