import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { defineValidator } from '../admission/index.ts';
import type { KeyPair } from '../certs/index.ts';
import { encodeReviewRequest } from '../admission/index.ts';
import { buildRequest } from '../testing/index.ts';
import { RawHttpClient, serve, testAuthority, testCertificate } from '../../test/loopback-server.ts';

let authority: KeyPair;
beforeAll(async () => {
  authority = await testAuthority();
});

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } };
const review = encodeReviewRequest('v1', buildRequest(pod));
const allow = defineValidator({
  name: 'allow.example.com',
  path: '/allow',
  resource: 'pods',
  operations: ['CREATE'],
  handler: () => undefined,
});

/** What one would write without thinking of the API server. */
async function serveNaively(options: object): Promise<{ server: Server; port: number } & Disposable> {
  const { certificatePem, privateKeyPem } = await testCertificate(authority);
  const server = createServer({ cert: certificatePem, key: privateKeyPem, ...options }, (request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, port, [Symbol.dispose]: () => void server.close().closeAllConnections() };
}

async function rawSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** A duplex that carries what its user writes, and keeps what comes back to itself. */
function firstWordsOnly(socket: Socket): Duplex {
  return new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
  });
}

describe('idle connections', () => {
  it('outlive those of a server with the defaults of Node, which an API server finds closed', async () => {
    await using gate = await serve(authority, [allow]);
    using naive = await serveNaively({});
    using ours = await gate.connect();
    using theirs = await RawHttpClient.connect({ host: '127.0.0.1', port: naive.port, ca: gate.ca });
    for (const client of [ours, theirs]) {
      client.post('/allow', review);
      expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    }
    // Some six seconds; the API server would still use the connection for 84 more.
    await theirs.closed;
    ours.post('/allow', review);
    expect(await ours.answer()).toMatchObject({ httpStatus: 200 });
  });

  it('are kept for longer than the 90 s of the API server', async () => {
    await using gate = await serve(authority, [allow]);
    using client = await gate.connect();
    client.post('/allow', review);
    // Node says here what it does.
    expect((await client.answer())?.headers.get('keep-alive')).toBe('timeout=120');
  });

  it('are closed after the time that is set', async () => {
    await using gate = await serve(authority, [allow], { limits: { idleTimeoutMilliseconds: 1000 } });
    using client = await gate.connect();
    client.post('/allow', review);
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    await client.closed;
  });

  it('are kept as long when nothing was ever sent over them, other than by the header time of Node', async () => {
    // Node looks at its connections every 500 ms then; the naive server a little later, so that we would be the first.
    const limits = { headerTimeoutMilliseconds: 100, idleTimeoutMilliseconds: 2000 };
    await using gate = await serve(authority, [allow], { limits });
    using naive = await serveNaively({ headersTimeout: 100, connectionsCheckingInterval: 700 });
    using ours = await gate.connect();
    using theirs = await RawHttpClient.connect({ host: '127.0.0.1', port: naive.port, ca: gate.ca });
    await theirs.closed;
    // A connection with half a header says when our own time is over.
    using slow = await gate.connect();
    slow.send('POST /allow HTTP/1.1\r\n');
    await slow.closed;
    ours.post('/allow', review);
    expect(await ours.answer()).toMatchObject({ httpStatus: 200 });
  });
});

