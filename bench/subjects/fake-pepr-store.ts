import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * As much of an API server as Pepr wants before it serves: its PeprStore, to be read, patched, listed and watched.
 * Resolves with the URL.
 */
export async function fakePeprStore(): Promise<AsyncDisposable & { readonly url: string }> {
  const store = (name: string): object => ({
    apiVersion: 'pepr.dev/v1',
    kind: 'PeprStore',
    metadata: { name, namespace: 'pepr-system', uid: '5d0b2f56-0000-4000-8000-000000000001', resourceVersion: '10' },
    data: { __pepr_do_not_delete__: 'k-thx-bye' },
  });
  const watches = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname.split('/peprstores/')[1];
    const json = (value: object): string => `${JSON.stringify(value)}\n`;
    request.resume();
    response.setHeader('Content-Type', 'application/json');
    if (searchParams.has('watch')) {
      response.write(json({ type: 'ADDED', object: store('pepr-bench-store') }));
      watches.add(response);
      response.on('close', () => watches.delete(response));
    } else if (name !== undefined) {
      response.end(json(store(name)));
    } else if (pathname.endsWith('/peprstores')) {
      const list = { apiVersion: 'pepr.dev/v1', kind: 'PeprStoreList', metadata: { resourceVersion: '10' } };
      response.end(json({ ...list, items: [store('pepr-bench-store')] }));
    } else {
      response.end(json({ kind: 'Status', apiVersion: 'v1', status: 'Success' }));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server that listens has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const watch of watches) watch.end();
      server.close();
      server.closeAllConnections();
    },
  };
}
