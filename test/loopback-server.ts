import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { WebhookRegistry, type WebhookDefinition } from '../src/admission/index.ts';
import {
  issueAuthority,
  issueServingCertificate,
  type CertificateSource,
  type Health,
  type KeyPair,
  type ServingCertificate,
} from '../src/certs/index.ts';
import { parseServingCertificate } from '../src/certs/serving-certificate.ts';
import {
  AdmissionServer,
  type AdmissionServerOptions,
  type FinishedRequest,
  type ServerObserver,
} from '../src/server/index.ts';
import type { LogFacts, Logger } from '../src/telemetry/index.ts';

const hour = 3_600_000;

/** A certificate authority that lives for one test file. */
export async function testAuthority(): Promise<KeyPair> {
  return issueAuthority({ issuedAt: Date.now(), lifetimeMilliseconds: 24 * hour });
}

export async function testCertificate(authority: KeyPair): Promise<ServingCertificate> {
  const hosts = ['localhost', '127.0.0.1'];
  const pair = await issueServingCertificate({
    authority,
    hosts,
    issuedAt: Date.now(),
    lifetimeMilliseconds: hour,
  });
  return parseServingCertificate(pair.certificatePem, pair.privateKeyPem, 'test');
}

/** A certificate source whose certificate and health the test sets. */
export class SettableCertificates implements CertificateSource {
  health: Health = { kind: 'healthy' };
  #certificate: ServingCertificate | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(certificate?: ServingCertificate) {
    this.#certificate = certificate;
  }

  set(certificate: ServingCertificate): void {
    this.#certificate = certificate;
    for (const listener of this.#listeners) listener();
  }

  get(): ServingCertificate | undefined {
    return this.#certificate;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  healthy(): Health {
    return this.health;
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  caBundle(): string | undefined {
    return undefined;
  }

  async confirmCaBundle(): Promise<string | undefined> {
    return undefined;
  }
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly facts: LogFacts;
}

/** Keeps every line. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[];
  readonly #facts: LogFacts;

  constructor(lines: LogLine[] = [], facts: LogFacts = {}) {
    this.lines = lines;
    this.#facts = facts;
  }

  debug(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'debug', message, facts: { ...this.#facts, ...facts } });
  }

  info(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'info', message, facts: { ...this.#facts, ...facts } });
  }

  warn(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'warn', message, facts: { ...this.#facts, ...facts } });
  }

  error(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'error', message, facts: { ...this.#facts, ...facts } });
  }

  child(facts: LogFacts): Logger {
    return new RecordingLogger(this.lines, { ...this.#facts, ...facts });
  }
}

/** Keeps what the server told it. */
export class RecordingObserver implements ServerObserver {
  readonly finished: FinishedRequest[] = [];
  readonly refused: number[] = [];
  readonly blocked: string[] = [];
  readonly certificates: Date[] = [];

  started(): void {}

  requestFinished(request: FinishedRequest): void {
    this.finished.push(request);
  }

  requestRefused(httpStatus: number): void {
    this.refused.push(httpStatus);
  }

  handlerBlocked(webhook: string): void {
    this.blocked.push(webhook);
  }

  certificateLoaded(notAfter: Date): void {
    this.certificates.push(notAfter);
  }
}

export interface LoopbackServer extends AsyncDisposable {
  readonly server: AdmissionServer;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly certificates: SettableCertificates;
  readonly logger: RecordingLogger;
  readonly observer: RecordingObserver;
  /** Opens a connection that trusts the server's authority. */
  connect(options?: ConnectionOptions): Promise<RawHttpClient>;
}

/** An AdmissionServer on 127.0.0.1 that ends with the test's scope, without a quiet period unless the options say one. */
export async function serve(
  authority: KeyPair,
  webhooks: Iterable<WebhookDefinition>,
  options: Partial<AdmissionServerOptions> = {},
): Promise<LoopbackServer> {
  const certificates = new SettableCertificates(await testCertificate(authority));
  const logger = new RecordingLogger();
  const observer = new RecordingObserver();
  const server = new AdmissionServer({
    registry: new WebhookRegistry(webhooks),
    certificates,
    host: '127.0.0.1',
    port: 0,
    logger,
    observer,
    shutdown: { quietPeriodMilliseconds: 0, hardDeadlineMilliseconds: 5000 },
    ...options,
  });
  const { port } = await server.start();
  const ca = authority.certificatePem;
  return {
    server,
    port,
    ca,
    certificates,
    logger,
    observer,
    connect: (tls) => RawHttpClient.connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'], ...tls }),
    async [Symbol.asyncDispose]() {
      await server.stop(AbortSignal.abort());
    },
  };
}

export interface RawAnswer {
  readonly httpStatus: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** HTTP/1.1 by hand over TLS, so that a test decides about every byte. Answers must have a Content-Length. */
export class RawHttpClient implements Disposable {
  readonly socket: TLSSocket;
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>;
  #received: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #notice = Promise.withResolvers<void>();

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    // A reset is one of the ways in which a connection ends.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  static async connect(options: ConnectionOptions): Promise<RawHttpClient> {
    const socket = connect(options);
    await once(socket, 'secureConnect');
    return new RawHttpClient(socket);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Sends a POST of JSON, with the length said. */
  post(target: string, body: string, headers: Readonly<Record<string, string>> = {}): void {
    const lines = Object.entries({
      Host: 'localhost',
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.send(`POST ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  }

  get(target: string): void {
    this.send(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  }

  /** The next answer; undefined when the connection ended before there was a whole one. */
  async answer(): Promise<RawAnswer | undefined> {
    for (;;) {
      const answer = this.#takeAnswer();
      if (answer !== undefined) return answer;
      if (this.#isClosed) return undefined;
      await this.#notice.promise;
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #wake(): void {
    this.#notice.resolve();
    this.#notice = Promise.withResolvers();
  }

  #takeAnswer(): RawAnswer | undefined {
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd === -1) return undefined;
    const [statusLine = '', ...lines] = this.#received.toString('latin1', 0, headEnd).split('\r\n');
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const bodyStart = headEnd + 4;
    // The only answers in chunks are the empty ones that Node makes by itself.
    const length = headers.has('transfer-encoding') ? '0\r\n\r\n'.length : Number(headers.get('content-length') ?? 0);
    const bodyEnd = bodyStart + length;
    if (this.#received.length < bodyEnd) return undefined;
    const body = this.#received.toString('utf8', bodyStart, bodyEnd);
    this.#received = this.#received.subarray(bodyEnd);
    return { httpStatus: Number(statusLine.split(' ')[1]), headers, body };
  }
}
