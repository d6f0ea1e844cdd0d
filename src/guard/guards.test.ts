import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Namespace } from '../api/generated/core.v1.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { ApiStatusError, KubeClient, type ObjectSet, type ObjectSource } from '../kube/index.ts';
import { plainClusterConfig } from '../../test/cluster-config.ts';
import { FakeClock } from '../../test/fake-clock.ts';
import { silentLogger, systemClock } from '../telemetry/index.ts';
import { defineGuard, deletionGuardKind, Guards, Hooks, type DeletionGuard, type HookCall } from './index.ts';

const http = { url: 'http://{podIP}:8080' };

function read(namespace: string, name: string, spec: object): ReturnType<typeof deletionGuardKind.parse> {
  const object: KubernetesObject & Record<string, unknown> = {
    apiVersion: 'guard.sallyport.dev/v1alpha1',
    kind: 'DeletionGuard',
    metadata: { namespace, name },
    spec,
  };
  return deletionGuardKind.parse(object);
}

function guard(namespace: string, name: string, app: string, policy: object = {}): DeletionGuard {
  const parsed = read(namespace, name, { selector: { matchLabels: { app } }, hook: { http }, ...policy });
  if (!('object' in parsed)) throw new Error(JSON.stringify(parsed.problems));
  return parsed.object;
}

