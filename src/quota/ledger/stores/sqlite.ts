import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { keyText, type Charge, type ChargeKey } from '../charge.ts';
import { accountText } from '../draft.ts';
import { LedgerStoreError } from '../errors.ts';
import type {
  Account,
  AccountKey,
  AuditEntry,
  Balance,
  ChargeQuery,
  Cluster,
  LedgerChanges,
  LedgerNeeds,
  LedgerStore,
  LedgerView,
} from '../store.ts';
import type { StoredQuota } from '../terms.ts';
import { decodeAmounts, decodeCharge, decodeTerms, encodeAmounts, encodeCharge, encodeTerms } from './encoding.ts';
import { indexAll, rowsSchema, SqliteRows } from './sqlite-rows.ts';

export interface SqliteLedgerStoreOptions {
  /** Of the database; its `-wal` and `-shm` lie beside it. On a local disk: SQLite's locks do not hold on network file systems. */
  readonly path: string;
  /** How long to wait for another process that writes. Default: 5000. */
  readonly busyTimeoutMilliseconds?: number;
  /** How many charges this process knows in memory alone before some of them go into the index. Default: 32768. */
  readonly maxRecentCharges?: number;
  /** Default: `node:sqlite`'s own. */
  readonly openDatabase?: (path: string, options: { readonly timeout: number }) => DatabaseSync;
}

/** Raised with every change of the tables, in `PRAGMA user_version`. */
const schemaVersion = 3;

const chargeSchema = `
  CREATE TABLE charge (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    cluster TEXT NOT NULL, resource TEXT NOT NULL, uid TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    body TEXT NOT NULL, open INTEGER NOT NULL, released_at INTEGER, release_reason TEXT
  ) STRICT;
  CREATE INDEX charge_place ON charge (cluster, resource);
  CREATE INDEX charge_open ON charge (cluster) WHERE open = 1;
  CREATE INDEX charge_released ON charge (released_at) WHERE released_at IS NOT NULL;
  ${rowsSchema}
`;

const schema = `
  CREATE TABLE quota (id TEXT PRIMARY KEY, terms TEXT NOT NULL, removed INTEGER NOT NULL, memo TEXT, census TEXT) STRICT, WITHOUT ROWID;
  CREATE TABLE account (
    quota TEXT NOT NULL, cluster TEXT NOT NULL, namespace TEXT NOT NULL, used TEXT NOT NULL, reserved TEXT NOT NULL,
    PRIMARY KEY (quota, cluster, namespace)
  ) STRICT, WITHOUT ROWID;
  ${chargeSchema}
  CREATE TABLE cluster (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT, WITHOUT ROWID;
  CREATE TABLE audit (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, facts TEXT NOT NULL) STRICT;
  PRAGMA user_version = ${schemaVersion};
`;

/** Charges had no `seq`, and one index of their keys. */
const toSchema3 = `
  DROP INDEX charge_key; DROP INDEX charge_open; DROP INDEX charge_released;
  ALTER TABLE charge RENAME TO former;
  ${chargeSchema}
  INSERT INTO charge (cluster, resource, uid, namespace, name, body, open, released_at, release_reason)
    SELECT cluster, resource, uid, namespace, name, body, open, released_at, release_reason FROM former ORDER BY rowid;
  DROP TABLE former;
  PRAGMA user_version = ${schemaVersion};
`;

