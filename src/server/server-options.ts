import { X509Certificate } from 'node:crypto';
import { answerReview, type AnswerReview, type ListerSource, type WebhookRegistry } from '../admission/index.ts';
import type { CertificateSource, ServingCertificate } from '../certs/index.ts';
import { silentLogger, systemClock, type AuditSink, type Clock, type Logger, type Tracer } from '../telemetry/index.ts';
import { InvalidServerOptionsError } from './errors.ts';
import type { HealthCheck } from './health.ts';
import { noObserver, type ServerObserver } from './observer.ts';
import type { RequestLogExtent } from './request-log.ts';
import type { MountedRoute } from './routes.ts';

export interface AdmissionServerOptions {
  /** The webhooks to serve. Can be replaced while serving. */
  readonly registry: WebhookRegistry;
  /** A source that was started. New handshakes use what it changes to. */
  readonly certificates: CertificateSource;
  /** Address to listen on. Default: every address of the machine. */
  readonly host?: string;
  /** 0 takes a free one. Default 9443. */
  readonly port?: number;
  /** Asks callers of webhooks and mounted routes for a certificate. Probes need none. Default: nobody is asked. */
  readonly clientCertificates?: ClientCertificateOptions;
  /** A second listener, without TLS, for probes and mounted routes. Default: they are served beside the webhooks. */
  readonly operations?: OperationsListenerOptions;
  /** Such as `/metrics`. Default: none. */
  readonly routes?: readonly MountedRoute[];
  /** What must be well, beside the server itself, for it to be ready. Default: the certificate source. */
  readonly readiness?: readonly HealthCheck[];
  /** Where handlers read cached objects. Default: nowhere. */
  readonly listers?: ListerSource;
  /** Who answers a review, such as a thread of its own. Default: `answerReview`, in this thread. */
  readonly answer?: AnswerReview;
  readonly limits?: Partial<ServerLimits>;
  readonly shutdown?: Partial<ShutdownTimes>;
  readonly logger?: Logger;
  /** Which requests get a line in the log. Default `Sampled`. */
  readonly requestLog?: RequestLogExtent;
  /** Gets a line for every request to a webhook, for those who must show later what was decided. Closed by who made it. Default: nobody. */
  readonly decisions?: AuditSink;
  /** Begins a span for each request to a webhook. Default: nobody. */
  readonly tracer?: Tracer;
  readonly observer?: ServerObserver;
  readonly clock?: Clock;
}

export interface ClientCertificateOptions {
  /** PEM of the authorities that sign client certificates. */
  readonly ca: string;
  /** Common names that may call, as `--requestheader-allowed-names` has them. Default: every certificate of the CA. */
  readonly allowedNames?: readonly string[];
}

export interface OperationsListenerOptions {
  /** Default: every address of the machine. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface ServerLimits {
  /**
   * Bytes of one request's body. Default 7 MiB: the API server takes objects of at most 3 MiB (apiserver v0.37.2
   * `pkg/server/config.go` MaxRequestBodyBytes), a review holds two of them on UPDATE, and 1 MiB is more than enough for
   * the rest of it. controller-runtime reasons alike (`pkg/webhook/admission/http.go` maxRequestSize).
   */
  readonly maxBodyBytes: number;
  /** Bytes of all bodies in memory together. Default 64 MiB: nine of the largest, or some ten thousand ordinary ones. */
  readonly maxBufferedBytes: number;
  /** Default 2048: an API server keeps at most 25 idle ones, and opens more only for requests that it has at one time. */
  readonly maxConnections: number;
  /** Handshakes at one time. Default 1024: at some thousand in a second on one core, the last of them waits a second. */
  readonly maxHandshakes: number;
  /** Default 5,000: a handshake takes two round trips and a few milliseconds. */
  readonly handshakeTimeoutMilliseconds: number;
  /** From the first byte of a request to the end of its header. Default 10,000. Its body has the time that its answer has. */
  readonly headerTimeoutMilliseconds: number;
  /**
   * How long a connection may be idle. Default 120,000: more than the 90 s that the API server keeps one (apimachinery
   * v0.37.2 `pkg/util/net/http.go` SetTransportDefaults), so that it is never the server that closes one which the API server is about to
   * use. Such a request would fail with EOF, and a POST is not sent again.
   */
  readonly idleTimeoutMilliseconds: number;
  /** Requests at work at one time. Default 256. */
  readonly maxRequestsInWork: number;
  /**
   * Requests that wait for that. Default 2048, one for each connection: whether they can be answered in time is told by their
   * deadlines, and an API server that has 200 writes at one time calls all webhooks of one kind for each at once.
   */
  readonly maxRequestsQueued: number;
  /** Not ready when what arrives has to wait longer than this for the event loop. Default 1000. */
  readonly maxEventLoopDelayMilliseconds: number;
  /** A handler that keeps the event loop to itself for longer is named in the log. Default 100. */
  readonly blockingHandlerMilliseconds: number;
}

export interface ShutdownTimes {
  /**
   * How long requests are taken as before after readiness failed, until nobody sends any more: the kubelet's probe, the
   * endpoint controller and every node's proxy have to follow. Default 10,000.
   */
  readonly quietPeriodMilliseconds: number;
  /** From the beginning of the shutdown to its end, whatever is still at work. Default 25,000: inside the 30 s that Pods have. */
  readonly hardDeadlineMilliseconds: number;
}

