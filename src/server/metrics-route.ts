import type { ServerResponse } from 'node:http';
import type { MountedRoute } from './routes.ts';

/** `GET /metrics`: the figures that `read` gives, in the text format that Prometheus reads. */
export function metricsRoute(
  read: () => Promise<{ readonly contentType: string; readonly text: string }>,
): MountedRoute {
  return {
    path: '/metrics',
    handle(request, response) {
      // Both halves of the union have these methods; their overloads differ too much for the compiler to see it.
      const http = response as ServerResponse;
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return void http.writeHead(405, { Allow: 'GET, HEAD' }).end();
      read().then(
        ({ contentType, text }) => http.writeHead(200, { 'Content-Type': contentType }).end(text),
        () => http.writeHead(500).end(),
      );
    },
  };
}
