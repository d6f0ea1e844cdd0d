import type { Server as HttpServer } from 'node:http';
import { systemClock, type Clock, type Logger } from '../telemetry/index.ts';
import { HealthEndpoint, type HealthCheck } from './health.ts';
import { answer, notFound, readOnly, refuse } from './http-message.ts';
import { createPlainListener, listen, type ListenAddress } from './listener.ts';
import type { MountedRoute } from './routes.ts';

export interface OperationsServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly routes: readonly MountedRoute[];
  readonly readiness: readonly HealthCheck[];
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** From the first byte of a request to its end. */
const headerTimeoutMilliseconds = 10_000;

/** Probes and figures, without TLS, of a process that serves no webhooks. */
export class OperationsServer {
  readonly #options: OperationsServerOptions;
  readonly #listener: HttpServer;

  constructor(options: OperationsServerOptions) {
    this.#options = options;
    const { routes, readiness, logger, clock = systemClock } = options;
    const endpoints = new Map([
      ['/livez', new HealthEndpoint('livez', [{ name: 'ping', healthy: () => ({ kind: 'healthy' }) }], logger)],
      ['/readyz', new HealthEndpoint('readyz', readiness, logger)],
    ]);
    this.#listener = createPlainListener({ headerTimeoutMilliseconds }, (request, response) => {
      const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
      const endpoint = endpoints.get(path);
      const route = routes.find((each) => each.path === path);
      if (endpoint !== undefined && request.method !== 'GET' && request.method !== 'HEAD') {
        refuse(request, response, clock, { ...readOnly, close: true });
      } else if (endpoint !== undefined) {
        const { isHealthy, body } = endpoint.report(query);
        const headers = ['Cache-Control', 'no-store'];
        answer(request, response, isHealthy ? 200 : 503, 'text/plain; charset=utf-8', body, { close: false, headers });
      } else if (route !== undefined) route.handle(request, response);
      else refuse(request, response, clock, { ...notFound, close: true });
    });
  }

  /** Throws {@link ListenError}. */
  start(): Promise<ListenAddress> {
    return listen(this.#listener, this.#options.host, this.#options.port);
  }

  stop(): void {
    this.#listener.close();
    this.#listener.closeAllConnections();
  }
}
