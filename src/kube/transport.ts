/**
 * HTTP to one API server: connections, authentication, and the line between "could not ask" and "was answered".
 *
 * Built on node:http(s) rather than undici: HTTP/1.1 with a bounded keep-alive pool is all that is needed, for 9 MiB of
 * memory instead of 29.
 */
import type { Agent, AgentOptions, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import * as https from 'node:https';
import type { Clock } from '../telemetry/clock.ts';
import type { ClusterConfig, Impersonation, TlsMaterial } from './cluster-config.ts';
import { abortReason } from './abort-reason.ts';
import { ApiUnreachableError } from './errors.ts';

/** An import statement would load all that `node:http` exports, WebSocket and so undici among it, which takes as long as Node's start. */
const http = process.getBuiltinModule('node:http');

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface TransportRequest {
  readonly method: HttpMethod;
  /** Path below the server's URL, escaped, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: { readonly [name: string]: string };
  readonly body: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Until the head of the answer has come, and, for {@link Transport.exchange}, its body as well. */
  readonly timeoutMilliseconds: number;
}

export interface TransportResponse {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type TransportStream =
  | { readonly kind: 'open'; readonly body: IncomingMessage }
  | { readonly kind: 'refused'; readonly answer: TransportResponse };

export interface TransportOptions {
  readonly clock: Clock;
  readonly userAgent: string;
  /** How many requests are under way at once; further ones wait. Streams are not counted. */
  readonly maxConcurrentRequests: number;
}

/** Idle connections leave before the 90 s after which Go servers and load balancers drop them. */
const idleConnectionMilliseconds = 60_000;

/** Connections for one state of the TLS material. */
interface Pools {
  readonly tls: TlsMaterial;
  readonly requests: Agent;
  /** Watches hold a connection for minutes: they must not take those of the requests. */
  readonly streams: Agent;
}

export class Transport {
  readonly #config: ClusterConfig;
  readonly #options: TransportOptions;
  #pools: Pools | undefined;

  constructor(config: ClusterConfig, options: TransportOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** One request and its whole answer, whatever the status code. Throws {@link ApiUnreachableError}. */
  async exchange(request: TransportRequest): Promise<TransportResponse> {
    return receive(await this.#open(request, 'requests'));
  }

  /**
   * One request whose answer does not end. With status code 200 the caller gets the body to read, and destroys it when
   * done; anything else is read whole. Throws {@link ApiUnreachableError}.
   */
  async stream(request: TransportRequest): Promise<TransportStream> {
    const answer = await this.#open(request, 'streams');
    if (answer.response.statusCode !== 200) return { kind: 'refused', answer: await receive(answer) };
    answer.received();
    return { kind: 'open', body: answer.response };
  }

  /** Ends all connections at once. */
  close(): void {
    this.#pools?.requests.destroy();
    this.#pools?.streams.destroy();
    this.#pools = undefined;
  }

  /** A token may have been rotated since we read it: on 401 it is read anew, and a different one is tried once. */
  async #open(request: TransportRequest, pool: PoolName): Promise<Answer> {
    const source = this.#config.token;
    const token = await source?.get();
    const answer = await this.#ask(request, pool, token);
    if (answer.response.statusCode !== 401 || source === undefined) return answer;
    const fresh = await source.refresh();
    if (fresh === token) return answer;
    answer.response.resume();
    answer.received();
    return this.#ask(request, pool, fresh);
  }

  async #ask(request: TransportRequest, pool: PoolName, token: string | undefined): Promise<Answer> {
    const pools = await this.#currentPools();
    return this.#send(request, pools[pool], token);
  }

  #send(request: TransportRequest, agent: Agent, token: string | undefined): Promise<Answer> {
    const { server } = this.#config;
    const what = `${request.method} ${request.path}`;
    const query = request.query.size === 0 ? '' : `?${request.query.toString()}`;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    request.signal?.throwIfAborted();
    const outgoing = (server.protocol === 'http:' ? http : https).request({
      agent,
      method: request.method,
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port === '' ? undefined : Number(server.port),
      path: `${server.pathname.replace(/\/$/, '')}${request.path}${query}`,
      headers: {
        'user-agent': this.#options.userAgent,
        accept: 'application/json',
        ...impersonationHeaders(this.#config.impersonation),
        ...request.headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }),
      },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    let timedOut = false;
    const received = this.#options.clock.after(request.timeoutMilliseconds, () => {
      timedOut = true;
      outgoing.destroy();
    });
    const explain = (error: unknown, otherwise: string): Error => {
      if (request.signal?.aborted === true) return abortReason(request.signal);
      if (timedOut) {
        return new ApiUnreachableError(
          what,
          `no whole answer from ${server.host} within ${request.timeoutMilliseconds} ms`,
        );
      }
      return new ApiUnreachableError(what, `${otherwise}: ${describe(error)}`, { cause: error });
    };
    outgoing.once('response', (response) => resolve({ response, received, explain }));
    outgoing.on('error', (error) => {
      received();
      // The server may close an idle connection at the moment we take it: it then saw nothing of the request, and a
      // read is sent again, on another one. (A write is not: nothing proves that it was not seen.) Once an answer has
      // begun the promise is settled, and this changes nothing.
      const isStale = outgoing.reusedSocket && isReset(error) && request.method === 'GET';
      if (isStale && !timedOut && request.signal?.aborted !== true) resolve(this.#send(request, agent, token));
      else reject(explain(error, `cannot reach ${server.host}`));
    });
    outgoing.end(request.body);
    return promise;
  }

  /** Files of the TLS material may be rewritten while we run; connections made from then on use what is new. */
  async #currentPools(): Promise<Pools> {
    const tls = await this.#config.tls.get();
    const current = this.#pools;
    if (current !== undefined && isSameMaterial(current.tls, tls)) return current;
    // Those of the former pools end by themselves: in use with their request, idle by timeout.
    this.#pools = {
      tls,
      requests: this.#newAgent(tls, this.#options.maxConcurrentRequests),
      streams: this.#newAgent(tls, Infinity),
    };
    return this.#pools;
  }

  #newAgent(tls: TlsMaterial, maxSockets: number): Agent {
    const options: AgentOptions = { keepAlive: true, maxSockets, timeout: idleConnectionMilliseconds };
    if (this.#config.server.protocol === 'http:') return new http.Agent(options);
    return new https.Agent({
      ...options,
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
      ...(this.#config.tlsServerName === undefined ? {} : { servername: this.#config.tlsServerName }),
      rejectUnauthorized: !this.#config.insecureSkipTlsVerify,
    });
  }
}