describe('a header that does not end', () => {
  const limits = { headerTimeoutMilliseconds: 200 };

  it('ends the connection when its time is over, also while bytes still come', async () => {
    await using gate = await serve(authority, [allow], { limits });
    using client = await gate.connect();
    client.send('POST /allow HTTP/1.1\r\n');
    const drip = setInterval(() => client.send('X-A: b\r\n'), 20);
    await client.closed;
    clearInterval(drip);
  });

  it('ends it also after a request that was answered', async () => {
    await using gate = await serve(authority, [allow], { limits });
    using client = await gate.connect();
    client.post('/allow', review);
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    client.send('POST /allow HTTP/1.1\r\n');
    const drip = setInterval(() => client.send('X-A: b\r\n'), 20);
    await client.closed;
    clearInterval(drip);
  });

  it('that is too long is answered 431', async () => {
    await using gate = await serve(authority, [allow]);
    using client = await gate.connect();
    client.send(`GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(await client.answer()).toMatchObject({ httpStatus: 431 });
    await client.closed;
  });
});

describe('too many connections', () => {
  it('the longest idle one goes, unused ones first, and the new one is served', async () => {
    await using gate = await serve(authority, [allow], { limits: { maxConnections: 3 } });
    using used = await gate.connect();
    used.post('/allow', review);
    await used.answer();
    using unused1 = await gate.connect();
    using unused2 = await gate.connect();
    using fourth = await gate.connect();
    await unused1.closed;
    using fifth = await gate.connect();
    await unused2.closed;
    for (const client of [used, fourth, fifth]) {
      client.post('/allow', review);
      expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    }
    expect(gate.server.load.connections).toBe(3);
  });

  it('a connection with a request at work stays; the new one goes when there is no other', async () => {
    const end = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const waits = defineValidator({
      name: 'waits.example.com',
      path: '/waits',
      resource: 'pods',
      operations: ['CREATE'],
      async handler() {
        started.resolve();
        await end.promise;
      },
    });
    await using gate = await serve(authority, [waits], { limits: { maxConnections: 1 } });
    using working = await gate.connect();
    working.post('/waits', review);
    await started.promise;
    using next = await gate.connect();
    await next.closed;
    end.resolve();
    expect(await working.answer()).toMatchObject({ httpStatus: 200 });
  });
});

describe('handshakes that do not end', () => {
  it('are ended by time', async () => {
    await using gate = await serve(authority, [allow], { limits: { handshakeTimeoutMilliseconds: 100 } });
    const socket = await rawSocket(gate.port);
    await once(socket, 'close');
    await expect.poll(() => gate.server.load.handshakes).toBe(0);
  });

  it('do not keep others out when they have not even begun', async () => {
    await using gate = await serve(authority, [allow], { limits: { maxHandshakes: 2 } });
    const sockets = [await rawSocket(gate.port), await rawSocket(gate.port)] as const;
    await expect.poll(() => gate.server.load.handshakes).toBe(2);
    const oldestClosed = once(sockets[0], 'close');
    using client = await gate.connect();
    client.post('/allow', review);
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
    await oldestClosed;
    expect(sockets[1].destroyed).toBe(false);
    sockets[1].destroy();
  });

  it('are not ended for a new one when they are under way', async () => {
    await using gate = await serve(authority, [allow], { limits: { maxHandshakes: 1 } });
    const socket = await rawSocket(gate.port);
    // The server answers the hello of a TLS client, and then hears no more.
    connectTls({ socket: firstWordsOnly(socket), ca: gate.ca }).on('error', () => undefined);
    await once(socket, 'data');
    await expect(gate.connect()).rejects.toThrow();
    expect(socket.destroyed).toBe(false);
    socket.destroy();
    await expect.poll(() => gate.server.load.handshakes).toBe(0);
    using client = await gate.connect();
    client.post('/allow', review);
    expect(await client.answer()).toMatchObject({ httpStatus: 200 });
  });

  it('TLS below 1.2 is refused', async () => {
    await using gate = await serve(authority, [allow]);
    await expect(gate.connect({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).rejects.toThrow();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      using client = await gate.connect({ minVersion: version, maxVersion: version });
      expect(client.socket.getProtocol()).toBe(version);
    }
  });
});

describe('many connections that say nothing, or never end their header', () => {
  it('leave every request its answer, also when there are more of them than are taken', async () => {
    await using gate = await serve(authority, [allow], { limits: { maxConnections: 200, maxHandshakes: 50 } });
    using open = new DisposableStack();
    const openMany = async (count: number, first?: string): Promise<void> => {
      for (let left = count; left > 0; left -= 20) {
        for (const client of await Promise.all(Array.from({ length: Math.min(20, left) }, () => gate.connect()))) {
          open.use(client);
          if (first !== undefined) client.send(first);
        }
      }
    };
    const callers = await Promise.all(Array.from({ length: 4 }, () => gate.connect()));
    for (const caller of callers) open.use(caller);
    const ask = async (caller: RawHttpClient): Promise<(number | undefined)[]> => {
      const statuses: (number | undefined)[] = [];
      for (let request = 0; request < 50; request += 1) {
        caller.post('/allow', review);
        statuses.push((await caller.answer())?.httpStatus);
      }
      return statuses;
    };
    const [answers] = await Promise.all([
      Promise.all(callers.map(ask)),
      openMany(300),
      openMany(40, 'POST /allow HTTP/1.1\r\nX: '),
    ]);
    // Those that are used are not the ones that make room.
    expect(answers.flat()).toEqual(Array.from({ length: 4 * 50 }, () => 200));
    expect((await ask(await gate.connect().then((caller) => open.use(caller)))).every((status) => status === 200)).toBe(
      true,
    );
  });
});
