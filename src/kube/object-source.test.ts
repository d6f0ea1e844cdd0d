import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeApiServer } from '../../test/fake-api-server.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import {
  clusterObjectSource,
  folderObjectSource,
  KubeClient,
  type FieldProblem,
  type ObjectKind,
  type ObjectSet,
  type ObjectSource,
} from './index.ts';

/** A greeting as we use it: its text. */
const greetings: ObjectKind<string> = {
  group: 'example.com',
  version: 'v1',
  resource: 'greetings',
  kind: 'Greeting',
  parse: (object) => {
    const { spec } = object as { spec?: { text?: unknown; words?: unknown[] } };
    const problems: FieldProblem[] = [];
    if (typeof spec?.text !== 'string') problems.push({ path: ['spec', 'text'], message: 'expected a text' });
    for (const [index, word] of (spec?.words ?? []).entries()) {
      if (typeof word !== 'string') problems.push({ path: ['spec', 'words', index], message: 'expected a word' });
    }
    if (spec?.text === 'throw') throw new Error('thrown by the parser');
    return problems.length > 0 ? { problems } : { object: String(spec?.text) };
  },
};

function greeting(name: string, text: string): string {
  return `apiVersion: example.com/v1\nkind: Greeting\nmetadata:\n  name: ${name}\nspec:\n  text: ${text}\n`;
}

