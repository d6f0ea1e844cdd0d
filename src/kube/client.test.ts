import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeApiServer, sendJson, sendStatus } from '../../test/fake-api-server.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import {
  ApiStatusError,
  ApiUnreachableError,
  isAlreadyExists,
  isConflict,
  isExpired,
  isForbidden,
  isNotFound,
  KubeClient,
  type KubeClientOptions,
  type WatchEvent,
} from './index.ts';

let server: FakeApiServer;
const clients: KubeClient[] = [];
beforeEach(async () => {
  server = new FakeApiServer();
  await server.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop();
});

function newClient(options: KubeClientOptions = {}, config = server.clusterConfig()): KubeClient {
  const client = new KubeClient(config, options);
  clients.push(client);
  return client;
}

const collection = FakeApiServer.collection;
const web = { ...collection, namespace: 'shop', name: 'web' };

describe('KubeClient requests', () => {
  type Call = (client: KubeClient) => Promise<unknown>;
  it.each<[string, Call, string, string, object | undefined]>([
    ['get()', (c) => c.get(web), 'GET /api/v1/namespaces/shop/configmaps/web', '', undefined],
    [
      'create()',
      (c) =>
        c.create(
          { ...collection, namespace: 'shop' },
          { metadata: { name: 'web' } },
          { fieldManager: 'me', dryRun: true },
        ),
      'POST /api/v1/namespaces/shop/configmaps?dryRun=All&fieldManager=me',
      'application/json',
      { metadata: { name: 'web' } },
    ],
    [
      'create() of a subresource',
      (c) => c.create({ ...web, resource: 'pods', subresource: 'eviction' }, { kind: 'Eviction' }),
      'POST /api/v1/namespaces/shop/pods/web/eviction',
      'application/json',
      { kind: 'Eviction' },
    ],
    [
      'replace()',
      (c) => c.replace({ ...web, subresource: 'status' }, { kind: 'ConfigMap' }, { fieldValidation: 'Strict' }),
      'PUT /api/v1/namespaces/shop/configmaps/web/status?fieldValidation=Strict',
      'application/json',
      { kind: 'ConfigMap' },
    ],
    [
      'patch() with JSON Patch',
      (c) => c.patch(web, { type: 'json', operations: [{ op: 'remove', path: '/data' }] }),
      'PATCH /api/v1/namespaces/shop/configmaps/web',
      'application/json-patch+json',
      [{ op: 'remove', path: '/data' }],
    ],
    [
      'patch() with a merge patch',
      (c) => c.patch(web, { type: 'merge', changes: { data: null } }),
      'PATCH /api/v1/namespaces/shop/configmaps/web',
      'application/merge-patch+json',
      { data: null },
    ],
    [
      'patch() with a strategic merge patch',
      (c) => c.patch(web, { type: 'strategic', changes: { data: null } }),
      'PATCH /api/v1/namespaces/shop/configmaps/web',
      'application/strategic-merge-patch+json',
      { data: null },
    ],
    [
      'apply()',
      (c) => c.apply(web, { kind: 'ConfigMap' }, { fieldManager: 'me', force: true }),
      'PATCH /api/v1/namespaces/shop/configmaps/web?fieldManager=me&force=true',
      'application/apply-patch+yaml',
      { kind: 'ConfigMap' },
    ],
    [
      'delete()',
      (c) =>
        c.delete(web, {
          preconditions: { uid: 'u' },
          propagationPolicy: 'Foreground',
          dryRun: true,
          gracePeriodSeconds: 0,
        }),
      'DELETE /api/v1/namespaces/shop/configmaps/web',
      'application/json',
      {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid: 'u' },
        propagationPolicy: 'Foreground',
        dryRun: ['All'],
        gracePeriodSeconds: 0,
      },
    ],
  ])('%s', async (_name, call, line, contentType, body) => {
    server.intercept = (_request, response) => {
      sendJson(response, 200, { kind: 'ConfigMap', answered: true });
      return true;
    };
    expect(await call(newClient({ userAgent: 'sallyport/1.2.3' }))).toMatchObject({ answered: true });
    const [request] = server.requests;
    const query = request?.query.size === 0 ? '' : `?${request?.query.toString()}`;
    expect(`${request?.method} ${request?.path}${query}`).toBe(line);
    expect(request?.headers['content-type'] ?? '').toBe(contentType);
    expect(request?.headers['user-agent']).toBe('sallyport/1.2.3');
    expect(request?.body === '' ? undefined : JSON.parse(request?.body ?? '')).toEqual(body);
  });

  it('are escaped in the path and go below the path of the server', async () => {
    server.intercept = (_request, response) => {
      sendJson(response, 200, {});
      return true;
    };
    const config = server.clusterConfig();
    const below = { ...config, server: new URL('/k8s/clusters/c-1/', config.server) };
    await newClient({}, below).get({ group: 'x.io', version: 'v1', resource: 'things', name: 'a/b c' });
    expect(server.requests[0]?.path).toBe('/k8s/clusters/c-1/apis/x.io/v1/things/a%2Fb%20c');
  });

  it('carry the token and who to act as', async () => {
    const config = server.clusterConfig({
      token: { get: async () => 'secret', refresh: async () => 'secret' },
      impersonation: { user: 'alice', uid: 'u1', groups: ['devs', 'ops'], extra: { 'example.com/team': ['a', 'b'] } },
    });
    await newClient({}, config).list(collection);
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: 'Bearer secret',
      'impersonate-user': 'alice',
      'impersonate-uid': 'u1',
      'impersonate-group': 'devs, ops',
      'impersonate-extra-example.com%2fteam': 'a, b',
    });
  });

  it('under way at once are bounded, and watches do not count', async () => {
    const waiting: ServerResponse[] = [];
    let mostAtOnce = 0;
    const answerAll = () => {
      for (const response of waiting.splice(0)) sendJson(response, 200, { items: [] });
    };
    server.intercept = ({ query }, response) => {
      if (query.get('watch') !== null) return false;
      mostAtOnce = Math.max(mostAtOnce, waiting.push(response));
      // Time for a third request to come, if it were let.
      if (waiting.length === 2) void turns(50).then(answerAll);
      return true;
    };
    const client = newClient({ maxConcurrentRequests: 2 });
    const stop = new AbortController();
    const watches = [1, 2, 3].map(() => drain(client.watch(collection, { signal: stop.signal })));
    await until(() => server.openWatches === 3);
    await Promise.all(Array.from({ length: 10 }, () => client.list(collection)));
    expect(mostAtOnce).toBe(2);
    stop.abort();
    await Promise.allSettled(watches);
  });
});

