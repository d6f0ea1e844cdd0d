import { deepEqual, equal, notEqual } from 'node:assert/strict';
import type { Secret } from '../../src/api/generated/core.v1.ts';
import type { SecretStore } from '../../src/certs/index.ts';

/** One promise of {@link SecretStore}. `store` is new and its Secret does not exist; `other` is the same Secret for somebody else. */
export interface SecretStoreCase {
  readonly name: string;
  readonly run: (store: SecretStore, other: SecretStore) => Promise<void>;
}

/** What every {@link SecretStore} must do, for the one in memory as for the one on an API server. */
export const secretStoreContract: readonly SecretStoreCase[] = [
  {
    name: 'get() knows of no Secret before it is created',
    run: async (store) => equal(await store.get(), undefined),
  },
  {
    name: 'create() stores, and get() gives what is stored, with a resourceVersion',
    run: async (store, other) => {
      const stored = await written(store.create(secretOf(store, 'a')));
      deepEqual(await other.get(), stored);
      equal(stored.data?.['field'], base64('a'));
      equal(stored.metadata?.labels?.['example.com/kept'], 'yes');
      notEqual(stored.metadata?.resourceVersion ?? '', '');
    },
  },
  {
    name: 'create() loses against a Secret that is there, and leaves it',
    run: async (store, other) => {
      const first = await written(store.create(secretOf(store, 'a')));
      deepEqual(await other.create(secretOf(store, 'b')), { kind: 'lost-race' });
      deepEqual(await store.get(), first);
    },
  },
  {
    name: 'create() by many at once succeeds for one',
    run: async (store, other) => {
      const outcomes = await Promise.all(
        ['a', 'b', 'c', 'd'].map((value, index) => (index % 2 === 0 ? store : other).create(secretOf(store, value))),
      );
      equal(outcomes.filter(({ kind }) => kind === 'stored').length, 1);
    },
  },
  {
    name: 'replace() stores over the state it was made from, and takes fields away',
    run: async (store, other) => {
      const first = await written(store.create(secretOf(store, 'a')));
      const second = await written(other.replace({ ...first, data: { another: base64('b') } }));
      notEqual(second.metadata?.resourceVersion, first.metadata?.resourceVersion);
      deepEqual((await store.get())?.data, { another: base64('b') });
    },
  },
  {
    name: 'replace() loses against a newer state, and leaves it',
    run: async (store, other) => {
      const first = await written(store.create(secretOf(store, 'a')));
      const second = await written(other.replace({ ...first, data: { field: base64('b') } }));
      deepEqual(await store.replace({ ...first, data: { field: base64('c') } }), { kind: 'lost-race' });
      deepEqual(await store.get(), second);
    },
  },
  {
    name: 'replace() by many at once succeeds for one',
    run: async (store, other) => {
      const first = await written(store.create(secretOf(store, 'a')));
      const outcomes = await Promise.all(
        ['b', 'c', 'd', 'e'].map((value, index) =>
          (index % 2 === 0 ? store : other).replace({ ...first, data: { field: base64(value) } }),
        ),
      );
      equal(outcomes.filter(({ kind }) => kind === 'stored').length, 1);
    },
  },
  {
    name: 'watch() tells of creation and of change',
    run: async (store, other) => {
      const created = seenByWatch(store, (secret) => secret !== undefined);
      const first = await written(other.create(secretOf(store, 'a')));
      await created;
      const changed = seenByWatch(store, (secret) => secret?.data?.['field'] === base64('b'));
      await written(other.replace({ ...first, data: { field: base64('b') } }));
      await changed;
    },
  },
];

/** Resolves when a call of the watch leads to a look that finds what is wanted. */
async function seenByWatch(store: SecretStore, isWanted: (secret: Secret | undefined) => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = store.watch(() => {
    store.get().then((secret) => {
      if (isWanted(secret)) resolve();
    }, reject);
  });
  await promise.finally(end);
}

async function written(outcome: ReturnType<SecretStore['create']>): Promise<Secret> {
  const stored = await outcome;
  if (stored.kind !== 'stored') throw new Error('lost a race that nobody else ran');
  return stored.secret;
}

function secretOf(store: SecretStore, value: string): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name: store.name, namespace: store.namespace, labels: { 'example.com/kept': 'yes' } },
    data: { field: base64(value) },
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
