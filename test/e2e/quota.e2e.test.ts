import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { globalQuotaDefinition } from '../../src/quota/index.ts';
import { ControlPlane } from '../../src/testing/control-plane/index.ts';
import { findFreePort } from '../../src/testing/control-plane/free-port.ts';
import { GateProcess } from './gate-process.ts';
import { until } from './until.ts';
import { widgetDefinition } from './widgets.ts';

/** One cluster, one gate, a ledger in SQLite. */
let plane: ControlPlane;
let gate: GateProcess | undefined;
let folder: string;
let configuration: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-quota-'));
  plane = await ControlPlane.start({
    controllers: ['replicaset-controller', 'garbage-collector-controller', 'namespace-controller'],
  });
  await apply(globalQuotaDefinition());
  await kubectl('wait', '--for=condition=Established', 'crd/globalquotas.quota.sallyport.dev');
  const [port, healthPort] = [await findFreePort(), await findFreePort()];
  configuration = `server: { host: 127.0.0.1, port: ${port}, healthPort: ${healthPort} }
registration: { url: "https://127.0.0.1:${port}" }
quota: { cluster: eu-1, store: { mode: SQLite, path: ${folder}/quota.db } }
`;
  gate = await GateProcess.start(plane, configuration, { ready: [/quota is enforced/] });
});
afterAll(async () => {
  await gate?.stop();
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a quota over two namespaces', () => {
  beforeAll(async () => {
    await apply(namespace('shop', { team: 'a' }), namespace('web', { team: 'a' }), namespace('other', {}));
    await apply(
      quota('team-a', {
        hard: { configmaps: 4, pods: 3, 'requests.cpu': '1', 'services.nodeports': 2 },
        namespaces: { selector: { matchLabels: { team: 'a' } } },
        warnAtPercent: 0,
      }),
    );
    await enforced(service('probe', 'shop', 3), 'exceeded quota: team-a');
  });

  it('refuses what does not fit, in the words of ResourceQuota and with who uses it', async () => {
    for (const [name, where] of [
      ['one', 'shop'],
      ['two', 'web'],
      ['three', 'web'],
      ['four', 'web'],
    ] as const) {
      expect(await tell('create', 'configmap', name, '-n', where)).toBe(`configmap/${name} created\n`);
    }
    const refusal =
      'error: failed to create configmap: admission webhook "quota.sallyport.dev" denied the request: ' +
      'exceeded quota: team-a, requested: configmaps=1, used: configmaps=4, limited: configmaps=4; ' +
      'configmaps in use: cluster eu-1 4, namespace eu-1/web 3, eu-1/shop 1\n';
    // Who uses it is read anew every second; the rest is of this moment.
    expect(await tell('create', 'configmap', 'five', '-n', 'shop')).toContain(refusal.split(';')[0]);
    await until(async () => (await tell('create', 'configmap', 'five', '-n', 'shop')) === refusal);
    expect(await tell('create', 'configmap', 'five', '-n', 'other')).toBe('configmap/five created\n');
    expect(await tell('create', 'configmap', 'five', '-n', 'kube-system')).toBe('configmap/five created\n');
  });

  it('judges a dry run and keeps nothing of it, and counts what is deleted no more', async () => {
    await kubectl('delete', 'configmap', 'four', '-n', 'web');
    const dryRun = ['create', 'configmap', 'again', '-n', 'shop', '--dry-run=server'];
    await until(async () => (await tell(...dryRun)) === 'configmap/again created (server dry run)\n');
    expect(await tell(...dryRun)).toBe('configmap/again created (server dry run)\n');
    expect(await tell('create', 'configmap', 'again', '-n', 'shop')).toBe('configmap/again created\n');
    expect(await tell('create', 'configmap', 'more', '-n', 'shop', '--dry-run=server')).toContain(
      'exceeded quota: team-a',
    );
  });

  it('lets a ReplicaSet make as many Pods as fit, by any resource, and no more', async () => {
    await apply(replicaSet('big', 'shop', 10, '400m'));
    await until(async () => (await pods('shop')) === 2);
    await until(async () =>
      (await tell('get', 'events', '-n', 'shop')).includes('exceeded quota: team-a, requested: requests.cpu=400m'),
    );
    expect(await pods('shop')).toBe(2);
    await kubectl('delete', 'replicaset', 'big', '-n', 'shop', '--cascade=foreground');
    await apply(replicaSet('small', 'web', 10, '100m'));
    await until(async () => (await pods('web')) === 3);
    await used('team-a', { pods: '3', 'requests.cpu': '300m' });
    await kubectl('delete', 'replicaset', 'small', '-n', 'web', '--cascade=foreground');
    await used('team-a', { pods: '0', 'requests.cpu': '0' });
  });

  it('counts what updates add', async () => {
    await apply(service('front', 'shop', 1));
    const patch = (ports: number): string => JSON.stringify({ spec: { ports: portsOf(ports) } });
    const change = ['patch', 'service', 'front', '-n', 'shop', '--type=merge', '-p'];
    expect(await tell(...change, patch(3))).toContain(
      'exceeded quota: team-a, requested: services.nodeports=2, used: services.nodeports=1, limited: services.nodeports=2',
    );
    expect(await tell(...change, patch(2))).toContain('service/front patched');
    await used('team-a', { 'services.nodeports': '2' });
    expect(await tell(...change, patch(1))).toContain('service/front patched');
    await used('team-a', { 'services.nodeports': '1' });
  });

  it('counts generated names and server-side apply alike', async () => {
    await kubectl('delete', 'configmaps', '-n', 'web', '--all');
    await used('team-a', { configmaps: '2' });
    const generated = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'g-', namespace: 'web' } };
    expect(await input(['create', '-f', '-'], generated)).toMatch(/^configmap\/g-\w+ created\n$/);
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ssa', namespace: 'web' } };
    expect(await input(['apply', '--server-side', '-f', '-'], applied)).toBe('configmap/ssa serverside-applied\n');
    expect(await input(['apply', '--server-side', '-f', '-'], applied)).toBe('configmap/ssa serverside-applied\n');
    expect(await input(['create', '-f', '-'], generated)).toContain('exceeded quota: team-a');
  });

  it('follows a namespace that changes hands, and a limit that is lowered', async () => {
    await kubectl('label', 'namespace', 'web', 'team=b', '--overwrite');
    await used('team-a', { configmaps: '2' });
    await kubectl('label', 'namespace', 'web', 'team=a', '--overwrite');
    await used('team-a', { configmaps: '4' });
    await apply(quota('team-a', { hard: { configmaps: 3 }, namespaces: { selector: { matchLabels: { team: 'a' } } } }));
    await until(async () => (await kubectl('get', 'gquota', 'team-a', '-o', conditionPath('Exceeded'))) === 'True');
    expect(await tell('get', 'gquota', 'team-a')).toMatch(/^team-a +enforce +configmaps 4\/3 +True /m);
    await kubectl('delete', 'configmap', 'ssa', '-n', 'web');
    await until(async () => (await kubectl('get', 'gquota', 'team-a', '-o', conditionPath('Exceeded'))) === 'False');
  });

  it('keeps its numbers over a restart, and refuses nobody because of it', async () => {
    expect(await gate?.terminate()).toBe(0);
    gate = await GateProcess.start(plane, configuration, {
      ready: [/quota is enforced/, /the API server accepts the served certificate/],
    });
    await kubectl('delete', 'configmap', 'one', '-n', 'shop');
    await until(async () =>
      (await tell('create', 'configmap', 'after', '-n', 'shop')).startsWith('configmap/after created'),
    );
    expect(await tell('create', 'configmap', 'beyond', '-n', 'shop')).toContain(
      'exceeded quota: team-a, requested: configmaps=1, used: configmaps=3, limited: configmaps=3',
    );
  });
});

