import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeApiServer, sendJson, sendStatus } from '../../test/fake-api-server.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import { parseLabelSelectorText } from '../api/label-selector.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { LogFacts, Logger } from '../telemetry/index.ts';
import { ApiStatusError, ApiUnreachableError, Informer, type InformerOptions, KubeClient } from './index.ts';

let server: FakeApiServer;
let clock: FakeClock;
let client: KubeClient;
const informers: Informer<KubernetesObject>[] = [];

beforeEach(async () => {
  server = new FakeApiServer();
  await server.start();
  clock = new FakeClock();
  client = new KubeClient(server.clusterConfig());
});
afterEach(async () => {
  await Promise.all(informers.splice(0).map((informer) => informer.stop()));
  client.close();
  await server.stop();
});

/** An informer of the fake server's ConfigMaps with everything that happens to it, as text. */
function newInformer(options: Partial<InformerOptions<KubernetesObject>> = {}) {
  const informer = new Informer<KubernetesObject>({
    client,
    collection: FakeApiServer.collection,
    clock,
    random: () => 0,
    ...options,
  });
  informers.push(informer);
  const told: string[] = [];
  informer.addHandler({
    add: (object) => void told.push(`add ${name(object)}`),
    update: (before, after) => {
      const versions = [before, after].map(({ metadata }) => Number(metadata?.resourceVersion));
      told.push(`update ${name(after)}${(versions[0] ?? 0) < (versions[1] ?? 0) ? '' : ' backwards'}`);
    },
    delete: (object) => void told.push(`delete ${name(object)}`),
  });
  return { informer, told };
}

