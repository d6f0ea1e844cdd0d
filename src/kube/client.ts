import type { KubernetesObject } from '../api/object-meta.ts';
import { formatApiVersion } from '../api/resource.ts';
import type { Status } from '../api/status.ts';
import { type Clock, systemClock } from '../telemetry/clock.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { ApiStatusError, ApiUnreachableError, isExpired } from './errors.ts';
import { type CollectionAddress, type ObjectAddress, resourcePath } from './resource-address.ts';
import { type HttpMethod, Transport, type TransportRequest, type TransportResponse } from './transport.ts';
import { wait } from './wait.ts';
import { readWatchStream, type WatchEvent } from './watch-stream.ts';

export interface KubeClientOptions {
  /** Default: `sallyport`. */
  readonly userAgent?: string;
  /** Requests under way at once, watches not counted; further ones wait for their turn. Default: 16. */
  readonly maxConcurrentRequests?: number;
  /** Until a whole answer is there. Default: 30, less than the 60 s after which the API server itself gives up. */
  readonly requestTimeoutSeconds?: number;
  /**
   * A watch that carries nothing for this long is ended. Default: 90: the API server sends a bookmark about every 60 s,
   * unless nothing at all happened to that resource (k8s.io/apiserver v0.37.2 pkg/storage/cacher/cacher.go,
   * defaultBookmarkFrequency; cache_watcher.go, process).
   */
  readonly watchIdleTimeoutSeconds?: number;
  readonly clock?: Clock;
}

export interface RequestOptions {
  /** Ends the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How often to ask again when the server says 429 or 5xx with `Retry-After`, after the time it says. Default: 3.
   * Choose 0 where 429 is an answer in itself, as for evictions.
   */
  readonly maxRetries?: number | undefined;
}

export interface WriteOptions extends RequestOptions {
  /** Runs everything but the storing. Default: false. */
  readonly dryRun?: boolean | undefined;
  /** Default: what the API server makes of the user agent. */
  readonly fieldManager?: string | undefined;
  /** What the server does about unknown and repeated fields. Default: the server's, `Warn`. */
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict' | undefined;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Takes over fields that another manager owns, instead of failing with a conflict. Default: false. */
  readonly force?: boolean | undefined;
}

export interface DeleteOptions extends RequestOptions {
  readonly dryRun?: boolean | undefined;
  /** Refuses, with a conflict, to delete another object of the same name, or another state of it. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
  readonly gracePeriodSeconds?: number | undefined;
}

export interface SelectOptions extends RequestOptions {
  /** As kubectl's `--selector`. */
  readonly labelSelector?: string | undefined;
  /** As kubectl's `--field-selector`. */
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends SelectOptions {
  /** Objects per page; 0 for all at once. Default: 500, as client-go's pager. */
  readonly pageSize?: number | undefined;
  /** `'0'` takes whatever the server has in its cache. Default: the most recent. */
  readonly resourceVersion?: string | undefined;
}

export interface ListPage<T> {
  readonly items: T[];
  /** Where a watch that misses nothing begins. */
  readonly resourceVersion: string;
}

export interface WatchOptions extends SelectOptions {
  /** Tells what came after this one; from {@link ListPage}, an object, or a bookmark. Default: all that is there, as ADDED, and then on. */
  readonly resourceVersion?: string | undefined;
  /** When the server ends the watch in order. Default: the server's, 30 to 60 minutes. */
  readonly timeoutSeconds?: number | undefined;
  /** Called when the server has accepted the watch, whether or not there is anything to tell. */
  readonly onOpen?: (() => void) | undefined;
}

/** A patch in one of the forms that the API server takes; for server-side apply see {@link KubeClient.apply}. */
export type Patch =
  | { readonly type: 'json'; readonly operations: readonly object[] }
  | { readonly type: 'merge' | 'strategic'; readonly changes: object };

export interface RawRequest extends RequestOptions {
  readonly method?: HttpMethod;
  /** Below the server's URL, escaped: `/version`. */
  readonly path: string;
  readonly query?: { readonly [name: string]: string };
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
}

interface Question extends RequestOptions {
  readonly method: HttpMethod;
  readonly path: string;
  readonly query?: { readonly [name: string]: string | number | boolean | undefined };
  readonly contentType?: string;
  readonly body?: unknown;
}

const patchContentTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/**
 * Client of one API server.
 *
 * Every call throws {@link ApiStatusError} when the server refused, {@link ApiUnreachableError} when it could not be
 * asked, {@link ClusterConfigError} when a token or certificate file cannot be read, and the reason of `signal` when
 * that aborts. Objects are returned as the server sent them; the type parameter is the caller's claim about them.
 * Bodies are never logged.
 *
 *     const client = new KubeClient(await loadClusterConfig({ environment: process.env }));
 *     const pods = await client.list<Pod>({ group: '', version: 'v1', resource: 'pods', namespace: 'web' });
 */
export class KubeClient {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #requestTimeoutMilliseconds: number;
  readonly #watchIdleTimeoutMilliseconds: number;

