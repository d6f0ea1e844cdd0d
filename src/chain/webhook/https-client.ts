import { X509Certificate } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type * as undiciModule from 'undici';
import type { Agent, buildConnector, Dispatcher } from 'undici';
import type { ServiceReference } from '../../api/webhook-configuration.ts';
import { goTransportError } from './transport-errors.ts';
import {
  WebhookCallError,
  WebhookClientConfigError,
  type WebhookClient,
  type WebhookRequest,
  type WebhookResponse,
} from './client.ts';

/** Where a Service is to be dialled. */
export interface ServiceEndpoint {
  readonly host: string;
  readonly port: number;
}

/** Finds a Service, as the API server's own resolver does; undefined when there is none. */
export type ServiceResolver = (service: ServiceReference) => ServiceEndpoint | undefined;

export interface HttpsWebhookClientOptions {
  /** Default: the name `<name>.<namespace>.svc` itself, which only resolves inside a cluster. */
  readonly resolveService?: ServiceResolver;
}

/**
 * Calls webhooks over HTTPS as the API server does: HTTP/1.1, the server name of a Service in TLS, the CA of `caBundle` or
 * else the system's, up to nine redirects, gzip undone.
 *
 * Not copied: HTTP/2 to loopback addresses, proxies of the environment, credentials from a kubeconfig.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/util/webhook/client.go; client-go v0.37.2 rest and transport; Go 1.26 net/http.
 */
export class HttpsWebhookClient implements WebhookClient {
  readonly #resolveService: ServiceResolver;
  readonly #agents = new Map<string, Agent>();

  constructor({ resolveService = inCluster }: HttpsWebhookClientOptions = {}) {
    this.#resolveService = resolveService;
  }

  async call(request: WebhookRequest, signal: AbortSignal): Promise<WebhookResponse> {
    // Loaded by the first call: many a run of the chain calls nobody over the network.
    const undici = await import('undici');
    const dispatcher = this.#agent(undici, request);
    let url = new URL(request.url);
    let shownUrl = request.url;
    let method: 'POST' | 'GET' = 'POST';
    for (let requests = 1; ; requests += 1) {
      const failed = (reason: string, at = shownUrl): WebhookCallError =>
        new WebhookCallError(`${method === 'POST' ? 'Post' : 'Get'} "${at}": ${reason}`);
      const response = await this.#send(undici, url, method, request, { dispatcher, signal }, failed);
      const location = redirectLocation(response);
      if (location === undefined) return this.#read(response);
      await response.body.dump();
      // 307 and 308 repeat the request; the others make it a GET without a body.
      if (response.statusCode < 307) method = 'GET';
      if (requests === maxRequests) throw failed('stopped after 10 redirects', location);
      url = new URL(location, url);
      shownUrl = url.href;
    }
  }

  /** Closes the connections that are kept open. */
  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.close()));
    this.#agents.clear();
  }

  async #send(
    undici: Undici,
    url: URL,
    method: 'POST' | 'GET',
    { headers, body }: WebhookRequest,
    options: { readonly dispatcher: Dispatcher; readonly signal: AbortSignal },
    failed: (reason: string) => WebhookCallError,
  ): Promise<Dispatcher.ResponseData> {
    try {
      const { 'content-type': contentType = '', ...others } = headers;
      return await undici.request(url, {
        ...options,
        method,
        headers: {
          ...others,
          'accept-encoding': 'gzip',
          ...(method === 'POST' ? { 'content-type': contentType } : {}),
        },
        ...(method === 'POST' ? { body } : {}),
      });
    } catch (error) {
      throw failed(goTransportError(error, url));
    }
  }

  async #read({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<WebhookResponse> {
    try {
      const bytes = new Uint8Array(await body.arrayBuffer());
      return {
        status: statusCode,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')])),
        body: headers['content-encoding'] === 'gzip' && bytes.length > 0 ? gunzipSync(bytes) : bytes,
      };
    } catch (error) {
      // Without the URL, as the API server has it here.
      throw new WebhookCallError(
        'unexpected error when reading response body. Please retry. Original error: unexpected EOF',
        { cause: error },
      );
    }
  }

  /** One pool of connections for each CA and Service. */
  #agent(undici: Undici, { clientConfig: { caBundle = '', service } }: WebhookRequest): Agent {
    const key = JSON.stringify([caBundle, service?.namespace, service?.name, service?.port]);
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = new undici.Agent({
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: this.#connector(undici, caBundle, service),
    });
    this.#agents.set(key, agent);
    return agent;
  }

  #connector(undici: Undici, caBundle: string, service: ServiceReference | undefined): buildConnector.connector {
    const ca = caBundle === '' ? {} : { ca: certificates(Buffer.from(caBundle, 'base64').toString()) };
    const connect = undici.buildConnector({ ...ca, allowH2: false, timeout: 0 });
    if (service === undefined) return connect;
    return (options, callback) => {
      const endpoint = this.#resolveService(service);
      if (endpoint === undefined) {
        callback(new Error(`service "${service.name}" not found`), null);
        return;
      }
      const servername = `${service.name}.${service.namespace}.svc`;
      connect({ ...options, hostname: endpoint.host, port: String(endpoint.port), servername }, callback);
    };
  }
}

type Undici = typeof undiciModule;

/** The first one and nine redirects. Source: Go 1.26 net/http/client.go, defaultCheckRedirect. */
const maxRequests = 10;

/** As the webhook wrote it; a redirect without one is an answer like any other. */
function redirectLocation({ statusCode, headers }: Dispatcher.ResponseData): string | undefined {
  const location = [headers.location].flat()[0] ?? '';
  return [301, 302, 303, 307, 308].includes(statusCode) && location !== '' ? location : undefined;
}

function inCluster({ name, namespace, port = 443 }: ServiceReference): ServiceEndpoint {
  return { host: `${name}.${namespace}.svc`, port };
}

/** The certificates of a bundle. Throws {@link WebhookClientConfigError}. Source: client-go transport/transport.go, rootCertPool. */
function certificates(bundle: string): string[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  const readable = blocks.filter(isCertificate);
  if (readable.length === 0) {
    throw new WebhookClientConfigError('unable to load root certificates: unable to parse bytes as PEM block');
  }
  return readable;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
