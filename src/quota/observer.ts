import type { Pod } from '../api/generated/core.v1.ts';
import type { DeviceClass, ResourceClaim } from '../api/generated/resource.v1.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { formatGroupResource } from '../api/resource.ts';
import { Informer, isNotFound, type CollectionAddress, type KubeClient } from '../kube/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import type { GroupResource } from '../usage/index.ts';
import { Collections } from './collections.ts';
import { countedPart, withoutManagedFields } from './counted-part.ts';
import { count, evaluatorAt, type CountingContext } from './counting.ts';
import { selects, type GlobalQuota } from './global-quota.ts';
import type { ChargeKey, Ledger, Observation, OpenReservation, RecountResult } from './ledger/index.ts';
import type { QuotaSelection } from './selection.ts';
import { countedResources } from './webhook-rules.ts';

export interface QuotaObserverOptions {
  readonly client: KubeClient;
  readonly ledger: Pick<
    Ledger,
    | 'observe'
    | 'openReservations'
    | 'settle'
    | 'recount'
    | 'beginCensus'
    | 'markCounted'
    | 'endCensuses'
    | 'releaseUnselected'
    | 'standing'
    | 'tidy'
    | 'now'
  >;
  /** Id of this cluster: the uid of its namespace kube-system. */
  readonly clusterId: string;
  readonly selection: QuotaSelection;
  readonly metrics: ObserverMetrics;
  /** Told of the quotas whose usage may have changed, by id. */
  readonly onChanged: (quotas: readonly string[]) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The figures that only who watches the cluster can tell. */
export interface ObserverMetrics {
  /** Reservations of this cluster that nothing was seen of yet, and those of them that stay charged though they are old, because the cluster cannot be read. */
  open(reservations: number, stranded: number): void;
  /** Quotas of this cluster of which more is used than their limit. */
  inDebt(quotas: number): void;
  /** What a recount had to mend of one resource, and what it could not count. */
  recounted(result: RecountResult, resource: string): void;
  /** Collections that are not known yet. */
  unsynced(resources: readonly string[]): void;
}

export const noObserverMetrics: ObserverMetrics = {
  open: () => undefined,
  inDebt: () => undefined,
  recounted: () => undefined,
  unsynced: () => undefined,
};

/** Objects in one call of the ledger, which is one transaction. */
const batchSize = 256;
/** How often old reservations are looked after. They hold their quota until then, so it must not be long. */
const settleMilliseconds = 10_000;
/** A recount mends what nobody knows to be wrong; the watches keep the rest right. As long as the quota controller's resync. */
const recountMilliseconds = 300_000;
/** After a failure of the ledger or of discovery. */
const retryMilliseconds = 1_000;
/** While something cannot be counted: a list each time, and a person has to mend it. */
const mendMilliseconds = 30_000;
const claims = 'resourceclaims.resource.k8s.io';
/** From so many objects on, one list is cheaper than asking for each. */
const listFrom = 10;

interface Watched {
  readonly resource: GroupResource;
  readonly collection: CollectionAddress;
  readonly informer: Informer<KubernetesObject>;
}

/** An object that the ledger is to be told of; null when it is gone. */
interface Change {
  readonly resource: GroupResource;
  readonly object: KubernetesObject;
  readonly isGone: boolean;
}

/**
 * Tells the ledger what really is in this cluster: objects as their watches show them, the end of their grace periods,
 * and, for reservations that are old and were never seen, what a read made after that finds. Time alone frees nothing.
 *
 * Each resource has a watch of its own; one that never fills its cache, as with a CustomResourceDefinition whose
 * conversion is dead, keeps none of the others from being counted.
 */
export class QuotaObserver {
  readonly #options: QuotaObserverOptions;
  readonly #log: Logger;
  readonly #collections: Collections;
  readonly #namespaces: Informer<KubernetesObject>;
  readonly #deviceClasses: Informer<KubernetesObject>;
  readonly #watched = new Map<string, Watched>();
  /** What the ledger was last told of an object, so that the many changes that change no usage are not told. */
  readonly #told = new Map<string, string>();
  /** Resolved when all objects of a resource are known here, by its name. */
  readonly #syncs = new Map<string, PromiseWithResolvers<void>>();
  /** Objects of which a new version may be stored; with the version before it. */
  readonly #expected = new Map<string, bigint>();
  /** By uid, in the order in which they changed. */
  readonly #changes = new Map<string, Change>();
  /** Which resources the ledger has been told all objects of, quota by quota. */
  #counted: ReadonlyMap<string, Counted> = new Map();
  /** Resources of which this process has held all objects against the ledger. */
  readonly #recounted = new Set<string>();
  readonly #counting = new Set<string>();
  /** Of all clusters. */
  #quotas: readonly GlobalQuota[] = [];
  readonly #graceTimers = new Map<string, () => void>();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #isTelling = false;
  #isWatchingDevices = false;

