import { parseArgs } from 'node:util';
import { playHistory, type Breakage } from './history.ts';

/**
 * `npm run test:quota-sim`: many histories, each other ones every time. `-- --seed 123 --histories 1` plays one again; `--break` names
 * what is to be broken on purpose.
 */
const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    break: { type: 'string' },
  },
});
const histories = Number(values.histories);
const first = Number(values.seed);
const breakage = values.break as Breakage | undefined;
process.stdout.write(`${histories} histories from seed ${first} on\n`);
const began = performance.now();
const totals = new Map<string, number>();
let failed = 0;
for (let seed = first; seed < first + histories; seed++) {
  const { violations, counts } = await playHistory(seed, breakage);
  for (const [name, count] of Object.entries({ ...counts })) totals.set(name, (totals.get(name) ?? 0) + count);
  if (violations.length > 0) {
    failed++;
    process.stdout.write(`seed ${seed}:\n  ${violations.join('\n  ')}\n`);
    if (failed >= 10) break;
  }
  if ((seed - first + 1) % 5000 === 0) {
    process.stdout.write(`${seed - first + 1} histories in ${Math.round((performance.now() - began) / 1000)} s\n`);
  }
}
process.stdout.write(
  `${JSON.stringify(Object.fromEntries(totals))}\n${failed === 0 ? 'no violation' : `${failed} histories failed`}\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
