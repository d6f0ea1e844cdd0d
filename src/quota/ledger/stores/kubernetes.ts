import { createHash } from 'node:crypto';
import type { KubernetesObject } from '../../../api/object-meta.ts';
import {
  isAlreadyExists,
  isConflict,
  isNotFound,
  type CollectionAddress,
  type KubeClient,
  type ObjectAddress,
} from '../../../kube/index.ts';
import { keyText, type Charge, type ChargeKey } from '../charge.ts';
import { accountText } from '../draft.ts';
import { BatchTooLargeError, LedgerStoreError } from '../errors.ts';
import type {
  Account,
  AccountKey,
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
import { selectCharges } from './select-charges.ts';

export interface KubernetesLedgerStoreOptions {
  /** Of the hub cluster. May get, create and update ConfigMaps in the namespace. */
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  /** What the names of its ConfigMaps begin with. Default: `sallyport-quota-ledger`. */
  readonly name?: string;
  /** Text of the journal after which it is folded into the shards. Default: 262144, a quarter of what an object may hold. */
  readonly maxJournalBytes?: number;
}

/** Rows are spread over so many objects, each of which may hold a megabyte. */
const shardCount = 16;
const defaultName = 'sallyport-quota-ledger';
/** Of the ConfigMaps of a ledger that has no name of its own, to give rights by. */
export const ledgerObjectNames: readonly string[] = [
  `${defaultName}-journal`,
  ...Array.from({ length: shardCount }, (_, index) => `${defaultName}-shard-${index}`),
];
/** Of what a ConfigMap holds. Source: kubernetes v1.37.2 pkg/apis/core/types.go, MaxSecretSize. */
const maxObjectBytes = 1_048_576;
const maxAttempts = 20;
/** Entries of the audit log that are kept: objects have no room for more. */
const maxAudit = 200;

/**
 * A ledger in ConfigMaps of a cluster, for those who have no database: made for the few writes of a hub that grants slices,
 * not for every admission.
 *
 * One object is the journal. A batch is one update of it, which the API server refuses when the journal is no longer the one
 * that was read: so batches of several quotas are whole or not at all, and only one of several writers wins. Now and then
 * the journal's entries are folded into shards; each shard says how far it has come, so that folding can break off anywhere.
 */
export class KubernetesLedgerStore implements LedgerStore {
  readonly #objects: LedgerObjects;
  readonly #maxJournalBytes: number;
  #state: State | undefined;
  /** Calls of one process come one after the other, so that none reads a state that another is about to change. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: KubernetesLedgerStoreOptions) {
    this.#objects = new LedgerObjects(options);
    this.#maxJournalBytes = options.maxJournalBytes ?? 262_144;
  }

  async open(): Promise<void> {
    await this.#inTurn(async () => void (await this.#current()));
  }

  async close(): Promise<void> {
    await this.#turn;
    this.#state = undefined;
  }

  async transact<T>(
    _needs: LedgerNeeds,
    decide: (view: LedgerView) => { readonly changes: LedgerChanges; readonly result: T },
  ): Promise<T> {
    return this.#inTurn(async () => {
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const state = await this.#current();
        const { changes, result } = decide(state.view());
        const rows = rowsOf(changes, state);
        if (rows.length === 0 || (await this.#append(state, rows))) return result;
      }
      throw new LedgerStoreError('Kubernetes', `${this.#objects.journalName}: others were faster ${maxAttempts} times`);
    });
  }

  async quotas(): Promise<StoredQuota[]> {
    return this.#read((state) => state.all(rowKinds.quota).map(([, value]) => toQuota(value)));
  }

  async accounts(quota: string): Promise<Account[]> {
    return this.#read((state) =>
      state.all(rowKinds.account).flatMap(([id, value]) => {
        const [of = '', cluster = '', namespace = ''] = id.split('\n');
        return of === quota ? [{ quota, cluster, namespace, balance: toBalance(value) }] : [];
      }),
    );
  }

  async charges(query: ChargeQuery): Promise<Charge[]> {
    return this.#read((state) =>
      selectCharges(
        state.all(rowKinds.charge).map(([id, value]) => toCharge(id, value)),
        query,
      ),
    );
  }

  async clusters(): Promise<Cluster[]> {
    return this.#read((state) => state.all(rowKinds.cluster).map(([id, name]) => ({ id, name })));
  }

  async audit(limit: number): Promise<AuditEntry[]> {
    return this.#read((state) =>
      state
        .all(rowKinds.audit)
        .sort(([a], [b]) => (a < b ? 1 : -1))
        .slice(0, limit)
        // Written by `rowsOf`.
        .map(([, value]) => JSON.parse(value) as AuditEntry),
    );
  }

  async #read<T>(read: (state: State) => T): Promise<T> {
    return this.#inTurn(async () => read(await this.#current()));
  }

  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => undefined);
    try {
      return await turn;
    } catch (error) {
      if (error instanceof LedgerStoreError || !(error instanceof Error) || !('code' in error)) throw error;
      throw new LedgerStoreError('Kubernetes', error.message, { cause: error });
    }
  }

  /** What is stored now: what was known before, with what the journal says beyond it. */
  async #current(): Promise<State> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const journal = (await this.#objects.readJournal()) ?? (await this.#objects.createJournal());
      if (journal === undefined) continue;
      this.#state ??= new State(await this.#objects.readShards());
      if (this.#state.catchUp(journal)) return this.#state;
      // It was folded further than what is known: read the shards again.
      this.#state = undefined;
    }
    throw new LedgerStoreError('Kubernetes', `${this.#objects.journalName}: was folded faster than it could be read`);
  }

  /** False: somebody else was faster, or the journal had no room and has been folded. */
  async #append(state: State, rows: readonly RowChange[]): Promise<boolean> {
    const { journal } = state;
    const entries = [...journal.entries, { seq: journal.seq + 1, rows }];
    const content = journalText({ ...journal, seq: journal.seq + 1, entries });
    if (Buffer.byteLength(content) > maxObjectBytes) {
      if (journal.entries.length === 0) {
        const problem = `${this.#objects.journalName}: what is to be written at once is larger than an object may be`;
        throw new BatchTooLargeError('Kubernetes', problem);
      }
      await this.#fold(state);
      return false;
    }
    const next = await this.#objects.writeJournal(content, journal.version);
    if (next === undefined) return false;
    state.catchUp(next);
    if (next.bytes > this.#maxJournalBytes) await this.#fold(state);
    return true;
  }

  /** What is appended stays so, whether folding succeeds or not: an error here is told by the appends that find no room. */
  async #fold(state: State): Promise<void> {
    try {
      const touched = state.touchedShards();
      for (const index of touched) {
        const version = await this.#objects.writeShard(index, state.shard(index));
        if (version === undefined) {
          this.#state = undefined;
          return;
        }
        state.folded(index, version);
      }
      const { journal } = state;
      const folded = { ...journal.folded, ...Object.fromEntries(touched.map((index) => [index, journal.seq])) };
      const next = await this.#objects.writeJournal(journalText({ ...journal, folded, entries: [] }), journal.version);
      if (next !== undefined) state.catchUp(next);
    } catch {
      this.#state = undefined;
    }
  }
}

