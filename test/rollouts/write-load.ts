import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';

export interface WriteLoadOptions {
  readonly server: string;
  readonly token: string;
  /** PEM of the API server's authority. */
  readonly caCertificate: string;
  readonly namespace: string;
  /** Clients that write one after the other without a pause. */
  readonly steadyClients: number;
  /** Clients that write at about the same time, and then pause together. */
  readonly burstClients: number;
  /** Resolves when the next burst is to come. */
  readonly pause: () => Promise<void>;
  /** What the mutating webhook puts on every object: what lacks it was written past the webhooks. */
  readonly mark: string;
}

export interface WriteFailure {
  /** When it began and ended, milliseconds since the load began. */
  readonly at: number;
  readonly until: number;
  readonly message: string;
}

/** Writes ConfigMaps through the API server, as fast as it answers, and counts every write that did not go through. */
export class WriteLoad {
  readonly #options: WriteLoadOptions;
  readonly #pool: Pool;
  readonly #running: Promise<void>[] = [];
  readonly failures: WriteFailure[] = [];
  /** See {@link WriteLoadOptions}; can be changed while it runs. */
  pause: () => Promise<void>;
  /** From the first write of a burst to the last. */
  burstMilliseconds = 0;
  bursts = 0;
  writes = 0;
  slowestMilliseconds = 0;
  #began = 0;
  #isEnding = false;

  constructor(options: WriteLoadOptions) {
    this.#options = options;
    this.pause = options.pause;
    this.#pool = new Pool(options.server, {
      connections: options.steadyClients + options.burstClients,
      // Handshakes with the API server would come between a burst and the webhooks.
      keepAliveTimeout: 60_000,
      connect: { ca: options.caCertificate },
    });
  }

  startBursts(): void {
    this.#began = performance.now();
    this.#running.push(this.#burst());
  }

  startSteady(): void {
    for (let client = 0; client < this.#options.steadyClients; client += 1) {
      this.#running.push(this.#writeOn(`steady-${client}`));
    }
  }

  /** Milliseconds since the load began. */
  now(): number {
    return Math.round(performance.now() - this.#began);
  }

  /** Ends after the writes under way. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#running);
    await this.#pool.close();
  }

  async #writeOn(name: string): Promise<void> {
    while (!this.#isEnding) await this.#write(name);
  }

  async #burst(): Promise<void> {
    const { burstClients } = this.#options;
    while (!this.#isEnding) {
      const step = this.burstMilliseconds / burstClients;
      await Promise.all(
        Array.from({ length: burstClients }, async (_, client) => {
          if (step > 0) await sleep(client * step);
          await this.#write(`burst-${client}`);
        }),
      );
      this.bursts += 1;
      await this.pause();
    }
  }

  async #write(name: string): Promise<void> {
    const { token, namespace, mark } = this.#options;
    const began = performance.now();
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data: { began: String(began) },
    };
    try {
      const { statusCode, body } = await this.#pool.request({
        method: 'PATCH',
        path: `/api/v1/namespaces/${namespace}/configmaps/${name}?fieldManager=load&force=true`,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/apply-patch+yaml' },
        body: JSON.stringify(object),
      });
      const text = await body.text();
      if (statusCode !== 200 && statusCode !== 201) this.#fail(began, `HTTP ${statusCode} ${messageOf(text)}`);
      else if (!text.includes(mark)) this.#fail(began, 'it was written past the webhooks');
    } catch (error) {
      this.#fail(began, `no answer: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.writes += 1;
    this.slowestMilliseconds = Math.max(this.slowestMilliseconds, performance.now() - began);
  }

  #fail(began: number, message: string): void {
    this.failures.push({ at: Math.round(began - this.#began), until: this.now(), message });
  }
}

function messageOf(status: string): string {
  return /"message":"((?:[^"\\]|\\.)*)"/.exec(status)?.[1] ?? status.slice(0, 200);
}
