import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigMap } from '../api/generated/core.v1.ts';
import type { CustomResourceDefinition } from '../api/generated/apiextensions.v1.ts';
import { ControlPlane } from '../testing/control-plane/index.ts';
import {
  clusterObjectSource,
  constantValue,
  Discovery,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isNotFound,
  KubeClient,
  loadKubeconfig,
  type ClusterConfig,
  type ObjectSet,
  type WatchEvent,
} from './index.ts';

const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' } as const;

let plane: ControlPlane;
let config: ClusterConfig;
let client: KubeClient;
beforeAll(async () => {
  plane = await ControlPlane.start({ users: [{ name: 'alice', groups: ['developers'] }] });
  config = await loadKubeconfig([plane.kubeconfig]);
  client = new KubeClient(config);
});
afterAll(async () => {
  client.close();
  await plane.stop();
});

function configMap(name: string, data: { [key: string]: string }): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

describe('KubeClient against a real API server', () => {
  it('creates, reads, replaces, patches and deletes', async () => {
    const at = { ...configMaps, name: 'life' };
    const created = await client.create<ConfigMap>(configMaps, configMap('life', { a: '1' }));
    await expect(client.create(configMaps, configMap('life', {}))).rejects.toSatisfy(isAlreadyExists);
    expect(await client.get(at)).toEqual(created);

    const replaced = await client.replace<ConfigMap>(at, { ...created, data: { a: '2' } });
    expect(replaced.data).toEqual({ a: '2' });
    await expect(client.replace(at, { ...created, data: { a: '3' } })).rejects.toSatisfy(isConflict);

    const merged = await client.patch<ConfigMap>(at, { type: 'merge', changes: { data: { b: '1', a: null } } });
    expect(merged.data).toEqual({ b: '1' });
    const operations = [{ op: 'replace', path: '/data/b', value: '2' }];
    expect((await client.patch<ConfigMap>(at, { type: 'json', operations })).data).toEqual({ b: '2' });
    const strategic = await client.patch<ConfigMap>(at, { type: 'strategic', changes: { data: { c: '3' } } });
    expect(strategic.data).toEqual({ b: '2', c: '3' });

    await expect(client.delete(at, { preconditions: { uid: 'another' } })).rejects.toSatisfy(isConflict);
    await client.delete(at, { dryRun: true });
    await client.delete(at, { preconditions: { uid: created.metadata?.uid ?? '' } });
    await expect(client.get(at)).rejects.toSatisfy(isNotFound);
  });

  it('applies fields as a manager, who gives up what it no longer names, and keeps off those of others', async () => {
    const at = { ...configMaps, name: 'applied' };
    const ours = { fieldManager: 'sallyport' };
    await client.apply<ConfigMap>(at, configMap('applied', { mine: '1', dropped: '1' }), ours);
    await client.patch(at, { type: 'merge', changes: { data: { theirs: '1' } } }, { fieldManager: 'somebody' });
    const again = await client.apply<ConfigMap>(at, configMap('applied', { mine: '2' }), ours);
    expect(again.data).toEqual({ mine: '2', theirs: '1' });
    const conflict = client.apply(at, configMap('applied', { mine: '2', theirs: '2' }), ours);
    await expect(conflict).rejects.toSatisfy(isConflict);
    await expect(conflict).rejects.toThrow(/conflict with "somebody".*\.data\.theirs/);
    const tried = await client.apply<ConfigMap>(at, configMap('applied', { theirs: '2' }), {
      ...ours,
      force: true,
      dryRun: true,
    });
    expect(tried.data).toEqual({ theirs: '2' });
    expect((await client.get<ConfigMap>(at)).data).toEqual({ mine: '2', theirs: '1' });
  });

  it('refuses what the server does not know when asked to be strict', async () => {
    const odd = { ...configMap('odd', {}), surprise: true };
    await expect(client.create(configMaps, odd, { fieldValidation: 'Strict', dryRun: true })).rejects.toThrow(
      /unknown field "surprise"/,
    );
    await client.create(configMaps, odd, { dryRun: true });
  });

  it('lists all pages and watches from there', async () => {
    const names = Array.from({ length: 5 }, (_, index) => `listed-${index}`);
    for (const name of names) {
      await client.create(configMaps, { ...configMap(name, {}), metadata: { name, labels: { set: 'listed' } } });
    }
    const labelSelector = 'set=listed';
    const { items, resourceVersion } = await client.list<ConfigMap>(configMaps, { labelSelector, pageSize: 2 });
    expect(items.map(({ kind, metadata }) => `${kind} ${metadata?.name}`)).toEqual(
      names.map((name) => `ConfigMap ${name}`),
    );

    // The server sends a bookmark 2 s before the end that was asked for, if there is something to say by it.
    // One that stalls over that moment sends none, so another watch is begun at the same place.
    const watched: WatchEvent<ConfigMap>[] = [];
    await client.delete({ ...configMaps, name: 'listed-0' });
    const options = { labelSelector, resourceVersion, timeoutSeconds: 5 };
    for (let watches = 0; watches < 10 && watched.at(-1)?.type !== 'BOOKMARK'; watches += 1) {
      watched.length = 0;
      for await (const event of client.watch<ConfigMap>(configMaps, options)) {
        watched.push(event);
        if (event.type === 'BOOKMARK') break;
        await client.create(configMaps, configMap(`unselected-${watches}`, {}));
      }
    }
    expect(watched[0]).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'listed-0' } } });
    expect(watched.at(-1)).toMatchObject({ type: 'BOOKMARK' });
  });

  it('is who its token says, or whom it acts as', async () => {
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const reviews = { group: 'authentication.k8s.io', version: 'v1', resource: 'selfsubjectreviews' };
    const alice = new KubeClient({ ...config, token: constantValue(plane.tokenFor('alice')) });
    const impersonation = {
      user: 'bob',
      uid: undefined,
      groups: ['ops', 'devs'],
      extra: { 'example.com/Team': ['a'] },
    };
    const bob = new KubeClient({ ...config, impersonation });
    try {
      expect(await alice.create(reviews, review)).toMatchObject({ status: { userInfo: { username: 'alice' } } });
      expect(await bob.create(reviews, review)).toMatchObject({
        status: {
          userInfo: {
            username: 'bob',
            groups: ['ops', 'devs', 'system:authenticated'],
            extra: { 'example.com/team': ['a'] },
          },
        },
      });
      await expect(alice.list(configMaps)).rejects.toSatisfy(isForbidden);
    } finally {
      alice.close();
      bob.close();
    }
  });

  it('posts to subresources and reads paths that are no resource', async () => {
    const at = { group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'default', name: 'robot' };
    await client.create(
      { group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'default' },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } },
    );
    const token = await client.create<{ status?: { token?: string } }>(
      { ...at, subresource: 'token' },
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
    );
    expect(token.status?.token).toMatch(/^ey/);
    expect(await client.request({ path: '/readyz', query: { verbose: '' } })).toContain('readyz check passed');
  });
});