  constructor(options: QuotaObserverOptions) {
    this.#options = options;
    this.#log = options.log.child({ component: 'quota-observer' });
    this.#collections = new Collections(options.client);
    this.#namespaces = this.#newInformer({ group: '', version: 'v1', resource: 'namespaces' });
    this.#deviceClasses = this.#newInformer({ group: 'resource.k8s.io', version: 'v1', resource: 'deviceclasses' });
    this.#namespaces.addHandler({
      update: (before, after) => {
        if (labelText(before) !== labelText(after)) this.#lookAgain(after.metadata?.name);
      },
    });
    this.#deviceClasses.addHandler({ add: () => this.#lookAgain(), update: () => this.#lookAgain() });
  }

  /** Begins; returns when namespaces are known, whose labels decide which quotas their objects fall under. */
  async start(signal?: AbortSignal): Promise<void> {
    this.#namespaces.start();
    await this.#namespaces.waitForSync(signal);
    this.#watchAll();
    this.#repeat(settleMilliseconds, 'settling old reservations', () => this.settle());
    this.#repeat(recountMilliseconds, 'the recount', () => this.recount());
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const cancel of this.#graceTimers.values()) cancel();
    await Promise.all([
      this.#namespaces.stop(),
      this.#deviceClasses.stop(),
      ...[...this.#watched.values()].map(({ informer }) => informer.stop()),
    ]);
    await Promise.allSettled(this.#running);
  }

  /**
   * Other quotas are in force: watches what they count, and tells of every object what it counts against now. What an earlier
   * process has counted for a quota to its end is gone on from. The ledger has their terms.
   *
   * Throws {@link LedgerStoreError} and {@link UnknownQuotaError}; then those before are in force still.
   */
  async setQuotas(quotas: readonly GlobalQuota[]): Promise<void> {
    const { ledger, clusterId, selection } = this.#options;
    // Written before anything is told by the new selection: a process that ends in between begins to count anew.
    const counted = await Promise.all(
      quotas.map(async (quota): Promise<[string, Counted]> => {
        const { id } = quota;
        const signature = selection.signatureOf(quota);
        const { stamp, resources } = await ledger.beginCensus(id, clusterId, signature, selection.cluster);
        return [id, { id, signature, stamp, resources: new Set(resources) }];
      }),
    );
    await ledger.endCensuses(clusterId, new Set(quotas.map(({ id }) => id)));
    selection.set(quotas);
    this.#quotas = quotas;
    const selected = new Set(selection.quotas.map(({ id }) => id));
    this.#counted = new Map(counted.filter(([id]) => selected.has(id)));
    this.#watchAll();
    // What nobody counts any more is watched on: its objects have to be taken off what they counted against.
    this.#lookAgain();
  }

  #watchAll(): void {
    const wanted = countedResources(this.#options.selection.quotas);
    if (wanted.some(({ resource }) => resource === 'resourceclaims') && !this.#isWatchingDevices) {
      this.#isWatchingDevices = true;
      this.#deviceClasses.start();
    }
    for (const resource of wanted) {
      if (this.#watched.get(formatGroupResource(resource))?.informer.hasSynced === true) this.#count(resource);
      else this.#watch(resource);
    }
  }

  /** Whether the ledger knows all objects of a resource that a quota counts here. Before that no number means anything. */
  isCounted({ id }: GlobalQuota, resource: GroupResource): boolean {
    const isCharged = this.#counted.get(id)?.resources.has(formatGroupResource(resource)) === true;
    return isCharged && this.#isContextKnown(resource);
  }

  /** For the usage of claims, which depends on other objects. */
  readonly context: CountingContext = {
    // Only what the evaluators read is known of these types, and they check it.
    deviceClasses: () => this.#deviceClasses.lister.list() as DeviceClass[],
    podsOf: (namespace) => this.#objectsOf('pods', namespace) as Pod[],
    resourceClaimsOf: (namespace) => this.#objectsOf(claims, namespace) as ResourceClaim[],
  };

  /** Labels of a namespace; of one that was made a moment ago they are asked for. Undefined when there is none. */
  async labelsOf(namespace: string, signal: AbortSignal): Promise<Readonly<Record<string, string>> | undefined> {
    const known = this.#namespaces.lister.get(namespace);
    if (known !== undefined) return known.metadata?.labels ?? {};
    try {
      const address = { group: '', version: 'v1', resource: 'namespaces', name: namespace };
      const { metadata } = await this.#options.client.get(address, { signal });
      return metadata?.labels ?? {};
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** A new version of this object may be stored: the next one that is seen is told, also when it counts the same. */
  expect({ uid }: ChargeKey, base: bigint | undefined): void {
    if (base !== undefined) this.#expected.set(uid, base);
  }

  /** The resources whose objects are not known yet. */
  unsynced(): string[] {
    const wanted = countedResources(this.#options.selection.quotas).map(formatGroupResource);
    return wanted.filter((name) => this.#watched.get(name)?.informer.hasSynced !== true);
  }

  /** Reads what old reservations are for, and lets go of those whose object is not there. */
  async settle(): Promise<void> {
    const { ledger, metrics, clusterId } = this.#options;
    metrics.unsynced(this.unsynced());
    const open = await ledger.openReservations({ cluster: clusterId });
    const due = open.filter(({ isDue }) => isDue);
    const byResource = Map.groupBy(due, ({ key }) => key.resource);
    let stranded = 0;
    for (const [name, reservations] of byResource) {
      const resource = parseGroupResource(name);
      try {
        // What was admitted from a block and never written down has uids that nobody knows: all that lives has to be counted.
        if (reservations.some(({ isPrepaid }) => isPrepaid)) {
          await this.#recountResource(resource);
          continue;
        }
        const collection = await this.#collectionOf(resource);
        const readBegan = ledger.now();
        const found = await this.#read(collection, reservations);
        const settled = reservations.flatMap(({ key, namespace }) => {
          const object = found.get(key.uid);
          const seen = object === undefined ? null : this.#seen(resource, object);
          // What is there and cannot be counted stays charged as it was admitted.
          return seen === undefined ? [] : [{ key, namespace, readBegan, found: seen }];
        });
        for (let first = 0; first < settled.length; first += batchSize) {
          await ledger.settle(settled.slice(first, first + batchSize));
        }
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        stranded += reservations.length;
        this.#log.warn('reservations cannot be settled: the cluster cannot be read', {
          resource: name,
          reservations: reservations.length,
          reason: messageOf(error),
        });
      }
    }
    metrics.open(open.filter(({ isPrepaid }) => !isPrepaid).length, stranded);
  }

  /** Counts all objects anew, resource by resource, and has the ledger mend what differs. */
  async recount(): Promise<void> {
    for (const resource of countedResources(this.#options.selection.quotas)) {
      try {
        await this.#recountResource(resource);
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        this.#log.warn('recount failed', { resource: formatGroupResource(resource), reason: messageOf(error) });
      }
    }
    const { ledger, metrics, selection } = this.#options;
    let inDebt = 0;
    for (const { id } of selection.quotas) if (((await ledger.standing(id))?.debt.size ?? 0) > 0) inDebt += 1;
    metrics.inDebt(inDebt);
    for (const { id, generation, clusters } of this.#quotas) {
      // Of files nobody can say which are the later ones: what they select is the word of the gate that has them.
      if (generation === 0) continue;
      await ledger.releaseUnselected(id, generation, ({ name, labels }) => selects(clusters, name, labels));
    }
    await ledger.tidy();
  }

  /** Says how many objects cannot be counted. What is charged for them stays; a quota that is new remains not known here. */
  async #recountResource(resource: GroupResource): Promise<number> {
    const { client, ledger, clusterId, metrics } = this.#options;
    const { signal } = this.#stopping;
    const collection = await this.#collectionOf(resource);
    if (collection === undefined) return 0;
    await this.#untilContextKnown(resource);
    const listBegan = ledger.now();
    const part = countedPart(resource);
    const items: KubernetesObject[] = [];
    let resourceVersion = '';
    for await (const page of client.listPages(collection, { signal })) {
      for (const object of page.items) items.push(part(object));
      resourceVersion = page.resourceVersion;
    }
    // Other quotas may have come meanwhile, by which it depends on more.
    await this.#untilContextKnown(resource);
    // Judged by the selection of this moment, all at once.
    const counted = [...this.#counted.values()];
    const unknown = new Set<string>();
    const objects = items.map((object) => {
      const { namespace = '', uid = '' } = object.metadata ?? {};
      const seen = this.#seen(resource, object);
      if (seen !== undefined) return { ...seen, uid, namespace };
      for (const { id } of this.#quotasOf(namespace)) unknown.add(id);
      return { uid, usage: null };
    });
    const name = formatGroupResource(resource);
    const version = BigInt(resourceVersion);
    const result = await ledger.recount({
      cluster: clusterId,
      resource: name,
      listBegan,
      resourceVersion: version,
      objects,
    });
    metrics.recounted(result, name);
    this.#recounted.add(name);
    const known = counted.filter(({ id }) => !unknown.has(id));
    await this.#markCounted(known, name);
    const { gone, discovered, changed, released, uncountable } = result;
    if (gone + discovered + changed + released > 0) this.#log.info('recount mended', { resource: name, ...result });
    return uncountable;
  }

  async #markCounted(counted: readonly Counted[], resource: string): Promise<void> {
    const { ledger, clusterId, selection } = this.#options;
    const unmarked = counted.filter(({ resources }) => !resources.has(resource));
    await Promise.all(
      unmarked.map(async (each) => {
        if (await ledger.markCounted(each.id, clusterId, each.stamp, resource)) each.resources.add(resource);
        // Another replica began anew, by a configuration of its own: what it took off has to be counted again.
        else each.stamp = (await ledger.beginCensus(each.id, clusterId, each.signature, selection.cluster)).stamp;
      }),
    );
  }

  #watch(resource: GroupResource): void {
    const name = formatGroupResource(resource);
    if (this.#watched.has(name)) return;
    this.#run(async () => {
      const collection = await this.#collectionOf(resource);
      // Two changes of the quotas may have asked for it.
      if (this.#watched.has(name)) return;
      if (collection === undefined) {
        this.#log.info('a quota counts a resource that the API server does not serve', { resource: name });
        this.#later(retryMilliseconds * 10, () => this.#watch(resource));
        return;
      }
      await this.#untilContextKnown(resource, name);
      const informer = this.#newInformer(collection, countedPart(resource));
      this.#watched.set(name, { resource, collection, informer });
      informer.addHandler({
        add: (object) => this.#changed({ resource, object, isGone: false }),
        update: (before, object) => {
          if (before.metadata?.uid !== object.metadata?.uid) this.#changed({ resource, object: before, isGone: true });
          this.#changed({ resource, object, isGone: false });
        },
        delete: (object) => this.#changed({ resource, object, isGone: true }),
      });
      informer.start();
      await informer.waitForSync(this.#stopping.signal);
      this.#syncOf(name).resolve();
      // What depends on them was not told before.
      if (name === 'pods') this.#lookAgain();
      this.#count(resource);
    }).catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return;
      this.#log.warn('cannot watch what a quota counts; trying again', { resource: name, reason: messageOf(error) });
      this.#later(retryMilliseconds, () => this.#watch(resource));
    });
  }

  /** Resources whose objects the usage of this one depends on, as far as they are watched. Device classes come with them. */
  #contextOf({ resource }: GroupResource): string[] {
    if (resource !== 'resourceclaims') return [];
    const wanted = countedResources(this.#options.selection.quotas).map(formatGroupResource);
    return wanted.filter((name) => name === 'pods' || name === claims);
  }

  #isContextKnown(resource: GroupResource): boolean {
    if (resource.resource !== 'resourceclaims') return true;
    const informers = this.#contextOf(resource).map((name) => this.#watched.get(name)?.informer);
    return this.#deviceClasses.hasSynced && informers.every((informer) => informer?.hasSynced === true);
  }

  /** What is counted by others that are not known yet counts too little. */
  async #untilContextKnown(resource: GroupResource, except?: string): Promise<void> {
    if (resource.resource !== 'resourceclaims') return;
    await this.#deviceClasses.waitForSync(this.#stopping.signal);
    const names = this.#contextOf(resource).filter((name) => name !== except);
    await Promise.all(names.map((name) => this.#syncOf(name).promise));
  }

  #syncOf(name: string): PromiseWithResolvers<void> {
    const known = this.#syncs.get(name);
    if (known !== undefined) return known;
    const sync = Promise.withResolvers<void>();
    const { signal } = this.#stopping;
    signal.addEventListener('abort', () => sync.reject(signal.reason), { once: true });
    sync.promise.catch(() => undefined);
    this.#syncs.set(name, sync);
    return sync;
  }

  /**
   * Until the ledger knows all its objects, for every quota; and once in any case, since what went while nobody watched shows in
   * no watch.
   */
  #count(resource: GroupResource): void {
    const name = formatGroupResource(resource);
    const isDone = (): boolean =>
      this.#recounted.has(name) && [...this.#counted.values()].every(({ resources }) => resources.has(name));
    if (this.#counting.has(name) || isDone()) return;
    this.#counting.add(name);
    this.#run(async () => {
      while (!isDone() && !this.#stopping.signal.aborted) {
        let uncountable = 0;
        try {
          uncountable = await this.#recountResource(resource);
        } catch (error) {
          if (this.#stopping.signal.aborted) return;
          this.#log.warn('cannot count what is there; trying again', { resource: name, reason: messageOf(error) });
        }
        if (!isDone()) await this.#pause(uncountable > 0 ? mendMilliseconds : retryMilliseconds);
      }
      this.#counting.delete(name);
    }).catch(() => undefined);
  }

  #newInformer(
    collection: CollectionAddress,
    transform: (object: KubernetesObject) => KubernetesObject = withoutManagedFields,
  ): Informer<KubernetesObject> {
    const { client, clock, log } = this.#options;
    return new Informer({ client, collection, transform, clock, logger: log });
  }

  #lookAgain(namespace?: string): void {
    for (const { resource, informer } of this.#watched.values()) {
      for (const object of informer.lister.list({ namespace })) this.#changed({ resource, object, isGone: false });
    }
  }

  #changed(change: Change): void {
    const uid = change.object.metadata?.uid;
    if (uid === undefined || this.#stopping.signal.aborted) return;
    // To the end of the queue: what comes later must not overtake what came before it.
    this.#changes.delete(uid);
    this.#changes.set(uid, change);
    this.#watchGracePeriod(uid, change);
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#run(() => this.#tell()).catch(() => undefined);
  }

  /** One batch after the other, each taken when the one before is stored; what comes meanwhile makes the next one. */
  async #tell(): Promise<void> {
    const { signal } = this.#stopping;
    // What a list brings is told as one.
    await Promise.resolve();
    while (this.#changes.size > 0 && !signal.aborted) {
      const taken = [...this.#changes].slice(0, batchSize);
      for (const [uid] of taken) this.#changes.delete(uid);
      const observations = taken.flatMap(([, change]) => this.#observation(change) ?? []);
      if (observations.length === 0) continue;
      try {
        await this.#options.ledger.observe(observations.map(({ observation }) => observation));
        for (const { uid, digest } of observations) {
          if (digest === undefined) this.#told.delete(uid);
          else this.#told.set(uid, digest);
        }
        this.#options.onChanged([...new Set(observations.flatMap(({ quotas }) => quotas))]);
      } catch (error) {
        this.#log.warn('the ledger could not be told of objects; trying again', { reason: messageOf(error) });
        // What has changed since then is newer.
        for (const [uid, change] of taken) if (!this.#changes.has(uid)) this.#changes.set(uid, change);
        await this.#pause(retryMilliseconds);
      }
    }
    this.#isTelling = false;
  }

  /** What to tell of a change; undefined when the ledger knows all of it. */
  #observation(change: Change): Telling | undefined {
    const { resource, object, isGone } = change;
    const { uid = '', namespace = '' } = object.metadata ?? {};
    const key = { cluster: this.#options.clusterId, resource: formatGroupResource(resource), uid };
    const told = this.#told.get(uid);
    if (isGone) {
      this.#expected.delete(uid);
      // Also when nothing of it was told: it may have been reserved, and deleted before we looked.
      if (told === undefined && this.#seen(resource, object)?.quotas.length === 0) return undefined;
      return { observation: { type: 'gone', key, namespace }, uid, quotas: quotasOf(told), digest: undefined };
    }
    const seen = this.#seen(resource, object);
    if (seen === undefined) return undefined;
    const digest = digestOf(seen);
    const base = this.#expected.get(uid);
    const isAwaited = base !== undefined && seen.resourceVersion > base;
    if (isAwaited) this.#expected.delete(uid);
    if (told === digest && !isAwaited) return undefined;
    if (told === undefined && seen.quotas.length === 0) return undefined;
    const quotas = [...quotasOf(told), ...seen.quotas];
    return { observation: { type: 'present', key, namespace, ...seen }, uid, quotas, digest };
  }

  /** What an object counts now, and against what; undefined, and said, when that cannot be known. */
  #seen(resource: GroupResource, object: KubernetesObject): SeenObject | undefined {
    const { namespace = '', name = '' } = object.metadata ?? {};
    const resourceVersion = BigInt(object.metadata?.resourceVersion ?? '0');
    const { clock } = this.#options;
    const quotas = this.#quotasOf(namespace);
    if (quotas.length === 0) return { name, resourceVersion, usage: new Map(), quotas: [] };
    if (!this.#isContextKnown(resource)) return undefined;
    try {
      const evaluator = evaluatorAt(resource, namespace, clock.now(), this.context);
      if (evaluator === undefined) return undefined;
      const counted = count(evaluator, object, quotas);
      return { name, resourceVersion, usage: counted.usage, quotas: counted.quotas.map(({ id }) => id) };
    } catch (error) {
      this.#log.error('an object cannot be counted', {
        resource: formatGroupResource(resource),
        namespace,
        name,
        reason: messageOf(error),
      });
      return undefined;
    }
  }

  #quotasOf(namespace: string): GlobalQuota[] {
    const labels = this.#namespaces.lister.get(namespace)?.metadata?.labels;
    return this.#options.selection.ofNamespace(namespace, labels);
  }

  /** A Pod whose grace period is over counts nothing any more, and no event tells of it. */
  #watchGracePeriod(uid: string, { resource, object, isGone }: Change): void {
    this.#graceTimers.get(uid)?.();
    this.#graceTimers.delete(uid);
    const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata ?? {};
    if (isGone || resource.resource !== 'pods' || !deletionTimestamp || deletionGracePeriodSeconds === undefined)
      return;
    const over = Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000 - this.#options.clock.now();
    if (over < 0) return;
    const look = (): void => this.#changed({ resource, object, isGone: false });
    this.#graceTimers.set(uid, this.#options.clock.after(over + 1, look));
  }

  /** Those of the objects that are there, by uid, read after this was called. */
  async #read(
    collection: CollectionAddress | undefined,
    reservations: readonly OpenReservation[],
  ): Promise<ReadonlyMap<string, KubernetesObject>> {
    const { client } = this.#options;
    const { signal } = this.#stopping;
    // What is not served is not stored.
    if (collection === undefined) return new Map();
    const found: KubernetesObject[] = [];
    if (reservations.length >= listFrom || reservations.some(({ name }) => name === '')) {
      found.push(...(await client.list(collection, { signal })).items);
    } else {
      for (const { namespace, name } of reservations) {
        try {
          found.push(await client.get({ ...collection, namespace, name }, { signal }));
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      }
    }
    return new Map(found.map((object) => [object.metadata?.uid ?? '', object]));
  }

  async #collectionOf(resource: GroupResource): Promise<CollectionAddress | undefined> {
    const known = this.#watched.get(formatGroupResource(resource))?.collection;
    return known ?? (await this.#collections.find(resource, this.#stopping.signal));
  }

  #objectsOf(name: string, namespace: string): KubernetesObject[] {
    return this.#watched.get(name)?.informer.lister.list({ namespace }) ?? [];
  }

  #repeat(intervalMilliseconds: number, what: string, task: () => Promise<void>): void {
    this.#later(intervalMilliseconds, () => {
      this.#run(task)
        .catch((error: unknown) => {
          if (!this.#stopping.signal.aborted) this.#log.warn(`${what} failed`, { reason: messageOf(error) });
        })
        .finally(() => this.#repeat(intervalMilliseconds, what, task));
    });
  }

  #later(milliseconds: number, task: () => void): void {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const cancel = clock.after(milliseconds, () => {
      signal.removeEventListener('abort', cancel);
      task();
    });
    signal.addEventListener('abort', cancel, { once: true });
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#later(milliseconds, resolve);
      this.#stopping.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** {@link stop} waits for it. */
  async #run(task: () => Promise<void>): Promise<void> {
    const running = task();
    this.#running.add(running);
    try {
      await running;
    } finally {
      this.#running.delete(running);
    }
  }
}

