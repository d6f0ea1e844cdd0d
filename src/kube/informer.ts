import type { KubernetesObject } from '../api/object-meta.ts';
import { formatGroupResource } from '../api/resource.ts';
import { type Clock, systemClock } from '../telemetry/clock.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { abortReason } from './abort-reason.ts';
import type { KubeClient } from './client.ts';
import type { Lister } from './lister.ts';
import { type Indexes, ObjectStore, type StoreChange } from './object-store.ts';
import { Reflector } from './reflector.ts';
import type { CollectionAddress } from './resource-address.ts';

export interface InformerOptions<T extends KubernetesObject> {
  readonly client: KubeClient;
  readonly collection: CollectionAddress;
  /** As kubectl's `--selector`. Default: everything. */
  readonly labelSelector?: string | undefined;
  /** As kubectl's `--field-selector`. Default: everything. */
  readonly fieldSelector?: string | undefined;
  /** Makes of each object what is kept of it, to save memory; name, namespace, uid and resourceVersion must stay. Default: all. */
  readonly transform?: ((object: T) => T) | undefined;
  /** For {@link Lister.byIndex}. Default: none. */
  readonly indexes?: Indexes<T> | undefined;
  /** Objects per page of a list. Default: 500. */
  readonly pageSize?: number | undefined;
  /** The server ends each watch after a time between this and twice as long. Default: 300, as client-go's reflector. */
  readonly watchTimeoutSeconds?: number | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** A number in [0, 1) that spreads pauses. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
}

/**
 * Told what happens to objects, in order, after the lister shows it. What a handler throws, or its promise rejects
 * with, is logged and stops nothing; promises are not waited for.
 */
export interface InformerHandler<T> {
  add?(object: T): void | Promise<void>;
  update?(before: T, after: T): void | Promise<void>;
  /** `object` is the last state known. */
  delete?(object: T): void | Promise<void>;
}

/**
 * A cache of one collection that a watch keeps fresh, whatever happens to the API server.
 *
 *     const informer = new Informer<Pod>({ client, collection: { group: '', version: 'v1', resource: 'pods' } });
 *     informer.start();
 *     await informer.waitForSync(AbortSignal.timeout(10_000));
 *     informer.lister.get('web-0', 'shop');
 */
export class Informer<T extends KubernetesObject> {
  readonly lister: Lister<T>;
  readonly #store: ObjectStore<T>;
  readonly #reflector: Reflector<T>;
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly #logger: Logger;
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  #isStopped = false;

  constructor(options: InformerOptions<T>) {
    const { client, collection, indexes = {}, logger = silentLogger } = options;
    this.#logger = logger.child({ resource: formatGroupResource(collection) });
    this.#store = new ObjectStore<T>(this.#guardIndexes(indexes));
    this.lister = this.#newLister();
    const accept = (object: T): T => this.#transform(object, options.transform);
    this.#reflector = new Reflector<T>({
      client,
      collection,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      pageSize: options.pageSize ?? 500,
      watchTimeoutSeconds: options.watchTimeoutSeconds ?? 300,
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      logger,
      target: {
        accept,
        replace: (objects) => {
          const changes = this.#store.replace(objects);
          this.#hasSynced = true;
          this.#notifyAll(changes);
          this.#synced.resolve();
        },
        set: (object) => this.#notifyAll(this.#store.set(accept(object))),
        remove: (object) => this.#notifyAll(this.#store.remove(accept(object))),
      },
    });
  }

  /** Whether the cache has been filled once. It may be stale all the same: see {@link Informer.lastContact}. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /**
   * When the API server last answered or told us something about this collection, milliseconds since the epoch;
   * undefined before the first time. While all is well it is never older than the client's `watchIdleTimeoutSeconds`
   * and the time that one request takes: a silent watch is renewed then.
   */
  get lastContact(): number | undefined {
    return this.#reflector.lastContact;
  }

  /** Why the last attempt to list or watch failed; undefined once there was contact again. */
  get lastError(): Error | undefined {
    return this.#reflector.lastError;
  }

  /** Begins to fill the cache; returns at once and never throws, whether or not the API server is there. */
  start(): void {
    this.#reflector.start();
  }

  /** Ends it, also while the first list is under way. No handler is called from then on. It cannot be started again. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#reflector.stop();
  }

  /** Resolved when the cache has been filled once. Rejects with the signal's reason. */
  async waitForSync(signal?: AbortSignal): Promise<void> {
    if (signal === undefined) return this.#synced.promise;
    signal.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(abortReason(signal));
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.#synced.promise, promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Adds a handler, which is told at once, as additions, what is there already. Returns how to remove it. */
  addHandler(handler: InformerHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of [...this.#store.values()]) this.#notify(handler, { type: 'add', object });
    return () => this.#handlers.delete(handler);
  }

  #notifyAll(changes: readonly StoreChange<T>[]): void {
    for (const change of changes) {
      for (const handler of [...this.#handlers]) this.#notify(handler, change);
    }
  }

  #notify(handler: InformerHandler<T>, change: StoreChange<T>): void {
    if (this.#isStopped) return;
    const complain = (error: unknown): void => {
      const { name, namespace } = change.object.metadata ?? {};
      this.#logger.error('event handler failed', { event: change.type, namespace, name, error: asError(error) });
    };
    try {
      const result =
        change.type === 'update'
          ? handler.update?.(change.before, change.object)
          : change.type === 'add'
            ? handler.add?.(change.object)
            : handler.delete?.(change.object);
      if (result instanceof Promise) result.catch(complain);
    } catch (error) {
      complain(error);
    }
  }

  /** One object that the caller's function cannot take must not keep all others from being seen. */
  #transform(object: T, transform: ((object: T) => T) | undefined): T {
    if (transform === undefined) return object;
    try {
      return transform(object);
    } catch (error) {
      const { name, namespace } = object.metadata ?? {};
      this.#logger.error('transform failed, the object is kept whole', { namespace, name, error: asError(error) });
      return object;
    }
  }

  #guardIndexes(indexes: Indexes<T>): Indexes<T> {
    const guarded = Object.entries(indexes).map(
      ([index, indexFunction]): [string, (object: T) => readonly string[]] => [
        index,
        (object) => {
          try {
            return indexFunction(object);
          } catch (error) {
            const { name, namespace } = object.metadata ?? {};
            this.#logger.error('index failed, the object is left out of it', {
              index,
              namespace,
              name,
              error: asError(error),
            });
            return [];
          }
        },
      ],
    );
    return Object.fromEntries(guarded);
  }

  #newLister(): Lister<T> {
    const store = this.#store;
    return {
      get: (name, namespace) => store.get(name, namespace),
      list: ({ namespace, labels } = {}) =>
        [...store.values(namespace)].filter(({ metadata }) => labels === undefined || labels.matches(metadata?.labels)),
      byIndex: (index, value) => store.byIndex(index, value),
    };
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