function name({ metadata }: KubernetesObject): string {
  return metadata?.name ?? '';
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Keeps what is logged. */
class Log implements Logger {
  readonly lines: { readonly level: string; readonly message: string; readonly facts: LogFacts }[] = [];
  debug = (message: string, facts: LogFacts = {}) => void this.lines.push({ level: 'debug', message, facts });
  info = (message: string, facts: LogFacts = {}) => void this.lines.push({ level: 'info', message, facts });
  warn = (message: string, facts: LogFacts = {}) => void this.lines.push({ level: 'warn', message, facts });
  error = (message: string, facts: LogFacts = {}) => void this.lines.push({ level: 'error', message, facts });
  child = () => this;
}

describe('Informer', () => {
  it('fills its cache by pages, then follows', async () => {
    for (const each of ['a', 'b', 'c']) server.put(each);
    const { informer, told } = newInformer({ pageSize: 2 });
    expect(informer.hasSynced).toBe(false);
    expect(informer.lastContact).toBeUndefined();
    informer.start();
    await informer.waitForSync();
    expect(informer.hasSynced).toBe(true);
    expect(told).toEqual(['add a', 'add b', 'add c']);
    await server.waitForWatch();
    server.put('d');
    server.put('a');
    server.remove('b');
    await until(() => told.length === 6);
    expect(told.slice(3)).toEqual(['add d', 'update a', 'delete b']);
    expect(informer.lister.list().map(name).sort()).toEqual(['a', 'c', 'd']);
    expect(informer.lister.get('a', 'default')?.kind).toBe('ConfigMap');
    expect(informer.lister.get('b', 'default')).toBeUndefined();
    expect(informer.lister.get('a')).toBeUndefined();
    expect(server.requests.map(({ query }) => query.get('watch') ?? 'list')).toEqual(['list', 'list', 'true']);
  });

  it('shows in the lister what handlers are being told', async () => {
    const { informer } = newInformer();
    const seen: (boolean | undefined)[] = [];
    informer.addHandler({
      add: (object) => void seen.push(informer.lister.get(name(object), 'default') === object),
      delete: (object) => void seen.push(informer.lister.get(name(object), 'default') === undefined),
    });
    server.put('a');
    informer.start();
    await server.waitForWatch();
    server.put('b');
    server.remove('a');
    await until(() => seen.length === 3);
    expect(seen).toEqual([true, true, true]);
  });

  it('finds by namespace, labels and index', async () => {
    server.put('a', { namespace: 'x', labels: { tier: 'web' } });
    server.put('b', { namespace: 'y', labels: { tier: 'web' } });
    server.put('c', { namespace: 'y', labels: { tier: 'db' } });
    const { informer, told } = newInformer({
      indexes: { tier: ({ metadata }) => (metadata?.labels?.['tier'] === undefined ? [] : [metadata.labels['tier']]) },
    });
    informer.start();
    await informer.waitForSync();
    const { lister } = informer;
    expect(lister.list({ namespace: 'y' }).map(name)).toEqual(['b', 'c']);
    expect(lister.list({ namespace: 'none' })).toEqual([]);
    const web = parseLabelSelectorText('tier=web');
    expect(lister.list({ labels: web }).map(name)).toEqual(['a', 'b']);
    expect(lister.list({ namespace: 'y', labels: web }).map(name)).toEqual(['b']);
    expect(lister.byIndex('tier', 'web').map(name)).toEqual(['a', 'b']);
    expect(lister.byIndex('tier', 'cache')).toEqual([]);
    expect(() => lister.byIndex('colour', 'red')).toThrow(RangeError);

    await server.waitForWatch();
    server.put('a', { namespace: 'x', labels: { tier: 'db' } });
    server.remove('c', 'y');
    await until(() => told.includes('delete c'));
    expect(lister.byIndex('tier', 'web').map(name)).toEqual(['b']);
    expect(lister.byIndex('tier', 'db').map(name)).toEqual(['a']);
  });

  it('keeps of each object what transform leaves', async () => {
    server.put('a', { labels: { big: 'value' } });
    const { informer, told } = newInformer({
      transform: (object) => ({ ...object, metadata: { ...object.metadata, labels: {} } }),
    });
    informer.start();
    await server.waitForWatch();
    server.put('b', { labels: { big: 'value' } });
    await until(() => told.length === 2);
    expect(informer.lister.list().map(({ metadata }) => metadata?.labels)).toEqual([{}, {}]);
  });

  it('tells a late handler what is there already, and a removed one nothing', async () => {
    server.put('a');
    const { informer, told } = newInformer();
    informer.start();
    await server.waitForWatch();
    const late: string[] = [];
    const remove = informer.addHandler({ add: (object) => void late.push(name(object)) });
    expect(late).toEqual(['a']);
    server.put('b');
    await until(() => late.length === 2);
    remove();
    server.put('c');
    await until(() => told.length === 3);
    expect(late).toEqual(['a', 'b']);
  });

  it('survives handlers, transforms and indexes that throw, and says whose object it was', async () => {
    const log = new Log();
    const { informer, told } = newInformer({
      logger: log,
      transform: (object) => {
        if (name(object) === 'bad') throw new Error('cannot transform');
        return object;
      },
      indexes: {
        all: (object) => {
          if (name(object) === 'bad') throw new Error('cannot index');
          return ['all'];
        },
      },
    });
    informer.addHandler({
      add: () => {
        throw new Error('thrown');
      },
      update: async () => {
        throw new Error('rejected');
      },
    });
    server.put('bad');
    informer.start();
    await server.waitForWatch();
    server.put('good');
    server.put('good');
    await until(() => told.length === 3);
    expect(told).toEqual(['add bad', 'add good', 'update good']);
    expect(informer.lister.byIndex('all', 'all').map(name)).toEqual(['good']);
    await until(() => log.lines.filter(({ level }) => level === 'error').length >= 5);
    const errors = log.lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ message, facts }) => `${message}: ${String(facts['name'])}`).sort()).toEqual([
      'event handler failed: bad',
      'event handler failed: good',
      'event handler failed: good',
      'index failed, the object is left out of it: bad',
      'transform failed, the object is kept whole: bad',
    ]);
  });
});

