import type { Server as HttpServer } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { ServingCertificate } from '../certs/index.ts';
import { InvalidServerOptionsError, ListenError } from './errors.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';
import type { ClientCertificateOptions, ServerLimits } from './server-options.ts';

/** An import statement would load all that `node:http` exports, WebSocket and so undici among it, which takes as long as Node's start. */
const { createServer } = process.getBuiltinModule('node:http');

/** What is called for each request. */
export type RequestListener = (request: HttpRequest, response: HttpResponse) => void;

/** An address that is listened on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Header bytes of one request. The API server sends some 400; a client certificate's kubeconfig may add a bearer token of a few
 * kilobytes.
 */
const maxHeaderBytes = 16 * 1024;
const maxHeaderCount = 100;

/** Streams of one HTTP/2 connection at one time; nghttp2's own default is no limit. */
const maxStreams = 100;
/**
 * Streams that a client may open and reset: this many at once, then this many a second, after which the connection is closed
 * (CVE-2023-44487). A caller that hangs up on every stream it has open stays below.
 */
const maxResetStreams = 2 * maxStreams;
const resetStreamsPerSecond = 33;
/** Megabytes that one connection may keep in nghttp2; bodies are counted by ourselves. */
const maxSessionMegabytes = 8;

/**
 * An HTTPS server for HTTP/1.1, and for HTTP/2 where the client offers it. TLS 1.2 and 1.3 only.
 *
 * The limits of HTTP/1.1 are given as options and set as properties: of the releases of Node 24 only later ones take the
 * options, and none complains about those it does not know. Node's own time for a header begins with the
 * handshake; it is therefore as long as a connection may be idle, and the shorter one is kept by `Connections`.
 */
export function createTlsListener(
  certificate: ServingCertificate,
  clientCertificates: ClientCertificateOptions | undefined,
  limits: ServerLimits,
  onRequest: RequestListener,
): Http2SecureServer {
  const http1 = {
    keepAliveTimeout: limits.idleTimeoutMilliseconds,
    headersTimeout: limits.idleTimeoutMilliseconds,
    requestTimeout: limits.idleTimeoutMilliseconds,
    connectionsCheckingInterval: Math.min(30_000, Math.ceil(limits.idleTimeoutMilliseconds / 4)),
    maxHeaderSize: maxHeaderBytes,
  };
  const options = {
    ...secureContextOptions(certificate, clientCertificates),
    allowHTTP1: true,
    requestCert: clientCertificates !== undefined,
    // Who shows none may still probe; see judgeClientCertificate.
    rejectUnauthorized: false,
    handshakeTimeout: limits.handshakeTimeoutMilliseconds,
    noDelay: true,
    settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeaderBytes, enablePush: false },
    maxHeaderListPairs: maxHeaderCount,
    maxSessionMemory: maxSessionMegabytes,
    streamResetBurst: maxResetStreams,
    streamResetRate: resetStreamsPerSecond,
    http1Options: http1,
  };
  let server: Http2SecureServer;
  try {
    server = createSecureServer(options);
  } catch (cause) {
    throw new InvalidServerOptionsError('certificates', 'OpenSSL does not take what the source has', { cause });
  }
  Object.assign(server, http1, { maxHeadersCount: maxHeaderCount });
  return server.on('request', onRequest);
}

/** A server without TLS for probes and figures. */
export function createPlainListener(
  limits: Pick<ServerLimits, 'headerTimeoutMilliseconds'>,
  onRequest: RequestListener,
): HttpServer {
  return createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: limits.headerTimeoutMilliseconds,
      requestTimeout: limits.headerTimeoutMilliseconds,
    },
    onRequest,
  );
}

/** What new handshakes use; given anew in full at each change, since nothing is taken over from the old one. */
export function secureContextOptions(
  { certificatePem, privateKeyPem }: ServingCertificate,
  clientCertificates: ClientCertificateOptions | undefined,
): SecureContextOptions {
  return {
    cert: certificatePem,
    key: privateKeyPem,
    minVersion: 'TLSv1.2',
    ...(clientCertificates !== undefined && { ca: clientCertificates.ca }),
  };
}

/** Listens, or throws {@link ListenError} naming the address. */
export function listen(server: Server, host: string | undefined, port: number): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const refused = (error: Error): void => reject(new ListenError(host, port, error));
    server.once('error', refused);
    server.listen({ port, ...(host !== undefined && { host }) }, () => {
      server.removeListener('error', refused);
      // A TCP server that listens has an address of this form.
      const address = server.address() as AddressInfo;
      resolve({ host: address.address, port: address.port });
    });
  });
}