/** The {@link Census} of one quota here. */
interface Counted {
  readonly id: string;
  readonly signature: string;
  stamp: string;
  readonly resources: Set<string>;
}

/** One thing to tell the ledger. */
interface Telling {
  readonly observation: Observation;
  readonly uid: string;
  /** That it may change. */
  readonly quotas: readonly string[];
  /** Of what the ledger knows then; undefined when there will be no more to tell. */
  readonly digest: string | undefined;
}

type SeenObject = Pick<Extract<Observation, { type: 'present' }>, 'name' | 'resourceVersion' | 'usage' | 'quotas'>;

function digestOf({ usage, quotas }: Pick<SeenObject, 'usage' | 'quotas'>): string {
  return [quotas.join(','), ...[...usage].map(([name, quantity]) => `${name}=${quantity.nano()}`)].join(';');
}

/** The quotas in a digest. */
function quotasOf(digest: string | undefined): string[] {
  return digest?.split(';', 1)[0]?.split(',') ?? [];
}

function labelText({ metadata }: KubernetesObject): string {
  return JSON.stringify(Object.entries(metadata?.labels ?? {}).sort());
}

function parseGroupResource(text: string): GroupResource {
  const [resource = '', ...group] = text.split('.');
  return { resource, group: group.join('.') };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
