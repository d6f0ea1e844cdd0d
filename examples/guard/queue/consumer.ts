import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Message {
  readonly id: string;
  readonly body: string;
}

/** A queue that gives a message again when it is not acknowledged. */
export interface Queue {
  /** Undefined when there is none at the moment. */
  receive(): Promise<Message | undefined>;
  acknowledge(message: Message): Promise<void>;
}

export interface ConsumerOptions {
  readonly queue: Queue;
  readonly work: (message: Message) => Promise<void>;
  /** Key `secret` of the Secret `sallyport-guard-hook`. */
  readonly secret: string;
  readonly idleMilliseconds: number;
}

/** Consumes one message after the other, and leaves only with empty hands. */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #server: Server;
  /** The departure under way, by its idempotency key. */
  #departure: string | undefined;
  #inFlight = 0;
  #isStopped = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Resolves with the port of the three calls. */
  async start(port: number): Promise<number> {
    this.#server.listen(port);
    await once(this.#server, 'listening');
    this.#loop = this.#consume();
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#loop;
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #consume(): Promise<void> {
    const { queue, work, idleMilliseconds } = this.#options;
    while (!this.#isStopped) {
      // Counted before it is asked for: a message on its way is one that would be lost sight of.
      this.#inFlight += 1;
      const message = this.#departure === undefined ? await queue.receive() : undefined;
      if (message !== undefined) {
        await work(message);
        await queue.acknowledge(message);
      }
      this.#inFlight -= 1;
      await new Promise((resolve) => setTimeout(resolve, message === undefined ? idleMilliseconds : 0));
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const key = String(request.headers['idempotency-key']);
    if (!this.#isSigned(request, body)) return void response.writeHead(401).end();
    switch (`${request.method} ${request.url}`) {
      case 'POST /departure/start':
        this.#departure = key;
        return void response.writeHead(202).end();
      case 'POST /departure/undo':
        this.#departure = undefined;
        return void response.writeHead(200).end();
      case 'GET /departure/status':
        return void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify(this.#report(key)));
      default:
        return void response.writeHead(404).end();
    }
  }

  #report(key: string): { readonly phase: string; readonly message?: string } {
    // A consumer that was restarted knows of no departure, and is told again.
    if (this.#departure !== key) return { phase: 'Unknown' };
    return this.#inFlight === 0 ? { phase: 'Done' } : { phase: 'Running', message: `${this.#inFlight} in flight` };
  }

  /** Source: Standard Webhooks 1.0.0; use a library where your language has one. */
  #isSigned({ headers, url }: IncomingMessage, body: string): boolean {
    const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) =>
      String(headers[`webhook-${name}`]),
    );
    // Older ones may have been recorded. Source: the same, "Verifying webhook authenticity".
    if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) return false;
    // What was signed for one call must not do for another.
    if (id !== `${String(headers['idempotency-key'])}/${url?.split('/').at(-1)}`) return false;
    const wanted = createHmac('sha256', this.#options.secret).update(`${id}.${timestamp}.${body}`).digest('base64');
    const given = Buffer.from(signature?.replace(/^v1,/, '') ?? '');
    return given.length === wanted.length && timingSafeEqual(given, Buffer.from(wanted));
  }
}