/** A row's key is its kind and its id. */
const rowKinds = { quota: 'q', account: 'a', charge: 'c', cluster: 'k', audit: 'u' } as const;
type RowKind = (typeof rowKinds)[keyof typeof rowKinds];
type RowChange = readonly [key: string, value: string | null];

interface JournalText {
  /** Of the last entry. */
  readonly seq: number;
  /** By shard: how far it has been written at least. */
  readonly folded: { readonly [shard: string]: number };
  readonly entries: readonly { readonly seq: number; readonly rows: readonly RowChange[] }[];
}

interface Journal extends JournalText {
  readonly version: string;
  readonly bytes: number;
}

interface Shard {
  /** Entries up to this one are in it. */
  readonly appliedThrough: number;
  readonly rows: Readonly<Record<string, string>>;
  /** Undefined: not yet there. */
  readonly version: string | undefined;
}

/** All rows, as of one entry of the journal. */
class State {
  readonly #shards: { appliedThrough: number; rows: Map<string, string>; version: string | undefined }[];
  #journal: Journal | undefined;
  #appliedThrough = 0;

  constructor(shards: readonly Shard[]) {
    this.#shards = shards.map(({ rows, ...shard }) => ({ ...shard, rows: new Map(Object.entries(rows)) }));
  }

  get journal(): Journal {
    if (this.#journal === undefined) throw new LedgerStoreError('Kubernetes', 'the journal was not read');
    return this.#journal;
  }

  /** False: entries are missing between what is known and the journal, or shards are ahead of it. */
  catchUp(journal: Journal): boolean {
    if (this.#shards.some(({ appliedThrough }) => appliedThrough > journal.seq)) return false;
    const known = (index: number): number =>
      Math.max(this.#shards[index]?.appliedThrough ?? 0, this.#journal === undefined ? 0 : this.#appliedThrough);
    for (const [index, seq] of Object.entries(journal.folded)) if (known(Number(index)) < seq) return false;
    for (const { seq, rows } of journal.entries) {
      for (const [key, value] of rows) {
        const index = shardOf(key);
        const shard = this.#shards[index];
        if (shard === undefined || seq <= known(index)) continue;
        if (value === null) shard.rows.delete(key);
        else shard.rows.set(key, value);
      }
    }
    this.#journal = journal;
    this.#appliedThrough = Math.max(this.#appliedThrough, journal.seq);
    return true;
  }

  get(kind: RowKind, id: string): string | undefined {
    const key = `${kind}${id}`;
    return this.#shards[shardOf(key)]?.rows.get(key);
  }

  all(kind: RowKind): [id: string, value: string][] {
    const found: [string, string][] = [];
    for (const { rows } of this.#shards) {
      for (const [key, value] of rows) if (key.startsWith(kind)) found.push([key.slice(1), value]);
    }
    return found.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  view(): LedgerView {
    const read = <T>(kind: RowKind, id: string, parse: (value: string) => T): T | undefined => {
      const value = this.get(kind, id);
      return value === undefined ? undefined : parse(value);
    };
    return {
      charge: (key: ChargeKey) => read(rowKinds.charge, keyText(key), (value) => toCharge(keyText(key), value)),
      quota: (id: string) => read(rowKinds.quota, id, toQuota),
      balance: (key: AccountKey) => read(rowKinds.account, accountText(key), toBalance),
      clusters: () => this.all(rowKinds.cluster).map(([id, name]) => ({ id, name })),
    };
  }

  touchedShards(): number[] {
    return [...new Set(this.journal.entries.flatMap(({ rows }) => rows.map(([key]) => shardOf(key))))];
  }

  shard(index: number): Shard {
    const shard = this.#shards[index];
    return {
      appliedThrough: this.#appliedThrough,
      rows: Object.fromEntries(shard?.rows ?? []),
      version: shard?.version,
    };
  }

  folded(index: number, version: string): void {
    const shard = this.#shards[index];
    if (shard === undefined) return;
    shard.version = version;
    shard.appliedThrough = this.#appliedThrough;
  }
}

function shardOf(key: string): number {
  return (createHash('sha1').update(key).digest()[0] ?? 0) % shardCount;
}

function rowsOf({ charges, quotas, accounts, clusters, audit }: LedgerChanges, state: State): RowChange[] {
  const rows: RowChange[] = [];
  for (const { key, charge } of charges) {
    rows.push([`${rowKinds.charge}${keyText(key)}`, charge === null ? null : chargeText(charge)]);
  }
  for (const account of accounts) {
    const { used, reserved } = account.balance;
    const value =
      used.size + reserved.size === 0 ? null : JSON.stringify([encodeAmounts(used), encodeAmounts(reserved)]);
    rows.push([`${rowKinds.account}${accountText(account)}`, value]);
  }
  for (const { id, quota } of quotas) {
    const value = quota === null ? null : quotaText(quota);
    rows.push([`${rowKinds.quota}${id}`, value]);
    if (quota !== null) continue;
    const prefix = `${id}\n`;
    for (const [account] of state.all(rowKinds.account)) {
      if (account.startsWith(prefix)) rows.push([`${rowKinds.account}${account}`, null]);
    }
  }
  for (const { id, cluster } of clusters) rows.push([`${rowKinds.cluster}${id}`, cluster?.name ?? null]);
  if (audit.length > 0) {
    const kept = state.all(rowKinds.audit).map(([id]) => id);
    for (const id of kept.slice(0, Math.max(0, kept.length + audit.length - maxAudit))) {
      rows.push([`${rowKinds.audit}${id}`, null]);
    }
    for (const [index, entry] of audit.entries()) {
      const place = `${String(state.journal.seq + 1).padStart(12, '0')}-${String(index).padStart(5, '0')}`;
      rows.push([`${rowKinds.audit}${place}`, JSON.stringify(entry)]);
    }
  }
  return rows;
}

function chargeText(charge: Charge): string {
  return JSON.stringify([charge.namespace, charge.name, charge.released, encodeCharge(charge)]);
}

function toCharge(id: string, value: string): Charge {
  const [cluster = '', resource = '', uid = ''] = id.split('\n');
  // Written by chargeText.
  const [namespace, name, released, body] = JSON.parse(value) as [string, string, Charge['released'], string];
  return decodeCharge({ key: { cluster, resource, uid }, namespace, name, released, body });
}

function quotaText({ terms, removed, memo, census }: StoredQuota): string {
  return JSON.stringify([encodeTerms(terms), removed ? 1 : 0, memo, census]);
}

function toQuota(value: string): StoredQuota {
  // Written by quotaText.
  const [terms, removed, memo, census = null] = JSON.parse(value) as [string, 0 | 1, string | null, string?];
  return { terms: decodeTerms(terms), removed: removed === 1, memo, census };
}

function toBalance(value: string): Account['balance'] {
  // Written by rowsOf.
  const [used, reserved] = JSON.parse(value) as [string, string];
  return { used: decodeAmounts(used), reserved: decodeAmounts(reserved) };
}

interface DataObject extends KubernetesObject {
  readonly data?: { readonly content?: string };
}

/** The ConfigMaps, each with one text. */
class LedgerObjects {
  readonly #client: KubernetesLedgerStoreOptions['client'];
  readonly #namespace: string;
  readonly #name: string;

  constructor({ client, namespace, name = defaultName }: KubernetesLedgerStoreOptions) {
    this.#client = client;
    this.#namespace = namespace;
    this.#name = name;
  }

  get journalName(): string {
    return `${this.#namespace}/${this.#name}-journal`;
  }

  async readJournal(): Promise<Journal | undefined> {
    const object = await this.#read('journal');
    return object === undefined ? undefined : toJournal(object);
  }

  /** Undefined: somebody else made it. */
  async createJournal(): Promise<Journal | undefined> {
    const object = await this.#write('journal', journalText({ seq: 0, folded: {}, entries: [] }), undefined);
    return object === undefined ? undefined : toJournal(object);
  }

  /** Undefined: it is not the one that was read any more. */
  async writeJournal(content: string, version: string): Promise<Journal | undefined> {
    const object = await this.#write('journal', content, version);
    return object === undefined ? undefined : toJournal(object);
  }

  async readShards(): Promise<Shard[]> {
    return Promise.all(
      Array.from({ length: shardCount }, async (_, index): Promise<Shard> => {
        const object = await this.#read(`shard-${index}`);
        if (object === undefined) return { appliedThrough: 0, rows: {}, version: undefined };
        // Written by writeShard.
        const { appliedThrough, rows } = JSON.parse(object.data?.content ?? '') as Omit<Shard, 'version'>;
        return { appliedThrough, rows, version: object.metadata?.resourceVersion };
      }),
    );
  }

  /** The new version. Undefined: it is not the one that was read any more. */
  async writeShard(index: number, { appliedThrough, rows, version }: Shard): Promise<string | undefined> {
    const object = await this.#write(`shard-${index}`, JSON.stringify({ appliedThrough, rows }), version);
    return object?.metadata?.resourceVersion;
  }

  async #read(part: string): Promise<DataObject | undefined> {
    try {
      return await this.#client.get<DataObject>(this.#address(part));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #write(part: string, content: string, resourceVersion: string | undefined): Promise<DataObject | undefined> {
    const address = this.#address(part);
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: address.name,
        namespace: this.#namespace,
        labels: { 'app.kubernetes.io/managed-by': 'sallyport' },
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
      data: { content },
    };
    try {
      if (resourceVersion === undefined) return await this.#client.create<DataObject>(this.#collection, object);
      return await this.#client.replace<DataObject>(address, object);
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) return undefined;
      throw error;
    }
  }

  get #collection(): CollectionAddress {
    return { group: '', version: 'v1', resource: 'configmaps', namespace: this.#namespace };
  }

  #address(part: string): ObjectAddress {
    return { ...this.#collection, name: `${this.#name}-${part}` };
  }
}

function journalText({ seq, folded, entries }: JournalText): string {
  return JSON.stringify({ seq, folded, entries });
}

function toJournal({ data, metadata }: DataObject): Journal {
  const content = data?.content ?? '';
  // Written by LedgerObjects.
  const text = JSON.parse(content) as JournalText;
  return { ...text, version: metadata?.resourceVersion ?? '', bytes: Buffer.byteLength(content) };
}
