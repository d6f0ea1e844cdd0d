import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { secretStoreContract } from '../../test/certs/secret-store-contract.ts';
import { until } from '../../test/e2e/until.ts';
import type { ValidatingWebhookConfiguration } from '../api/webhook-configuration.ts';
import { isNotFound, KubeClient, loadKubeconfig } from '../kube/index.ts';
import { silentLogger, systemClock } from '../telemetry/index.ts';
import { ControlPlane } from '../testing/control-plane/index.ts';
import {
  caBundleIncludes,
  ForeignSecretError,
  kubeSecretStore,
  readAuthorityStatus,
  rotateAuthority,
  SecretAuthority,
  verifyAgainstPublished,
  type BundlePublication,
  type PublishedBundle,
  type SecretStore,
} from './index.ts';

const namespace = 'sallyport-system';
const serverName = 'gate.sallyport-system.svc';
const configurations = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource: 'validatingwebhookconfigurations',
} as const;
const secrets = { group: '', version: 'v1', resource: 'secrets', namespace } as const;

let plane: ControlPlane;
let admin: KubeClient;
/** What a replica may do: its own Secret, nothing else. */
let replica: KubeClient;
const sources: SecretAuthority[] = [];
let secretNumber = 0;

beforeAll(async () => {
  plane = await ControlPlane.start({ users: [{ name: 'replica' }] });
  admin = new KubeClient(await loadKubeconfig([plane.kubeconfig]));
  replica = new KubeClient(await loadKubeconfig([plane.kubeconfigFor('replica')]), { requestTimeoutSeconds: 10 });
  const { code, stderr } = await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(setUp) });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  // The API server hears of rights by a watch of its own.
  await until(() => replica.get({ ...secrets, name: 'authority-0' }).then(() => false, isNotFound));
});
afterEach(() => Promise.all(sources.splice(0).map((source) => source.stop())));
afterAll(async () => {
  admin.close();
  replica.close();
  await plane.stop();
});

/** RBAC as the documentation of kubeSecretStore() says it. */
const setUp = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'replica', namespace },
      rules: [
        { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
        {
          apiGroups: [''],
          resources: ['secrets'],
          resourceNames: Array.from({ length: 30 }, (_, index) => `authority-${index}`),
          verbs: ['get', 'watch', 'update'],
        },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'replica', namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'replica' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'replica' }],
    },
  ],
};

/** A Secret that does not exist yet. */
function newStore(): SecretStore {
  return kubeSecretStore({ client: replica, namespace, name: `authority-${secretNumber++}`, clock: systemClock });
}

