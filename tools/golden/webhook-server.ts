import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { respond, type Behaviour } from '../../test/golden/chain/behaviour.ts';
import type { JsonObject } from '../../src/json/json-value.ts';

export interface ReceivedCall {
  /** The last part of the path. */
  readonly webhook: string;
  readonly review: JsonObject;
}

/**
 * A webhook server that answers as behaviours say and remembers what it was asked. Each webhook has its name as its path.
 */
export class RecordingWebhookServer {
  readonly #server: Server;
  #behaviours: { readonly [webhook: string]: Behaviour } = {};
  #calls: ReceivedCall[] = [];
  #counts = new Map<string, number>();

  constructor(tls: { readonly key: string; readonly cert: string }) {
    this.#server = createServer({ ...tls, keepAliveTimeout: 60_000 }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.once('end', () => {
        const webhook = (request.url ?? '').split('?')[0]?.split('/').at(-1) ?? '';
        const body = Buffer.concat(chunks);
        const behaviour = this.#behaviours[webhook];
        if (behaviour === undefined) {
          response.writeHead(404).end();
          return;
        }
        const call = this.#counts.get(webhook) ?? 0;
        this.#counts.set(webhook, call + 1);
        this.#calls.push({ webhook, review: body.length === 0 ? {} : (JSON.parse(body.toString()) as JsonObject) });
        const answer = respond(behaviour, body, call);
        if (answer.kind === 'http') response.writeHead(answer.status, answer.headers).end(answer.body);
        else if (answer.kind === 'drop') request.socket.destroy();
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on these are the webhooks. */
  play(behaviours: { readonly [webhook: string]: Behaviour }): void {
    this.#behaviours = behaviours;
    this.takeCalls();
  }

  /** The calls since the last time, in the order they came; sequences begin anew. */
  takeCalls(): ReceivedCall[] {
    const calls = this.#calls;
    this.#calls = [];
    this.#counts = new Map();
    return calls;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