  constructor(config: ClusterConfig, options: KubeClientOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#requestTimeoutMilliseconds = (options.requestTimeoutSeconds ?? 30) * 1000;
    this.#watchIdleTimeoutMilliseconds = (options.watchIdleTimeoutSeconds ?? 90) * 1000;
    this.#transport = new Transport(config, {
      clock: this.#clock,
      userAgent: options.userAgent ?? 'sallyport',
      maxConcurrentRequests: options.maxConcurrentRequests ?? 16,
    });
  }

  async get<T extends KubernetesObject>(object: ObjectAddress, options: RequestOptions = {}): Promise<T> {
    return this.#ask<T>({ method: 'GET', path: resourcePath(object), ...options });
  }

  /** All pages as one. When the list expires between two pages it is taken anew in one piece, as client-go's pager does. */
  async list<T extends KubernetesObject>(
    collection: CollectionAddress,
    options: ListOptions = {},
  ): Promise<ListPage<T>> {
    const items: T[] = [];
    let resourceVersion = '';
    try {
      for await (const page of this.listPages<T>(collection, options)) {
        for (const item of page.items) items.push(item);
        resourceVersion = page.resourceVersion;
      }
      return { items, resourceVersion };
    } catch (error) {
      if (!isExpired(error) || items.length === 0) throw error;
      return this.list(collection, { ...options, pageSize: 0 });
    }
  }

  /**
   * Page by page, each asked for when the former has been taken. Items get the `apiVersion` and `kind` that lists of
   * built-in resources leave out. A list that takes longer than the server remembers (5 minutes) ends with an error
   * that {@link isExpired} knows.
   */
  async *listPages<T extends KubernetesObject>(
    collection: CollectionAddress,
    options: ListOptions = {},
  ): AsyncGenerator<ListPage<T>, void, undefined> {
    const { labelSelector, fieldSelector, resourceVersion, pageSize = 500, signal, maxRetries } = options;
    let next: string | undefined;
    do {
      const answer = await this.#ask<ListAnswer<T>>({
        method: 'GET',
        path: resourcePath(collection),
        query: {
          labelSelector,
          fieldSelector,
          limit: pageSize === 0 ? undefined : pageSize,
          // A continue token carries the version it goes on with; the server refuses both together.
          ...(next === undefined ? { resourceVersion } : { continue: next }),
        },
        signal,
        maxRetries,
      });
      const kind = answer.kind?.replace(/List$/, '');
      const items = answer.items ?? [];
      for (const item of items) {
        item.apiVersion ??= answer.apiVersion ?? formatApiVersion(collection);
        item.kind ??= kind;
      }
      yield { items, resourceVersion: answer.metadata?.resourceVersion ?? '' };
      next = answer.metadata?.continue;
    } while (next !== undefined && next !== '');
  }

  /** Creates an object in a collection, or posts to a subresource such as `pods/eviction`. */
  async create<T extends object = KubernetesObject>(
    address: CollectionAddress | ObjectAddress,
    object: object,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#ask<T>({
      method: 'POST',
      path: resourcePath(address),
      query: writeQuery(options),
      contentType: 'application/json',
      body: object,
      ...options,
    });
  }

  /** Stores the whole object. With a `resourceVersion` in it, another state on the server is a conflict. */
  async replace<T extends object = KubernetesObject>(
    address: ObjectAddress,
    object: object,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#ask<T>({
      method: 'PUT',
      path: resourcePath(address),
      query: writeQuery(options),
      contentType: 'application/json',
      body: object,
      ...options,
    });
  }

  async patch<T extends object = KubernetesObject>(
    address: ObjectAddress,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#ask<T>({
      method: 'PATCH',
      path: resourcePath(address),
      query: writeQuery(options),
      contentType: patchContentTypes[patch.type],
      body: patch.type === 'json' ? patch.operations : patch.changes,
      ...options,
    });
  }

  /**
   * Server-side apply: makes the fields of `object` so, owned by `fieldManager`, and removes those that it owned before
   * and does not name any more; creates the object when there is none. `object` carries apiVersion and kind.
   */
  async apply<T extends object = KubernetesObject>(
    address: ObjectAddress,
    object: object,
    options: ApplyOptions,
  ): Promise<T> {
    return this.#ask<T>({
      method: 'PATCH',
      path: resourcePath(address),
      query: { ...writeQuery(options), force: options.force },
      // JSON is YAML; the server takes `apply-patch+json` only where CBOR is on.
      contentType: 'application/apply-patch+yaml',
      body: object,
      ...options,
    });
  }

  /**
   * Deletes the object. Resolves with the object when finalizers or a grace period keep it for now, with a Status of
   * `Success` when it is gone; which of them the server sends for a gone one depends on the resource.
   */
  async delete(address: ObjectAddress, options: DeleteOptions = {}): Promise<KubernetesObject> {
    const { preconditions, propagationPolicy, gracePeriodSeconds, dryRun, signal, maxRetries } = options;
    return this.#ask<KubernetesObject>({
      method: 'DELETE',
      path: resourcePath(address),
      contentType: 'application/json',
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions,
        propagationPolicy,
        gracePeriodSeconds,
        ...(dryRun === true ? { dryRun: ['All'] } : {}),
      },
      signal,
      maxRetries,
    });
  }

  /**
   * Changes as they happen, bookmarks among them. Ends when the server ends it in order, or when it was silent for
   * `watchIdleTimeoutSeconds`; go on with the last resourceVersion then. Throws besides the usual an error that
   * {@link isExpired} knows when `resourceVersion` is too old: list anew then.
   */
  async *watch<T extends KubernetesObject>(
    collection: CollectionAddress,
    options: WatchOptions = {},
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const { labelSelector, fieldSelector, resourceVersion, timeoutSeconds, onOpen, signal } = options;
    const path = resourcePath(collection);
    const request = this.#transportRequest({
      method: 'GET',
      path,
      query: {
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion,
        timeoutSeconds,
        labelSelector,
        fieldSelector,
      },
      signal,
    });
    const stream = await this.#transport.stream(request);
    if (stream.kind === 'refused') throw statusError(`WATCH ${path}`, stream.answer);
    onOpen?.();
    yield* readWatchStream<T>(stream.body, {
      request: `WATCH ${path}`,
      clock: this.#clock,
      idleTimeoutMilliseconds: this.#watchIdleTimeoutMilliseconds,
      signal,
    });
  }

  /** Any request, for what has no method here (`/version`, `/openapi/v3`). Gives the body as text; throws like the others. */
  async request(request: RawRequest): Promise<string> {
    const { method = 'GET', path, query = {}, headers = {}, body, signal, maxRetries } = request;
    const transportRequest = this.#transportRequest({ method, path, query, signal });
    const answer = await this.#exchange({ ...transportRequest, headers, body }, maxRetries);
    return answer.body;
  }

  /** Ends all connections, those of running calls too. */
  close(): void {
    this.#transport.close();
  }

  async #ask<T>(question: Question): Promise<T> {
    const { body } = await this.#exchange(this.#transportRequest(question), question.maxRetries);
    try {
      // The type is the caller's claim; see the class.
      return JSON.parse(body) as T;
    } catch (error) {
      const what = `${question.method} ${question.path}`;
      throw new ApiUnreachableError(what, 'the answer is not JSON: is this an API server?', { cause: error });
    }
  }

  async #exchange(request: TransportRequest, maxRetries = 3): Promise<TransportResponse> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#transport.exchange(request);
      if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
      const error = statusError(`${request.method} ${request.path}`, answer);
      const seconds = retryAfterSeconds(answer);
      const wantsRetry = seconds !== undefined && (answer.statusCode === 429 || answer.statusCode >= 500);
      if (!wantsRetry || attempt >= maxRetries) throw error;
      await wait(this.#clock, seconds * 1000, request.signal);
    }
  }

  #transportRequest(question: Question): TransportRequest {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(question.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    return {
      method: question.method,
      path: question.path,
      query,
      headers: question.contentType === undefined ? {} : { 'content-type': question.contentType },
      body: question.body === undefined ? undefined : JSON.stringify(question.body),
      signal: question.signal,
      timeoutMilliseconds: this.#requestTimeoutMilliseconds,
    };
  }
}