type PoolName = 'requests' | 'streams';

interface Answer {
  readonly response: IncomingMessage;
  /** To be called when everything that was waited for has come: ends the timeout. */
  received(): void;
  /** What to throw when the body fails with `error`. */
  explain(error: unknown, otherwise: string): Error;
}

async function receive(answer: Answer): Promise<TransportResponse> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of answer.response as AsyncIterable<Buffer>) chunks.push(chunk);
    return {
      statusCode: answer.response.statusCode ?? 0,
      headers: answer.response.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
  } catch (error) {
    throw answer.explain(error, 'the answer broke off');
  } finally {
    answer.received();
  }
}

function isReset(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === 'ECONNRESET' || error.code === 'EPIPE';
}

/** Node puts the failures of each tried address into an AggregateError with an empty message. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return (error.errors as unknown[]).map(describe).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function isSameMaterial(left: TlsMaterial, right: TlsMaterial): boolean {
  return left === right || (left.ca === right.ca && left.certificate === right.certificate && left.key === right.key);
}

/** Source: k8s.io/client-go v0.37.2 transport/round_trippers.go, impersonatingRoundTripper. */
function impersonationHeaders(impersonation: Impersonation | undefined): OutgoingHttpHeaders {
  if (impersonation === undefined) return {};
  const extra: OutgoingHttpHeaders = {};
  for (const [key, values] of Object.entries(impersonation.extra)) {
    extra[`impersonate-extra-${encodeURIComponent(key)}`] = [...values];
  }
  return {
    ...extra,
    'impersonate-user': impersonation.user,
    ...(impersonation.uid === undefined ? {} : { 'impersonate-uid': impersonation.uid }),
    ...(impersonation.groups.length === 0 ? {} : { 'impersonate-group': [...impersonation.groups] }),
  };
}