/** A source whose set the test gives. */
class GivenSource implements ObjectSource<DeletionGuard> {
  current: ObjectSet<DeletionGuard> | undefined = { objects: [], problems: [] };
  readonly lastContact = undefined;
  #listener: ((set: ObjectSet<DeletionGuard>) => void) | undefined;
  start(): void {}
  async stop(): Promise<void> {}
  async waitForSync(): Promise<void> {}
  subscribe(listener: (set: ObjectSet<DeletionGuard>) => void): () => void {
    this.#listener = listener;
    return () => (this.#listener = undefined);
  }
  give(...guards: DeletionGuard[]): void {
    const objects = guards.map((object) => ({ object, origin: `DeletionGuard ${object.namespace}/${object.name}` }));
    this.#listener?.({ objects, problems: [] });
  }
}

const functions = { match: () => true, start: () => undefined, status: () => 'Done' as const, undo: () => undefined };

const unreachable = new KubeClient(plainClusterConfig('https://127.0.0.1:1'));

function guardsOf(source: GivenSource, definitions: readonly ReturnType<typeof defineGuard>[] = []): Guards {
  return new Guards({
    source,
    definitions,
    hooks: new Hooks({ client: unreachable, clock: systemClock }),
    client: unreachable,
    clock: systemClock,
    log: silentLogger,
  });
}

const pod = (namespace: string, app: string) => ({ metadata: { namespace, name: 'p', labels: { app } } });

describe('Guards.guardOf()', () => {
  it('finds DeletionGuards of the namespace first, then those in files; of several the first by name', () => {
    const source = new GivenSource();
    const guards = guardsOf(source, [
      defineGuard({ ...functions, name: 'queue', match: ({ metadata }) => metadata?.labels?.['app'] === 'queue' }),
      defineGuard({ ...functions, name: 'any' }),
    ]);
    const nameFor = (namespace: string, app: string): string | undefined => guards.guardOf(pod(namespace, app))?.name;
    expect(nameFor('shop', 'db')).toBe('any');
    source.give(guard('shop', 'z', 'db'), guard('shop', 'b', 'db'), guard('other', 'a', 'db'));
    expect([nameFor('shop', 'db'), nameFor('other', 'db'), nameFor('third', 'db'), nameFor('shop', 'queue')]).toEqual([
      'shop/b',
      'other/a',
      'any',
      'any',
    ]);
    source.give();
    expect(nameFor('shop', 'db')).toBe('any');
  });

  it('faults while nobody can tell', () => {
    const source = new GivenSource();
    source.current = undefined;
    expect(() => guardsOf(source).guardOf(pod('shop', 'db'))).toThrow('have not been read yet');
  });

  describe('of a DeletionGuard that is gone', () => {
    const hold = guard('shop', 'db', 'db', { onNamespaceDelete: 'Hold' });
    const setUp = (...given: DeletionGuard[]) => {
      const source = new GivenSource();
      const clock = new FakeClock();
      const namespace: { answer: () => Namespace } = { answer: () => ({ metadata: { name: 'shop' } }) };
      const guards = new Guards({
        source,
        definitions: [],
        hooks: new Hooks({ client: unreachable, clock }),
        // A Namespace is all that is asked for.
        client: { get: () => Promise.resolve().then(namespace.answer as never) },
        clock,
        log: silentLogger,
      });
      source.give(...given);
      const find = async () => {
        await setImmediate();
        return guards.guardOf(pod('shop', 'db'))?.name;
      };
      return { source, clock, namespace, guards, find };
    };
    const leaving = (): Namespace => ({ metadata: { name: 'shop', deletionTimestamp: '2026-01-01T00:00:00Z' } });
    const refuse = (code: number) => (): never => {
      throw new ApiStatusError('GET', code, { kind: 'Status', apiVersion: 'v1' });
    };

    it('finds none when its Namespace stays', async () => {
      const { source, find } = setUp(hold);
      source.give();
      expect(await find()).toBeUndefined();
    });

    it('finds it while its Namespace is being deleted, or cannot be read, and no longer', async () => {
      const { source, clock, namespace, find } = setUp(hold);
      namespace.answer = leaving;
      source.give();
      expect(await find()).toBe('shop/db');
      namespace.answer = refuse(500);
      clock.advance(2000);
      expect(await find()).toBe('shop/db');
      namespace.answer = leaving;
      clock.advance(2000);
      expect(await find()).toBe('shop/db');
      namespace.answer = refuse(404);
      clock.advance(2000);
      expect(await find()).toBeUndefined();
      expect(clock.delays).toEqual([]);
    });

    it('finds none with onNamespaceDelete: Allow', async () => {
      const { source, namespace, find } = setUp(guard('shop', 'db', 'db'));
      namespace.answer = leaving;
      source.give();
      expect(await find()).toBeUndefined();
    });

    it('looks at its Namespace no more when closed', async () => {
      const { source, clock, namespace, guards, find } = setUp(hold);
      namespace.answer = leaving;
      source.give();
      await find();
      guards.close();
      expect(clock.delays).toEqual([]);
    });
  });

  it('finds none where none matches', () => {
    const source = new GivenSource();
    const guards = guardsOf(source);
    source.give(guard('shop', 'db', 'db'));
    expect(guards.guardOf(pod('shop', 'web'))).toBeUndefined();
  });
});

describe('DeletionGuard', () => {
  const selector = { matchLabels: { app: 'db' } };
  it.each([
    ['hook.http.url', { selector, hook: { http: { url: 'db' } } }, 'expected an http or https URL'],
    ['hook', { selector, hook: { tcp: {} } }, 'tcp'],
    ['deadlineSeconds', { selector, hook: { http }, deadlineSeconds: 0 }, '>=1'],
    ['', { selector, hook: { http }, deadline: 5 }, 'deadline'],
    ['selector', { selector: {}, hook: { http } }, 'every Pod of the namespace'],
  ])('with a wrong %s is refused with its field', (_field, spec, message) => {
    const parsed = read('shop', 'db', spec);
    expect('problems' in parsed ? JSON.stringify(parsed.problems) : 'accepted').toContain(message);
  });
});

describe('defineGuard()', () => {
  it('takes a bare phase for a report, and functions that return at once', async () => {
    const { hook } = defineGuard({ ...functions, name: 'db' });
    // The functions under test look at nothing of it.
    const call = {} as HookCall;
    expect(await hook.status(call)).toEqual({ phase: 'Done' });
    await hook.start(call);
    await hook.undo(call);
  });

  it.each([
    ['a name', { ...functions, name: 'Not A Name' }, 'name: expected a DNS label'],
    ['a function', { ...functions, name: 'db', undo: undefined }, 'undo: expected a function'],
    ['a policy', { ...functions, name: 'db', deadlineSeconds: -1 }, 'deadlineSeconds'],
    ['a field', { ...functions, name: 'db', dedline: 1 }, 'dedline'],
  ])('refuses %s that is wrong, at once or when it comes into force', (_what, options, message) => {
    // As plain JavaScript may call it.
    const define = () => guardsOf(new GivenSource(), [defineGuard(options as Parameters<typeof defineGuard>[0])]);
    expect(define).toThrow(message);
  });

  it('comes into force under one name only', () => {
    const twice = [defineGuard({ ...functions, name: 'db' }), defineGuard({ ...functions, name: 'db' })];
    expect(() => guardsOf(new GivenSource(), twice)).toThrow('"db" is taken by another guard');
  });
});