interface ListAnswer<T> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: T[] | null;
}

function writeQuery(options: WriteOptions): { readonly [name: string]: string | undefined } {
  return {
    dryRun: options.dryRun === true ? 'All' : undefined,
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
  };
}

function retryAfterSeconds({ headers }: Pick<TransportResponse, 'headers'>): number | undefined {
  const text = headers['retry-after'];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * The error for an answer that is no success. An answer without a Status is not the API server's own: when its code
 * says that something in between did not reach it (502, 503, 504), it could not be asked.
 */
function statusError(request: string, answer: TransportResponse): ApiStatusError | ApiUnreachableError {
  const status = parseStatus(answer.body);
  if (status !== undefined) return new ApiStatusError(request, answer.statusCode, status, retryAfterSeconds(answer));
  const text = answer.body.trim().slice(0, 200);
  if (answer.statusCode >= 502 && answer.statusCode <= 504) {
    return new ApiUnreachableError(request, `HTTP ${answer.statusCode} from something before the API server: ${text}`);
  }
  const plain: Status = { status: 'Failure', code: answer.statusCode, message: text };
  return new ApiStatusError(request, answer.statusCode, plain, retryAfterSeconds(answer));
}

function parseStatus(body: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const isStatus = typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
    return isStatus ? (value as Status) : undefined;
  } catch {
    return undefined;
  }
}