describe('Discovery', () => {
  it('knows the resource behind a kind, also of a definition added later', async () => {
    const discovery = new Discovery(client);
    expect(await discovery.resourceFor({ group: 'apps', version: 'v1', kind: 'Deployment' })).toMatchObject({
      resource: 'deployments',
      namespaced: true,
    });
    expect(await discovery.resourceFor({ group: '', version: 'v1', kind: 'Namespace' })).toMatchObject({
      resource: 'namespaces',
      namespaced: false,
    });
    expect(await discovery.resourceFor({ group: '', version: 'v1', kind: 'Unicorn' })).toBeUndefined();

    const goose = { group: 'farm.example.com', version: 'v1', kind: 'Goose' };
    expect(await discovery.resourceFor(goose)).toBeUndefined();
    const definition: CustomResourceDefinition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'geese.farm.example.com' },
      spec: {
        group: 'farm.example.com',
        scope: 'Namespaced',
        names: { plural: 'geese', kind: 'Goose' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    await client.create(
      { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' },
      definition,
    );
    await plane.kubectl(['wait', '--for=condition=Established', 'crd/geese.farm.example.com', '--timeout=20s']);
    // Established is said a moment before discovery shows it; the test's own timeout ends this.
    let found = await discovery.resourceFor(goose);
    while (found === undefined) found = await discovery.resourceFor(goose);
    expect(found).toMatchObject({
      resource: 'geese',
      namespaced: true,
      verbs: expect.arrayContaining(['list', 'watch']) as unknown,
    });
  });
});

describe('clusterObjectSource()', () => {
  it('follows custom resources, and keeps what was good while a change cannot be used', async () => {
    const greetings = { group: 'example.com', version: 'v1', resource: 'greetings' };
    const definition: CustomResourceDefinition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'greetings.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { plural: 'greetings', kind: 'Greeting' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    };
    const source = clusterObjectSource<string>({
      client,
      kinds: [
        {
          ...greetings,
          kind: 'Greeting',
          parse: (object) => {
            const text = 'text' in object ? object.text : undefined;
            return typeof text === 'string'
              ? { object: text }
              : { problems: [{ path: ['text'], message: 'is no text' }] };
          },
        },
      ],
    });
    const next = (isIt: (set: ObjectSet<string>) => boolean) =>
      new Promise<ObjectSet<string>>((resolve) => {
        source.subscribe((set) => isIt(set) && resolve(set));
      });
    // It waits for the definition too.
    source.start();
    const definitions = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
    await client.create(definitions, definition);
    await source.waitForSync();
    const at = { ...greetings, name: 'morning' };
    const greeting = (text: unknown) => ({
      apiVersion: 'example.com/v1',
      kind: 'Greeting',
      metadata: { name: 'morning' },
      text,
    });
    await client.create(greetings, greeting('good morning'));
    await next(({ objects }) => objects[0]?.object === 'good morning');
    await client.patch(at, { type: 'merge', changes: { text: 42 } });
    const kept = await next(({ problems }) => problems.length === 1);
    expect(kept).toEqual({
      objects: [{ object: 'good morning', origin: 'Greeting morning' }],
      problems: [{ origin: 'Greeting morning', message: 'text: is no text', keepsFormer: true }],
    });
    await client.delete(at);
    await next(({ objects }) => objects.length === 0);
    await source.stop();
  });
});
