import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call of a hook, as the application saw it. */
export interface HookAppCall {
  readonly action: 'start' | 'status' | 'undo';
  readonly namespace: string;
  readonly pod: string;
  readonly key: string;
  readonly at: number;
}

/**
 * An application with a clean-up, for every Pod of every namespace: it starts, runs until the test says that it is done,
 * and is taken back. It knows clean-ups by their idempotency keys, and outlives guards.
 */
export class HookApp {
  readonly calls: HookAppCall[] = [];
  /** Namespaces whose clean-ups take this many milliseconds. */
  readonly durations = new Map<string, number>();
  /** Namespaces of which calls are left without an answer. */
  readonly hanging = new Set<string>();
  readonly #phases = new Map<string, { phase: 'Running' | 'Done' | 'Failed'; readonly startedAt: number }>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<HookApp> {
    const app = new HookApp();
    app.#server.listen(0, '127.0.0.1');
    await once(app.#server, 'listening');
    return app;
  }

  /** For `spec.hook` of a DeletionGuard. */
  get hook(): object {
    const { port } = this.#server.address() as AddressInfo;
    return { http: { url: `http://127.0.0.1:${port}/{namespace}/{name}`, timeoutSeconds: 1 } };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  made(action: HookAppCall['action'], namespace: string, pod?: string): HookAppCall[] {
    return this.calls.filter(
      (call) => call.action === action && call.namespace === namespace && (pod === undefined || call.pod === pod),
    );
  }

  /** The clean-ups of a namespace that run. */
  running(namespace: string): string[] {
    const started = this.made('start', namespace).map(({ key }) => key);
    return [...new Set(started)].filter((key) => this.#phases.get(key)?.phase === 'Running');
  }

  /** All that run there, or that of one Pod, are done. */
  complete(namespace: string, pod?: string): void {
    for (const { key } of this.made('start', namespace, pod)) this.#set(key, 'Done');
  }

  fail(namespace: string): void {
    for (const key of this.running(namespace)) this.#set(key, 'Failed');
  }

  /** The application of a namespace knows of no clean-up any more, as after a restart. */
  forget(namespace: string): void {
    for (const { key } of this.made('start', namespace)) this.#phases.delete(key);
  }

  #set(key: string, phase: 'Done' | 'Failed'): void {
    const entry = this.#phases.get(key);
    if (entry !== undefined) entry.phase = phase;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, namespace = '', pod = '', action = ''] = (request.url ?? '').split('/');
    if (action !== 'start' && action !== 'status' && action !== 'undo') {
      response.writeHead(400).end();
      return;
    }
    const key = String(request.headers['idempotency-key']);
    this.calls.push({ action, namespace, pod, key, at: Date.now() });
    request.resume();
    if (this.hanging.has(namespace)) return;
    if (action === 'start') {
      if (!this.#phases.has(key)) this.#phases.set(key, { phase: 'Running', startedAt: Date.now() });
      response.writeHead(202).end();
    } else if (action === 'undo') {
      this.#phases.delete(key);
      response.writeHead(200).end();
    } else {
      this.#status(namespace, key, response);
    }
  }

  #status(namespace: string, key: string, response: ServerResponse): void {
    const entry = this.#phases.get(key);
    if (entry === undefined) {
      response.writeHead(404).end();
      return;
    }
    const duration = this.durations.get(namespace);
    if (entry.phase === 'Running' && duration !== undefined && Date.now() - entry.startedAt >= duration) {
      entry.phase = 'Done';
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ phase: entry.phase }));
  }
}