async function drain<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe('KubeClient errors', () => {
  it.each<[number, string, (error: unknown) => boolean]>([
    [404, 'NotFound', isNotFound],
    [409, 'Conflict', isConflict],
    [409, 'AlreadyExists', isAlreadyExists],
    [410, 'Gone', isExpired],
    [410, 'Expired', isExpired],
    [403, 'Forbidden', isForbidden],
  ])('%i %s is an ApiStatusError that one question knows', async (code, reason, isIt) => {
    server.intercept = (_request, response) => {
      sendStatus(response, code, reason, 'because');
      return true;
    };
    const error: unknown = await newClient()
      .get(web)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiStatusError);
    expect(error).toMatchObject({ statusCode: code, reason, status: { message: 'because' } });
    expect((error as Error).message).toBe(`GET /api/v1/namespaces/shop/configmaps/web: because (HTTP ${code})`);
    const known = [isNotFound, isConflict, isAlreadyExists, isExpired, isForbidden].filter((question) =>
      question(error),
    );
    expect(known).toEqual([isIt]);
  });

  it('take an answer by something before the API server as not having asked it', async () => {
    server.intercept = (_request, response) => {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>');
      return true;
    };
    await expect(newClient().get(web)).rejects.toThrow(ApiUnreachableError);
    server.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Please log in</h1>');
      return true;
    };
    await expect(newClient().get(web)).rejects.toThrow(ApiUnreachableError);
  });

  it('tell a refused connection, a broken answer and a late one as ApiUnreachableError', async () => {
    server.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"kind":', () => response.destroy());
      return true;
    };
    await expect(newClient().get(web)).rejects.toThrow(/GET .*web: the answer broke off/);

    const clock = new FakeClock();
    let arrived = Promise.withResolvers<void>();
    server.intercept = () => {
      arrived.resolve();
      return true;
    };
    const late = newClient({ clock, requestTimeoutSeconds: 7 }).get(web);
    await arrived.promise;
    clock.advance(7_000);
    await expect(late).rejects.toThrow(/no whole answer from 127\.0\.0\.1:\d+ within 7000 ms/);

    // The same for an answer that began in time.
    arrived = Promise.withResolvers();
    server.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"kind":', () => arrived.resolve());
      return true;
    };
    const halfLate = newClient({ clock, requestTimeoutSeconds: 7 }).get(web);
    await arrived.promise;
    clock.advance(7_000);
    await expect(halfLate).rejects.toThrow(/no whole answer/);

    await server.stop();
    const refused = newClient().get(web);
    await expect(refused).rejects.toThrow(ApiUnreachableError);
    await expect(refused).rejects.toThrow(/cannot reach 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });

  it('are the reason of the signal when that aborts, before and during', async () => {
    const reason = new Error('enough');
    await expect(newClient().get(web, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const stop = new AbortController();
    server.intercept = () => {
      stop.abort(reason);
      return true;
    };
    await expect(newClient().get(web, { signal: stop.signal })).rejects.toBe(reason);
  });

  it('never repeat what was sent', async () => {
    server.intercept = (_request, response) => {
      sendStatus(response, 422, 'Invalid', 'no');
      return true;
    };
    const secret = { kind: 'Secret', data: { password: 'aHVudGVyMg==' } };
    const error: unknown = await newClient()
      .create({ ...collection, resource: 'secrets', namespace: 'shop' }, secret as object)
      .catch((caught: unknown) => caught);
    expect((error as Error).stack).not.toContain('aHVudGVyMg');
  });
});