it('tells what is wrong with a quota, and keeps the former state in force', async () => {
  await apply(quota('team-a', { hard: { 'request.cpu': 3 }, namespaces: { names: ['shop', 'web'] } }));
  await until(async () => (await kubectl('get', 'gquota', 'team-a', '-o', conditionPath('Accepted'))) === 'False');
  const message = 'jsonpath={.status.conditions[?(@.type=="Accepted")].message}';
  expect(await kubectl('get', 'gquota', 'team-a', '-o', message)).toMatch(
    /^spec\.hard\.request\.cpu: is no resource that a quota can name; .*; the former state stays in force$/,
  );
  expect(await tell('create', 'configmap', 'beyond', '-n', 'shop')).toContain('exceeded quota: team-a');
});

it('a resource that cannot be read keeps no other from being counted', async () => {
  await apply(widgetsWithDeadConversion());
  await kubectl('wait', '--for=condition=Established', 'crd/widgets.example.com');
  await input(['create', '-f', '-'], {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'old', namespace: 'other' },
  });
  await kubectl('patch', 'crd', 'widgets.example.com', '--type=merge', '-p', JSON.stringify(storedAsV2));
  await apply(quota('others', { hard: { 'count/widgets.example.com': 5, pods: 1 }, namespaces: { names: ['other'] } }));
  await enforced(pod('probe', 'other'), 'quota others is filling up: pods at 100 % (1 of 1)');
  await apply(replicaSet('one', 'other', 2, '1m'));
  await until(async () => (await pods('other')) === 1);
  await kubectl('delete', 'replicaset', 'one', '-n', 'other', '--cascade=foreground');
  await used('others', { pods: '0' });
});

