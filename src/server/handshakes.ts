import type { Socket } from 'node:net';
import type { Clock } from '../telemetry/index.ts';

/**
 * TCP connections whose TLS handshake is not over, and how many of them there may be.
 *
 * At the limit, one that has not sent anything yet goes, the oldest first: it costs its owner nothing and is no handshake so
 * far. When all have begun, the new one goes: each that is under way has taken a signature of ours already, and ending
 * it for another one would, in a rush, end all of them shortly before they are done.
 */
export class Handshakes {
  readonly #clock: Clock;
  readonly #max: number;
  /** In the order they came, and when. */
  readonly #sockets = new Map<string, { readonly socket: Socket; readonly since: number }>();

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** A TCP connection was accepted. */
  begin(socket: Socket): void {
    if (this.#sockets.size >= this.#max) {
      const silent = this.#oldestSilent();
      if (silent === undefined) return void socket.destroy();
      silent.destroy();
    }
    const key = endpointOf(socket);
    this.#sockets.set(key, { socket, since: this.#clock.monotonic() });
    socket.once('close', () => {
      if (this.#sockets.get(key)?.socket === socket) this.#sockets.delete(key);
    });
  }

  /** The TLS socket over it is ready. Returns how long that took, in milliseconds. */
  end(socket: Socket): number {
    const key = endpointOf(socket);
    const begun = this.#sockets.get(key);
    this.#sockets.delete(key);
    return begun === undefined ? 0 : this.#clock.monotonic() - begun.since;
  }

  destroyAll(): void {
    for (const { socket } of [...this.#sockets.values()]) socket.destroy();
  }

  #oldestSilent(): Socket | undefined {
    let looked = 0;
    for (const [key, { socket }] of this.#sockets) {
      if (socket.bytesRead === 0) {
        this.#sockets.delete(key);
        return socket;
      }
      looked += 1;
      if (looked === maxLooks) return undefined;
    }
    return undefined;
  }
}

/** Silent ones gather at the old end, where the others have left; looking further would cost each new connection time. */
const maxLooks = 64;

/** Names a TCP connection, also when it is seen once as a plain socket and once as the TLS socket over it. */
function endpointOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
