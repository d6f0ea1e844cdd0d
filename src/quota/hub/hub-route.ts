import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { TLSSocket } from 'node:tls';
import { z } from 'zod';
import type { Status } from '../../api/status.ts';
import type { Logger } from '../../telemetry/index.ts';
import { ClusterIdentityError, LedgerStoreError, LedgerStoppedError } from '../ledger/index.ts';
import { messages, writeMessage } from '../slices/wire.ts';
import type { Hub } from './hub.ts';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** Where members reach the hub: a route for the server that asks for client certificates. */
export interface HubRoute {
  readonly path: string;
  handle(request: Request, response: Response): void;
}

/** Five hundred reports of some ten resources stay below. */
const maxBodyBytes = 4 * 1024 * 1024;

/** Why a message is not taken. */
class MessageProblem extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * `POST /quota/v1/sync` and `/quota/v1/watch`. Who speaks is the common name of the client certificate, whatever the message
 * says: a cluster can only speak for itself. Without a certificate that the server's authority signed nobody is heard, also
 * where the route is mounted on a listener without TLS by mistake.
 */
export function hubRoute(hub: Hub, logger: Logger): HubRoute {
  return {
    path: '/quota/v1/',
    handle(request, response) {
      const left = new AbortController();
      response.on('close', () => left.abort());
      answer(hub, request, left.signal).then(
        (body) => send(response, 200, body),
        (error: unknown) => {
          const problem = problemOf(error);
          if (problem.status >= 500)
            logger.error('a message of a member could not be answered', { error: error as Error });
          else logger.warn('a message of a member was refused', { reason: problem.message });
          send(response, problem.status, JSON.stringify(statusOf(problem)));
        },
      );
    },
  };
}

async function answer(hub: Hub, request: Request, signal: AbortSignal): Promise<string> {
  const name = speakerOf(request);
  if (request.method !== 'POST') throw new MessageProblem(405, 'MethodNotAllowed', 'only POST is allowed here');
  const body = parse(await read(request));
  switch (request.url) {
    case '/quota/v1/sync':
      return writeMessage(await hub.sync(name, checked(messages.syncRequest, body), signal));
    case '/quota/v1/watch':
      return writeMessage(await hub.watch(name, checked(messages.watchRequest, body), signal));
    default:
      throw new MessageProblem(404, 'NotFound', 'nothing is served at this path');
  }
}

function speakerOf(request: Request): string {
  // An HTTP/2 request lends a stand-in of the socket out; the session has the socket itself.
  const socket = 'stream' in request ? request.stream.session?.socket : request.socket;
  if (!(socket instanceof TLSSocket) || !socket.authorized) {
    throw new MessageProblem(401, 'Unauthorized', 'a client certificate of the configured authority is needed');
  }
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  if (typeof name === 'string' && name !== '') return name;
  throw new MessageProblem(403, 'Forbidden', 'the client certificate has no common name, which names the cluster');
}

async function read(request: Request): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new MessageProblem(413, 'RequestEntityTooLarge', `more than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MessageProblem(400, 'BadRequest', 'the body is not JSON');
  }
}

function checked<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new MessageProblem(400, 'BadRequest', z.prettifyError(parsed.error));
}

function problemOf(error: unknown): MessageProblem {
  if (error instanceof MessageProblem) return error;
  if (error instanceof ClusterIdentityError) return new MessageProblem(409, 'Conflict', error.message);
  if (error instanceof LedgerStoreError || error instanceof LedgerStoppedError) {
    return new MessageProblem(503, 'ServiceUnavailable', 'the store of the hub does not answer');
  }
  return new MessageProblem(500, 'InternalError', 'the hub failed; its log says why');
}

function statusOf({ status, reason, message }: MessageProblem): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code: status };
}

function send(response: Response, status: number, body: string): void {
  if (response.destroyed === true || response.writableEnded) return;
  // Both halves of the union have this method; their overloads differ too much for the compiler to see it.
  const http = response as ServerResponse;
  http.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body);
}
