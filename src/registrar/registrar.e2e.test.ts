import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { defineMutator, defineValidator, WebhookRegistry } from '../admission/index.ts';
import type { ValidatingWebhookConfiguration } from '../api/webhook-configuration.ts';
import { KubeClient, loadKubeconfig } from '../kube/index.ts';
import { silentLogger, systemClock } from '../telemetry/index.ts';
import { ControlPlane } from '../testing/control-plane/index.ts';
import { InvalidRegistrationError, Registrar, unregister, type RegistrarOptions } from './index.ts';

const handler = (): void => undefined;
const mutate = (name: string) =>
  defineMutator({ name: `${name}.example.com`, resource: 'pods', operations: ['CREATE'], handler });
const validate = (name: string) =>
  defineValidator({ name: `${name}.example.com`, resource: 'pods', operations: ['CREATE'], handler });

let plane: ControlPlane;
let client: KubeClient;
const started: Registrar[] = [];

beforeAll(async () => {
  plane = await ControlPlane.start();
  client = new KubeClient(await loadKubeconfig([plane.kubeconfig]));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((registrar) => registrar.stop()));
  await unregister(client, 'gate');
});
afterAll(async () => {
  client.close();
  await plane.stop();
});

function registrar(change: Partial<RegistrarOptions> = {}): Registrar {
  const made = new Registrar({
    client,
    registry: new WebhookRegistry([mutate('m'), validate('v1'), validate('v2')]),
    name: 'gate',
    address: { url: 'https://127.0.0.1:1' },
    ownNamespace: undefined,
    excludedNamespaces: ['kube-system'],
    force: false,
    caBundle: () => Promise.resolve('PEM'),
    log: silentLogger,
    clock: systemClock,
    ...change,
  });
  started.push(made);
  return made;
}

const validating = 'validatingwebhookconfigurations';
const mutating = 'mutatingwebhookconfigurations';

async function read(resource: string): Promise<ValidatingWebhookConfiguration | undefined> {
  const { code, stdout } = await plane.kubectl(['get', resource, 'gate', '-o', 'json']);
  return code === 0 ? (JSON.parse(stdout) as ValidatingWebhookConfiguration) : undefined;
}

async function kubectl(...args: string[]): Promise<void> {
  const { code, stderr } = await plane.kubectl(args);
  expect(stderr, args.join(' ')).toBe('');
  expect(code).toBe(0);
}

/** Drift must be mended within two seconds; asks until then. */
async function within2Seconds(check: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 2000;
  while (!(await check())) {
    if (performance.now() > end) throw new Error('not mended within 2 s');
    await sleep(50);
  }
}

const names = async (resource = validating): Promise<string[]> =>
  (await read(resource))?.webhooks?.map(({ name }) => name) ?? [];

