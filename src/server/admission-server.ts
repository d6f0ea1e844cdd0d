import type { Server as HttpServer } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import type { WebhookRegistry } from '../admission/index.ts';
import type { Health, ServingCertificate } from '../certs/index.ts';
import { BlockWatch } from './block-watch.ts';
import { BodyBudget } from './body-budget.ts';
import { judgeClientCertificate } from './client-certificate.ts';
import { Connections } from './connections.ts';
import { DecisionLog } from './decision-log.ts';
import { Dispatcher } from './dispatcher.ts';
import { InvalidServerOptionsError } from './errors.ts';
import { EventLoopMonitor } from './event-loop-monitor.ts';
import { HealthEndpoint, type HealthCheck } from './health.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';
import {
  createPlainListener,
  createTlsListener,
  listen,
  secureContextOptions,
  type ListenAddress,
} from './listener.ts';
import { LoadGate } from './load-gate.ts';
import type { ServerLoad } from './observer.ts';
import { RequestLog } from './request-log.ts';
import {
  checkAuthority,
  resolveServerOptions,
  type AdmissionServerOptions,
  type ClientCertificateOptions,
  type ResolvedServerOptions,
} from './server-options.ts';

/** `draining` takes requests as `serving` does, but tells everybody to go elsewhere; `closing` takes no new connections. */
type Phase = 'new' | 'serving' | 'draining' | 'closing' | 'stopped';

/** How often, while closing, connections are looked for over which nothing ever came. */
const closingSweepMilliseconds = 250;

/**
 * Serves webhooks over HTTPS, and tells probes how it is.
 *
 *     const server = new AdmissionServer({ registry, certificates });
 *     const { port } = await server.start();
 *     process.once('SIGTERM', () => void server.stop());
 *
 * The constructor throws {@link InvalidServerOptionsError}.
 */
