import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../telemetry/index.ts';
import type { ClientProblem } from './client-certificate.ts';
import { Handshakes } from './handshakes.ts';
import type { HttpRequest } from './http-message.ts';

/** A request that comes later than this after a handshake was not what the connection was opened for, or had no hurry. */
const promptMilliseconds = 50;

/** One connection after its handshake. */
export interface Connection {
  readonly transport: TLSSocket | ServerHttp2Session;
  /** Why its client may not call webhooks; undefined when it may. */
  readonly clientProblem: ClientProblem | undefined;
  /** From the connection to the end of its handshake. */
  readonly handshakeMilliseconds: number;
  requestsInWork: number;
  /** Requests that came over it so far. */
  requests: number;
  /** Monotonic time of the handshake or the last answer. */
  lastUsed: number;
  /** What the last sweep saw, to tell a header that arrives from one that does not end. */
  sweep: { requests: number; bytesRead: number; headerSince: number | undefined };
}

export interface ConnectionsOptions {
  readonly clock: Clock;
  readonly maxConnections: number;
  readonly maxHandshakes: number;
  readonly headerTimeoutMilliseconds: number;
  readonly idleTimeoutMilliseconds: number;
  /** Asked once for each connection. */
  readonly judgeClient: (socket: TLSSocket) => ClientProblem | undefined;
}

/**
 * The connections of a listener: how many there may be, and which of them are closed.
 *
 * At the limit the connection that has been idle for longest is closed, not the new one refused: somebody who opens
 * connections and leaves them must not lock out the API server. Connections that never carried a request go first.
 *
 * The time for a request's header is counted from its first byte. Node counts it from the handshake on, which would close
 * the connections that Go's client opens ahead and keeps for 90 s without using them (net/http `Transport.dialConnFor`).
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #handshakes: Handshakes;
  readonly #open = new Map<object, Connection>();
  #closesAfterAnswers = false;
  #hasArrivals = false;
  #cancelSweep: (() => void) | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#handshakes = new Handshakes(options.clock, options.maxHandshakes);
  }

  get size(): number {
    return this.#open.size;
  }

  get handshakes(): number {
    return this.#handshakes.size;
  }

  /** Whether a connection was accepted since this was called last. */
  takeArrivals(): boolean {
    const hasArrivals = this.#hasArrivals;
    this.#hasArrivals = false;
    return hasArrivals;
  }

  /** Learns of the connections of `server`. */
  watch(server: Http2SecureServer): void {
    server.on('connection', (socket: Socket) => {
      this.#hasArrivals = true;
      this.#handshakes.begin(socket);
    });
    server.prependListener('secureConnection', (socket: TLSSocket) => this.#handshakeEnds(socket));
    server.on('session', (session) => {
      session.setTimeout(this.#options.idleTimeoutMilliseconds, () => session.close());
      // The session lends its socket out as a net.Socket; over TLS it is a TLSSocket.
      this.#add(session, this.#options.judgeClient(session.socket as TLSSocket), 0);
    });
  }

  /** Begins to look for requests whose header does not end. */
  start(): void {
    const interval = this.#options.headerTimeoutMilliseconds / 4;
    this.#cancelSweep = this.#options.clock.after(interval, () => {
      const now = this.#options.clock.monotonic();
      for (const connection of this.#open.values()) this.#checkHeader(connection, now);
      this.start();
    });
  }

  stop(): void {
    this.#cancelSweep?.();
  }

  requestStarted(request: HttpRequest): Connection | undefined {
    const connection = this.#open.get('stream' in request ? (request.stream.session ?? request) : request.socket);
    if (connection === undefined) return undefined;
    connection.requestsInWork += 1;
    connection.requests += 1;
    return connection;
  }

  /**
   * How long the caller of the request that has just come over `connection` has waited for the connection, in milliseconds: its
   * timeout counts from before.
   */
  waitedFor({ requests, lastUsed, handshakeMilliseconds }: Connection): number {
    if (requests > 1 || this.#options.clock.monotonic() - lastUsed > promptMilliseconds) return 0;
    return handshakeMilliseconds;
  }

  requestEnded(connection: Connection): void {
    connection.requestsInWork -= 1;
    connection.lastUsed = this.#options.clock.monotonic();
    if (this.#closesAfterAnswers && 'goaway' in connection.transport) connection.transport.close();
  }

  /**
   * From now on an HTTP/2 session ends with its next answer, as an HTTP/1.1 connection does by `Connection: close`: it gets
   * a GOAWAY that names the last request taken, and the client sends any later one elsewhere. Announcing the end beforehand
   * (RFC 9113 section 6.8) is not possible: once Node has sent a GOAWAY it silently ignores new requests.
   */
  closeAfterAnswers(): void {
    this.#closesAfterAnswers = true;
  }

  /** Closes connections over which no request came yet. Those between two requests the server closes itself. */
  closeUnused(): void {
    for (const { transport, requests } of this.#open.values()) {
      if ('bytesRead' in transport && requests === 0 && transport.bytesRead === 0) transport.destroy();
    }
  }

  /** Ends everything, answered or not. Returns how many requests that cut off. */
  destroyAll(): number {
    let requests = 0;
    for (const { transport, requestsInWork } of [...this.#open.values()]) {
      requests += requestsInWork;
      transport.destroy();
    }
    this.#handshakes.destroyAll();
    return requests;
  }

  #handshakeEnds(socket: TLSSocket): void {
    const took = this.#handshakes.end(socket);
    // HTTP/2 comes as a session, which has its socket to itself.
    if (socket.alpnProtocol !== 'h2') this.#add(socket, this.#options.judgeClient(socket), took);
  }

  #add(
    transport: TLSSocket | ServerHttp2Session,
    clientProblem: ClientProblem | undefined,
    handshakeMilliseconds: number,
  ): void {
    if (this.#open.size >= this.#options.maxConnections && !this.#closeLongestIdle()) return void transport.destroy();
    this.#open.set(transport, {
      transport,
      clientProblem,
      handshakeMilliseconds,
      requestsInWork: 0,
      requests: 0,
      lastUsed: this.#options.clock.monotonic(),
      sweep: { requests: 0, bytesRead: 0, headerSince: undefined },
    });
    transport.once('close', () => this.#open.delete(transport));
  }

  #closeLongestIdle(): boolean {
    let longest: Connection | undefined;
    for (const connection of this.#open.values()) {
      if (connection.requestsInWork > 0 || connection.transport.destroyed) continue;
      if (longest === undefined || isIdleLonger(connection, longest)) longest = connection;
    }
    if (longest === undefined) return false;
    this.#open.delete(longest.transport);
    longest.transport.destroy();
    return true;
  }

  /**
   * Bytes that came without a request having come of them are the beginning of a header. The beginning that arrives
   * together with the end of another request is missed until more bytes follow; Node's own limit catches what stops there.
   */
  #checkHeader(connection: Connection, now: number): void {
    const { transport, sweep, requests } = connection;
    if (!('bytesRead' in transport) || connection.requestsInWork > 0) return;
    const { bytesRead } = transport;
    if (requests !== sweep.requests) {
      connection.sweep = { requests, bytesRead, headerSince: undefined };
    } else if (bytesRead !== sweep.bytesRead) {
      sweep.headerSince ??= now;
      if (now - sweep.headerSince >= this.#options.headerTimeoutMilliseconds) transport.destroy();
    }
  }
}

function isIdleLonger(a: Connection, b: Connection): boolean {
  const isAUnused = a.requests === 0;
  const isBUnused = b.requests === 0;
  return isAUnused === isBUnused ? a.lastUsed < b.lastUsed : isAUnused;
}
