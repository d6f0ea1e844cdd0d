/**
 * Ten minutes at half of what a gate can answer, with 200 connections that never end their header and 10,000 that say
 * nothing: `npm run soak`; `SOAK_MINUTES=1` for less. Fails when memory grows, or a request does not get its answer.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { steadyLoad } from './load/steady.ts';
import { benchFiles } from './subjects/files.ts';
import { startSallyport } from './subjects/subjects.ts';

const minutes = Number(process.env['SOAK_MINUTES'] ?? 10);
const idleConnections = Number(process.env['SOAK_IDLE'] ?? 10_000);
const slowConnections = 200;
/** Half of what bench/busy-webhooks can, which computes for five milliseconds each. */
const perSecond = 95;
/** Slope of memory that cannot be told from the saw-tooth of the collector, in MiB a minute. */
const noise = 1;

/** Of descriptors each connection takes one; the rest is for the load and for Node itself. */
const descriptors = Number(spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout);
if (descriptors < idleConnections + slowConnections + 500) {
  throw new Error(`${descriptors} open files are allowed, which is too few: raise \`ulimit -n\`, or lower SOAK_IDLE`);
}

using files = await benchFiles();
await using gate = await startSallyport(files, { webhooks: 'bench/busy-webhooks' });
const others: TLSSocket[] = [];

async function open(): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: gate.port, ca: files.ca, ALPNProtocols: ['http/1.1'] });
  // The gate closes those that have been idle for longest when it has too many.
  socket.on('error', () => undefined);
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
  return socket;
}

async function openMany(count: number): Promise<void> {
  for (let index = 0; index < count; index += 20) {
    others.push(...(await Promise.all(Array.from({ length: Math.min(20, count - index) }, open))));
  }
}

/** One byte of a header each second, for ever; what the gate closes is opened anew. */
async function drip(): Promise<void> {
  for (let index = 0; index < slowConnections; index += 1) {
    if (slow[index]?.destroyed !== false) slow[index] = await open();
    slow[index]?.write(slow[index]?.bytesWritten === 0 ? 'POST /validate HTTP/1.1\r\nX: ' : 'x');
  }
}

const slow: TLSSocket[] = [];
const samples: { minute: number; mebibytes: number }[] = [];
const began = performance.now();
let sent = 0;
let answered = 0;
let longest = 0;
const opening = openMany(idleConnections);
while (performance.now() - began < minutes * 60_000) {
  const [result] = await Promise.all([
    steadyLoad({ url: gate.url('validate'), files, perSecond, seconds: 5, timeoutMilliseconds: 5000 }),
    drip(),
  ]);
  sent += result.sent;
  answered += result.answered;
  longest = Math.max(longest, result.longestMilliseconds);
  samples.push({ minute: (performance.now() - began) / 60_000, mebibytes: gate.memoryMebibytes() });
}
await opening;
for (const socket of [...others, ...slow]) socket.destroy();

/** Least squares over the later two thirds: the first fills caches and the heap. */
const later = samples.slice(Math.floor(samples.length / 3));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const [meanMinute, meanMemory] = [mean(later.map(({ minute }) => minute)), mean(later.map((one) => one.mebibytes))];
const slope =
  mean(later.map(({ minute, mebibytes }) => (minute - meanMinute) * (mebibytes - meanMemory))) /
  mean(later.map(({ minute }) => (minute - meanMinute) ** 2));

console.log(`${minutes} minutes, ${sent} requests, ${answered} answered, the slowest in ${Math.round(longest)} ms`);
console.log(`memory: ${Math.round(meanMemory)} MiB, slope ${slope.toFixed(2)} MiB a minute (noise: ${noise})`);
console.log(`MiB: ${samples.map(({ mebibytes }) => Math.round(mebibytes)).join(' ')}`);
if (answered !== sent) throw new Error(`${sent - answered} requests did not get their answer`);
if (minutes >= 5 && slope > noise) throw new Error('memory grows');