const statements = {
  charge: 'SELECT namespace, name, body, released_at, release_reason FROM charge WHERE seq = ?',
  quota: 'SELECT id, terms, removed, memo, census FROM quota WHERE id = ?',
  account: 'SELECT used, reserved FROM account WHERE quota = ? AND cluster = ? AND namespace = ?',
  insertCharge: `INSERT INTO charge (namespace, name, body, open, released_at, release_reason, cluster, resource, uid)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  updateCharge: `UPDATE charge SET namespace = ?, name = ?, body = ?, open = ?, released_at = ?, release_reason = ?
    WHERE seq = ?`,
  deleteCharge: 'DELETE FROM charge WHERE seq = ?',
  putQuota: 'INSERT OR REPLACE INTO quota (id, terms, removed, memo, census) VALUES (?, ?, ?, ?, ?)',
  deleteQuota: 'DELETE FROM quota WHERE id = ?',
  putAccount: 'INSERT OR REPLACE INTO account (quota, cluster, namespace, used, reserved) VALUES (?, ?, ?, ?, ?)',
  deleteAccount: 'DELETE FROM account WHERE quota = ? AND cluster = ? AND namespace = ?',
  deleteAccounts: 'DELETE FROM account WHERE quota = ?',
  putCluster: 'INSERT OR REPLACE INTO cluster (id, name) VALUES (?, ?)',
  deleteCluster: 'DELETE FROM cluster WHERE id = ?',
  insertAudit: 'INSERT INTO audit (at, kind, facts) VALUES (?, ?, ?)',
  quotas: 'SELECT id, terms, removed, memo, census FROM quota ORDER BY id',
  accounts: 'SELECT cluster, namespace, used, reserved FROM account WHERE quota = ? ORDER BY cluster, namespace',
  clusters: 'SELECT id, name FROM cluster ORDER BY id',
  audit: 'SELECT at, kind, facts FROM audit ORDER BY seq DESC LIMIT ?',
} as const;

type Statements = Readonly<Record<keyof typeof statements, StatementSync>>;

interface Opened {
  readonly database: DatabaseSync;
  readonly prepared: Statements;
  readonly rows: SqliteRows;
}

/** A condition of SQL and what stands for its question marks. */
type Condition = readonly [sql: string, ...values: (string | number)[]];
type Row = Readonly<Record<string, string | bigint | null>>;

/**
 * A ledger in one file, durable at every answer: write-ahead log, `synchronous = FULL`. Several processes of one machine
 * may open it; they write one after the other.
 *
 * After a failed fsync or other broken I/O nothing is known about what the disk holds, and SQLite's own cache may show what
 * is not there: the store then refuses everything until the process starts anew and reads the file again.
 */
export class SqliteLedgerStore implements LedgerStore {
  readonly #options: Required<SqliteLedgerStoreOptions>;
  #opened: Opened | undefined;
  /** Of charges that were read page by page. */
  readonly #places = new WeakMap<Charge, number>();
  #fatal: LedgerStoreError | undefined;

  constructor(options: SqliteLedgerStoreOptions) {
    this.#options = {
      busyTimeoutMilliseconds: 5000,
      maxRecentCharges: 32_768,
      openDatabase: (path, { timeout }) => new DatabaseSync(path, { timeout }),
      ...options,
    };
  }

  async open(): Promise<void> {
    const { path, busyTimeoutMilliseconds, openDatabase } = this.#options;
    const database = this.#guarded(() => openDatabase(path, { timeout: busyTimeoutMilliseconds }));
    try {
      this.#opened = this.#guarded(() => this.#prepare(database));
    } catch (error) {
      // Rolls back what was begun.
      database.close();
      throw error;
    }
  }

  #prepare(database: DatabaseSync): Opened {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;');
    database.exec('BEGIN IMMEDIATE');
    this.#migrate(database);
    const prepare = (sql: string): StatementSync => {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      return statement;
    };
    // One statement for each of the keys.
    const prepared = Object.fromEntries(
      Object.entries(statements).map(([name, sql]) => [name, prepare(sql)]),
    ) as unknown as Statements;
    const rows = new SqliteRows(database, this.#options.maxRecentCharges);
    rows.begun();
    database.exec('COMMIT');
    return { database, prepared, rows };
  }

  async close(): Promise<void> {
    this.#opened?.database.close();
    this.#opened = undefined;
  }

  async transact<T>(
    _needs: LedgerNeeds,
    decide: (view: LedgerView) => { readonly changes: LedgerChanges; readonly result: T },
  ): Promise<T> {
    const { database, prepared, rows } = this.#parts;
    this.#guarded(() => database.exec('BEGIN IMMEDIATE'));
    const view = new SqliteView(prepared, rows);
    try {
      this.#guarded(() => rows.begun());
      const { changes, result } = decide(view);
      this.#guarded(() => {
        if (view.failure !== undefined) throw view.failure;
        if (!write(prepared, view, rows, changes)) database.exec('ROLLBACK');
        else {
          rows.index();
          database.exec('COMMIT');
          rows.committed();
        }
      });
      return result;
    } catch (error) {
      this.#rollBack(database);
      throw error === view.failure ? this.#translated(error) : error;
    }
  }

  async quotas(): Promise<StoredQuota[]> {
    return this.#read(({ quotas }) => rows(quotas).map(toQuota));
  }

  async accounts(quota: string): Promise<Account[]> {
    return this.#read(({ accounts }) =>
      rows(accounts, quota).map((row) => ({
        quota,
        cluster: text(row['cluster']),
        namespace: text(row['namespace']),
        balance: { used: decodeAmounts(text(row['used'])), reserved: decodeAmounts(text(row['reserved'])) },
      })),
    );
  }

  async charges(query: ChargeQuery): Promise<Charge[]> {
    const { after, limit } = query;
    const found: Charge[] = [];
    // Each of them is a range of an index, which all of what comes after is not.
    const ranges: Condition[] =
      after === undefined
        ? [['TRUE']]
        : [
            ['cluster = ? AND resource = ? AND seq > ?', after.key.cluster, after.key.resource, this.#placeOf(after)],
            ['cluster = ? AND resource > ?', after.key.cluster, after.key.resource],
            ['cluster > ?', after.key.cluster],
          ];
    for (const range of ranges) {
      if (found.length < limit) found.push(...this.#chargesIn(range, query, limit - found.length));
    }
    return found;
  }

  #chargesIn(range: Condition, query: ChargeQuery, limit: number): Charge[] {
    const { cluster, resource, namespace, open, releasedBefore } = query;
    const conditions: Condition[] = [
      range,
      ...(cluster === undefined ? [] : [['cluster = ?', cluster] as const]),
      ...(resource === undefined ? [] : [['resource = ?', resource] as const]),
      ...(namespace === undefined ? [] : [['namespace = ?', namespace] as const]),
      ...(open === true ? [['open = 1'] as const] : []),
      releasedBefore === undefined ? ['released_at IS NULL'] : ['released_at < ?', releasedBefore],
    ];
    const where = conditions.map(([sql]) => sql).join(' AND ');
    // Few are open or released: to sort them costs less than to pass all the others.
    const few = releasedBefore === undefined ? 'charge_open' : 'charge_released';
    const hint = open === true || releasedBefore !== undefined ? `INDEXED BY ${few}` : '';
    const sql = `SELECT seq, cluster, resource, uid, namespace, name, body, released_at, release_reason FROM charge ${hint}
      WHERE ${where} ORDER BY cluster, resource, seq LIMIT ?`;
    const { database } = this.#parts;
    return this.#guarded(() => {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      const values = conditions.flatMap(([, ...each]) => each);
      return rows(statement, ...values, limit).map((row) => {
        const key = { cluster: text(row['cluster']), resource: text(row['resource']), uid: text(row['uid']) };
        const charge = toCharge(key, row);
        this.#places.set(charge, Number(row['seq']));
        return charge;
      });
    });
  }

  async clusters(): Promise<Cluster[]> {
    return this.#read(readClusters);
  }

  async audit(limit: number): Promise<AuditEntry[]> {
    return this.#read(({ audit }) =>
      rows(audit, limit).map(({ at, kind, facts }) => ({
        at: Number(at),
        // Written by `write`.
        kind: text(kind) as AuditEntry['kind'],
        facts: JSON.parse(text(facts)) as AuditEntry['facts'],
      })),
    );
  }

  #placeOf(charge: Charge): number {
    const place = this.#places.get(charge);
    if (place === undefined) throw new TypeError('charges after one that this store did not return');
    return place;
  }

  #read<T>(read: (prepared: Statements) => T): T {
    const { prepared } = this.#parts;
    return this.#guarded(() => read(prepared));
  }

  get #parts(): Opened {
    if (this.#fatal !== undefined) throw this.#fatal;
    if (this.#opened === undefined) throw new LedgerStoreError('SQLite', 'is not open');
    return this.#opened;
  }

  #guarded<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw this.#translated(error);
    }
  }

  #translated(error: unknown): LedgerStoreError {
    if (error instanceof LedgerStoreError) return error;
    const problem = error instanceof Error ? error.message : String(error);
    const fatal = isFatal(error);
    const ending = fatal ? '; nothing is known of the disk any more: see to it and restart' : '';
    const translated = new LedgerStoreError('SQLite', `${this.#options.path}: ${problem}${ending}`, {
      cause: error,
      fatal,
    });
    if (fatal) this.#fatal = translated;
    return translated;
  }

  #rollBack(database: DatabaseSync): void {
    try {
      if (database.isTransaction) database.exec('ROLLBACK');
    } catch {
      // The transaction ends with the connection at the latest; what broke is told by the error that led here.
    }
  }

  /** In a transaction. */
  #migrate(database: DatabaseSync): void {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > schemaVersion) {
      throw new LedgerStoreError(
        'SQLite',
        `${this.#options.path} was written by a later Sallyport (schema ${version}, this one knows ${schemaVersion})`,
      );
    }
    if (version === 0) database.exec(schema);
    if (version === 1) database.exec('ALTER TABLE quota ADD COLUMN census TEXT');
    if (version === 1 || version === 2) {
      database.exec(toSchema3);
      indexAll(database);
    }
  }
}