it('asks about nothing once no quota is left', async () => {
  await kubectl('delete', 'gquota', '--all');
  await until(async () => (await kubectl('get', 'validatingwebhookconfigurations', '-o', 'name')) === '');
  expect(await tell('create', 'configmap', 'beyond', '-n', 'shop')).toBe('configmap/beyond created\n');
});

const conditionPath = (type: string): string => `jsonpath={.status.conditions[?(@.type=="${type}")].status}`;

function namespace(name: string, labels: Record<string, string>): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

function quota(name: string, spec: object): object {
  return { apiVersion: 'quota.sallyport.dev/v1alpha1', kind: 'GlobalQuota', metadata: { name }, spec };
}

function pod(name: string, where: string, cpu = '1m'): object {
  const container = { name: 'main', image: 'registry.example.com/web:1', resources: { requests: { cpu } } };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: where }, spec: { containers: [container] } };
}

function replicaSet(name: string, where: string, replicas: number, cpu: string): object {
  const container = { name: 'main', image: 'registry.example.com/web:1', resources: { requests: { cpu } } };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: where },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
    },
  };
}

function portsOf(count: number): object[] {
  return Array.from({ length: count }, (_each, index) => ({ name: `p${index}`, port: 80 + index }));
}

function service(name: string, where: string, ports: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: where },
    spec: { type: 'NodePort', ports: portsOf(ports) },
  };
}

/** Nobody answers at its conversion webhook, so that objects of the other version cannot be listed. */
function widgetsWithDeadConversion(): object {
  const version = (name: string, storage: boolean): object => ({
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: { type: 'object' } },
  });
  return {
    ...widgetDefinition,
    spec: {
      ...widgetDefinition.spec,
      versions: [version('v1', true), version('v2', false)],
      conversion: {
        strategy: 'Webhook',
        webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://127.0.0.1:1/convert' } },
      },
    },
  };
}

const storedAsV2 = {
  spec: {
    versions: [
      { name: 'v1', served: false, storage: false, schema: { openAPIV3Schema: { type: 'object' } } },
      { name: 'v2', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
    ],
  },
};

async function apply(...objects: object[]): Promise<void> {
  const { code, stderr } = await plane.kubectl(['apply', '-f', '-'], {
    input: objects.map((object) => JSON.stringify(object)).join('\n---\n'),
  });
  expect(stderr).toBe('');
  expect(code).toBe(0);
}

/** What kubectl says when it must not fail. */
async function kubectl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(args);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

/** All that kubectl says. */
async function tell(...args: string[]): Promise<string> {
  const { stdout, stderr } = await plane.kubectl(args);
  return stdout + stderr;
}

async function input(args: string[], object: object): Promise<string> {
  const { stdout, stderr } = await plane.kubectl(args, { input: JSON.stringify(object) });
  return stdout + stderr;
}

async function pods(where: string): Promise<number> {
  return (await kubectl('get', 'pods', '-n', where, '-o', 'name')).split('\n').filter(Boolean).length;
}

/** The API server hears of configurations by a watch of its own: asks, without storing anything, until it has. */
async function enforced(probe: object, answer: string): Promise<void> {
  await until(async () => (await input(['create', '--dry-run=server', '-f', '-'], probe)).includes(answer));
}

async function used(name: string, amounts: Record<string, string>): Promise<void> {
  await until(async () => {
    const text = await kubectl('get', 'gquota', name, '-o', 'jsonpath={.status}');
    if (text === '') return false;
    const status = JSON.parse(text) as { used: Record<string, string>; reserved: Record<string, string> };
    return Object.entries(amounts).every(
      ([resource, amount]) => status.used[resource] === amount && status.reserved[resource] === '0',
    );
  });
}
