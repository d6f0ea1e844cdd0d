import { get } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Endpoint {
  readonly name: string;
  readonly port: number;
  /** Where `/readyz` is. */
  readonly healthPort: number;
}

export interface BalancerOptions {
  readonly host: string;
  readonly port: number;
  /** From a probe that failed, or passed again, to the end of new connections, or their beginning: endpoints and proxies follow. */
  readonly propagationMilliseconds: number;
  readonly probeIntervalMilliseconds: number;
}

/**
 * Kubelet's probes, endpoints and kube-proxy in one: new TCP connections go to the ready endpoints in turn, open ones stay
 * where they are, and everybody hears of a change late.
 */
export class Balancer {
  /** From one side to the other, as between machines; each connection keeps the one it began with. */
  latencyMilliseconds = 0;
  readonly #options: BalancerOptions;
  readonly #server: Server;
  readonly #endpoints = new Map<string, { readonly endpoint: Endpoint; readonly probing: AbortController }>();
  readonly #ready = new Set<Endpoint>();
  readonly #waiting = new Set<() => void>();
  /** When each open connection last carried something to its client; monotonic milliseconds. */
  readonly #lastUses = new Map<Socket, number>();
  #turn = 0;

  constructor(options: BalancerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#forward(client));
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#options.port, this.#options.host);
    await once(this.#server, 'listening');
  }

  /** Probes it from now on. */
  add(endpoint: Endpoint): void {
    const probing = new AbortController();
    this.#endpoints.set(endpoint.name, { endpoint, probing });
    void this.#probe(endpoint, probing.signal);
  }

  /** As when the Pod is gone. */
  remove(endpoint: Endpoint): void {
    this.#endpoints.get(endpoint.name)?.probing.abort();
    this.#endpoints.delete(endpoint.name);
    this.#ready.delete(endpoint);
  }

  /** Resolves when new connections go to it; rejects after a minute. */
  async untilReady(endpoint: Endpoint): Promise<void> {
    const deadline = performance.now() + 60_000;
    while (!this.#ready.has(endpoint)) {
      if (performance.now() > deadline) throw new Error(`${endpoint.name} was not ready within a minute`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await Promise.race([promise, sleep(1000, undefined, { ref: false })]);
    }
  }

  lastUses(): number[] {
    return [...this.#lastUses.values()];
  }

  close(): void {
    for (const { probing } of this.#endpoints.values()) probing.abort();
    this.#server.close();
  }

  async #probe(endpoint: Endpoint, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isReady = await probe(endpoint);
      if (isReady !== this.#ready.has(endpoint)) {
        await sleep(this.#options.propagationMilliseconds);
        if (signal.aborted) return;
        if (isReady) this.#ready.add(endpoint);
        else this.#ready.delete(endpoint);
        for (const resolve of this.#waiting) resolve();
        this.#waiting.clear();
      }
      await sleep(this.#options.probeIntervalMilliseconds);
    }
  }

  #forward(client: Socket): void {
    const ready = [...this.#ready];
    const endpoint = ready[this.#turn++ % Math.max(1, ready.length)];
    if (endpoint === undefined) return void client.resetAndDestroy();
    const server = connect({ host: '127.0.0.1', port: endpoint.port, allowHalfOpen: true, noDelay: true });
    server.on('data', () => this.#lastUses.set(client, performance.now()));
    client.once('close', () => this.#lastUses.delete(client));
    const { latencyMilliseconds } = this;
    copy(client, server, latencyMilliseconds);
    copy(server, client, latencyMilliseconds);
  }
}

/** Timers of one delay fire in their order, so bytes and the end of them stay in theirs. */
function copy(from: Socket, to: Socket, latencyMilliseconds: number): void {
  const later = (act: () => void): void => void setTimeout(() => to.destroyed || act(), latencyMilliseconds);
  from.on('data', (bytes) => later(() => to.write(bytes)));
  from.on('end', () => later(() => to.end()));
  // A reset of what is ending already is refused by libuv, and Node then never comes to its end.
  from.on('error', () => later(() => (to.writableEnded ? to.destroy() : to.resetAndDestroy())));
  from.on('close', () => later(() => to.destroy()));
}

/** Whether `/readyz` says so. */
export function probe({ healthPort }: Endpoint): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const address = { host: '127.0.0.1', port: healthPort, path: '/readyz', agent: false };
  get({ ...address, signal: AbortSignal.timeout(1000) }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  }).on('error', () => resolve(false));
  return promise;
}