/**
 * SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_NOTADB. A full disk (SQLITE_FULL) is none of them: the transaction is rolled back
 * and the next one may fit. Source: sqlite.org/rescode.html.
 */
function isFatal(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return code === 10 || code === 11 || code === 26;
}

/** Reads what is asked for, each once, in the transaction that is open. A batch of many places and quotas uses few of their pairs. */
class SqliteView implements LedgerView {
  readonly #prepared: Statements;
  readonly #rows: SqliteRows;
  /** Of the charges that are there. */
  readonly #seqs = new Map<string, number>();
  readonly #charges = new Map<string, Charge | undefined>();
  readonly #quotas = new Map<string, StoredQuota | undefined>();
  readonly #balances = new Map<string, Balance | undefined>();
  /** Of a read; nothing may be written then, whatever became of the operation that met it. */
  failure: Error | undefined;

  constructor(prepared: Statements, rows: SqliteRows) {
    this.#prepared = prepared;
    this.#rows = rows;
  }

  charge(key: ChargeKey): Charge | undefined {
    const known = keyText(key);
    return this.#once(this.#charges, known, () => {
      const seq = this.#rows.find(key);
      const [row] = seq === undefined ? [] : rows(this.#prepared.charge, seq);
      if (seq === undefined || row === undefined) return undefined;
      this.#seqs.set(known, seq);
      return toCharge(key, row);
    });
  }

  /** Of a charge that was asked for and is there. */
  seqOf(key: ChargeKey): number {
    const seq = this.#seqs.get(keyText(key));
    if (seq === undefined) throw new Error(`charge ${keyText(key)} is to be changed, and was not read`);
    return seq;
  }

  quota(id: string): StoredQuota | undefined {
    return this.#once(this.#quotas, id, () => {
      const [row] = rows(this.#prepared.quota, id);
      return row && toQuota(row);
    });
  }

  balance(key: AccountKey): Balance | undefined {
    return this.#once(this.#balances, accountText(key), () => {
      const [row] = rows(this.#prepared.account, key.quota, key.cluster, key.namespace);
      return row && { used: decodeAmounts(text(row['used'])), reserved: decodeAmounts(text(row['reserved'])) };
    });
  }

  clusters(): readonly Cluster[] {
    return this.#noting(() => readClusters(this.#prepared));
  }

  #once<T>(known: Map<string, T | undefined>, key: string, read: () => T | undefined): T | undefined {
    const value = known.get(key);
    if (value !== undefined || known.has(key)) return value;
    const first = this.#noting(read);
    known.set(key, first);
    return first;
  }

  #noting<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error));
      throw this.failure;
    }
  }
}

