import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { quotasOf, type Charge, type ReleaseReason } from '../charge.ts';
import { LedgerStoreError } from '../errors.ts';
import type {
  Account,
  AuditEntry,
  ChargeQuery,
  Cluster,
  LedgerChanges,
  LedgerNeeds,
  LedgerStore,
  LedgerView,
} from '../store.ts';
import type { StoredQuota } from '../terms.ts';
import { decodeAmounts, decodeCharge, decodeTerms, encodeAmounts, encodeCharge, encodeTerms } from './encoding.ts';
import { LoadedView } from './loaded-view.ts';
import { postgresMigrations } from './postgres-migrations.ts';

export interface PostgresLedgerStoreOptions {
  /** As `postgres://user:password@host:5432/database`; anything libpq's URLs may say. */
  readonly url: string;
  /**
   * For a new connection and for the answer to a statement; the server itself ends a statement or its waiting for a lock
   * after three quarters of it, so that its own word comes first. Default: 2000, as a request that comes while a batch waits
   * in vain waits for that one and its own, and is to hear of the fault within the 4.5 s that the gate has for it.
   */
  readonly timeoutMilliseconds?: number;
}

/** How often a transaction that met another one is run again. */
const maxAttempts = 20;

/**
 * A ledger in PostgreSQL, or an engine that speaks its protocol. Any number of processes may write.
 *
 * A batch locks its charges in the order of their keys, then its quotas in the order of their ids, so that batches cannot
 * lock each other out, then reads the accounts, which nobody changes without the lock of the quota. What was inserted by
 * another process in between ends in a unique violation, and the batch runs again, as it does on a serialization failure.
 * A commit whose answer is lost is not repeated: its requests fail, and what it may have reserved is settled by evidence.
 *
 * `synchronous_commit` is not left off. With asynchronous replication a failover can lose commits; recount after one.
 */
export class PostgresLedgerStore implements LedgerStore {
  readonly #pool: pg.Pool;
  readonly #where: string;

