import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defineMutator, defineValidator, WebhookRegistry } from '../admission/index.ts';
import type { ValidatingWebhookConfiguration } from '../api/webhook-configuration.ts';
import { ApiStatusError, KubeClient, loadKubeconfig } from '../kube/index.ts';
import { silentLogger, systemClock } from '../telemetry/index.ts';
import { ControlPlane } from '../testing/control-plane/index.ts';
import {
  ForeignConfigurationError,
  Registrar,
  RegistrationTimeoutError,
  rescue,
  undoRescue,
  unregister,
  type RegistrarOptions,
} from './index.ts';

const handler = (): void => undefined;
const mutate = (name: string) =>
  defineMutator({ name: `${name}.example.com`, resource: 'pods', operations: ['CREATE'], handler });
const validate = (name: string) =>
  defineValidator({ name: `${name}.example.com`, resource: 'pods', operations: ['CREATE'], handler });

let plane: ControlPlane;
let client: KubeClient;
const started: Registrar[] = [];

beforeAll(async () => {
  plane = await ControlPlane.start({ users: [{ name: 'nobody' }] });
  client = new KubeClient(await loadKubeconfig([plane.kubeconfig]));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((registrar) => registrar.stop()));
  // Nobody is left who would bring them back.
  await kubectl('delete', validating, 'gate', '--ignore-not-found');
  await kubectl('delete', mutating, 'gate', '--ignore-not-found');
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

const challenge = 'sallyport.dev/is-its-registrar-there';
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

/** Drift must be mended within two seconds. The last look begins after them: a stall alone does not fail it. */
async function within2Seconds(check: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 2000;
  for (;;) {
    const isLast = performance.now() > end;
    if (await check()) return;
    if (isLast) throw new Error('not mended within 2 s');
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
    await old.registerOnce(AbortSignal.timeout(20_000));
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

  const foreign = JSON.stringify({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'gate' },
  });

  it('leaves a configuration that is not ours alone, says so, and registers once it is gone', async () => {
    await plane.kubectl(['create', '-f', '-'], { input: foreign });
    const ours = registrar({ registry: new WebhookRegistry([validate('v1')]) });
    const registered = ours.start();
    await within2Seconds(async () => ours.state().problem?.includes('is not managed by sallyport') ?? false);
    expect(ours.state().registered).toBe(false);
    expect(await unregister({ client, name: 'gate', clock: systemClock })).toEqual([]);
    await kubectl('delete', validating, 'gate');
    await registered;
    expect(ours.state()).toMatchObject({ registered: true, problem: undefined });
  });

  it.each([
    ['a foreign configuration', ForeignConfigurationError, /delete it, or choose another/, {}],
    [
      'missing rights',
      ApiStatusError,
      /cannot get resource/,
      { client: () => loadKubeconfig([plane.kubeconfigFor('nobody')]) },
    ],
    [
      'an API server that does not answer',
      RegistrationTimeoutError,
      /not registered in the time given for it: .*ECONNREFUSED/,
      {
        client: async () => ({ ...(await loadKubeconfig([plane.kubeconfig])), server: new URL('https://127.0.0.1:1') }),
      },
    ],
  ] as const)('registerOnce() tells of %s and ends', async (name, error, message, change) => {
    if (name === 'a foreign configuration') await plane.kubectl(['create', '-f', '-'], { input: foreign });
    const other = 'client' in change ? new KubeClient(await change.client()) : client;
    const once = registrar({ registry: new WebhookRegistry([validate('v1')]), client: other }).registerOnce(
      AbortSignal.timeout(2500),
    );
    await expect(once).rejects.toThrow(error);
    await expect(once).rejects.toThrow(message);
    if (name === 'a foreign configuration') await kubectl('delete', validating, 'gate');
    if (other !== client) other.close();
  });

  it('takes match conditions of others out of our entries, and leaves ours', async () => {
    const ours = registrar({
      registry: new WebhookRegistry([
        validate('v1'),
        defineValidator({
          name: 'v2.example.com',
          resource: 'pods',
          operations: ['CREATE'],
          matchConditions: [{ name: 'ours', expression: 'true' }],
          handler,
        }),
      ]),
    });
    await ours.start();
    const never = { name: 'theirs', expression: 'false' };
    const theirs = { 'v1.example.com': [never], 'v2.example.com': [never, { name: 'more', expression: 'false' }] };
    const applied = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'gate' },
      webhooks: Object.entries(theirs).map(([name, matchConditions]) => ({ name, matchConditions })),
    };
    const command = ['apply', '--server-side', '--field-manager=theirs', '--validate=false', '-f', '-'];
    const { code, stderr } = await plane.kubectl(command, { input: JSON.stringify(applied) });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const conditions = async (): Promise<unknown> =>
      (await read(validating))?.webhooks?.map(({ matchConditions = [] }) => matchConditions.map(({ name }) => name));
    await within2Seconds(async () => JSON.stringify(await conditions()) === '[[],["ours"]]');
  });

  describe('of replicas with different webhooks', () => {
    const annotations = async (): Promise<Readonly<Record<string, string>>> =>
      (await read(validating))?.metadata?.annotations ?? {};
    let ahead = 0;
    const oldClock = {
      ...systemClock,
      now: () => Date.parse('2026-01-01T00:00:00Z'),
      monotonic: () => performance.now() + ahead,
    };
    beforeEach(() => {
      ahead = 0;
    });

    it('lets a newer one decide for as long as it answers when it is asked', async () => {
      const old = registrar({ clock: oldClock });
      await old.start();
      const young = registrar({ registry: new WebhookRegistry([mutate('m'), validate('v9')]) });
      await young.start();
      for (const _ of [1, 2, 3]) {
        await old.registerOnce(AbortSignal.timeout(5000));
        const before = (await read(validating))?.metadata?.resourceVersion;
        ahead += 61_000;
        // It asks here, and the younger one answers.
        await old.registerOnce(AbortSignal.timeout(5000));
        await within2Seconds(async () => {
          const { resourceVersion, annotations: now = {} } = (await read(validating))?.metadata ?? {};
          return resourceVersion !== before && now[challenge] === undefined;
        });
      }
      await old.registerOnce(AbortSignal.timeout(5000));
      expect(await names()).toEqual(['v9.example.com']);
    });

    it('decides again when a newer one does not answer: killed, its rollout undone', async () => {
      const young = registrar({ registry: new WebhookRegistry([validate('v9')]) });
      await young.start();
      await young.stop();
      // A replica that is killed cannot take its start off, as one that stops does.
      await kubectl('annotate', validating, 'gate', `sallyport.dev/registered-by-start=${new Date().toISOString()}`);
      const old = registrar({ clock: oldClock });
      const pass = (): Promise<void> => old.registerOnce(AbortSignal.timeout(5000));
      await pass();
      ahead += 59_000;
      await pass();
      expect((await annotations())[challenge]).toBeUndefined();
      ahead += 2000;
      await pass();
      expect((await annotations())[challenge]).toBeDefined();
      await pass();
      ahead += 59_000;
      await pass();
      expect(await names()).toEqual(['v9.example.com']);
      ahead += 2000;
      await pass();
      expect(await names()).toEqual(['v1.example.com', 'v2.example.com']);
      await pass();
      expect((await annotations())[challenge]).toBeUndefined();
      expect(old.state()).toMatchObject({ registered: true, repairs: 0 });
    });
  });

  it('waits for an injected CA with failurePolicy Ignore, and lets the injector have the field', async () => {
    const before = registrar({ registry: new WebhookRegistry([validate('v1')]) });
    await before.start();
    await before.stop();
    await registrar({
      registry: new WebhookRegistry([validate('v1')]),
      caBundle: () => Promise.resolve(undefined),
      injectCaFrom: 'gate-system/gate',
    }).start();
    const entry = async () => (await read(validating))?.webhooks?.[0];
    expect((await entry())?.failurePolicy).toBe('Ignore');
    expect((await entry())?.clientConfig.caBundle).toBeUndefined();
    expect((await read(validating))?.metadata?.annotations).toMatchObject({
      'cert-manager.io/inject-ca-from': 'gate-system/gate',
    });
    const injected = [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: 'Q0E=' }];
    await kubectl('patch', validating, 'gate', '--type=json', '-p', JSON.stringify(injected));
    await within2Seconds(async () => (await entry())?.failurePolicy === 'Fail');
    expect((await entry())?.clientConfig.caBundle).toBe('Q0E=');
  });

  describe('rescue()', () => {
    const rescueOptions = () => ({ client, name: 'gate', clock: systemClock });
    const policies = async (resource: string): Promise<unknown[]> =>
      (await read(resource))?.webhooks?.map(({ failurePolicy }) => failurePolicy) ?? [];
    const tame = defineValidator({
      name: 'tame.example.com',
      resource: 'pods',
      operations: ['CREATE'],
      failurePolicy: 'Ignore',
      handler,
    });

    it('has our webhooks ignored, tells which, and a running registrar keeps to it until it is undone', async () => {
      const ours = registrar({ registry: new WebhookRegistry([mutate('m'), validate('v1'), tame]) });
      await ours.start();
      expect(await rescue(rescueOptions())).toEqual([
        { configuration: 'MutatingWebhookConfiguration/gate', webhook: 'm.example.com', from: 'Fail', to: 'Ignore' },
        {
          configuration: 'ValidatingWebhookConfiguration/gate',
          webhook: 'tame.example.com',
          from: 'Ignore',
          to: 'Ignore',
        },
        { configuration: 'ValidatingWebhookConfiguration/gate', webhook: 'v1.example.com', from: 'Fail', to: 'Ignore' },
      ]);
      await within2Seconds(async () => ours.state().rescuedSince !== undefined);
      expect(await policies(mutating)).toEqual(['Ignore']);
      expect(await policies(validating)).toEqual(['Ignore', 'Ignore']);
      const again = await rescue(rescueOptions());
      expect(again.map(({ from, to }) => [from, to])).toEqual(Array(3).fill(['Ignore', 'Ignore']));

      // It still mends everything else, and other webhooks come in tame.
      ours.setRegistry(new WebhookRegistry([mutate('m'), validate('v2'), tame]));
      await within2Seconds(async () => (await names()).join() === 'tame.example.com,v2.example.com');
      expect(await policies(validating)).toEqual(['Ignore', 'Ignore']);
      ours.setRegistry(new WebhookRegistry([mutate('m'), validate('v1'), tame]));
      await within2Seconds(async () => (await names()).join() === 'tame.example.com,v1.example.com');

      await undoRescue(rescueOptions());
      await within2Seconds(async () => ours.state().rescuedSince === undefined);
      await within2Seconds(async () => (await policies(validating)).join() === 'Ignore,Fail');
      expect(await policies(mutating)).toEqual(['Fail']);
      expect((await read(validating))?.metadata?.annotations).not.toHaveProperty(['sallyport.dev/rescued']);
    });

    it('works, and is undone, while no registrar runs; one that comes up keeps to it', async () => {
      const registry = new WebhookRegistry([mutate('m'), validate('v1'), tame]);
      const former = registrar({ registry });
      await former.start();
      await former.stop();
      await rescue(rescueOptions());
      expect(await policies(validating)).toEqual(['Ignore', 'Ignore']);
      expect(await undoRescue(rescueOptions())).toMatchObject([
        { webhook: 'm.example.com', from: 'Ignore', to: 'Fail' },
        { webhook: 'tame.example.com', from: 'Ignore', to: 'Ignore' },
        { webhook: 'v1.example.com', from: 'Ignore', to: 'Fail' },
      ]);
      expect(await policies(validating)).toEqual(['Ignore', 'Fail']);

      await rescue(rescueOptions());
      const ours = registrar({ registry });
      await ours.start();
      expect(ours.state().rescuedSince).toMatch(/^\d{4}-/);
      expect(await policies(validating)).toEqual(['Ignore', 'Ignore']);
      expect(await policies(mutating)).toEqual(['Ignore']);
    });

    it('neither changes nor tells of an entry that somebody else has put among ours', async () => {
      await registrar({ registry: new WebhookRegistry([validate('v1')]) }).start();
      const theirs = {
        name: 'theirs.example.org',
        clientConfig: { url: 'https://127.0.0.1:2/x' },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      };
      const patch = JSON.stringify([{ op: 'add', path: '/webhooks/-', value: theirs }]);
      const added = await plane.kubectl(['patch', validating, 'gate', '--type=json', '-p', patch]);
      expect(added.stderr).toBe('');
      expect((await rescue(rescueOptions())).map(({ webhook }) => webhook)).toEqual(['v1.example.com']);
      expect((await policies(validating)).toSorted()).toEqual(['Fail', 'Ignore']);
    });

    it('finds nothing where nothing of ours is, and leaves alone what is not', async () => {
      expect(await rescue(rescueOptions())).toEqual([]);
      const foreign = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'gate' },
        webhooks: [
          {
            name: 'theirs.example.org',
            clientConfig: { url: 'https://127.0.0.1:2/x' },
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
          },
        ],
      };
      await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(foreign) });
      expect(await rescue(rescueOptions())).toEqual([]);
      expect(await policies(validating)).toEqual(['Fail']);
    });
  });

  it('unregisters for good while a registrar runs, which takes up again when somebody registers', async () => {
    const ours = registrar();
    await ours.start();
    const options = { client, name: 'gate', clock: systemClock };
    expect(await unregister(options)).toEqual([
      'MutatingWebhookConfiguration/gate',
      'ValidatingWebhookConfiguration/gate',
    ]);
    expect(ours.state().standing).toBe('unregistered');
    // A pass for any other reason does not bring them back either.
    ours.refresh();
    expect(await unregister(options)).toEqual([]);
    expect(await read(validating)).toBeUndefined();

    const next = registrar();
    await next.start();
    await within2Seconds(async () => ours.state().standing === 'own');
    await kubectl('delete', validating, 'gate');
    await within2Seconds(async () => (await names()).length === 2);
  });

  it('unregisters without leaving anything behind, and twice', async () => {
    const ours = registrar();
    await ours.start();
    await ours.stop();
    expect(await unregister({ client, name: 'gate', clock: systemClock })).toEqual([
      'MutatingWebhookConfiguration/gate',
      'ValidatingWebhookConfiguration/gate',
    ]);
    expect(await read(validating)).toBeUndefined();
    expect(await read(mutating)).toBeUndefined();
    expect(await unregister({ client, name: 'gate', clock: systemClock })).toEqual([]);
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
