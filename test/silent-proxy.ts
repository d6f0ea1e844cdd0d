import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Carries connections of a port on loopback to a socket, until it falls silent: then as a host that has vanished. */
export class SilentProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isSilent = false;

  private constructor(target: string) {
    this.#server = createServer((near) => {
      this.#sockets.add(near);
      near.on('error', () => undefined);
      if (this.#isSilent) return;
      const far = connect(target);
      this.#sockets.add(far);
      far.on('error', () => undefined);
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
      near.on('data', (chunk) => this.#isSilent || far.write(chunk));
      far.on('data', (chunk) => this.#isSilent || near.write(chunk));
    });
  }

  static async start(target: string): Promise<SilentProxy> {
    const proxy = new SilentProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Nothing comes through any more, in either direction; new connections are taken and not answered. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  /** New connections are carried again. Those from before stay silent. */
  recover(): void {
    for (const socket of this.#sockets) socket.removeAllListeners('data').resume();
    this.#isSilent = false;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
