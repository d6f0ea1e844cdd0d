import type { WebhookRegistry } from '../admission/index.ts';
import type { ClientProblem } from './client-certificate.ts';
import type { HealthEndpoint } from './health.ts';
import {
  answer,
  notFound,
  readOnly,
  refuse,
  type HttpRequest,
  type HttpResponse,
  type Refusal,
} from './http-message.ts';
import { ReviewExchange, type ReviewSite } from './review-exchange.ts';
import { Routes, timedWebhooks, type MountedRoute } from './routes.ts';

export interface DispatcherOptions {
  readonly site: ReviewSite;
  readonly registry: WebhookRegistry;
  readonly mounted: readonly MountedRoute[];
  /** Mounted routes have a port of their own, and do not stand beside the webhooks. */
  readonly hasOperationsPort: boolean;
  readonly livez: HealthEndpoint;
  readonly readyz: HealthEndpoint;
}

/** From the path of a request to who answers it: a webhook, a probe, a mounted route, or nobody. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  #routes: Routes;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#routes = this.#routesOf(options.registry);
  }

  /** Serves these webhooks from the next request on. */
  setRegistry(registry: WebhookRegistry): void {
    this.#routes = this.#routesOf(registry);
  }

  /** A request on the port of the webhooks, whose caller has `waited` so many milliseconds for its connection. */
  dispatch(
    request: HttpRequest,
    response: HttpResponse,
    clientProblem: ClientProblem | undefined,
    waited: number,
  ): void {
    // Not `new URL()`: it costs more than everything else here together.
    const target = request.url ?? '/';
    const mark = target.indexOf('?');
    const path = mark === -1 ? target : target.slice(0, mark);
    const query = mark === -1 ? '' : target.slice(mark + 1);

    const webhook = this.#routes.webhook(path);
    if (webhook === undefined && this.#dispatchHealth(path, query, request, response)) return;
    const mounted = webhook === undefined && !this.#options.hasOperationsPort ? this.#routes.mounted(path) : undefined;
    if (webhook === undefined && mounted === undefined) return this.#refuse(request, response, notFound);
    if (webhook !== undefined) {
      new ReviewExchange(this.#options.site, webhook, request, response).begin(query, clientProblem, waited);
    } else if (clientProblem !== undefined) this.#refuse(request, response, clientProblem);
    else if (mounted !== undefined) this.#handleMounted(mounted, request, response);
  }

  /** A request on the port for probes and figures. */
  dispatchOperations(request: HttpRequest, response: HttpResponse): void {
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    if (this.#dispatchHealth(path, query, request, response)) return;
    const mounted = this.#routes.mounted(path);
    if (mounted === undefined) this.#refuse(request, response, notFound);
    else this.#handleMounted(mounted, request, response);
  }

  #dispatchHealth(path: string, query: string, request: HttpRequest, response: HttpResponse): boolean {
    const { livez, readyz, site } = this.#options;
    const endpoint = path === '/readyz' ? readyz : path === '/livez' ? livez : undefined;
    if (endpoint === undefined) return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      this.#refuse(request, response, readOnly);
      return true;
    }
    const { isHealthy, body } = endpoint.report(query);
    const headers = ['X-Content-Type-Options', 'nosniff', 'Cache-Control', 'no-store'];
    const close = site.isDraining();
    answer(request, response, isHealthy ? 200 : 503, 'text/plain; charset=utf-8', body, { close, headers });
    return true;
  }

  #handleMounted(route: MountedRoute, request: HttpRequest, response: HttpResponse): void {
    if (this.#options.site.isDraining() && !('stream' in request)) response.setHeader('Connection', 'close');
    route.handle(request, response);
  }

  #refuse(request: HttpRequest, response: HttpResponse, refusal: Omit<Refusal, 'close'>): void {
    const { site } = this.#options;
    site.observer.requestRefused(refusal.code);
    refuse(request, response, site.clock, { ...refusal, close: site.isDraining() });
  }

  #routesOf(registry: WebhookRegistry): Routes {
    const { clock, blocks } = this.#options.site;
    const webhooks = timedWebhooks(
      registry,
      () => clock.monotonic(),
      (webhook, uid, milliseconds) => blocks.handlerReturned(webhook, uid, milliseconds),
    );
    return new Routes(webhooks, this.#options.mounted);
  }
}
