import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { keyText, type ChargeKey } from '../charge.ts';

/** Tables of {@link SqliteRows}; `charge` has the key in `cluster`, `resource` and `uid`, and never uses a `seq` again. */
export const rowsSchema = `
  CREATE TABLE charge_key (hash INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (hash, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE charge_keyed (slice INTEGER PRIMARY KEY, upto INTEGER NOT NULL) STRICT;
`;

/** A row that is not in the index yet. */
interface Recent {
  readonly text: string;
  readonly hash: number;
  readonly seq: number;
}

/** A part of all hashes, as wide as any other. */
interface Slice {
  /** Rows of this slice up to here are in the index. */
  upto: number;
  readonly recent: Map<string, Recent>;
}

interface Staged {
  readonly added: Recent[];
  readonly indexed: Slice[];
  /** What `upto` of the indexed slices becomes. */
  readonly upto: number;
}

const sliceBits = 6;

/**
 * Where the row of each charge lies: its `seq`, by its key.
 *
 * Uids are random, so an index that every commit writes to changes another page for nearly every row, and a commit writes many
 * times what was asked for. Here rows that are new are known in the memory of each process alone. When they are many, those of
 * one slice of all hashes go into the index together: they lie side by side there. How far each slice is indexed stands in the
 * database, so the rows after that are read when it is opened, and those that other processes wrote when a transaction begins.
 *
 * Nothing here ends a transaction: {@link committed} says that it was.
 */
export class SqliteRows {
  readonly #maxRecent: number;
  readonly #slices: readonly Slice[] = Array.from({ length: 2 ** sliceBits }, () => ({ upto: 0, recent: new Map() }));
  readonly #version: StatementSync;
  readonly #keyed: StatementSync;
  readonly #after: StatementSync;
  readonly #find: StatementSync;
  readonly #index: StatementSync;
  readonly #unindex: StatementSync;
  readonly #setKeyed: StatementSync;
  #seenVersion: unknown;
  /** The highest that is known here. */
  #last = 0;
  #recentRows = 0;
  #staged: Staged = { added: [], indexed: [], upto: 0 };

  constructor(database: DatabaseSync, maxRecent: number) {
    this.#maxRecent = maxRecent;
    this.#version = database.prepare('PRAGMA data_version');
    this.#keyed = database.prepare('SELECT slice, upto FROM charge_keyed');
    this.#after = database.prepare('SELECT seq, cluster, resource, uid FROM charge WHERE seq > ? ORDER BY seq');
    this.#find = database.prepare(`SELECT charge.seq FROM charge_key CROSS JOIN charge ON charge.seq = charge_key.seq
      WHERE charge_key.hash = ? AND charge.uid = ? AND charge.resource = ? AND charge.cluster = ?`);
    // What was removed meanwhile is left out.
    this.#index = database.prepare('INSERT INTO charge_key (hash, seq) SELECT ?, seq FROM charge WHERE seq = ?');
    this.#unindex = database.prepare('DELETE FROM charge_key WHERE hash = ? AND seq = ?');
    this.#setKeyed = database.prepare('INSERT OR REPLACE INTO charge_keyed (slice, upto) VALUES (?, ?)');
  }

  /** In a transaction that was just begun, with the lock for writing. */
  begun(): void {
    const version = this.#version.get()?.['data_version'];
    if (version !== this.#seenVersion) this.#learn();
    this.#seenVersion = version;
    this.#staged = { added: [], indexed: [], upto: this.#last };
  }

  /** Also of a row that was removed meanwhile. */
  find(key: ChargeKey): number | undefined {
    const hash = hashOf(key.uid);
    const recent = this.#sliceOf(hash).recent.get(keyText(key));
    if (recent !== undefined) return recent.seq;
    const seq = this.#find.get(hash, key.uid, key.resource, key.cluster)?.['seq'];
    return seq === undefined ? undefined : Number(seq);
  }

  added(key: ChargeKey, seq: number): void {
    this.#staged.added.push({ text: keyText(key), hash: hashOf(key.uid), seq });
  }

  removed({ uid }: ChargeKey, seq: number): void {
    const hash = hashOf(uid);
    if (seq <= this.#sliceOf(hash).upto) this.#unindex.run(hash, seq);
  }

  /** Before the transaction is committed. */
  index(): void {
    const { added, indexed, upto } = this.#staged;
    let many = this.#recentRows + added.length - this.#maxRecent;
    const fullest = many > 0 ? this.#slices.toSorted((a, b) => b.recent.size - a.recent.size) : [];
    for (const slice of fullest) {
      if (many <= 0 || slice.recent.size === 0) return;
      const rows = [...slice.recent.values()].sort((a, b) => a.hash - b.hash);
      for (const { hash, seq } of rows) this.#index.run(hash, seq);
      this.#setKeyed.run(this.#slices.indexOf(slice), upto);
      indexed.push(slice);
      many -= slice.recent.size;
    }
  }

  committed(): void {
    const { added, indexed, upto } = this.#staged;
    for (const slice of indexed) this.#indexedUpTo(slice, upto);
    for (const row of added) this.#knows(row);
  }

  /** What other processes did, or everything when nothing is known yet. */
  #learn(): void {
    for (const row of this.#keyed.iterate()) {
      const slice = this.#slices[Number(row['slice'])];
      if (slice !== undefined) this.#indexedUpTo(slice, Number(row['upto']));
    }
    const from = Math.max(this.#last, Math.min(...this.#slices.map(({ upto }) => upto)));
    for (const row of this.#after.iterate(from)) {
      const key = { cluster: String(row['cluster']), resource: String(row['resource']), uid: String(row['uid']) };
      this.#knows({ text: keyText(key), hash: hashOf(key.uid), seq: Number(row['seq']) });
    }
    this.#last = Math.max(this.#last, from);
  }

  #knows(row: Recent): void {
    const slice = this.#sliceOf(row.hash);
    this.#last = Math.max(this.#last, row.seq);
    if (row.seq <= slice.upto) return;
    if (!slice.recent.has(row.text)) this.#recentRows += 1;
    slice.recent.set(row.text, row);
  }

  #indexedUpTo(slice: Slice, upto: number): void {
    if (upto <= slice.upto) return;
    slice.upto = upto;
    for (const [text, { seq }] of slice.recent) {
      if (seq <= upto && slice.recent.delete(text)) this.#recentRows -= 1;
    }
  }

  #sliceOf(hash: number): Slice {
    const slice = this.#slices[hash >>> (32 - sliceBits)];
    if (slice === undefined) throw new Error(`no slice holds ${hash}`);
    return slice;
  }
}

/** Puts all rows into the index, where none is yet. In a transaction. */
export function indexAll(database: DatabaseSync): void {
  database.function('sallyport_hash', { deterministic: true }, (uid) => hashOf(String(uid)));
  database.exec(
    'INSERT INTO charge_key (hash, seq) SELECT sallyport_hash(uid) AS hash, seq FROM charge ORDER BY hash, seq',
  );
  const keyed = database.prepare('INSERT INTO charge_keyed (slice, upto) SELECT ?, coalesce(max(seq), 0) FROM charge');
  for (let slice = 0; slice < 2 ** sliceBits; slice += 1) keyed.run(slice);
}

/** Signed, as SQLite stores small integers in few bytes. */
function hashOf(uid: string): number {
  return crc32(uid) | 0;
}