describe('KubeClient retries', () => {
  function refuse(times: number, code: number, headers: { [name: string]: string }): void {
    server.intercept = (_request, response) => {
      if (times-- <= 0) return false;
      sendStatus(response, code, 'TooManyRequests', 'slow down', headers);
      return true;
    };
  }

  it.each([429, 503])('waits as long as %i says and asks again', async (code) => {
    refuse(2, code, { 'retry-after': '5' });
    const clock = new FakeClock();
    const list = newClient({ clock }).list(collection);
    for (const asked of [1, 2]) {
      await until(() => clock.delays.includes(5_000));
      expect(server.requests).toHaveLength(asked);
      clock.advance(5_000);
    }
    expect((await list).items).toEqual([]);
    expect(server.requests).toHaveLength(3);
  });

  it('gives up after maxRetries', async () => {
    refuse(Infinity, 429, { 'retry-after': '0' });
    await expect(newClient().list(collection, { maxRetries: 2 })).rejects.toMatchObject({
      statusCode: 429,
      retryAfterSeconds: 0,
    });
    expect(server.requests).toHaveLength(3);
    await expect(newClient().list(collection, { maxRetries: 0 })).rejects.toThrow(ApiStatusError);
    expect(server.requests).toHaveLength(4);
  });

  it('does not ask again what did not say when', async () => {
    refuse(1, 429, {});
    await expect(newClient().list(collection)).rejects.toThrow(ApiStatusError);
    expect(server.requests).toHaveLength(1);
  });

  it('stops waiting when the signal aborts', async () => {
    refuse(1, 429, { 'retry-after': '3600' });
    const stop = new AbortController();
    const list = newClient().list(collection, { signal: stop.signal });
    await until(() => server.requests.length === 1);
    stop.abort(new Error('enough'));
    await expect(list).rejects.toThrow('enough');
  });

  it('reads again a token that was refused, and asks once more with a new one', async () => {
    let onDisk = 'old';
    let cached = 'old';
    const token = {
      get: async () => cached,
      refresh: async () => (cached = onDisk),
    };
    server.intercept = ({ headers }, response) => {
      if (headers.authorization === 'Bearer new') return false;
      sendStatus(response, 401, 'Unauthorized', 'Unauthorized');
      return true;
    };
    const client = newClient({}, server.clusterConfig({ token }));
    await expect(client.list(collection)).rejects.toMatchObject({ statusCode: 401 });
    expect(server.requests).toHaveLength(1);
    onDisk = 'new';
    expect((await client.list(collection)).items).toEqual([]);
    expect(server.requests).toHaveLength(3);
  });
});

