import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A way to a TCP port of loopback that can be cut. While it is, connections can be made, and nothing comes through, in either
 * direction, without a word to anybody: as a network that drops packets. What was under way comes late, when it is mended.
 */
export class TcpLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #late: (() => void)[] | undefined;

  constructor(target: number) {
    this.#server = createServer((near) => {
      const far = connect(target, '127.0.0.1');
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  /** Resolves with the port to use instead. */
  async open(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has an address and a port');
    return address.port;
  }

  cut(): void {
    this.#late ??= [];
  }

  mend(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    for (const pass of late) pass();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (chunk) => this.#pass(() => void to.write(chunk)));
    // Whoever ends it is told of it by the close.
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      this.#pass(() => to.destroy());
    });
  }

  #pass(work: () => void): void {
    if (this.#late === undefined) work();
    else this.#late.push(work);
  }
}
