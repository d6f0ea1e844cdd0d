/**
 * A process that charges objects and kills itself at its n-th statement: `node ledger-crash-child.ts FILE N before|after`.
 * Writes the uid of each object that was answered with yes.
 */
import { writeSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Ledger } from '../src/quota/ledger/index.ts';
import { SqliteLedgerStore } from '../src/quota/ledger/stores/sqlite.ts';
import { present, quotaTerms, reservation } from './quota-builders.ts';

const [path = '', number = '', when = ''] = process.argv.slice(2);
let statements = 0;

/** Every statement that changes anything goes through here. */
function boundary<T>(run: () => T): T {
  statements += 1;
  if (statements !== Number(number)) return run();
  if (when === 'after') run();
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
}

class CrashingDatabase extends DatabaseSync {
  override exec(sql: string): void {
    boundary(() => super.exec(sql));
  }

  override prepare(sql: string): StatementSync {
    const statement = super.prepare(sql);
    if (sql.startsWith('SELECT')) return statement;
    const run = statement.run.bind(statement) as (...values: unknown[]) => ReturnType<StatementSync['run']>;
    statement.run = (...values: unknown[]) => boundary(() => run(...values));
    return statement;
  }
}

const store = new SqliteLedgerStore({
  path,
  maxRecentCharges: 4,
  openDatabase: (file, options) => new CrashingDatabase(file, options),
});
const ledger = new Ledger({ store, maxBatch: 5 });
await ledger.start();
for (const id of ['a', 'b']) await ledger.setTerms(quotaTerms(id, { pods: '30' }));

async function create(uid: string): Promise<void> {
  const pod = reservation(uid, ['a', 'b']);
  const { allowed } = await ledger.reserve(pod);
  if (!allowed) return;
  // At once, as an answer on a socket would be.
  writeSync(1, `${uid}\n`);
  await ledger.observe([present(pod, 5n)]);
}

for (let round = 0; round < 3; round += 1) {
  await Promise.all(Array.from({ length: 8 }, (_, index) => create(`u${round}-${index}`)));
}
writeSync(1, 'end\n');
await ledger.stop();