/** Lets everything that is ready happen, `count` times. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('KubeClient connections', () => {
  /** Answers the first request of each connection, and closes it without a word when a second one comes on it. */
  async function startForgetfulServer(): Promise<{ url: URL; requests: string[]; stop(): Promise<void> }> {
    const requests: string[] = [];
    const forgetful = createServer((socket) => {
      let isUsed = false;
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        requests.push(chunk.toString().split(' ', 1)[0] ?? '');
        if (isUsed) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
        isUsed = true;
      });
    }).listen(0, '127.0.0.1');
    await once(forgetful, 'listening');
    const address = forgetful.address();
    if (address === null || typeof address === 'string') throw new TypeError('no port');
    return {
      url: new URL(`http://127.0.0.1:${address.port}`),
      requests,
      stop: async () => {
        forgetful.close();
        await once(forgetful, 'close');
      },
    };
  }

  it('are kept, and a read that met a closed one is sent again, a write is not', async () => {
    const forgetful = await startForgetfulServer();
    const client = newClient({}, server.clusterConfig({ server: forgetful.url }));
    await client.get(web);
    await client.get(web);
    expect(forgetful.requests).toEqual(['GET', 'GET', 'GET']);
    await expect(client.replace(web, { kind: 'ConfigMap' })).rejects.toThrow(ApiUnreachableError);
    expect(forgetful.requests).toEqual(['GET', 'GET', 'GET', 'PUT']);
    client.close();
    await forgetful.stop();
  });
});

