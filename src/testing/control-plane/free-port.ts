import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A TCP port of loopback that nobody listens on now. Somebody else may take it before the caller does: whoever uses it
 * must be ready to ask again.
 */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has an address and a port');
  return address.port;
}