/** Every option with its value. */
export interface ResolvedServerOptions {
  readonly registry: WebhookRegistry;
  readonly certificates: CertificateSource;
  /** What the source has now. */
  readonly certificate: ServingCertificate;
  readonly host: string | undefined;
  readonly port: number;
  readonly clientCertificates: ClientCertificateOptions | undefined;
  readonly operations: OperationsListenerOptions | undefined;
  readonly routes: readonly MountedRoute[];
  readonly readiness: readonly HealthCheck[];
  readonly listers: ListerSource | undefined;
  readonly answer: AnswerReview;
  readonly limits: ServerLimits;
  readonly shutdown: ShutdownTimes;
  readonly logger: Logger;
  readonly requestLog: RequestLogExtent;
  readonly decisions: AuditSink | undefined;
  readonly tracer: Tracer | undefined;
  readonly observer: ServerObserver;
  readonly clock: Clock;
}

/** Throws {@link InvalidServerOptionsError} naming the option. */
export function resolveServerOptions(options: AdmissionServerOptions): ResolvedServerOptions {
  const { certificates, operations } = options;
  const limits: ServerLimits = {
    maxBodyBytes: 7 * mebibyte,
    maxBufferedBytes: 64 * mebibyte,
    maxConnections: 2048,
    maxHandshakes: 1024,
    handshakeTimeoutMilliseconds: 5_000,
    headerTimeoutMilliseconds: 10_000,
    idleTimeoutMilliseconds: 120_000,
    maxRequestsInWork: 256,
    maxRequestsQueued: 2048,
    maxEventLoopDelayMilliseconds: 1_000,
    blockingHandlerMilliseconds: 100,
    ...options.limits,
  };
  const shutdown: ShutdownTimes = {
    quietPeriodMilliseconds: 10_000,
    hardDeadlineMilliseconds: 25_000,
    ...options.shutdown,
  };
  for (const [name, value] of numbersOf(limits))
    checkWhole(`limits.${name}`, value, name === 'maxRequestsQueued' ? 0 : 1);
  for (const [name, value] of numbersOf(shutdown)) checkWhole(`shutdown.${name}`, value, 0);
  if (shutdown.hardDeadlineMilliseconds < shutdown.quietPeriodMilliseconds) {
    throw new InvalidServerOptionsError(
      'shutdown.hardDeadlineMilliseconds',
      'is shorter than the quiet period before it',
    );
  }
  if (limits.maxBufferedBytes < limits.maxBodyBytes) {
    throw new InvalidServerOptionsError(
      'limits.maxBufferedBytes',
      'is less than limits.maxBodyBytes, so that one body may not fit',
    );
  }
  if (options.clientCertificates !== undefined) checkAuthority(options.clientCertificates.ca);
  checkPort('port', options.port ?? defaultPort);
  if (operations !== undefined) checkPort('operations.port', operations.port);
  const certificate = certificates.get();
  if (certificate === undefined) {
    throw new InvalidServerOptionsError(
      'certificates',
      'the source has no certificate yet; start it before the server',
    );
  }
  return {
    registry: options.registry,
    certificates,
    certificate,
    host: options.host,
    port: options.port ?? defaultPort,
    clientCertificates: options.clientCertificates,
    operations,
    routes: options.routes ?? [],
    readiness: options.readiness ?? [{ name: 'certificates', healthy: () => certificates.healthy() }],
    listers: options.listers,
    answer: options.answer ?? answerReview,
    limits,
    shutdown,
    logger: options.logger ?? silentLogger,
    requestLog: options.requestLog ?? 'Sampled',
    decisions: options.decisions,
    tracer: options.tracer,
    observer: options.observer ?? noObserver,
    clock: options.clock ?? systemClock,
  };
}

const mebibyte = 1024 * 1024;
/** Where controller-runtime's webhook server listens, too. */
const defaultPort = 9443;

/** The names and values of an interface whose fields are all numbers. */
function numbersOf(options: ServerLimits | ShutdownTimes): [string, number][] {
  return Object.entries<number>({ ...options });
}

function checkWhole(option: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new InvalidServerOptionsError(option, `${String(value)} is not a whole number from ${least}`);
  }
}

/**
 * OpenSSL takes anything for a list of authorities, and then nobody's certificate is good.
 * Throws {@link InvalidServerOptionsError}.
 */
export function checkAuthority(pem: string): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length < pem.split('-----BEGIN CERTIFICATE-----').length - 1) {
    throw new InvalidServerOptionsError('clientCertificates.ca', 'a certificate in it does not end');
  }
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch (cause) {
    throw new InvalidServerOptionsError('clientCertificates.ca', 'a certificate in it does not parse', { cause });
  }
  if (blocks.length === 0) {
    throw new InvalidServerOptionsError('clientCertificates.ca', 'holds no certificate in PEM');
  }
}

function checkPort(option: string, port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidServerOptionsError(option, `${String(port)} is not a port from 0 to 65535`);
  }
}