describe('Informer, when the server is not there', () => {
  it('starts all the same, tries again with growing pauses and recovers', async () => {
    await server.stop();
    const log = new Log();
    const { informer, told } = newInformer({ logger: log });
    informer.start();
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) pauses.push(await clock.advanceToNextTimer());
    expect(pauses).toEqual([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    expect(informer.hasSynced).toBe(false);
    expect(informer.lastContact).toBeUndefined();
    expect(informer.lastError).toBeInstanceOf(ApiUnreachableError);
    expect(log.lines.find(({ level }) => level === 'warn')?.message).toBe('list failed');

    await until(() => clock.delays.length === 1);
    server.put('a');
    await server.start();
    await clock.advanceToNextTimer();
    await informer.waitForSync();
    expect(told).toEqual(['add a']);
    expect(informer.lastContact).toBe(clock.now());
    expect(informer.lastError).toBeUndefined();
  });

  it('spreads its pauses by up to as much again', async () => {
    await server.stop();
    const { informer } = newInformer({ random: () => 0.5 });
    informer.start();
    expect(await clock.advanceToNextTimer()).toBe(1_200);
    expect(await clock.advanceToNextTimer()).toBe(2_400);
  });

  it('waits as long as the server asks for', async () => {
    const impatient = new Informer<KubernetesObject>({
      client,
      collection: FakeApiServer.collection,
      clock,
      random: () => 0,
    });
    informers.push(impatient);
    server.intercept = ({ query }, response) => {
      if (!query.has('watch')) return false;
      sendStatus(response, 429, 'TooManyRequests', 'slow down', { 'retry-after': '17' });
      return true;
    };
    impatient.start();
    expect(await clock.advanceToNextTimer()).toBe(17_000);
    expect(impatient.lastError).toBeInstanceOf(ApiStatusError);
  });

  it('stops waiting for the cache when the signal aborts', async () => {
    await server.stop();
    const { informer } = newInformer();
    informer.start();
    const stop = new AbortController();
    const waiting = informer.waitForSync(stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

describe('Informer, when the watch ends', () => {
  it('goes on from the last event, without a list, when the server ends it in order', async () => {
    const { informer, told } = newInformer({ watchTimeoutSeconds: 300, random: () => 0.5 });
    informer.start();
    await server.waitForWatch();
    server.put('a');
    await until(() => told.length === 1);
    server.endWatches();
    server.put('b');
    await until(() => told.length === 2);
    const [, first, second] = server.requests;
    expect(first?.query.get('timeoutSeconds')).toBe('450');
    expect(Number(second?.query.get('resourceVersion'))).toBe(Number(first?.query.get('resourceVersion')) + 1);
  });

  it('goes on from a bookmark', async () => {
    const { informer, told } = newInformer();
    informer.start();
    await server.waitForWatch();
    for (let change = 0; change < 5; change++) server.put('a');
    await until(() => told.length === 5);
    clock.advance(1_000);
    server.sendBookmark();
    await until(() => informer.lastContact === 1_000);
    server.compact();
    server.endWatches();
    await server.waitForWatch();
    server.put('b');
    await until(() => told.length === 6);
    expect(server.requests.filter(({ query }) => !query.has('watch'))).toHaveLength(1);
  });

  it('goes on at once when the connection breaks after it has told something', async () => {
    const { informer, told } = newInformer();
    informer.start();
    await server.waitForWatch();
    server.put('a');
    await until(() => told.length === 1);
    server.breakWatches();
    server.put('b');
    await until(() => told.length === 2);
    expect(clock.delays).toEqual([]);
  });

  it('pauses before it goes on when a watch told nothing', async () => {
    const { informer, told } = newInformer();
    informer.start();
    await server.waitForWatch();
    server.endWatches();
    expect(await clock.advanceToNextTimer()).toBe(800);
    await server.waitForWatch();
    server.breakWatches();
    expect(await clock.advanceToNextTimer()).toBe(1_600);
    await server.waitForWatch();
    server.put('a');
    await until(() => told.length === 1);
    server.endWatches();
    await server.waitForWatch();
    server.endWatches();
    expect(await clock.advanceToNextTimer()).toBe(800);
  });

  it('does not pause when a watch lived long, though it told nothing', async () => {
    const { informer, told } = newInformer();
    informer.start();
    await server.waitForWatch();
    clock.advance(300_000);
    server.endWatches();
    await server.waitForWatch();
    expect(clock.delays).toEqual([]);
    expect(informer.lastContact).toBe(300_000);
    server.put('a');
    await until(() => told.length === 1);
  });

  it.each(['in the stream', 'before the stream'])(
    'lists anew after a 410 %s, swaps the cache at once and tells the difference',
    async (where) => {
      for (const each of ['kept', 'changed', 'deleted', 'recreated']) server.put(each);
      const { informer, told } = newInformer();
      informer.start();
      await server.waitForWatch();
      told.length = 0;
      const sizes = new Set<number>();
      informer.addHandler({
        add: () => void sizes.add(informer.lister.list().length),
        delete: () => void sizes.add(informer.lister.list().length),
      });
      server.intercept = ({ query }, response) => {
        if (where === 'in the stream' || !query.has('watch')) return false;
        sendStatus(response, 410, 'Gone', 'too old resource version');
        return true;
      };
      server.breakWatches();
      await until(() => clock.delays.length === 1);
      server.put('changed');
      server.remove('deleted');
      server.remove('recreated');
      server.put('recreated');
      server.put('added');
      server.compact();
      sizes.clear();
      await clock.advanceToNextTimer();
      await until(() => clock.delays.length === 1);
      server.intercept = () => false;
      await clock.advanceToNextTimer();
      await until(() => told.length === 5);
      expect(told).toEqual(['delete deleted', 'update changed', 'delete recreated', 'add recreated', 'add added']);
      // Never an empty or half cache in between.
      expect([...sizes]).toEqual([4]);
      expect(informer.lister.list().map(name).sort()).toEqual(['added', 'changed', 'kept', 'recreated']);
      await server.waitForWatch();
      server.put('later');
      await until(() => told.includes('add later'));
    },
  );

  it('lists in one piece after a list expired between two pages', async () => {
    for (const each of ['a', 'b', 'c']) server.put(each);
    server.intercept = ({ query }) => {
      if (query.has('continue')) {
        server.put('a');
        server.compact();
      }
      return false;
    };
    const { informer, told } = newInformer({ pageSize: 2 });
    informer.start();
    await clock.advanceToNextTimer();
    await informer.waitForSync();
    expect(told).toEqual(['add a', 'add b', 'add c']);
    expect(server.requests.slice(0, 3).map(({ query }) => query.get('limit'))).toEqual(['2', '2', null]);
  });

  it('takes a line cut short for a broken watch and misses nothing', async () => {
    const { informer, told } = newInformer();
    informer.start();
    await server.waitForWatch();
    server.put('a');
    await until(() => told.length === 1);
    server.writeToWatches('{"type":"ADDED","object":{"metadata":{"name":"half"');
    server.breakWatches();
    server.put('b');
    await until(() => told.length === 2);
    expect(told).toEqual(['add a', 'add b']);
  });
});

describe('Informer.stop()', () => {
  it('ends the first list, and nothing is told or asked after it', async () => {
    server.put('a');
    const asked = Promise.withResolvers<void>();
    let answer = (): void => undefined;
    server.intercept = (_request, response) => {
      answer = () =>
        sendJson(response, 200, { metadata: { resourceVersion: '1' }, items: [{ metadata: { name: 'a' } }] });
      asked.resolve();
      return true;
    };
    const { informer, told } = newInformer();
    informer.start();
    await asked.promise;
    await informer.stop();
    answer();
    await turns(50);
    expect(told).toEqual([]);
    expect(informer.hasSynced).toBe(false);
    expect(server.requests).toHaveLength(1);
    informer.start();
    await turns(50);
    expect(server.requests).toHaveLength(1);
  });

  it('ends a watch, and the rest of a chunk is not told', async () => {
    const { informer, told } = newInformer();
    let stopped: Promise<void> | undefined;
    informer.addHandler({ add: (object) => void (name(object) === 'b' && (stopped = informer.stop())) });
    informer.start();
    await server.waitForWatch();
    const event = (object: string) =>
      `${JSON.stringify({ type: 'ADDED', object: { metadata: { name: object, resourceVersion: '1' } } })}\n`;
    server.writeToWatches(event('a') + event('b') + event('c'));
    await until(() => stopped !== undefined);
    await stopped;
    await until(() => server.openWatches === 0);
    expect(told).toEqual(['add a', 'add b']);
    expect(informer.lister.list().map(name)).toEqual(['a', 'b']);
  });

  it('called while a list is being told, or taken in, ends that', async () => {
    for (const each of ['a', 'b', 'c']) server.put(each);
    const told: string[] = [];
    const telling = newInformer().informer;
    telling.addHandler({
      add: (object) => {
        told.push(name(object));
        if (name(object) === 'b') void telling.stop();
      },
    });
    telling.start();
    await telling.waitForSync();
    expect(told).toEqual(['a', 'b']);

    const taken: string[] = [];
    const taking = newInformer({
      transform: (object) => {
        taken.push(name(object));
        void taking.informer.stop();
        return object;
      },
    });
    taking.informer.start();
    await until(() => taken.length === 3);
    await taking.informer.stop();
    expect(taking.told).toEqual([]);
    expect(taking.informer.hasSynced).toBe(false);
  });

  it('ends a pause, and what never began', async () => {
    await server.stop();
    const { informer } = newInformer();
    informer.start();
    await until(() => clock.delays.length === 1);
    await informer.stop();
    expect(clock.delays).toEqual([]);
    await newInformer().informer.stop();
  });
});