/** Real webhook configurations, written by compare-and-swap as a registrar does. */
class ConfigurationPublication implements BundlePublication {
  readonly #names: readonly string[];
  readonly #listeners = new Set<() => void>();

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  async publishedBundles(): Promise<readonly PublishedBundle[]> {
    const read = await Promise.all(this.#names.map((name) => this.#get(name)));
    return read.flatMap((configuration) =>
      (configuration?.webhooks ?? []).map(({ name, clientConfig }) => ({
        holder: name,
        caBundlePem: Buffer.from(clientConfig.caBundle ?? '', 'base64').toString(),
        serverName,
      })),
    );
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async publish(source: SecretAuthority): Promise<void> {
    for (const name of this.#names) {
      const current = await this.#get(name);
      const caBundle = Buffer.from((await source.confirmCaBundle()) ?? '').toString('base64');
      const configuration = {
        ...current,
        metadata: { ...current?.metadata, name },
        webhooks: [
          {
            name: `${name}.example.com`,
            clientConfig: { service: { namespace, name: 'gate', path: '/' }, caBundle },
            rules: [
              { apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['nothing'], operations: ['CREATE'] },
            ],
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
          },
        ],
      };
      if (current === undefined) await admin.create(configurations, configuration);
      else await admin.replace({ ...configurations, name }, configuration);
    }
    for (const listener of [...this.#listeners]) listener();
  }

  async #get(name: string): Promise<ValidatingWebhookConfiguration | undefined> {
    try {
      return await admin.get<ValidatingWebhookConfiguration>({ ...configurations, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

const nothingRegistered: BundlePublication = {
  publishedBundles: async () => [],
  subscribe: () => () => undefined,
};

function authority(store: SecretStore, publication: BundlePublication = nothingRegistered): SecretAuthority {
  const source = new SecretAuthority({
    store,
    publication,
    hosts: [serverName],
    logger: silentLogger,
    leafLifetimeMilliseconds: 12_000,
    overlapMilliseconds: 12_000,
    propagationMilliseconds: 1000,
    checkIntervalMilliseconds: 250,
  });
  sources.push(source);
  return source;
}

describe('kubeSecretStore()', () => {
  it.each(secretStoreContract)('$name', async ({ run }) => {
    const store = newStore();
    await run(store, kubeSecretStore({ client: admin, namespace, name: store.name, clock: systemClock }));
  });

  it('watch() tells of deletion', async () => {
    const store = newStore();
    await store.create({ metadata: { name: store.name } });
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const end = store.watch(() => void store.get().then((secret) => secret === undefined && resolve()));
    await admin.delete({ ...secrets, name: store.name });
    await gone;
    end();
  });

  it('rejects what is no race: a name the replica may not write', async () => {
    const store = kubeSecretStore({ client: replica, namespace, name: 'not-ours', clock: systemClock });
    await expect(store.get()).rejects.toThrow(/cannot get resource "secrets"/);
  });
});

describe('SecretAuthority on a real API server', () => {
  it('agrees on one authority when four replicas start at once', async () => {
    const store = newStore();
    const replicas = [authority(store), authority(store), authority(store), authority(store)];
    await Promise.all(replicas.map((one) => one.start()));
    expect(new Set(replicas.map((one) => one.caBundle())).size).toBe(1);
    expect((await readAuthorityStatus(store))?.phase).toBe('steady');
  });

  it('leaves the Secret of a user alone', async () => {
    const store = newStore();
    await admin.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: store.name },
      ...{ data: { password: 'eA==' } },
    });
    const before = await store.get();
    await expect(authority(store).start()).rejects.toThrow(ForeignSecretError);
    expect(await store.get()).toEqual(before);
  });

  it('rotates the CA under the eyes of real configurations: every leaf verifies at every look', async () => {
    const store = newStore();
    const publication = new ConfigurationPublication(['rotating-1', 'rotating-2']);
    const replicas = [authority(store, publication), authority(store, publication)];
    await Promise.all(replicas.map((one) => one.start()));
    const [first] = replicas as [SecretAuthority, SecretAuthority];
    await publication.publish(first);
    const oldBundle = first.caBundle() ?? '';

    const { promise: rotated, resolve, reject } = Promise.withResolvers<void>();
    let publishing = Promise.resolve();
    const follow = (): void => {
      publishing = publishing.then(() => publication.publish(first));
      publishing.catch(reject);
    };
    const endFollowing = first.subscribe(follow);
    const phases = ['steady'];
    const looking = (async () => {
      for (let isDone = false; !isDone;) {
        const published = await publication.publishedBundles();
        for (const one of replicas) {
          const certificate = one.get();
          const verdict = certificate && verifyAgainstPublished(certificate, published, Date.now());
          if (verdict?.kind !== 'verified') throw new Error(verdict?.reason ?? 'no certificate');
        }
        const status = await readAuthorityStatus(store);
        if (status !== undefined && status.phase !== phases.at(-1)) phases.push(status.phase);
        isDone = phases.includes('retiring') && phases.at(-1) === 'steady';
      }
    })();
    looking.then(resolve, reject);
    expect(await rotateAuthority({ store, clock: systemClock, authorityLifetimeMilliseconds: 3_600_000 })).toBe(
      'started',
    );
    await rotated;
    expect(phases).toEqual(['steady', 'publishing', 'retiring', 'steady']);
    endFollowing();
    await publishing;
    await publication.publish(first);
    const published = await publication.publishedBundles();
    expect(published.map(({ caBundlePem }) => caBundleIncludes(caBundlePem, oldBundle))).toEqual([false, false]);
  });

  it('keeps its leaf through an API server that is killed, and notices by itself what happened meanwhile', async () => {
    const store = newStore();
    const source = authority(store);
    await source.start();
    const served = source.get()?.fingerprint;
    const bundle = source.caBundle();
    await plane.killApiServer();
    await expect(source.confirmCaBundle()).rejects.toThrow();
    expect(source.healthy().kind).toBe('degraded');
    expect(source.get()?.fingerprint).toBe(served);
    await plane.startApiServer();
    const { promise: changed, resolve } = Promise.withResolvers<void>();
    source.subscribe(() => source.caBundle() !== bundle && resolve());
    await admin.delete({ ...secrets, name: store.name });
    await changed;
    await expect.poll(() => source.healthy().kind, { timeout: 20_000 }).not.toBe('unhealthy');
  });
});
