import type { WebhookDefinition, WebhookRegistry } from '../admission/index.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';

/** Something beside webhooks that the server answers, such as `/metrics`. */
export interface MountedRoute {
  /** An exact path; one that ends in `/` takes everything below it, too. */
  readonly path: string;
  /** Answers GET, HEAD or whatever it likes. Must not throw. */
  handle(request: HttpRequest, response: HttpResponse): void;
}

/** Which webhook or mounted route answers a path. Webhooks come first. */
export class Routes {
  readonly #webhooks: ReadonlyMap<string, WebhookDefinition>;
  readonly #exact: ReadonlyMap<string, MountedRoute>;
  readonly #below: readonly MountedRoute[];

  constructor(webhooks: Iterable<WebhookDefinition>, mounted: readonly MountedRoute[]) {
    this.#webhooks = new Map([...webhooks].map((webhook) => [webhook.path, webhook]));
    this.#exact = new Map(mounted.map((route) => [route.path, route]));
    this.#below = mounted.filter(({ path }) => path.endsWith('/'));
  }

  webhook(path: string): WebhookDefinition | undefined {
    return this.#webhooks.get(path);
  }

  mounted(path: string): MountedRoute | undefined {
    return this.#exact.get(path) ?? this.#below.find((route) => path.startsWith(route.path));
  }
}

/** The webhooks of a registry, each handler reporting how long it kept the event loop to itself. */
export function timedWebhooks(
  registry: WebhookRegistry,
  monotonic: () => number,
  report: (webhook: string, uid: string, milliseconds: number) => void,
): WebhookDefinition[] {
  return Array.from(registry, (webhook) => {
    const time = (handler: WebhookDefinition['handlers'][number]): typeof handler => {
      return (request, context) => {
        const start = monotonic();
        try {
          return handler(request, context);
        } finally {
          report(webhook.name, request.uid, monotonic() - start);
        }
      };
    };
    return { ...webhook, handlers: webhook.handlers.map(time), dryRunHandlers: webhook.dryRunHandlers.map(time) };
  });
}
