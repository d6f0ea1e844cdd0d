import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { failureStatus } from '../admission/index.ts';
import type { StatusReason } from '../api/status.ts';
import type { Clock } from '../telemetry/index.ts';

/** A request in either version of HTTP. */
export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

export const jsonType = 'application/json';

/** How to answer beyond what is answered. */
export interface AnswerOptions {
  /** Says `Connection: close`, after which an HTTP/1.1 client opens a new connection. HTTP/2 has no such header. */
  readonly close: boolean;
  readonly headers?: readonly string[];
}

/** Sends a whole answer, its length said beforehand. */
export function answer(
  request: HttpRequest,
  response: HttpResponse,
  httpStatus: number,
  contentType: string,
  body: string,
  options: AnswerOptions,
): void {
  writeHead(request, response, httpStatus, contentType, body, options);
  // The body of an answer to HEAD stays here; Node leaves it out itself.
  response.end(body);
}

/**
 * Answers with a `metav1.Status`, while the body of the request may still be on its way.
 *
 * A short rest of a body is read and dropped, and the connection kept. Before a connection is closed, what comes is dropped
 * for a moment: closing with unread bytes makes TCP reset, and the client would see that instead of the answer
 * (RFC 9112 section 9.6).
 */
export function refuse(
  request: HttpRequest,
  response: HttpResponse,
  clock: Clock,
  { code, reason, message, close, headers = [] }: Refusal,
): void {
  const body = JSON.stringify(failureStatus(code, reason, message));
  const isBodyOver = request.readableEnded;
  if ('stream' in request) {
    answer(request, response, code, jsonType, body, { close, headers });
    // RFC 9113 section 8.1: the client need not send the rest.
    if (!isBodyOver) response.on('finish', () => request.stream.close(constants.NGHTTP2_NO_ERROR));
    return;
  }
  const rest = isBodyOver ? 0 : declaredLength(request);
  if (rest === 0 || (rest <= maxDroppedBytes && !close)) {
    return answer(request, response, code, jsonType, body, { close, headers });
  }
  writeHead(request, response, code, jsonType, body, { close: true, headers });
  // The HTTP/2 half of the union was answered above.
  (response as ServerResponse).write(body);
  const end = (): void => void response.end();
  const cancel = clock.after(lingerMilliseconds, end);
  response.on('close', cancel);
  request.on('end', end);
  request.resume();
}

export interface Refusal {
  readonly code: number;
  readonly reason: StatusReason;
  /** Goes to the caller: no object content. */
  readonly message: string;
  readonly close: boolean;
  readonly headers?: readonly string[];
}

/** Bytes of the body as the header says: 0 without one, Infinity when it comes in chunks. */
export function declaredLength({ headers, httpVersionMajor }: HttpRequest): number {
  const text = headers['content-length'];
  if (text !== undefined) return Number(text);
  return headers['transfer-encoding'] === undefined && httpVersionMajor === 1 ? 0 : Infinity;
}

/** A review of an ordinary object, dropped faster than a new handshake is made. */
const maxDroppedBytes = 256 * 1024;

/** Enough for the answer to arrive, and for a client that only looks for it after sending everything to send some megabytes. */
const lingerMilliseconds = 1000;

function writeHead(
  request: HttpRequest,
  response: HttpResponse,
  httpStatus: number,
  contentType: string,
  body: string,
  { close, headers = [] }: AnswerOptions,
): void {
  const lines = ['Content-Type', contentType, 'Content-Length', String(Buffer.byteLength(body)), ...headers];
  if (close && request.httpVersionMajor === 1) lines.push('Connection', 'close');
  // Both take a flat list of names and values; their overloads differ too much for the compiler to see it.
  (response as ServerResponse).writeHead(httpStatus, lines);
}

/** Nobody answers at this path. */
export const notFound = {
  code: 404,
  reason: 'NotFound',
  message: 'nothing is served at this path',
} satisfies Omit<Refusal, 'close'>;

/** Of probes. */
export const readOnly = {
  code: 405,
  reason: 'MethodNotAllowed',
  message: 'only GET and HEAD are allowed here',
  headers: ['Allow', 'GET, HEAD'],
} satisfies Omit<Refusal, 'close'>;
