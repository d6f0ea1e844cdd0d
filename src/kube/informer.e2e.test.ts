import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../api/object-meta.ts';
import { ControlPlane } from '../testing/control-plane/index.ts';
import { Informer, isExpired, KubeClient, loadKubeconfig, resourcePath } from './index.ts';

const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' } as const;

let plane: ControlPlane;
/** Writes what the informers under test are to see. */
let writer: KubeClient;
/** The informers' client, with limits short enough to reach them here. */
let client: KubeClient;
const informers: Informer<KubernetesObject>[] = [];

beforeAll(async () => {
  plane = await ControlPlane.start({
    apiServerFlags: [
      // Without it an open watch holds up the end by SIGTERM for a minute.
      '--shutdown-watch-termination-grace-period=1s',
      // Five minutes by default: what is older expires.
      '--etcd-compaction-interval=1s',
    ],
  });
  const config = await loadKubeconfig([plane.kubeconfig]);
  writer = new KubeClient(config);
  client = new KubeClient(config, { requestTimeoutSeconds: 1, watchIdleTimeoutSeconds: 2 });
});
afterEach(() => Promise.all(informers.splice(0).map((informer) => informer.stop())));
afterAll(async () => {
  writer.close();
  client.close();
  await plane.stop();
});

async function create(name: string): Promise<void> {
  await writer.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
}

async function startInformer(): Promise<Informer<KubernetesObject>> {
  const informer = new Informer<KubernetesObject>({ client, collection: configMaps });
  informers.push(informer);
  informer.start();
  await informer.waitForSync();
  return informer;
}

/** Resolved when the informer shows the object, which it may do already. */
async function waitForObject(informer: Informer<KubernetesObject>, name: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const remove = informer.addHandler({ add: ({ metadata }) => void (metadata?.name === name && resolve()) });
  await promise;
  remove();
}

/** The informer sees what is created now, and says that it was in contact since. */
async function expectAlive(informer: Informer<KubernetesObject>, name: string): Promise<void> {
  const before = Date.now();
  await create(name);
  await waitForObject(informer, name);
  expect(informer.lastContact).toBeGreaterThanOrEqual(before);
  expect(informer.lastError).toBeUndefined();
}

describe('Informer against a real API server', () => {
  it('follows changes', async () => {
    const informer = await startInformer();
    await expectAlive(informer, 'followed');
    const deleted = Promise.withResolvers<void>();
    informer.addHandler({ delete: ({ metadata }) => void (metadata?.name === 'followed' && deleted.resolve()) });
    await writer.delete({ ...configMaps, name: 'followed' });
    await deleted.promise;
    expect(informer.lister.get('followed', 'default')).toBeUndefined();
  });

  it('is in contact while nothing happens, since it renews a silent watch', async () => {
    const informer = await startInformer();
    const before = informer.lastContact ?? Infinity;
    while ((informer.lastContact ?? 0) < before + 2_000) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(informer.lastError).toBeUndefined();
    await expectAlive(informer, 'after-silence');
  });

  it('is alive after SIGKILL and restart', async () => {
    const informer = await startInformer();
    await plane.killApiServer();
    await plane.startApiServer();
    await expectAlive(informer, 'after-kill');
  });

  it('is alive after an end by SIGTERM and restart', async () => {
    const informer = await startInformer();
    await plane.stopApiServer();
    await plane.startApiServer();
    await expectAlive(informer, 'after-term');
  });

  it('is alive after an outage in which it could not even connect', async () => {
    const informer = await startInformer();
    await plane.killApiServer();
    while (informer.lastError === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
    const lastContact = informer.lastContact;
    await plane.startApiServer();
    await expectAlive(informer, 'after-outage');
    expect(informer.lastContact).toBeGreaterThan(lastContact ?? Infinity);
  });

  it('notices a frozen server by its silence and is alive after the thaw', async () => {
    const informer = await startInformer();
    plane.freezeApiServer();
    while (informer.lastError === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(informer.lastError.message).toMatch(/no whole answer from .* within 1000 ms/);
    plane.thawApiServer();
    await expectAlive(informer, 'after-freeze');
  });

  it('starts while the server is away, and fills its cache when it comes', async () => {
    await plane.killApiServer();
    const informer = new Informer<KubernetesObject>({ client, collection: configMaps });
    informers.push(informer);
    informer.start();
    while (informer.lastError === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(informer.hasSynced).toBe(false);
    await plane.startApiServer();
    await informer.waitForSync();
    await expectAlive(informer, 'after-start');
  });
});

describe('isExpired() on a real API server', () => {
  it('knows a watch that begins before the server remembers', async () => {
    await create('expiry-watch');
    const { metadata } = await writer.get({ ...configMaps, name: 'expiry-watch' });
    await create('expiry-watch-later');
    // After a restart the server remembers nothing from before.
    await plane.killApiServer();
    await plane.startApiServer();
    await expect(writer.watch(configMaps, { resourceVersion: metadata?.resourceVersion }).next()).rejects.toSatisfy(
      isExpired,
    );
  });

  it('knows a continue token whose version etcd has compacted', async () => {
    await create('expiry-page-1');
    await create('expiry-page-2');
    const path = resourcePath(configMaps);
    const page = JSON.parse(await writer.request({ path, query: { limit: '1' } })) as {
      metadata: { continue: string };
    };
    const error = await (async (): Promise<unknown> => {
      for (let round = 0; ; round++) {
        try {
          // Something must change for there to be something to compact; a tenth of the compaction interval apart.
          await new Promise((resolve) => setTimeout(resolve, 100));
          await create(`expiry-round-${round}`);
          await writer.request({ path, query: { limit: '1', continue: page.metadata.continue } });
        } catch (caught) {
          return caught;
        }
      }
    })();
    expect(error).toSatisfy(isExpired);
  });
});
