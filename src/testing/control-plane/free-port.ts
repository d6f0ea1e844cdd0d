import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that Linux (from 32768 on) and other systems (from 49152 on) give to whoever asks for any. */
const [firstPort, lastPort] = [21_000, 32_767];
const maxTries = 1000;
const given = new Set<number>();

/**
 * A TCP port of loopback that nobody listens on now, drawn at random and never the same twice in a process: what the system
 * gives for port 0 it gives to the next one who asks as well, once it is closed here. Another process may take the port
 * before the caller does, so whoever uses it must be ready to ask again. Rejects when no port is found to be free.
 */
export async function findFreePort(): Promise<number> {
  let cause: unknown;
  for (let tries = 0; tries < maxTries; tries += 1) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort + 1));
    if (given.has(port)) continue;
    given.add(port);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      cause = error;
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error(`none of ${maxTries} ports from ${firstPort} to ${lastPort} of 127.0.0.1 is free`, { cause });
}