export class AdmissionServer {
  readonly #options: ResolvedServerOptions;
  readonly #connections: Connections;
  readonly #gate: LoadGate;
  readonly #bodies: BodyBudget;
  readonly #monitor: EventLoopMonitor;
  readonly #dispatcher: Dispatcher;
  readonly #listener: Http2SecureServer;
  readonly #operations: HttpServer | undefined;
  #operationsAddress: ListenAddress | undefined;
  #servedCertificate: ServingCertificate;
  #clientCertificates: ClientCertificateOptions | undefined;
  #phase: Phase = 'new';
  #endSubscription: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(given: AdmissionServerOptions) {
    const options = resolveServerOptions(given);
    const { certificate, clientCertificates, clock, limits, logger, observer } = options;
    this.#options = options;
    this.#connections = new Connections({
      clock,
      maxConnections: limits.maxConnections,
      maxHandshakes: limits.maxHandshakes,
      headerTimeoutMilliseconds: limits.headerTimeoutMilliseconds,
      idleTimeoutMilliseconds: limits.idleTimeoutMilliseconds,
      judgeClient: (socket) =>
        clientCertificates === undefined ? undefined : judgeClientCertificate(socket, clientCertificates),
    });
    this.#gate = new LoadGate({
      clock,
      maxInWork: limits.maxRequestsInWork,
      maxQueued: limits.maxRequestsQueued,
      takeArrivals: () => this.#connections.takeArrivals(),
    });
    this.#bodies = new BodyBudget(limits.maxBufferedBytes);
    const blocks = new BlockWatch({
      clock,
      logger,
      observer,
      blockingMilliseconds: limits.blockingHandlerMilliseconds,
    });
    this.#monitor = new EventLoopMonitor({ clock, onWindow: (delay) => blocks.windowEnded(delay) });
    this.#dispatcher = new Dispatcher({
      site: {
        clock,
        gate: this.#gate,
        bodies: this.#bodies,
        blocks,
        maxBodyBytes: limits.maxBodyBytes,
        logger,
        log: new RequestLog(logger, options.requestLog),
        decisions: options.decisions === undefined ? undefined : new DecisionLog(options.decisions, clock),
        tracer: options.tracer,
        observer,
        listers: options.listers,
        answer: options.answer,
        waited: () => this.#monitor.delay.expectedMilliseconds,
        isDraining: () => this.#phase !== 'serving',
      },
      registry: options.registry,
      mounted: options.routes,
      hasOperationsPort: options.operations !== undefined,
      livez: new HealthEndpoint('livez', [{ name: 'ping', healthy: () => ({ kind: 'healthy' }) }], logger),
      readyz: new HealthEndpoint('readyz', [...this.#ownChecks(), ...options.readiness], logger),
    });
    this.#servedCertificate = certificate;
    this.#clientCertificates = clientCertificates;
    this.#listener = createTlsListener(certificate, clientCertificates, limits, (request, response) =>
      this.#serve(request, response),
    );
    this.#connections.watch(this.#listener);
    this.#operations =
      options.operations === undefined
        ? undefined
        : createPlainListener(limits, (request, response) => this.#dispatcher.dispatchOperations(request, response));
  }

  /** Where probes and mounted routes are served when they have a port of their own; known after {@link start}. */
  get operationsAddress(): ListenAddress | undefined {
    return this.#operationsAddress;
  }

  /** How much there is to do at this moment. */
  get load(): ServerLoad {
    return {
      requestsInWork: this.#gate.inWork,
      requestsQueued: this.#gate.queued,
      bufferedBytes: this.#bodies.bytes,
      connections: this.#connections.size,
      handshakes: this.#connections.handshakes,
      eventLoop: this.#monitor.delay,
    };
  }

  /** Listens. Throws {@link ListenError} when an address cannot be had; nothing is left open then. */
  async start(): Promise<ListenAddress> {
    const { certificates, host, port, operations, observer, logger } = this.#options;
    const address = await listen(this.#listener, host, port);
    if (this.#operations !== undefined && operations !== undefined) {
      try {
        this.#operationsAddress = await listen(this.#operations, operations.host, operations.port);
      } catch (error) {
        this.#listener.close();
        throw error;
      }
    }
    for (const server of [this.#listener, this.#operations]) {
      // Such as too many open files when a connection is accepted. It passes, and must not end the process.
      server?.on('error', (error: Error) => logger.error('listener failed', { error }));
    }
    observer.started(() => this.load);
    observer.certificateLoaded(this.#servedCertificate.notAfter);
    this.#endSubscription = certificates.subscribe(() => this.#useNewCertificate());
    this.#useNewCertificate();
    this.#connections.start();
    this.#monitor.start();
    this.#phase = 'serving';
    logger.info('serving', { host: address.host, port: address.port });
    return address;
  }

  /** Serves these webhooks from the next request on. */
  setRegistry(registry: WebhookRegistry): void {
    this.#dispatcher.setRegistry(registry);
  }

  /**
   * From the next handshake on client certificates of these authorities, PEM, are good, and no others; connections that are
   * open stay as they were judged. For a server that was made with `clientCertificates`.
   * Throws {@link InvalidServerOptionsError}, and stays with the authorities before.
   */
  setClientAuthority(ca: string): void {
    const before = this.#clientCertificates;
    if (before === undefined) {
      throw new InvalidServerOptionsError(
        'clientCertificates',
        'was not given; clients are not asked for certificates',
      );
    }
    if (ca === before.ca) return;
    checkAuthority(ca);
    const clientCertificates = { ...before, ca };
    this.#listener.setSecureContext(secureContextOptions(this.#servedCertificate, clientCertificates));
    this.#clientCertificates = clientCertificates;
    this.#options.logger.info('new handshakes take client certificates of other authorities');
  }

  /**
   * Ends in the order that loses nothing: not ready; a quiet time in which every answer asks for another connection and none
   * is closed from here, since an API server may be about to use it; then no new connections, the idle ones closed,
   * and the requests at work awaited until the hard deadline.
   *
   * Aborting `hurry` ends all waiting. A second call waits for the first.
   */
  stop(hurry?: AbortSignal): Promise<void> {
    this.#stopped ??= this.#phase === 'new' ? Promise.resolve() : this.#shutDown(hurry);
    return this.#stopped;
  }

  async #shutDown(hurry: AbortSignal | undefined): Promise<void> {
    const { clock, logger, shutdown } = this.#options;
    const start = clock.monotonic();
    this.#phase = 'draining';
    this.#connections.closeAfterAnswers();
    logger.info('draining', { quietPeriodMilliseconds: shutdown.quietPeriodMilliseconds });
    await this.#pause(shutdown.quietPeriodMilliseconds, hurry);

    this.#phase = 'closing';
    // Stops listening, closes what is idle between two requests, and asks HTTP/2 sessions to end.
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    const endSweep = this.#sweepUnusedConnections();
    await Promise.race([closed, this.#pause(shutdown.hardDeadlineMilliseconds - (clock.monotonic() - start), hurry)]);
    endSweep();
    const cutOff = this.#connections.destroyAll();
    if (cutOff > 0) logger.error('requests were cut off by the end of the server', { requests: cutOff });
    await closed;

    this.#phase = 'stopped';
    this.#endSubscription?.();
    this.#monitor.stop();
    this.#connections.stop();
    // Open until now, so that probes see the drain to its end.
    this.#operations?.close();
    this.#operations?.closeAllConnections();
    logger.info('stopped');
  }

  /** Resolves after `milliseconds`, or as soon as `hurry` aborts. */
  #pause(milliseconds: number, hurry: AbortSignal | undefined): Promise<void> {
    if (milliseconds <= 0 || hurry?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(milliseconds, resolve);
      const end = (): void => {
        cancel();
        resolve();
      };
      hurry?.addEventListener('abort', end, { once: true });
    });
  }

  /** Connections opened ahead are closed after one round, in case the first request is on its way. */
  #sweepUnusedConnections(): () => void {
    let cancel = (): void => undefined;
    const schedule = (): void => {
      cancel = this.#options.clock.after(closingSweepMilliseconds, () => {
        this.#connections.closeUnused();
        schedule();
      });
    };
    schedule();
    return () => cancel();
  }

  #serve(request: HttpRequest, response: HttpResponse): void {
    const connection = this.#connections.requestStarted(request);
    // Closed by us while the request was on its way through Node.
    if (connection === undefined) return void response.destroy();
    response.on('close', () => this.#connections.requestEnded(connection));
    const waited = this.#connections.waitedFor(connection);
    this.#dispatcher.dispatch(request, response, connection.clientProblem, waited);
  }

  #useNewCertificate(): void {
    const { certificates, observer, logger } = this.#options;
    const certificate = certificates.get();
    if (certificate === undefined || certificate.fingerprint === this.#servedCertificate.fingerprint) return;
    try {
      this.#listener.setSecureContext(secureContextOptions(certificate, this.#clientCertificates));
    } catch (error) {
      logger.error('the new certificate cannot be served; the one before stays', {
        fingerprint: certificate.fingerprint,
        error: error instanceof Error ? error : new Error(String(error)),
      });
      return;
    }
    this.#servedCertificate = certificate;
    observer.certificateLoaded(certificate.notAfter);
    logger.info('new handshakes use another certificate', {
      fingerprint: certificate.fingerprint,
      notAfter: certificate.notAfter.toISOString(),
    });
  }

  #ownChecks(): readonly HealthCheck[] {
    return [
      { name: 'serving', healthy: () => this.#servingHealth() },
      { name: 'event-loop', healthy: () => this.#eventLoopHealth() },
    ];
  }

  #servingHealth(): Health {
    return this.#phase === 'serving'
      ? { kind: 'healthy' }
      : { kind: 'unhealthy', reason: `the server is ${this.#phase}` };
  }

  #eventLoopHealth(): Health {
    const { expectedMilliseconds } = this.#monitor.delay;
    const { maxEventLoopDelayMilliseconds } = this.#options.limits;
    if (expectedMilliseconds <= maxEventLoopDelayMilliseconds) return { kind: 'healthy' };
    const reason = `requests wait ${Math.round(expectedMilliseconds)} ms for the event loop`;
    return { kind: 'unhealthy', reason };
  }
}
