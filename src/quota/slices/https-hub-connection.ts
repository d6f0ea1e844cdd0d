import type * as undiciModule from 'undici';
import type { Agent } from 'undici';
import { z } from 'zod';
import { HubUnreachableError } from './errors.ts';
import type { HubConnection } from './member.ts';
import {
  messages,
  writeMessage,
  type SyncAnswer,
  type SyncRequest,
  type WatchAnswer,
  type WatchRequest,
} from './wire.ts';

/** What a member shows the hub, and believes of it. PEM. */
export interface HubCredentials {
  /** The authority that signs the hub's certificate. */
  readonly ca: string;
  /** Its common name is the name of the cluster. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface HttpsHubConnectionOptions {
  /** `https://host:port` of the hub. */
  readonly url: string;
  /** Asked before every message, so that rotated files are taken up. */
  readonly credentials: () => HubCredentials;
}

/** Bytes of an answer: as many quotas as one message reports, of a hundred clusters each, stay below. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Speaks with the hub over HTTPS, with a client certificate. */
export class HttpsHubConnection implements HubConnection {
  readonly #options: HttpsHubConnectionOptions;
  #agent: { readonly certificatePem: string; readonly ca: string; readonly agent: Agent } | undefined;

  constructor(options: HttpsHubConnectionOptions) {
    this.#options = options;
  }

  sync(request: SyncRequest, signal: AbortSignal): Promise<SyncAnswer> {
    return this.#post('sync', request, messages.syncAnswer, signal);
  }

  watch(request: WatchRequest, signal: AbortSignal): Promise<WatchAnswer> {
    return this.#post('watch', request, messages.watchAnswer, signal);
  }

  /** Closes the connections that are kept open. */
  async close(): Promise<void> {
    await this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  async #post<S extends z.ZodType>(
    path: string,
    message: unknown,
    schema: S,
    signal: AbortSignal,
  ): Promise<z.output<S>> {
    const url = new URL(`/quota/v1/${path}`, this.#options.url);
    // Loaded by the first message: a gate without a hub needs none of it.
    const undici = await import('undici');
    let status: number;
    let text: string;
    try {
      const response = await undici.request(url, {
        dispatcher: this.#agentOf(undici),
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: writeMessage(message),
        signal,
      });
      status = response.statusCode;
      text = await response.body.text();
    } catch (cause) {
      const reason = signal.aborted ? 'no answer in time' : reasonOf(cause);
      throw new HubUnreachableError(`${url.host}: ${reason}`, { cause });
    }
    const body = parseJson(text);
    if (status !== 200) throw new HubUnreachableError(`${url.host} answered ${status}${messageOf(body)}`);
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    throw new HubUnreachableError(`${url.host} sent what is no answer: ${z.prettifyError(parsed.error)}`);
  }

  #agentOf(undici: typeof undiciModule): Agent {
    const { ca, certificatePem, privateKeyPem } = this.#options.credentials();
    const current = this.#agent;
    if (current?.certificatePem === certificatePem && current.ca === ca) return current.agent;
    const agent = new undici.Agent({
      allowH2: false,
      maxResponseSize: maxAnswerBytes,
      // How long an answer may take is the caller's to say.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { ca, cert: certificatePem, key: privateKeyPem, allowH2: false },
    });
    // What is under way on the old connections ends there.
    void current?.agent.close();
    this.#agent = { ca, certificatePem, agent };
    return agent;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of a `metav1.Status`. */
function messageOf(body: unknown): string {
  const message = z.looseObject({ message: z.string() }).safeParse(body);
  return message.success ? `: ${message.data.message}` : '';
}
