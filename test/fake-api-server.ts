import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ClusterConfig } from '../src/kube/index.ts';
import type { KubernetesObject } from '../src/api/object-meta.ts';
import { plainClusterConfig } from './cluster-config.ts';

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers in the place of the server; false leaves the request to it. */
export type Intercept = (request: FakeRequest, response: ServerResponse) => boolean;

interface HistoryEntry {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubernetesObject;
}

interface OpenWatch {
  readonly response: ServerResponse;
}

/**
 * A small API server on loopback with one collection, ConfigMaps of all namespaces: lists in pages, watches with
 * history, resourceVersions that expire. What it cannot do by itself a test does with {@link FakeApiServer.intercept}.
 */
export class FakeApiServer {
  readonly requests: FakeRequest[] = [];
  intercept: Intercept = () => false;
  static readonly collection = { group: '', version: 'v1', resource: 'configmaps' } as const;
  readonly #objects = new Map<string, KubernetesObject>();
  #history: HistoryEntry[] = [];
  #version = 100;
  #oldestVersion = 100;
  readonly #watches = new Set<OpenWatch>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #noticeWatch = Promise.withResolvers<void>();

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Breaks all connections and frees the port; {@link FakeApiServer.start} takes it again. */
  async stop(): Promise<void> {
    if (this.#server === undefined) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#server = undefined;
    this.#watches.clear();
  }

  clusterConfig(overrides: Partial<ClusterConfig> = {}): ClusterConfig {
    return { ...plainClusterConfig(`http://127.0.0.1:${this.#port}`), ...overrides };
  }

  /** Creates or changes a ConfigMap, telling the watches. */
  put(name: string, options: { readonly namespace?: string; readonly labels?: { [key: string]: string } } = {}): void {
    const { namespace = 'default', labels = {} } = options;
    const key = `${namespace}/${name}`;
    const before = this.#objects.get(key);
    const version = ++this.#version;
    const object: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name,
        namespace,
        labels,
        uid: before?.metadata?.uid ?? `uid-${version}`,
        resourceVersion: String(version),
      },
    };
    this.#objects.set(key, object);
    this.#record({ version, type: before === undefined ? 'ADDED' : 'MODIFIED', object });
  }

  remove(name: string, namespace = 'default'): void {
    const before = this.#objects.get(`${namespace}/${name}`);
    if (before === undefined) throw new Error(`no ${namespace}/${name}`);
    this.#objects.delete(`${namespace}/${name}`);
    const version = ++this.#version;
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
    this.#record({ version, type: 'DELETED', object });
  }

  /** Forgets the history: watches and pages that begin before now are answered with 410. */
  compact(): void {
    this.#history = [];
    this.#oldestVersion = this.#version;
  }

  /** Writes one line to all watches, whole or not. */
  writeToWatches(text: string): void {
    for (const { response } of this.#watches) response.write(text);
  }

  sendBookmark(): void {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { resourceVersion: String(this.#version) } };
    this.writeToWatches(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  /** Ends all watches in order, as at their timeout. */
  endWatches(): void {
    for (const { response } of this.#watches) response.end();
    this.#watches.clear();
  }

  /** Breaks the connections of all watches. */
  breakWatches(): void {
    for (const { response } of this.#watches) response.destroy();
    this.#watches.clear();
  }

  /** Resolved when at least one watch is open. */
  async waitForWatch(): Promise<void> {
    while (this.#watches.size === 0) await this.#noticeWatch.promise;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  #record(entry: HistoryEntry): void {
    this.#history.push(entry);
    this.writeToWatches(line(entry));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://fake');
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const request: FakeRequest = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString(),
    };
    this.requests.push(request);
    if (this.intercept(request, response)) return;
    if (request.path !== '/api/v1/configmaps') sendStatus(response, 404, 'NotFound', 'no such path');
    else if (request.query.get('watch') === 'true') this.#watch(request, response);
    else this.#list(request, response);
  }

  #list({ query }: FakeRequest, response: ServerResponse): void {
    const [version, offset] = (query.get('continue') ?? `${this.#version}:0`).split(':').map(Number) as [
      number,
      number,
    ];
    if (version < this.#oldestVersion) {
      sendStatus(response, 410, 'Expired', 'The provided continue parameter is too old');
      return;
    }
    const all = [...this.#objects.values()];
    const limit = Number(query.get('limit') ?? all.length);
    const items = all.slice(offset, offset + limit).map(({ metadata }) => ({ metadata }));
    const next = offset + limit < all.length ? `${version}:${offset + limit}` : '';
    const metadata = { resourceVersion: String(version), continue: next };
    sendJson(response, 200, { apiVersion: 'v1', kind: 'ConfigMapList', metadata, items });
  }

  #watch({ query }: FakeRequest, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion') ?? this.#version);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from < this.#oldestVersion) {
      // The real server answers 200 and says it in the stream.
      response.end(
        `${JSON.stringify({ type: 'ERROR', object: status(410, 'Expired', 'too old resource version') })}\n`,
      );
      return;
    }
    for (const entry of this.#history) if (entry.version > from) response.write(line(entry));
    const watch = { response };
    this.#watches.add(watch);
    response.once('close', () => this.#watches.delete(watch));
    this.#noticeWatch.resolve();
    this.#noticeWatch = Promise.withResolvers();
  }
}

function line({ type, object }: HistoryEntry): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function status(code: number, reason: string, message: string): object {
  return { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message };
}

export function sendJson(
  response: ServerResponse,
  code: number,
  body: object,
  headers: { [name: string]: string } = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function sendStatus(
  response: ServerResponse,
  code: number,
  reason: string,
  message: string,
  headers: { [name: string]: string } = {},
): void {
  sendJson(response, code, status(code, reason, message), headers);
}
