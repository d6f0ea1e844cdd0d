import { createServer as createPlainServer, type Server as PlainServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { issueAuthority, issueServingCertificate } from '../../../src/certs/index.ts';
import type { WebhookClientConfig } from '../../../src/api/webhook-configuration.ts';
import type { JsonObject } from '../../../src/json/json-value.ts';
import { respond, type Behaviour } from './behaviour.ts';
import type { RecordedCall } from './scenario.ts';

/**
 * A webhook server that answers as behaviours say and remembers what it was asked. Each webhook has its name as the last
 * part of its path. Beside it listens one that speaks plain HTTP.
 */
export class RecordingWebhookServer {
  readonly #server: Server;
  readonly #plainServer: PlainServer;
  readonly #bundles: { readonly $CA: string; readonly $OTHER_CA: string };
  #behaviours: { readonly [webhook: string]: Behaviour } = {};
  #calls: RecordedCall[] = [];
  #counts = new Map<string, number>();

  private constructor(
    tls: { readonly key: string; readonly cert: string },
    bundles: { readonly $CA: string; readonly $OTHER_CA: string },
  ) {
    this.#bundles = bundles;
    this.#plainServer = createPlainServer((_, response) => response.end('plain'));
    this.#server = createServer({ ...tls, keepAliveTimeout: 60_000 }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.once('end', () => {
        const path = request.url ?? '';
        const webhook = path.split('?')[0]?.replace(/\/+$/, '').split('/').at(-1) ?? '';
        const body = Buffer.concat(chunks);
        const behaviour = this.#behaviours[webhook];
        if (behaviour === undefined) {
          response.writeHead(404).end();
          return;
        }
        const call = this.#counts.get(webhook) ?? 0;
        this.#counts.set(webhook, call + 1);
        const { method = '', headers } = request;
        this.#calls.push({
          webhook,
          review: body.length === 0 ? {} : (JSON.parse(body.toString()) as JsonObject),
          http: {
            method,
            path,
            host: (headers.host ?? '').replace(/:[0-9]+$/, ':<port>'),
            accept: headers.accept ?? '',
            acceptEncoding: [headers['accept-encoding'] ?? ''].flat().join(', '),
            contentType: headers['content-type'] ?? '',
            userAgent: headers['user-agent'] ?? '',
            endsWithLineFeed: body.at(-1) === 0x0a,
          },
        });
        const answer = respond(behaviour, body, call);
        if (answer.kind === 'http') response.writeHead(answer.status, answer.headers).end(answer.body);
        else if (answer.kind === 'drop') request.socket.destroy();
        else if (answer.kind === 'cut')
          response.writeHead(200, { 'content-length': 1000 }).write('{"api', () => request.socket.destroy());
      });
    });
  }

  /** Starts one on free ports of the loopback address, with a certificate of its own for 127.0.0.1 and localhost. */
  static async start(): Promise<RecordingWebhookServer> {
    const lifetime = { issuedAt: Date.now(), lifetimeMilliseconds: 86_400_000 };
    const [authority, other] = await Promise.all([issueAuthority(lifetime), issueAuthority(lifetime)]);
    const serving = await issueServingCertificate({ ...lifetime, authority, hosts: ['127.0.0.1', 'localhost'] });
    const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
    const bundles = { $CA: base64(authority.certificatePem), $OTHER_CA: base64(other.certificatePem) };
    const started = new RecordingWebhookServer({ key: serving.privateKeyPem, cert: serving.certificatePem }, bundles);
    // All of 127.0.0.0/8, so that a name the certificate does not have can be called.
    await new Promise<void>((resolve) => started.#server.listen(0, '0.0.0.0', resolve));
    await new Promise<void>((resolve) => started.#plainServer.listen(0, '127.0.0.1', resolve));
    return started;
  }

  /** Where a webhook is, or what a scenario says instead with `$PORT`, `$PLAIN_PORT`, `$CA` and `$OTHER_CA` in it. */
  clientConfig(webhook: string, said: WebhookClientConfig): WebhookClientConfig {
    const config =
      Object.keys(said).length === 0 ? { url: `https://127.0.0.1:$PORT/${webhook}`, caBundle: '$CA' } : said;
    const text = JSON.stringify(config)
      .replaceAll('$PORT', String(portOf(this.#server)))
      .replaceAll('$PLAIN_PORT', String(portOf(this.#plainServer)))
      .replaceAll('$CA', this.#bundles.$CA)
      .replaceAll('$OTHER_CA', this.#bundles.$OTHER_CA);
    return JSON.parse(text) as WebhookClientConfig;
  }

  /** From now on these are the webhooks. */
  play(behaviours: { readonly [webhook: string]: Behaviour }): void {
    this.#behaviours = behaviours;
    this.takeCalls();
  }

  /** The calls since the last time, in the order they came; sequences begin anew. */
  takeCalls(): RecordedCall[] {
    const calls = this.#calls;
    this.#calls = [];
    this.#counts = new Map();
    return calls;
  }

  async stop(): Promise<void> {
    for (const server of [this.#server, this.#plainServer]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

function portOf(server: Server | PlainServer): number {
  return (server.address() as AddressInfo).port;
}