describe('Registrar', () => {
  it('writes both configurations, and mends what is deleted or edited', async () => {
    const ours = registrar();
    await ours.start();
    expect(await names()).toEqual(['v1.example.com', 'v2.example.com']);
    expect(await names(mutating)).toEqual(['m.example.com']);

    await kubectl('delete', validating, 'gate');
    await within2Seconds(async () => (await names()).length === 2);

    await kubectl(
      'patch',
      validating,
      'gate',
      '--type=json',
      '-p',
      JSON.stringify([
        { op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' },
        { op: 'remove', path: '/webhooks/1' },
      ]),
    );
    await within2Seconds(async () => {
      const configuration = await read(validating);
      return configuration?.webhooks?.length === 2 && configuration.webhooks[0]?.failurePolicy === 'Fail';
    });

    await kubectl(
      'patch',
      validating,
      'gate',
      '--type=json',
      '-p',
      JSON.stringify([{ op: 'add', path: '/webhooks/0/objectSelector/matchLabels', value: { never: 'there' } }]),
    );
    await within2Seconds(
      async () => (await read(validating))?.webhooks?.[0]?.objectSelector?.matchLabels === undefined,
    );
    expect(ours.state()).toMatchObject({ registered: true, problem: undefined });
    expect(ours.state().repairs).toBeGreaterThanOrEqual(2);
  });

  it('leaves fields and entries of others alone', async () => {
    const ours = registrar();
    await ours.start();
    await kubectl('label', validating, 'gate', 'theirs=kept');
    const foreign = {
      name: 'theirs.example.org',
      clientConfig: { url: 'https://127.0.0.1:2/x' },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    };
    await kubectl(
      'patch',
      validating,
      'gate',
      '--type=json',
      '-p',
      JSON.stringify([{ op: 'add', path: '/webhooks/-', value: foreign }]),
    );
    await kubectl(
      'patch',
      validating,
      'gate',
      '--type=json',
      '-p',
      JSON.stringify([{ op: 'replace', path: '/webhooks/0/timeoutSeconds', value: 30 }]),
    );
    await within2Seconds(async () => (await read(validating))?.webhooks?.[0]?.timeoutSeconds === 5);
    const configuration = await read(validating);
    expect(configuration?.metadata?.labels).toMatchObject({ theirs: 'kept' });
    expect(await names()).toContain('theirs.example.org');
    await kubectl(
      'patch',
      validating,
      'gate',
      '--type=json',
      '-p',
      JSON.stringify([{ op: 'remove', path: '/webhooks/2' }]),
    );
  });

  it('removes what is no longer registered, also what an earlier process left', async () => {
    const earlier = registrar();
    await earlier.start();
    await earlier.stop();
    await registrar({ registry: new WebhookRegistry([validate('v2')]) }).start();
    expect(await names()).toEqual(['v2.example.com']);
    expect(await read(mutating)).toBeUndefined();
  });

  it('follows the registry and the CA bundle', async () => {
    let bundle = 'OLD';
    const ours = registrar({ caBundle: () => Promise.resolve(bundle) });
    await ours.start();
    bundle = 'NEW';
    ours.setRegistry(new WebhookRegistry([validate('v3')]));
    await within2Seconds(async () => (await names()).join() === 'v3.example.com');
    expect((await read(validating))?.webhooks?.[0]?.clientConfig.caBundle).toBe(Buffer.from('NEW').toString('base64'));
    expect(await ours.publishedBundles()).toEqual([
      { holder: 'ValidatingWebhookConfiguration/gate, v3.example.com', caBundlePem: 'NEW', serverName: '127.0.0.1' },
    ]);
  });

  it('lets the replica that started last decide, and goes on once they agree', async () => {
    const old = registrar({ clock: { ...systemClock, now: () => Date.parse('2026-01-01T00:00:00Z') } });
    await old.start();
    const young = registrar({ registry: new WebhookRegistry([validate('v9')]) });
    await young.start();
    await within2Seconds(async () => (await names()).join() === 'v9.example.com');
    // The old one looks at the change and leaves it.
    old.refresh();
    await old.publishedBundles();
    expect(await names()).toEqual(['v9.example.com']);
    await young.stop();
    // Nobody serves v9 any more.
    await within2Seconds(async () => (await names()).join() === 'v1.example.com,v2.example.com');
    old.setRegistry(new WebhookRegistry([validate('v9')]));
    await kubectl('delete', validating, 'gate');
    await within2Seconds(async () => (await names()).join() === 'v9.example.com');
  });

  it('is owned by the Namespace of its Service', async () => {
    await kubectl('create', 'namespace', 'gate-system');
    await registrar({
      address: { service: { namespace: 'gate-system', name: 'gate' } },
      ownNamespace: 'gate-system',
      excludedNamespaces: ['kube-system', 'gate-system'],
    }).start();
    expect((await read(validating))?.metadata?.ownerReferences).toMatchObject([
      { kind: 'Namespace', name: 'gate-system' },
    ]);
  });

  it('refuses to take over a configuration that is not ours', async () => {
    await plane.kubectl(['create', '-f', '-'], {
      input: JSON.stringify({
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'gate' },
      }),
    });
    const ours = registrar({ registry: new WebhookRegistry([validate('v1')]) });
    await expect(ours.start()).rejects.toThrow(InvalidRegistrationError);
    expect(await unregister(client, 'gate')).toEqual([]);
    await kubectl('delete', validating, 'gate');
  });

  it('unregisters without leaving anything behind, and twice', async () => {
    const ours = registrar();
    await ours.start();
    await ours.stop();
    expect(await unregister(client, 'gate')).toEqual([
      'MutatingWebhookConfiguration/gate',
      'ValidatingWebhookConfiguration/gate',
    ]);
    expect(await read(validating)).toBeUndefined();
    expect(await read(mutating)).toBeUndefined();
    expect(await unregister(client, 'gate')).toEqual([]);
  });

  it('goes on trying while the API server is away', async () => {
    await plane.killApiServer();
    const ours = registrar();
    const registered = ours.start();
    await plane.startApiServer();
    await registered;
    expect(await names()).toHaveLength(2);
  });
});