  constructor({ url, timeoutMilliseconds = 2000 }: PostgresLedgerStoreOptions) {
    const timeouts = ['lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout'];
    const session = [
      ...timeouts.map((name) => `SET ${name} = ${Math.round(timeoutMilliseconds * 0.75)}`),
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    ].join('; ');
    // Its promise is awaited, other than the type of the option says.
    const prepareSession: (client: pg.ClientBase) => unknown = (client) => client.query(session);
    // One connection for the batches, which come one after the other, the rest for reads.
    this.#pool = new pg.Pool({
      connectionString: url,
      max: 4,
      connectionTimeoutMillis: timeoutMilliseconds,
      // A host that vanishes says nothing: without these a batch waits until the kernel gives up, a quarter of an hour.
      query_timeout: timeoutMilliseconds,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      onConnect: prepareSession,
    });
    // An idle connection that breaks is replaced at the next use, which tells of it if that fails too.
    this.#pool.on('error', () => undefined);
    this.#where = describeUrl(url);
  }

  async open(): Promise<void> {
    await this.#retried(async () => {
      await this.#onConnection((client) => migrate(client, this.#where));
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async transact<T>(
    needs: LedgerNeeds,
    decide: (view: LedgerView) => { readonly changes: LedgerChanges; readonly result: T },
  ): Promise<T> {
    return this.#retried(() => this.#onConnection((client) => this.#transactOnce(client, needs, decide)));
  }

  async quotas(): Promise<StoredQuota[]> {
    return (await this.#rows('SELECT terms, removed, memo, census FROM sallyport_quota ORDER BY id')).map(toQuota);
  }

  async accounts(quota: string): Promise<Account[]> {
    const sql = `SELECT cluster, namespace, used, reserved FROM sallyport_account WHERE quota = $1
      ORDER BY cluster, namespace`;
    return (await this.#rows(sql, quota)).map((row) => toAccount({ ...row, quota }));
  }

  async charges(query: ChargeQuery): Promise<Charge[]> {
    const { cluster, resource, namespace, open, releasedBefore, after, limit } = query;
    const values: unknown[] = [];
    const value = (given: unknown): string => `$${values.push(given)}`;
    const conditions = [
      cluster !== undefined && `cluster = ${value(cluster)}`,
      resource !== undefined && `resource = ${value(resource)}`,
      namespace !== undefined && `namespace = ${value(namespace)}`,
      open === true && 'is_open',
      releasedBefore === undefined ? 'released_at IS NULL' : `released_at < ${value(Math.round(releasedBefore))}`,
      after !== undefined &&
        `(cluster, resource, uid) > (${value(after.key.cluster)}, ${value(after.key.resource)}, ${value(after.key.uid)})`,
    ].filter((condition) => condition !== false);
    const sql = `SELECT ${chargeColumns} FROM sallyport_charge WHERE ${conditions.join(' AND ')}
      ORDER BY cluster, resource, uid LIMIT ${value(limit)}`;
    return (await this.#rows(sql, ...values)).map(toCharge);
  }

  async clusters(): Promise<Cluster[]> {
    return (await this.#rows('SELECT id, name FROM sallyport_cluster ORDER BY id')).map(toCluster);
  }

  async audit(limit: number): Promise<AuditEntry[]> {
    const sql = 'SELECT at, kind, facts FROM sallyport_audit ORDER BY seq DESC LIMIT $1';
    return (await this.#rows(sql, limit)).map(({ at, kind, facts }) => ({
      at: Number(at),
      // Written by `write`.
      kind: text(kind) as AuditEntry['kind'],
      facts: JSON.parse(text(facts)) as AuditEntry['facts'],
    }));
  }

  async #transactOnce<T>(
    client: pg.PoolClient,
    needs: LedgerNeeds,
    decide: (view: LedgerView) => { readonly changes: LedgerChanges; readonly result: T },
  ): Promise<T> {
    await client.query('BEGIN');
    try {
      const view = await load(client, needs);
      const { changes, result } = decide(view);
      const wrote = await write(client, view, changes);
      if (!wrote) await client.query('ROLLBACK');
      else await commit(client, this.#where);
      return result;
    } catch (error) {
      // A connection that is closed for its fault ends the transaction too; one that is silent would be waited for once more.
      if (isAnswer(error) || !isFault(error)) await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  async #onConnection<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken: boolean | Error = false;
    const onError = (): void => void (broken = true);
    // A connection may break between two statements, which nobody awaits.
    client.on('error', onError);
    try {
      return await use(client);
    } catch (error) {
      broken ||= !isAnswer(error);
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  async #rows(sql: string, ...values: unknown[]): Promise<Row[]> {
    return this.#retried(async () => (await this.#pool.query<Row>(sql, values)).rows);
  }

  /**
   * Runs again what met another transaction; once more what met a connection that had broken before the commit. What met
   * silence is not tried again: who waits for it has no time left for more of it.
   */
  async #retried<T>(run: () => Promise<T>): Promise<T> {
    let reconnected = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await run();
      } catch (error) {
        if (error instanceof LedgerStoreError || !isFault(error)) throw error;
        const again = isCollision(error) || (!isAnswer(error) && !isSilence(error) && !reconnected);
        if (!again || attempt === maxAttempts) {
          throw new LedgerStoreError('PostgreSQL', `${this.#where}: ${problemOf(error)}`, { cause: error });
        }
        reconnected ||= !isAnswer(error);
        // Those who met part, further with every time.
        await delay(Math.random() * 2 ** Math.min(attempt, 6));
      }
    }
  }
}

type Row = Readonly<Record<string, unknown>>;

const chargeColumns = 'cluster, resource, uid, namespace, name, body, released_at, release_reason';

async function migrate(client: pg.PoolClient, where: string): Promise<void> {
  await client.query('CREATE TABLE IF NOT EXISTS sallyport_migration (version INT PRIMARY KEY)');
  const { rows } = await client.query<{ version: number }>('SELECT version FROM sallyport_migration');
  const done = new Set(rows.map(({ version }) => version));
  const latest = postgresMigrations.at(-1)?.version ?? 0;
  const beyond = [...done].find((version) => version > latest);
  if (beyond !== undefined) {
    const problem = `${where} was written by a later Sallyport (schema ${beyond}, this one knows ${latest})`;
    throw new LedgerStoreError('PostgreSQL', problem);
  }
  for (const { version, statements } of postgresMigrations) {
    if (done.has(version)) continue;
    await client.query('BEGIN');
    try {
      // First, so that of two processes one fails here and looks again.
      await client.query('INSERT INTO sallyport_migration (version) VALUES ($1)', [version]);
      for (const statement of statements) await client.query(statement);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}

async function load(client: pg.PoolClient, { keys, quotas, places, clusters }: LedgerNeeds): Promise<LoadedView> {
  const view = new LoadedView();
  const ids = new Set(quotas);
  if (keys.length > 0) {
    const { rows } = await client.query<Row>({
      name: 'sallyport-charges',
      text: `SELECT ${chargeColumns} FROM sallyport_charge
        WHERE (cluster, resource, uid) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))
        ORDER BY cluster, resource, uid FOR UPDATE`,
      values: [keys.map(({ cluster }) => cluster), keys.map(({ resource }) => resource), keys.map(({ uid }) => uid)],
    });
    for (const charge of rows.map(toCharge)) {
      view.addCharge(charge);
      for (const quota of quotasOf(charge)) ids.add(quota);
    }
  }
  if (ids.size > 0) {
    const values = [[...ids]];
    const { rows } = await client.query<Row>({
      name: 'sallyport-quotas',
      text: 'SELECT terms, removed, memo, census FROM sallyport_quota WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE',
      values,
    });
    for (const row of rows) view.addQuota(toQuota(row));
    // A statement of its own: it must see what was committed until the locks were granted.
    const accounts = await client.query<Row>({
      name: 'sallyport-accounts',
      text: `SELECT quota, cluster, namespace, used, reserved FROM sallyport_account
        WHERE quota = ANY($1::text[]) AND
          ((cluster = '' AND namespace = '') OR (cluster, namespace) IN (SELECT * FROM unnest($2::text[], $3::text[])))`,
      values: [...values, places.map(({ cluster }) => cluster), places.map(({ namespace }) => namespace)],
    });
    for (const row of accounts.rows) view.addAccount(toAccount(row));
  }
  if (clusters) {
    const { rows } = await client.query<Row>('SELECT id, name FROM sallyport_cluster ORDER BY id FOR UPDATE');
    view.setClusters(rows.map(toCluster));
  }
  return view;
}

/** Whether anything was written. */
async function write(client: pg.PoolClient, view: LedgerView, changes: LedgerChanges): Promise<boolean> {
  const { charges, quotas, accounts, clusters, audit } = changes;
  const statements: { readonly text: string; readonly values: readonly unknown[]; readonly name?: string }[] = [];
  const kept = charges.filter(({ charge }) => charge !== null);
  const added = kept.filter(({ isNew }) => isNew);
  const changed = kept.filter(({ isNew }) => !isNew);
  const dropped = charges.filter(({ charge }) => charge === null);
  if (added.length > 0) {
    statements.push({
      name: 'sallyport-insert-charges',
      text: `INSERT INTO sallyport_charge (${chargeColumns}, is_open) SELECT * FROM unnest(${chargeArrays})`,
      values: chargeValues(added),
    });
  }
  if (changed.length > 0) {
    statements.push({
      name: 'sallyport-update-charges',
      text: `UPDATE sallyport_charge AS c SET namespace = v.namespace, name = v.name, body = v.body, is_open = v.is_open,
          released_at = v.released_at, release_reason = v.release_reason
        FROM unnest(${chargeArrays}) AS v (${chargeColumns}, is_open)
        WHERE c.cluster = v.cluster AND c.resource = v.resource AND c.uid = v.uid`,
      values: chargeValues(changed),
    });
  }
  if (dropped.length > 0) {
    const keys = dropped.map(({ key }) => key);
    statements.push({
      text: `DELETE FROM sallyport_charge
        WHERE (cluster, resource, uid) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))`,
      values: [keys.map(({ cluster }) => cluster), keys.map(({ resource }) => resource), keys.map(({ uid }) => uid)],
    });
  }
  if (accounts.length > 0) {
    statements.push({
      name: 'sallyport-put-accounts',
      text: `INSERT INTO sallyport_account (quota, cluster, namespace, used, reserved)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
        ON CONFLICT (quota, cluster, namespace) DO UPDATE SET used = excluded.used, reserved = excluded.reserved`,
      values: [
        accounts.map(({ quota }) => quota),
        accounts.map(({ cluster }) => cluster),
        accounts.map(({ namespace }) => namespace),
        accounts.map(({ balance }) => encodeAmounts(balance.used)),
        accounts.map(({ balance }) => encodeAmounts(balance.reserved)),
      ],
    });
  }
  for (const { id, quota } of quotas) {
    if (quota === null) {
      statements.push({ text: 'DELETE FROM sallyport_quota WHERE id = $1', values: [id] });
      statements.push({ text: 'DELETE FROM sallyport_account WHERE quota = $1', values: [id] });
      continue;
    }
    const values = [id, encodeTerms(quota.terms), quota.removed, quota.memo, quota.census];
    statements.push(
      view.quota(id) === undefined
        ? { text: 'INSERT INTO sallyport_quota (id, terms, removed, memo, census) VALUES ($1, $2, $3, $4, $5)', values }
        : { text: 'UPDATE sallyport_quota SET terms = $2, removed = $3, memo = $4, census = $5 WHERE id = $1', values },
    );
  }
  for (const { id, cluster } of clusters) {
    statements.push({ text: 'DELETE FROM sallyport_cluster WHERE id = $1', values: [id] });
    if (cluster === null) continue;
    statements.push({ text: 'INSERT INTO sallyport_cluster (id, name) VALUES ($1, $2)', values: [id, cluster.name] });
  }
  for (const { at, kind, facts } of audit) {
    const values = [Math.round(at), kind, JSON.stringify(facts)];
    statements.push({ text: 'INSERT INTO sallyport_audit (at, kind, facts) VALUES ($1, $2, $3)', values });
  }
  for (const { text: sql, values, name } of statements) {
    await client.query({ text: sql, values: [...values], ...(name !== undefined && { name }) });
  }
  return statements.length > 0;
}

const chargeArrays =
  '$1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::boolean[]';

function chargeValues(changes: LedgerChanges['charges']): unknown[] {
  const written = changes.flatMap(({ key, charge }) => (charge === null ? [] : [{ key, charge }]));
  return [
    written.map(({ key }) => key.cluster),
    written.map(({ key }) => key.resource),
    written.map(({ key }) => key.uid),
    written.map(({ charge }) => charge.namespace),
    written.map(({ charge }) => charge.name),
    written.map(({ charge }) => encodeCharge(charge)),
    written.map(({ charge }) => (charge.released === null ? null : Math.round(charge.released.at))),
    written.map(({ charge }) => charge.released?.reason ?? null),
    written.map(({ charge }) => charge.pending.length > 0),
  ];
}

/** What the server answers here counts; no answer leaves it in doubt, and the batch is not run again. */
async function commit(client: pg.PoolClient, where: string): Promise<void> {
  try {
    await client.query('COMMIT');
  } catch (error) {
    if (isAnswer(error)) throw error;
    const problem = `${where}: whether the last commit took place is not known: ${problemOf(error)}`;
    throw new LedgerStoreError('PostgreSQL', problem, { cause: error });
  }
}

/**
 * serialization_failure, deadlock_detected, unique_violation, duplicate_table, and duplicate_object: the type of a table's rows, when
 * two processes make the table at once. Source: PostgreSQL manual, appendix A.
 */
const collisions = ['40001', '40P01', '23505', '42P07', '42710'];

function isCollision(error: unknown): boolean {
  return error instanceof pg.DatabaseError && collisions.includes(error.code ?? '');
}

/** The server said so, and the connection goes on. Classes 57P and 08 end it, such as a shutdown. */
function isAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !/^(57P|08)/.test(error.code ?? '');
}

/** What `pg` says when no answer, and when no connection came in time. */
function isSilence(error: unknown): boolean {
  return error instanceof Error && /^Query read timeout|^timeout e|timeout expired/i.test(error.message);
}

/** An error of the server or of the connection; others are faults of who decides, and pass as they are. */
function isFault(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return true;
  return error instanceof Error && ('code' in error || /connect|timeout|terminated|closed/i.test(error.message));
}

function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? ` (${String(error.code)})` : '';
  return `${error.message}${code}`;
}

/** Without user and password. */
function describeUrl(url: string): string {
  const match = /^[a-z+]+:\/\/(?:[^@/]*@)?([^?]*)/i.exec(url);
  return match?.[1] ?? 'database';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function toQuota(row: Row): StoredQuota {
  return {
    terms: decodeTerms(text(row['terms'])),
    removed: row['removed'] === true,
    memo: row['memo'] === null ? null : text(row['memo']),
    census: row['census'] === null ? null : text(row['census']),
  };
}

function toAccount(row: Row): Account {
  return {
    quota: text(row['quota']),
    cluster: text(row['cluster']),
    namespace: text(row['namespace']),
    balance: { used: decodeAmounts(text(row['used'])), reserved: decodeAmounts(text(row['reserved'])) },
  };
}

function toCharge(row: Row): Charge {
  return decodeCharge({
    key: { cluster: text(row['cluster']), resource: text(row['resource']), uid: text(row['uid']) },
    namespace: text(row['namespace']),
    name: text(row['name']),
    body: text(row['body']),
    released:
      row['released_at'] === null
        ? null
        : // Written by `write`.
          { at: Number(row['released_at']), reason: text(row['release_reason']) as ReleaseReason },
  });
}

function toCluster(row: Row): Cluster {
  return { id: text(row['id']), name: text(row['name']) };
}
