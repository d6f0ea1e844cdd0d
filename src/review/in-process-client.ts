import { answerReview, objectListers, type WebhookRegistry } from '../admission/index.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { WebhookClient, WebhookRequest, WebhookResponse } from '../chain/webhook/client.ts';
import type { Logger } from '../telemetry/index.ts';

/** Host under which webhooks of this process stand in configurations; `.invalid` is nobody's, by RFC 2606. */
export const inProcessHost = 'in-process.sallyport.invalid';

export interface InProcessClientOptions {
  readonly registry: WebhookRegistry;
  /** What the handlers' listers find at the time of a call. */
  readonly objects: () => readonly KubernetesObject[];
  readonly log: Logger;
  /** Who calls webhooks that are elsewhere. */
  readonly elsewhere: WebhookClient;
}

/** Answers for the webhooks of a registry in this process, bytes in and bytes out, as its server would; asks others elsewhere. */
export class InProcessWebhookClient implements WebhookClient {
  readonly #options: InProcessClientOptions;

  constructor(options: InProcessClientOptions) {
    this.#options = options;
  }

  async call(request: WebhookRequest, signal: AbortSignal): Promise<WebhookResponse> {
    const { registry, objects, log, elsewhere } = this.#options;
    const prefix = `https://${inProcessHost}`;
    if (request.clientConfig.url?.startsWith(`${prefix}/`) !== true) return elsewhere.call(request, signal);
    const path = request.clientConfig.url.slice(prefix.length);
    const definition = registry.byPath(path);
    // The configurations were made from the same registry.
    if (definition === undefined) throw new TypeError(`no webhook is served at ${path}`);
    const { httpStatus, body } = await answerReview(definition, Buffer.from(request.body).toString(), {
      signal,
      log,
      listers: objectListers(objects()),
      quotes: 'objects',
    });
    return { status: httpStatus, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) };
  }
}