describe('KubeClient.list()', () => {
  beforeEach(() => {
    for (let index = 0; index < 7; index++) server.put(`cm-${index}`);
  });

  it('gathers all pages and gives items the type that lists leave out', async () => {
    const { items, resourceVersion } = await newClient().list(collection, { pageSize: 3, resourceVersion: '0' });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(Array.from({ length: 7 }, (_, index) => `cm-${index}`));
    expect(items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    expect(Number(resourceVersion)).toBeGreaterThan(100);
    expect(server.requests.map(({ query }) => query.get('limit'))).toEqual(['3', '3', '3']);
    expect(server.requests.map(({ query }) => query.get('resourceVersion'))).toEqual(['0', null, null]);
  });

  it('lists in one piece when the list expires between two pages', async () => {
    server.intercept = ({ query }) => {
      if (query.has('continue')) {
        server.put('cm-0');
        server.compact();
      }
      return false;
    };
    const { items } = await newClient().list(collection, { pageSize: 3 });
    expect(items).toHaveLength(7);
    expect(server.requests.map(({ query }) => query.get('limit'))).toEqual(['3', '3', null]);
  });
});

describe('KubeClient.listPages()', () => {
  it('ends with the error when the list expires between two pages', async () => {
    for (let index = 0; index < 4; index++) server.put(`cm-${index}`);
    const pages = newClient().listPages(collection, { pageSize: 2 });
    expect((await pages.next()).value?.items).toHaveLength(2);
    server.put('cm-0');
    server.compact();
    await expect(pages.next()).rejects.toSatisfy(isExpired);
  });
});

describe('KubeClient.watch()', () => {
  type Event = WatchEvent<{ metadata?: { name?: string } }>;

  /** Answers the watch with these bytes; the response stays open. */
  function answerWatch(write: (response: ServerResponse) => void): void {
    server.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      write(response);
      return true;
    };
  }

  it('asks for bookmarks and tells what happens until the server ends it', async () => {
    const client = newClient();
    const { resourceVersion } = await client.list(collection);
    const events = drain(client.watch(collection, { resourceVersion, timeoutSeconds: 60, labelSelector: 'a=b' }));
    await server.waitForWatch();
    server.put('web');
    server.put('web');
    server.remove('web');
    server.sendBookmark();
    server.endWatches();
    expect((await events).map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);
    expect(Object.fromEntries(server.requests[1]?.query ?? [])).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: '60',
      labelSelector: 'a=b',
    });
  });

  it('puts lines together from chunks cut anywhere, also inside a character', async () => {
    const text = Buffer.from(
      ['größe', '日本', '🚪']
        .map((name) => JSON.stringify({ type: 'ADDED', object: { metadata: { name } } }))
        .join('\n'),
    );
    for (let size = 1; size < text.length; size += 7) {
      answerWatch((response) => {
        for (let start = 0; start < text.length; start += size) response.write(text.subarray(start, start + size));
        response.end('\n\n');
      });
      const events: Event[] = await drain(newClient().watch(collection));
      expect(events.map((event) => event.type === 'ADDED' && event.object.metadata?.name)).toEqual([
        'größe',
        '日本',
        '🚪',
      ]);
    }
  });

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['ends in the middle of an event', (response) => response.end('{"type":"ADDED","obj'), /in the middle of an event/],
    [
      'breaks in the middle of a chunk',
      (response) => response.write('{"type":"ADD', () => response.socket?.destroy()),
      /the watch broke off/,
    ],
    ['carries what is no JSON', (response) => response.end('<html>\n'), /not JSON/],
    [
      'carries an unknown event',
      (response) => response.end('{"type":"GREETING","object":{}}\n'),
      /unknown type "GREETING"/,
    ],
    ['carries an event without object', (response) => response.end('{"type":"ADDED"}\n'), /unknown type "ADDED"/],
  ])('throws ApiUnreachableError when the stream %s', async (_name, write, message) => {
    answerWatch(write);
    const events = drain(newClient().watch(collection));
    await expect(events).rejects.toThrow(ApiUnreachableError);
    await expect(events).rejects.toThrow(message);
  });

  it('throws the Status of an ERROR event, and of a refusal before the stream', async () => {
    server.put('web');
    server.compact();
    await expect(drain(newClient().watch(collection, { resourceVersion: '1' }))).rejects.toSatisfy(isExpired);
    server.intercept = (_request, response) => {
      sendStatus(response, 403, 'Forbidden', 'you may not');
      return true;
    };
    await expect(drain(newClient().watch(collection))).rejects.toThrow(
      'WATCH /api/v1/configmaps: you may not (HTTP 403)',
    );
  });

  it('ends when the stream falls silent, and any byte puts that off', async () => {
    const clock = new FakeClock();
    const events = newClient({ clock, watchIdleTimeoutSeconds: 90 }).watch(collection);
    const first = events.next();
    await server.waitForWatch();
    await until(() => clock.delays.join() === '90000');
    clock.advance(89_000);
    server.put('web');
    expect((await first).value?.type).toBe('ADDED');
    const second = events.next();
    await until(() => clock.delays.join() === '90000');
    clock.advance(89_000);
    server.sendBookmark();
    expect((await second).value?.type).toBe('BOOKMARK');
    const third = events.next();
    await until(() => clock.delays.join() === '90000');
    clock.advance(90_000);
    expect((await third).done).toBe(true);
  });

  it('closes the connection when the loop is left, and when the signal aborts', async () => {
    const client = newClient();
    const left = (async () => {
      for await (const event of client.watch(collection)) return event.type;
      return undefined;
    })();
    await server.waitForWatch();
    server.put('web');
    expect(await left).toBe('ADDED');
    await until(() => server.openWatches === 0);

    const stop = new AbortController();
    const aborted = drain(client.watch(collection, { signal: stop.signal }));
    await server.waitForWatch();
    stop.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await until(() => server.openWatches === 0);
  });
});