/** Whether anything was written. */
function write(
  prepared: Statements,
  view: SqliteView,
  rows: SqliteRows,
  { charges, quotas, accounts, clusters, audit }: LedgerChanges,
): boolean {
  for (const { key, isNew, charge } of charges) {
    if (charge === null) {
      const seq = view.seqOf(key);
      prepared.deleteCharge.run(seq);
      rows.removed(key, seq);
      continue;
    }
    const columns = [
      charge.namespace,
      charge.name,
      encodeCharge(charge),
      charge.pending.length > 0 ? 1 : 0,
      charge.released?.at ?? null,
      charge.released?.reason ?? null,
    ] as const;
    if (isNew) {
      const { lastInsertRowid } = prepared.insertCharge.run(...columns, key.cluster, key.resource, key.uid);
      rows.added(key, Number(lastInsertRowid));
    } else prepared.updateCharge.run(...columns, view.seqOf(key));
  }
  for (const { quota, cluster, namespace, balance } of accounts) {
    if (isEmpty(balance)) prepared.deleteAccount.run(quota, cluster, namespace);
    else
      prepared.putAccount.run(quota, cluster, namespace, encodeAmounts(balance.used), encodeAmounts(balance.reserved));
  }
  for (const { id, quota } of quotas) {
    if (quota !== null)
      prepared.putQuota.run(id, encodeTerms(quota.terms), quota.removed ? 1 : 0, quota.memo, quota.census);
    else {
      prepared.deleteQuota.run(id);
      prepared.deleteAccounts.run(id);
    }
  }
  for (const { id, cluster } of clusters) {
    if (cluster === null) prepared.deleteCluster.run(id);
    else prepared.putCluster.run(id, cluster.name);
  }
  for (const { at, kind, facts } of audit) prepared.insertAudit.run(Math.round(at), kind, JSON.stringify(facts));
  return [charges, quotas, accounts, clusters, audit].some(({ length }) => length > 0);
}

function isEmpty({ used, reserved }: Balance): boolean {
  return used.size === 0 && reserved.size === 0;
}

function rows(statement: StatementSync, ...values: (string | number)[]): Row[] {
  // Columns are texts and integers, which come as bigint.
  return statement.all(...values) as unknown as Row[];
}

function text(value: string | bigint | null | undefined): string {
  return typeof value === 'string' ? value : '';
}

function toQuota(row: Row): StoredQuota {
  return {
    terms: decodeTerms(text(row['terms'])),
    removed: row['removed'] === 1n,
    memo: row['memo'] === null ? null : text(row['memo']),
    census: row['census'] === null ? null : text(row['census']),
  };
}

function toCharge(key: Charge['key'], row: Row): Charge {
  const at = row['released_at'];
  return decodeCharge({
    key,
    namespace: text(row['namespace']),
    name: text(row['name']),
    body: text(row['body']),
    // Written by `write`.
    released:
      at === null
        ? null
        : { at: Number(at), reason: text(row['release_reason']) as NonNullable<Charge['released']>['reason'] },
  });
}

function readClusters({ clusters }: Statements): Cluster[] {
  return rows(clusters).map(({ id, name }) => ({ id: text(id), name: text(name) }));
}
