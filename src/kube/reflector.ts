import type { KubernetesObject } from '../api/object-meta.ts';
import { formatGroupResource } from '../api/resource.ts';
import type { Clock } from '../telemetry/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Backoff } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { ApiStatusError, ApiUnreachableError, isExpired } from './errors.ts';
import { type CollectionAddress, resourcePath } from './resource-address.ts';
import { wait } from './wait.ts';
import type { WatchEvent } from './watch-stream.ts';

/** Where a {@link Reflector} puts what it sees, in order. Its methods do not throw. */
export interface ReflectorTarget<T> {
  /** Called for each object of a list as its page arrives; what is returned goes to {@link ReflectorTarget.replace}. */
  accept(object: T): T;
  /** The whole collection, as of one moment. */
  replace(objects: readonly T[]): void;
  set(object: T): void;
  remove(object: T): void;
}

export interface ReflectorOptions<T> {
  readonly client: KubeClient;
  readonly collection: CollectionAddress;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly pageSize: number;
  /** The server is asked to end each watch after between this and twice as long, so that connections spread over servers. */
  readonly watchTimeoutSeconds: number;
  readonly target: ReflectorTarget<T>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Source: k8s.io/client-go v0.37.2 tools/cache/reflector.go, defaultBackoffInit and defaultBackoffMax. */
const backoffMilliseconds = { initialMilliseconds: 800, maxMilliseconds: 30_000 };

/** A watch that ended sooner and told nothing counts as a failure: asking again at once would be a busy loop. */
const uselessWatchMilliseconds = 1_000;

/**
 * Mirrors one collection of the API server into a target: lists it, watches from there, goes on where a watch ended,
 * and lists anew when the server no longer remembers that point (410).
 *
 * Whatever happens to the server it keeps trying, with growing pauses, until it is stopped.
 */
export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #logger: Logger;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #lastContact: number | undefined;
  #lastError: Error | undefined;
  /** Where the next watch begins; undefined when the next thing to do is a list. */
  #resourceVersion: string | undefined;
  /** Lists by pages may expire between two of them; the next attempt then takes one piece. */
  #pageSize: number;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#pageSize = options.pageSize;
    this.#logger = options.logger.child({ resource: formatGroupResource(options.collection) });
    this.#backoff = new Backoff({ ...backoffMilliseconds, random: options.random });
  }

  /**
   * When the server last answered us or told us something, a bookmark being enough; milliseconds of `clock.now()`. An
   * open connection is no proof: a stopped server keeps it open and silent.
   */
  get lastContact(): number | undefined {
    return this.#lastContact;
  }

  /** Why the last attempt failed; undefined when it did not. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** Begins; returns at once and never throws. Has no effect when it runs already or was stopped. */
  start(): void {
    if (!this.#stop.signal.aborted) this.#running ??= this.#run();
  }

  /** Ends it, whatever it is doing; resolved when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        else await this.#watch(this.#resourceVersion);
      } catch (error) {
        if (signal.aborted) return;
        const delayMilliseconds = this.#noteFailure(error);
        // Rejected by stop() alone, which the loop sees.
        await wait(this.#options.clock, delayMilliseconds, signal).catch(() => undefined);
      }
    }
  }

  async #list(): Promise<void> {
    const { client, collection, labelSelector, fieldSelector, target } = this.#options;
    const { signal } = this.#stop;
    const objects: T[] = [];
    let resourceVersion = '';
    const pageSize = this.#pageSize;
    for await (const page of client.listPages<T>(collection, { labelSelector, fieldSelector, pageSize, signal })) {
      this.#noteContact();
      for (const object of page.items) objects.push(target.accept(object));
      resourceVersion = page.resourceVersion;
    }
    signal.throwIfAborted();
    this.#resourceVersion = resourceVersion;
    this.#pageSize = this.#options.pageSize;
    target.replace(objects);
  }

  /** Returns when the watch ended after it was of use; throws when it was not. */
  async #watch(resourceVersion: string): Promise<void> {
    const { client, collection, labelSelector, fieldSelector, watchTimeoutSeconds, random, clock } = this.#options;
    const { signal } = this.#stop;
    const startedAt = clock.monotonic();
    const timeoutSeconds = Math.ceil(watchTimeoutSeconds * (1 + random()));
    const onOpen = () => this.#noteContact();
    const watch = { resourceVersion, labelSelector, fieldSelector, timeoutSeconds, onOpen, signal };
    let hasTold = false;
    try {
      for await (const event of client.watch<T>(collection, watch)) {
        // What is left of a chunk is still handed out after a handler has stopped us.
        if (signal.aborted) return;
        hasTold = true;
        this.#noteContact();
        this.#backoff.reset();
        this.#tell(event);
      }
    } catch (error) {
      if (isExpired(error) || !hasTold || signal.aborted) throw error;
      // Broken off in the middle of its life, as at every restart of a server: another one is tried at once.
      this.#logger.info('watch broke off', { reason: messageOf(error) });
      return;
    }
    if (!hasTold && clock.monotonic() - startedAt < uselessWatchMilliseconds) {
      throw new ApiUnreachableError(`WATCH ${resourcePath(collection)}`, 'ended at once without telling anything');
    }
    this.#backoff.reset();
  }

  #tell(event: WatchEvent<T>): void {
    const { target } = this.#options;
    const version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata?.resourceVersion;
    if (version !== undefined && version !== '') this.#resourceVersion = version;
    if (event.type === 'BOOKMARK') return;
    if (event.type === 'DELETED') target.remove(event.object);
    else target.set(event.object);
  }

  #noteContact(): void {
    this.#lastContact = this.#options.clock.now();
    this.#lastError = undefined;
  }

  /** Decides what to do next, and how long to wait before, in milliseconds. */
  #noteFailure(error: unknown): number {
    const doing = this.#resourceVersion === undefined ? 'list' : 'watch';
    if (isExpired(error)) {
      // A continue token expired: next time without pages. A watch's beginning expired: list.
      if (doing === 'list') this.#pageSize = 0;
      this.#resourceVersion = undefined;
      this.#logger.info(`${doing} expired, listing anew`, { reason: messageOf(error) });
    } else {
      this.#logger.warn(`${doing} failed`, { reason: messageOf(error) });
    }
    this.#lastError = error instanceof Error ? error : new Error(String(error));
    const asked = error instanceof ApiStatusError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
    return Math.max(asked, this.#backoff.next());
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
