import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';

/**
 * What a Service does: hands each connection to the next of the ports that are there. It speaks HTTP/1.1 only, as the API
 * server does to Services: to a loopback address it would send everything over one HTTP/2 connection.
 */
export class RoundRobin {
  readonly ports: number[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();
  #next = 0;

  private constructor(pair: { readonly certificate: string; readonly key: string }) {
    const options = { cert: pair.certificate, key: pair.key, ALPNProtocols: protocols, noDelay: true };
    this.#server = createServer(options, (socket) => this.#forward(socket));
  }

  /** `pair` is PEM. */
  static async start(pair: { readonly certificate: string; readonly key: string }): Promise<RoundRobin> {
    const balancer = new RoundRobin(pair);
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends every connection, as when endpoints change: the next request goes by the ports of now. */
  reset(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.reset();
    this.#server.close();
  }

  #forward(socket: TLSSocket): void {
    const port = this.ports[this.#next++ % Math.max(1, this.ports.length)];
    if (port === undefined) {
      socket.destroy();
      return;
    }
    // Both ends are this test's.
    const target = connect({ port, host: '127.0.0.1', ALPNProtocols: protocols, rejectUnauthorized: false });
    // Requests come in several pieces; held back, each costs the 40 ms of a delayed acknowledgement.
    target.setNoDelay(true);
    for (const [one, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      this.#sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}

const protocols = ['http/1.1'];
