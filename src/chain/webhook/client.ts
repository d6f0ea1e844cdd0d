import { SallyportError } from '../../errors.ts';
import type { WebhookClientConfig } from '../../api/webhook-configuration.ts';

/** One HTTP request to a webhook, ready to send. */
export interface WebhookRequest {
  /** Whom it is for, by the names in the cluster. */
  readonly configuration: string;
  readonly webhook: string;
  readonly clientConfig: WebhookClientConfig;
  /** The whole URL with `?timeout=`; of a service it is `https://<name>.<namespace>.svc:<port><path>`. */
  readonly url: string;
  /** Names in lower case. The method is POST. */
  readonly headers: { readonly [name: string]: string };
  /** An AdmissionReview in JSON. */
  readonly body: Uint8Array;
  /** What is left of the webhook's time, rounded up; `signal` keeps the exact time. */
  readonly timeoutSeconds: number;
}

export interface WebhookResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array;
}

/** Asks a webhook, over the network or in this process: bytes out, bytes back. */
export interface WebhookClient {
  /**
   * Any HTTP status is an answer. Rejects with {@link WebhookCallError} when there is none, with
   * {@link WebhookClientConfigError} when none can be asked for; anything else that is thrown is a fault of the engine's
   * surroundings and ends the run. After `signal` aborts nobody waits for the outcome.
   */
  call(request: WebhookRequest, signal: AbortSignal): Promise<WebhookResponse>;
}

/** A webhook gave no answer. The message is the API server's: `Post "https://…": dial tcp …: connect: connection refused`. */
export class WebhookCallError extends SallyportError {
  readonly code = 'SALLYPORT_WEBHOOK_CALL';
}

/** A `clientConfig` with which nobody can be called, such as a `caBundle` that is no PEM. */
export class WebhookClientConfigError extends SallyportError {
  readonly code = 'SALLYPORT_WEBHOOK_CLIENT_CONFIG';
}