/** Objects and problems as short texts. */
function summary(set: ObjectSet<string> | undefined): { objects: string[]; problems: string[] } {
  return {
    objects: (set?.objects ?? []).map(({ object, origin }) => `${origin} ${object}`),
    problems: (set?.problems ?? []).map(
      ({ origin, message, keepsFormer }) => `${origin} ${message}${keepsFormer ? ' (former kept)' : ''}`,
    ),
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('folderObjectSource()', () => {
  let folder: string;
  let clock: FakeClock;
  let source: ObjectSource<string>;
  let sets: ObjectSet<string>[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-source-'));
    clock = new FakeClock();
    source = folderObjectSource({ folder, kinds: [greetings], clock });
    sets = [];
    source.subscribe((set) => sets.push(set));
  });
  afterEach(async () => {
    await source.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function put(file: string, content: string): void {
    writeFileSync(join(folder, file), content);
  }

  /** Lets the poll interval pass and the look that follows happen. */
  async function poll(): Promise<void> {
    await until(() => clock.delays.length === 1);
    clock.advance(10_000);
    await until(() => clock.delays.length === 1);
  }

  const now = () => {
    const { objects, problems } = summary(source.current);
    return { objects: objects.map(strip), problems: problems.map(strip) };
  };
  const strip = (text: string) => text.replaceAll(`${folder}/`, '').replaceAll(folder, '<folder>');

  it('reads the files of the folder, several documents each', async () => {
    put('b.yaml', `${greeting('one', 'hello')}---\n${greeting('two', 'good evening')}`);
    put(
      'a.json',
      JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Greeting', metadata: { name: 'x' }, spec: { text: 'hi' } }),
    );
    put('README.md', 'no manifest');
    mkdirSync(join(folder, 'below.yaml'));
    expect(source.current).toBeUndefined();
    source.start();
    await source.waitForSync();
    expect(now()).toEqual({ objects: ['a.json:1 hi', 'b.yaml:1 hello', 'b.yaml:8 good evening'], problems: [] });
    expect(source.lastContact).toBe(0);
  });

  it('is an empty set for an empty folder', async () => {
    source.start();
    await source.waitForSync();
    expect(now()).toEqual({ objects: [], problems: [] });
  });

  it('follows added, changed and removed files, each time with a whole set, and is quiet otherwise', async () => {
    put('a.yaml', greeting('a', 'hello'));
    source.start();
    await source.waitForSync();
    put('b.yaml', greeting('b', 'hi'));
    put('a.yaml', greeting('a', 'good morning'));
    await poll();
    expect(now().objects).toEqual(['a.yaml:1 good morning', 'b.yaml:1 hi']);
    await poll();
    expect(sets).toHaveLength(2);
    expect(source.lastContact).toBe(20_000);
    rmSync(join(folder, 'a.yaml'));
    await poll();
    expect(now().objects).toEqual(['b.yaml:1 hi']);
    expect(sets).toHaveLength(3);
  });

  it('is told of changes by the file system, and takes those that come together for one', async () => {
    source.start();
    await source.waitForSync();
    put('a.yaml', greeting('a', 'hello'));
    put('b.yaml', greeting('b', 'hi'));
    await until(() => clock.delays.includes(100));
    clock.advance(100);
    await until(() => sets.length === 2);
    expect(now().objects).toEqual(['a.yaml:1 hello', 'b.yaml:1 hi']);
  });

  it('follows the swap of a symbolic link, as the kubelet does with a ConfigMap', async () => {
    const version = (name: string, text: string) => {
      mkdirSync(join(folder, name));
      put(`${name}/a.yaml`, greeting('a', text));
      symlinkSync(name, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    version('..1', 'hello');
    symlinkSync('..data/a.yaml', join(folder, 'a.yaml'));
    source.start();
    await source.waitForSync();
    expect(now().objects).toEqual(['a.yaml:1 hello']);
    version('..2', 'good morning');
    await until(() => clock.delays.includes(100));
    clock.advance(100);
    await until(() => sets.length === 2);
    expect(now().objects).toEqual(['a.yaml:1 good morning']);
  });

  it.each<[string, string, string]>([
    ['a wrong field', greeting('a', '42'), 'a.yaml:6 spec.text: expected a text'],
    [
      'a missing field',
      'apiVersion: example.com/v1\nkind: Greeting\nmetadata:\n  name: a\nspec:\n  words: []\n',
      'a.yaml:5 spec.text: expected a text',
    ],
    [
      'a wrong element of a list, in the second document',
      `# greetings\n---\n${greeting('ok', 'hello')}---\n${greeting('a', 'hi')}  words:\n  - one\n  - 2\n`,
      'a.yaml:18 spec.words[1]: expected a word',
    ],
    ['a parser that throws', greeting('a', 'throw'), 'a.yaml:1 thrown by the parser'],
    ['no name', 'apiVersion: example.com/v1\nkind: Greeting\n', 'a.yaml:1 metadata.name is missing'],
    [
      'another kind',
      'apiVersion: v1\nkind: ConfigMap\n',
      'a.yaml:1 ConfigMap (v1) does not belong here; expected Greeting (example.com/v1)',
    ],
    [
      'another version',
      greeting('a', 'x').replace('/v1', '/v2'),
      'a.yaml:1 Greeting (example.com/v2) does not belong here; expected Greeting (example.com/v1)',
    ],
    ['no object', '- a\n', 'a.yaml:1 is not an object; expected apiVersion, kind and metadata'],
    ['nothing', '# later\n', 'a.yaml holds no object'],
    [
      'an object twice',
      `${greeting('a', 'hi')}---\n${greeting('a', 'ho')}`,
      'a.yaml:8 Greeting a is defined at a.yaml:1 already',
    ],
  ])('says file and line of %s, and keeps the file as it was', async (_name, bad, problem) => {
    put('a.yaml', greeting('a', 'hello'));
    put('b.yaml', greeting('b', 'hi'));
    source.start();
    await source.waitForSync();
    put('a.yaml', bad);
    put('b.yaml', greeting('b', 'good evening'));
    await poll();
    expect(now()).toEqual({
      objects: ['a.yaml:1 hello', 'b.yaml:1 good evening'],
      problems: [`${problem} (former kept)`],
    });
    put('a.yaml', greeting('a', 'good again'));
    await poll();
    expect(now()).toEqual({ objects: ['a.yaml:1 good again', 'b.yaml:1 good evening'], problems: [] });
  });

  it('says line and column-free text of broken YAML', async () => {
    put('a.yaml', 'apiVersion: example.com/v1\nkind: [Greeting\n');
    source.start();
    await source.waitForSync();
    expect(now().objects).toEqual([]);
    expect(now().problems).toHaveLength(1);
    expect(now().problems[0]).toMatch(/^a\.yaml:\d+ (?!.*former kept)/);
  });

  it('refuses an object that an earlier file defines, and takes it when that one is gone', async () => {
    put('a.yaml', greeting('same', 'first'));
    put('b.yaml', greeting('same', 'second'));
    source.start();
    await source.waitForSync();
    expect(now()).toEqual({
      objects: ['a.yaml:1 first'],
      problems: ['b.yaml:1 Greeting same is defined at a.yaml:1 already'],
    });
    rmSync(join(folder, 'a.yaml'));
    await poll();
    expect(now()).toEqual({ objects: ['b.yaml:1 second'], problems: [] });
  });

  it('keeps everything while the folder cannot be read, and goes on when it can', async () => {
    put('a.yaml', greeting('a', 'hello'));
    source.start();
    await source.waitForSync();
    rmSync(folder, { recursive: true });
    await poll();
    expect(now().objects).toEqual(['a.yaml:1 hello']);
    expect(now().problems).toEqual([expect.stringMatching(/^<folder> cannot be read: ENOENT/)]);
    expect(source.lastContact).toBe(0);
    mkdirSync(folder);
    put('a.yaml', greeting('a', 'hello'));
    await poll();
    expect(now()).toEqual({ objects: ['a.yaml:1 hello'], problems: [] });
    // The watch was taken up again with it.
    put('a.yaml', greeting('a', 'good morning'));
    await until(() => clock.delays.includes(100));
    clock.advance(100);
    await until(() => now().objects[0] === 'a.yaml:1 good morning');
  });

  it('survives a listener that throws, and tells none after stop()', async () => {
    source.subscribe(() => {
      throw new Error('listener');
    });
    const later: number[] = [];
    source.subscribe((set) => later.push(set.objects.length));
    source.start();
    await source.waitForSync();
    expect(later).toEqual([0]);
    await source.stop();
    expect(clock.delays).toEqual([]);
  });
});

describe('clusterObjectSource()', () => {
  let server: FakeApiServer;
  let client: KubeClient;
  let source: ObjectSource<string>;
  beforeEach(async () => {
    server = new FakeApiServer();
    await server.start();
    client = new KubeClient(server.clusterConfig());
    source = clusterObjectSource({ client, kinds: [labelled], clock: new FakeClock() });
  });
  afterEach(async () => {
    await source.stop();
    client.close();
    await server.stop();
  });

  /** The fake server has ConfigMaps: their label `text` stands for the content. */
  const labelled: ObjectKind<string> = {
    ...FakeApiServer.collection,
    kind: 'ConfigMap',
    parse: ({ metadata }: KubernetesObject) => {
      const text = metadata?.labels?.['text'];
      return text === undefined
        ? { problems: [{ path: ['metadata', 'labels', 'text'], message: 'is missing' }] }
        : { object: text };
    },
  };

  it('gives a whole set for a list, and one for each change', async () => {
    server.put('b', { labels: { text: 'hi' } });
    server.put('a', { labels: { text: 'hello' } });
    const sets: string[][] = [];
    source.subscribe((set) => sets.push(summary(set).objects));
    expect(source.lastContact).toBeUndefined();
    source.start();
    await source.waitForSync();
    expect(source.lastContact).toBe(0);
    await server.waitForWatch();
    server.put('a', { labels: { text: 'good morning' } });
    await until(() => sets.length === 2);
    server.remove('b');
    await until(() => sets.length === 3);
    expect(sets).toEqual([
      ['ConfigMap default/a hello', 'ConfigMap default/b hi'],
      ['ConfigMap default/a good morning', 'ConfigMap default/b hi'],
      ['ConfigMap default/a good morning'],
    ]);
  });

  it('is an empty set for an empty collection', async () => {
    source.start();
    await source.waitForSync();
    expect(source.current).toEqual({ objects: [], problems: [] });
  });

  it('says which object is wrong and keeps its former state, but not that of a deleted one', async () => {
    server.put('a', { labels: { text: 'hello' } });
    server.put('new', {});
    source.start();
    await source.waitForSync();
    await server.waitForWatch();
    server.put('a', {});
    await until(() => source.current?.problems.length === 2);
    expect(summary(source.current)).toEqual({
      objects: ['ConfigMap default/a hello'],
      problems: [
        'ConfigMap default/a metadata.labels.text: is missing (former kept)',
        'ConfigMap default/new metadata.labels.text: is missing',
      ],
    });
    server.remove('a');
    server.put('a', {});
    await until(() => source.current?.objects.length === 0);
    expect(source.current?.problems.map(({ keepsFormer }) => keepsFormer)).toEqual([false, false]);
    server.put('a', { labels: { text: 'good again' } });
    await until(() => source.current?.objects.length === 1);
    expect(source.current?.problems).toHaveLength(1);
  });

  it('is not there before the server is', async () => {
    await server.stop();
    source.start();
    const stop = new AbortController();
    const waiting = source.waitForSync(stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(source.current).toBeUndefined();
    await server.start();
  });
});
