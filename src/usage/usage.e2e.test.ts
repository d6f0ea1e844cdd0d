import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../api/generated/core.v1.ts';
import type { DeviceClass, ResourceClaim } from '../api/generated/resource.v1.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { formatGroupResource, type GroupVersionResource } from '../api/resource.ts';
import type { Status } from '../api/status.ts';
import { ApiStatusError, KubeClient, loadKubeconfig } from '../kube/index.ts';
import { ControlPlane } from '../testing/control-plane/index.ts';
import { areEqualLists } from './resource-list.ts';
import {
  countQuota,
  defaultDeviceRequests,
  defaultPodLevelResources,
  defaultPodRequests,
  evaluateQuota,
  parseResourceList,
  type LimitedResource,
  type QuotaRequest,
  type QuotaVerdict,
  type ResourceListBody,
  type StoredObject,
} from './index.ts';

/*
 * The same writes go to evaluateQuota(), which sees manifests and the quotas as they are at that moment, and to a real
 * kube-apiserver with the quota controller: verdict, words and status.used must be the same.
 */

const core = (resource: string): GroupVersionResource => ({ group: '', version: 'v1', resource });
const pods = core('pods');
const services = core('services');
const claims = core('persistentvolumeclaims');
const quotas = core('resourcequotas');
const resourceClaims: GroupVersionResource = { group: 'resource.k8s.io', version: 'v1', resource: 'resourceclaims' };
const deployments: GroupVersionResource = { group: 'apps', version: 'v1', resource: 'deployments' };

const limitedResources: readonly LimitedResource[] = [
  { resource: 'pods', matchScopes: [{ scopeName: 'PriorityClass', operator: 'In', values: ['limited'] }] },
  { resource: 'persistentvolumeclaims', matchContains: ['limited.storageclass.storage.k8s.io/requests.storage'] },
];

const deviceClasses: readonly DeviceClass[] = [
  {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'DeviceClass',
    metadata: { name: 'gold' },
    spec: { extendedResourceName: 'example.com/gpu' },
  },
  { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name: 'plain' }, spec: {} },
];

/** Each namespace and its quotas. In all but the first, exactly one quota refuses what is tried there. */
const namespaces: { readonly [namespace: string]: readonly ResourceQuota[] } = {
  roomy: [
    quota('all', {
      ...generous('pods', 'count/pods', 'services', 'count/services', 'services.nodeports', 'services.loadbalancers'),
      ...generous('ephemeral-storage', 'limits.ephemeral-storage', 'hugepages-2Mi', 'requests.hugepages-2Mi'),
      ...generous('requests.example.com/gpu', 'persistentvolumeclaims', 'requests.storage', 'configmaps', 'secrets'),
      ...generous('count/configmaps', 'count/deployments.apps', 'count/resourceclaims.resource.k8s.io'),
      ...generous('gold.deviceclass.resource.k8s.io/devices', 'plain.deviceclass.resource.k8s.io/devices'),
      ...generous(
        'requests.deviceclass.resource.kubernetes.io/gold',
        'fast.storageclass.storage.k8s.io/requests.storage',
      ),
      ...generous('fast.storageclass.storage.k8s.io/persistentvolumeclaims', 'count/persistentvolumeclaims'),
    }),
    quota('terminating', generous('pods'), { scopes: ['Terminating'] }),
    quota('not-terminating', generous('pods'), { scopes: ['NotTerminating'] }),
    quota('best-effort', generous('pods'), { scopes: ['BestEffort'] }),
    quota('not-best-effort', generous('pods'), { scopes: ['NotBestEffort'] }),
    quota('high', generous('pods'), selecting('PriorityClass', 'In', ['high'])),
    quota('not-high', generous('pods'), selecting('PriorityClass', 'NotIn', ['high'])),
    quota('across', generous('pods'), { scopes: ['CrossNamespacePodAffinity'] }),
    quota('vac', generous('requests.storage'), selecting('VolumeAttributesClass', 'In', ['quick'])),
  ],
  computed: [quota('compute', generous('cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'pods'))],
  tight: [quota('few', { 'requests.cpu': '1500m', 'requests.memory': '1Gi', pods: '3' })],
  nodeports: [quota('ports', { 'services.nodeports': '2', 'services.loadbalancers': '0' })],
  storage: [quota('bytes', { 'requests.storage': '2Gi', 'fast.storageclass.storage.k8s.io/requests.storage': '1Gi' })],
  devices: [quota('devices', { 'gold.deviceclass.resource.k8s.io/devices': '4', 'requests.example.com/gpu': '3' })],
  objects: [quota('objects', { configmaps: '1', 'count/deployments.apps': '0' })],
  scoped: [quota('high', { pods: '0' }, selecting('PriorityClass', 'In', ['high']))],
  covered: [
    quota('limited', { pods: '1' }, selecting('PriorityClass', 'In', ['limited'])),
    quota('bytes', { 'limited.storageclass.storage.k8s.io/requests.storage': '1Gi' }),
  ],
  uncovered: [quota('few', { configmaps: '5' })],
};

let plane: ControlPlane;
let client: KubeClient;
const directory = mkdtempSync(join(tmpdir(), 'sallyport-usage-'));

beforeAll(async () => {
  const admissionControlConfigFile = join(directory, 'admission.json');
  const configuration = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'ResourceQuotaConfiguration',
    limitedResources,
  };
  writeFileSync(
    admissionControlConfigFile,
    JSON.stringify({
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'AdmissionConfiguration',
      plugins: [{ name: 'ResourceQuota', configuration }],
    }),
  );
  plane = await ControlPlane.start({ controllers: ['resourcequota-controller'], admissionControlConfigFile });
  client = new KubeClient(await loadKubeconfig([plane.kubeconfig]));
  await prepareCluster();
});

afterAll(async () => {
  client.close();
  await plane.stop();
  rmSync(directory, { recursive: true });
});

describe('every creation that fits', () => {
  test.each<[string, GroupVersionResource, KubernetesObject]>([
    ['a Pod without requests', pods, pod({})],
    ['a Pod that only limits', pods, pod({ limits: { cpu: '1500m', 'ephemeral-storage': '1Gi' } })],
    ['a Pod with fractions', pods, pod({ requests: { 'ephemeral-storage': '1.5Gi', memory: '100u' } })],
    [
      'a Pod with huge pages',
      pods,
      pod({ requests: { memory: '1Gi' }, limits: { 'hugepages-2Mi': '4Mi', memory: '1Gi' } }),
    ],
    ['a Pod with an extended resource', pods, pod({ limits: { 'example.com/gpu': '2' } })],
    ['a Pod with a device of a class', pods, pod({ limits: { 'deviceclass.resource.kubernetes.io/gold': '1' } })],
    [
      'a Pod with a large init container',
      pods,
      pod(
        { requests: { 'ephemeral-storage': '1Gi' } },
        { initContainers: [container('i', { requests: { 'ephemeral-storage': '3Gi' } })] },
      ),
    ],
    [
      'a Pod with sidecars',
      pods,
      pod(
        { requests: { 'ephemeral-storage': '1Gi' } },
        {
          initContainers: [
            { ...container('a', { requests: { 'ephemeral-storage': '1Gi' } }), restartPolicy: 'Always' },
            container('b', { requests: { 'ephemeral-storage': '2Gi' } }),
            { ...container('d', { requests: { 'ephemeral-storage': '512Mi' } }), restartPolicy: 'Always' },
          ],
        },
      ),
    ],
    [
      'a Pod with overhead',
      pods,
      pod(
        { requests: { cpu: '1' }, limits: { 'ephemeral-storage': '1Gi' } },
        { runtimeClassName: 'heavy', overhead: { cpu: '250m', 'ephemeral-storage': '1Mi' } },
      ),
    ],
    ['a Pod with a deadline', pods, pod({ requests: { 'ephemeral-storage': '1Mi' } }, { activeDeadlineSeconds: 600 })],
    ['a Pod of high priority', pods, pod({}, { priorityClassName: 'high' })],
    [
      'a Pod near Pods of other namespaces',
      pods,
      pod(
        {},
        {
          affinity: {
            podAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'zone', namespaceSelector: {}, labelSelector: {} },
              ],
            },
          },
        },
      ),
    ],
    [
      'a Pod with resources as a whole',
      pods,
      pod({ requests: { cpu: '1' } }, { resources: { requests: { cpu: '2' }, limits: { cpu: '4', memory: '1Gi' } } }),
    ],
    [
      'a Pod with huge pages as a whole',
      pods,
      pod({ limits: { cpu: '1', 'hugepages-2Mi': '2Mi' } }, { resources: { requests: { cpu: '2' } } }),
    ],
    [
      'a Pod whose status nobody believes',
      pods,
      { ...pod({}), status: { phase: 'Succeeded', qosClass: 'Guaranteed' } } as KubernetesObject,
    ],
    ['a ClusterIP Service', services, service({ ports: [{ port: 80 }] })],
    ['a headless Service', services, service({ clusterIP: 'None' })],
    [
      'a NodePort Service',
      services,
      service({
        type: 'NodePort',
        ports: [
          { port: 80, name: 'a' },
          { port: 81, name: 'b' },
        ],
      }),
    ],
    ['a LoadBalancer', services, service({ type: 'LoadBalancer', ports: [{ port: 80 }] })],
    [
      'a LoadBalancer with one node port',
      services,
      service({
        type: 'LoadBalancer',
        allocateLoadBalancerNodePorts: false,
        ports: [
          { port: 80, name: 'a', nodePort: 31234 },
          { port: 81, name: 'b' },
        ],
      }),
    ],
    ['an ExternalName Service', services, service({ type: 'ExternalName', externalName: 'example.com' })],
    ['a claim', claims, claim({ storage: '1Gi' })],
    ['a claim of a fraction of a byte', claims, claim({ storage: '1500m' })],
    ['a claim of a class', claims, claim({ storage: '10G', storageClassName: 'fast' })],
    ['a claim of a volume attributes class', claims, claim({ storage: '1Gi', volumeAttributesClassName: 'quick' })],
    ['a device claim', resourceClaims, deviceClaim([{ name: 'r', exactly: { deviceClassName: 'gold', count: 2 } }])],
    [
      'a device claim without count',
      resourceClaims,
      deviceClaim([{ name: 'r', exactly: { deviceClassName: 'plain' } }]),
    ],
    [
      'a device claim of all',
      resourceClaims,
      deviceClaim([{ name: 'r', exactly: { deviceClassName: 'plain', allocationMode: 'All' } }]),
    ],
    [
      'a device claim with alternatives',
      resourceClaims,
      deviceClaim([
        {
          name: 'r',
          firstAvailable: [
            { name: 'a', deviceClassName: 'gold', count: 3 },
            { name: 'b', deviceClassName: 'plain' },
          ],
        },
        { name: 's', exactly: { deviceClassName: 'gold' } },
      ]),
    ],
    ['a ConfigMap', core('configmaps'), { metadata: {} }],
    ['a Secret', core('secrets'), { metadata: {} }],
    ['a Deployment', deployments, deployment()],
  ])('%s', async (_, resource, manifest) => {
    const { ours, theirs, usedAfter, expectedUse } = await create('roomy', resource, manifest);
    expect(theirs).toBeUndefined();
    expect(ours).toMatchObject({ handled: true, allowed: true });
    expect(usedAfter).toEqual(expectedUse);
    expect(Object.keys('usedAfter' in ours ? ours.usedAfter : {})).toContain('all');
  });

  test('a Pod where all containers must say all', async () => {
    const resources = { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '1', memory: '1536Mi' } };
    const { theirs, usedAfter, expectedUse } = await create('computed', pods, pod(resources));
    expect(theirs).toBeUndefined();
    expect(usedAfter).toEqual(expectedUse);
  });
});

describe('every creation that does not fit is refused in the same words', () => {
  test.each<[string, string, GroupVersionResource, KubernetesObject]>([
    ['compute', 'tight', pods, pod({ requests: { cpu: '2', memory: '0.5Gi' } })],
    [
      'compute, of two names',
      'tight',
      pods,
      pod(
        { requests: { cpu: '1.500', memory: '2G' } },
        { overhead: { cpu: '250m', 'ephemeral-storage': '1Mi' }, runtimeClassName: 'heavy' },
      ),
    ],
    [
      'what is not said',
      'tight',
      pods,
      pod({ limits: { cpu: '1' } }, { initContainers: [container('z', {}), container('y', {})] }),
    ],
    ['what is not said, of four names', 'computed', pods, pod({})],
    [
      'node ports',
      'nodeports',
      services,
      service({ type: 'NodePort', ports: [1, 2, 3].map((port) => ({ port, name: `p${port}` })) }),
    ],
    ['load balancers', 'nodeports', services, service({ type: 'LoadBalancer', ports: [{ port: 80 }] })],
    ['storage', 'storage', claims, claim({ storage: '3Gi' })],
    ['storage of a class', 'storage', claims, claim({ storage: '1500M', storageClassName: 'fast' })],
    [
      'devices',
      'devices',
      resourceClaims,
      deviceClaim([{ name: 'r', exactly: { deviceClassName: 'gold', count: 5 } }]),
    ],
    [
      'devices as an extended resource',
      'devices',
      resourceClaims,
      deviceClaim([{ name: 'r', exactly: { deviceClassName: 'gold', count: 4 } }]),
    ],
    ['an extended resource', 'devices', pods, pod({ limits: { 'example.com/gpu': '4' } })],
    ['objects', 'objects', deployments, deployment()],
    ['a scope', 'scoped', pods, pod({}, { priorityClassName: 'high' })],
    ['a class that must be covered', 'uncovered', claims, claim({ storage: '1Gi', storageClassName: 'limited' })],
    ['a priority that must be covered', 'uncovered', pods, pod({}, { priorityClassName: 'limited' })],
  ])('%s', async (_, namespace, resource, manifest) => {
    for (const dryRun of [true, false]) {
      const before = await quotasOf(namespace);
      const { ours, theirs, name } = await create(namespace, resource, manifest, dryRun);
      expect(theirs).toEqual(expectedRefusal(ours, resource, name));
      expect(await quotasOf(namespace)).toEqual(before);
    }
  });

  test('what is covered passes once', async () => {
    const limited = pod({}, { priorityClassName: 'limited' });
    expect((await create('covered', pods, limited)).theirs).toBeUndefined();
    const second = await create('covered', pods, limited);
    expect(second.theirs).toEqual(expectedRefusal(second.ours, pods, second.name));
    const bytes = claim({ storage: '1Gi', storageClassName: 'limited' });
    expect((await create('covered', claims, bytes)).theirs).toBeUndefined();
  });

  test('a full count, and a dry run that fills nothing', async () => {
    const configMap = { metadata: {} };
    const tried = await create('objects', core('configmaps'), configMap, true);
    expect(tried.theirs).toBeUndefined();
    expect((await create('objects', core('configmaps'), configMap)).theirs).toBeUndefined();
    const second = await create('objects', core('configmaps'), configMap);
    expect(second.theirs).toEqual(expectedRefusal(second.ours, core('configmaps'), second.name));
  });
});

describe('updates', () => {
  test('a resize counts what grows, and only that', async () => {
    const manifest = pod({ requests: { cpu: '1', memory: '512Mi' } });
    const { name } = await create('tight', pods, manifest);
    // Admission never lowers what is used: after the step down there is no room for the way back up.
    for (const [cpu, isAllowed] of [
      ['1500m', true],
      ['1600m', false],
      ['500m', true],
      ['900m', false],
    ] as const) {
      const changes = { spec: { containers: [{ name: 'c', resources: { requests: { cpu, memory: '512Mi' } } }] } };
      const { ours, theirs } = await update('tight', pods, name, changes, 'resize');
      expect(ours.allowed, cpu).toBe(isAllowed);
      expect(theirs).toEqual(expectedRefusal(ours, pods, name));
    }
    expect((await quotasOf('tight'))[0]?.status?.used?.['requests.cpu']).toBe('1500m');
  });

  test('a deadline moves a Pod to another quota', async () => {
    const { name } = await create('roomy', pods, pod({ requests: { 'ephemeral-storage': '2Mi' } }));
    const changes = { spec: { activeDeadlineSeconds: 100 } };
    const { ours, theirs, usedAfter, expectedUse } = await update('roomy', pods, name, changes);
    expect(theirs).toBeUndefined();
    expect(Object.keys('usedAfter' in ours ? ours.usedAfter : {})).toEqual(['terminating']);
    // The quota it left is counted anew by the controller, at its own time.
    expect(usedAfter['terminating']).toEqual(expectedUse['terminating']);
  });

  test('a Service gets node ports', async () => {
    const { name } = await create(
      'nodeports',
      services,
      service({ ports: [1, 2, 3].map((port) => ({ port, name: `p${port}` })) }),
    );
    const { ours, theirs } = await update('nodeports', services, name, { spec: { type: 'NodePort' } });
    expect(ours.allowed).toBe(false);
    expect(theirs).toEqual(expectedRefusal(ours, services, name));
  });

  test('the status of a claim is charged beyond the limit', async () => {
    const { name } = await create('storage', claims, claim({ storage: '1Gi' }));
    const changes = { status: { allocatedResources: { storage: '5Gi' } } };
    const { theirs, usedAfter, expectedUse } = await update('storage', claims, name, changes, 'status');
    expect(theirs).toBeUndefined();
    expect(usedAfter).toEqual(expectedUse);
    expect(usedAfter['bytes']?.['requests.storage']).toBe('5Gi');
  });
});

test('countQuota() is what the controller counts when Pods have ended and gone', async () => {
  const [{ name: gone }, { name: ended }] = [
    await create('roomy', pods, pod({})),
    await create('roomy', pods, pod({})),
  ];
  const listed = (await client.list<Pod>({ ...pods, namespace: 'roomy' })).items;
  await client.delete({ ...pods, namespace: 'roomy', name: gone }, { gracePeriodSeconds: 0 });
  const address = { ...pods, namespace: 'roomy', name: ended, subresource: 'status' };
  await client.patch(address, { type: 'merge', changes: { status: { phase: 'Succeeded' } } });
  const stored: StoredObject[] = [];
  for (const resource of [pods, services, claims, resourceClaims, core('configmaps'), core('secrets'), deployments]) {
    const { items } = await client.list({ ...resource, namespace: 'roomy' });
    stored.push(...items.map((object) => ({ resource, object })));
  }
  const expected = Object.fromEntries(
    (namespaces['roomy'] ?? []).map(({ metadata, spec }) => [
      metadata?.name ?? '',
      countQuota(spec ?? {}, stored, { now: Date.now(), deviceClasses, pods: [], resourceClaims: [] }),
    ]),
  );
  await until(async () => {
    const counted = await quotasOf('roomy');
    return counted.every(({ metadata, status }) => isSameUse(status?.used, expected[metadata?.name ?? '']));
  });
  expect(expected['all']?.['count/pods']).toBe(String(listed.length - 1));
  expect(expected['all']?.['pods']).toBe(String(listed.length - 2));
});

/** `status.used` by quota. */
interface Use {
  readonly [quota: string]: ResourceListBody | undefined;
}

/** What the two said to one write, and what the quotas hold after it. `theirs` is undefined when it was allowed. */
interface Outcome {
  readonly name: string;
  readonly ours: QuotaVerdict;
  readonly theirs: Status | undefined;
  readonly usedAfter: Use;
  /** What they should hold, by `ours` and what they held before. */
  readonly expectedUse: Use;
}

let serial = 0;

async function create(
  namespace: string,
  resource: GroupVersionResource,
  manifest: KubernetesObject,
  dryRun = false,
): Promise<Outcome> {
  const name = `object-${serial++}`;
  const object = { ...manifest, metadata: { ...manifest.metadata, name, namespace } };
  const request = {
    operation: 'CREATE',
    resource,
    namespace,
    object: asCreated(resource, object),
    oldObject: null,
  } as const;
  return compare(name, request, () => client.create({ ...resource, namespace }, object, { dryRun }));
}

async function update(
  namespace: string,
  resource: GroupVersionResource,
  name: string,
  changes: object,
  subresource?: string,
): Promise<Outcome> {
  const address = { ...resource, namespace, name };
  const oldObject = await client.get(address);
  const patch = { type: 'strategic', changes } as const;
  const request = {
    operation: 'UPDATE',
    resource,
    namespace,
    subresource: subresource ?? '',
    object: merged({ ...oldObject }, changes),
    oldObject,
  } as const;
  return compare(name, request, () => client.patch({ ...address, subresource }, patch));
}

async function compare(
  name: string,
  request: Omit<QuotaRequest, 'quotas' | 'now'>,
  send: () => Promise<unknown>,
): Promise<Outcome> {
  const context = { now: Date.now(), deviceClasses, pods: [], resourceClaims: [] };
  const before = await quotasOf(request.namespace);
  const ours = evaluateQuota({ ...request, ...context, limitedResources, quotas: before });
  const theirs = await send().then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ApiStatusError) return error.status;
      throw error;
    },
  );
  const usedAfter = useOf(await quotasOf(request.namespace));
  const expectedUse = { ...useOf(before), ...('usedAfter' in ours ? ours.usedAfter : {}) };
  return { name, ours, theirs, usedAfter, expectedUse };
}

/** What the API server does to a manifest before its validating plug-ins see it, as far as it counts. */
function asCreated(resource: GroupVersionResource, object: KubernetesObject): KubernetesObject {
  switch (resource.resource) {
    case 'pods':
      return { ...defaultPodLevelResources(defaultPodRequests(object as Pod)), status: {} } as KubernetesObject;
    case 'resourceclaims':
      return defaultDeviceRequests(object as ResourceClaim);
    default:
      return object;
  }
}

async function quotasOf(namespace: string): Promise<ResourceQuota[]> {
  return (await client.list<ResourceQuota>({ ...quotas, namespace })).items;
}

function useOf(ofNamespace: readonly ResourceQuota[]): Use {
  return Object.fromEntries(ofNamespace.map(({ metadata, status }) => [metadata?.name ?? '', status?.used]));
}

function expectedRefusal(ours: QuotaVerdict, resource: GroupVersionResource, name: string): Status | undefined {
  if (ours.allowed) return undefined;
  const isForbidden = ours.reason === 'Forbidden';
  const subject = `${formatGroupResource(resource)} "${name}" is forbidden: `;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: isForbidden ? subject + ours.message : ours.message,
    code: isForbidden ? 403 : 500,
    ...(isForbidden
      ? {
          reason: 'Forbidden',
          details: { name, kind: resource.resource, ...(resource.group === '' ? {} : { group: resource.group }) },
        }
      : {}),
  };
}

function isSameUse(a: ResourceListBody | undefined, b: ResourceListBody | undefined): boolean {
  return areEqualLists(parseResourceList(a, 'a'), parseResourceList(b, 'b'));
}

async function prepareCluster(): Promise<void> {
  const scheduling = { group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses' };
  for (const name of ['high', 'limited']) await client.create(scheduling, { metadata: { name }, value: 10 });
  const node = { group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses' };
  const podFixed = { cpu: '250m', 'ephemeral-storage': '1Mi' };
  await client.create(node, { metadata: { name: 'heavy' }, handler: 'heavy', overhead: { podFixed } });
  for (const each of deviceClasses) await client.create({ ...resourceClaims, resource: 'deviceclasses' }, each);
  for (const [namespace, ofNamespace] of Object.entries(namespaces)) await createQuotas(namespace, ofNamespace);
  // The last one: when the server's plug-in knows it, it knows the others, which came earlier in the same watch.
  const probe = quota('probe', { configmaps: '0', 'requests.example.com/gpu': '0' });
  await createQuotas('probe', [probe]);
  const oneDevice = deviceClaim([{ name: 'r', exactly: { deviceClassName: 'gold' } }]);
  for (const [resource, object] of [
    [core('configmaps'), { metadata: {} }],
    [resourceClaims, oneDevice],
  ] as const) {
    await until(async () => (await create('probe', resource, object, true)).theirs !== undefined);
  }
}

/** Resolves when the controller has counted them. */
async function createQuotas(namespace: string, ofNamespace: readonly ResourceQuota[]): Promise<void> {
  await client.create(core('namespaces'), { metadata: { name: namespace } });
  for (const each of ofNamespace) await client.create({ ...quotas, namespace }, each);
  await until(async () =>
    (await quotasOf(namespace)).every(({ spec, status }) =>
      Object.keys(spec?.hard ?? {}).every((name) => status?.used?.[name] !== undefined),
    ),
  );
}

/** Asks until it is so; the test's own time limit ends it. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(50);
}

function quota(name: string, hard: ResourceListBody, scopes: ResourceQuota['spec'] = {}): ResourceQuota {
  return { metadata: { name }, spec: { hard: { ...hard }, ...scopes } };
}

function generous(...names: string[]): ResourceListBody {
  return Object.fromEntries(names.map((name) => [name, '1000Gi']));
}

function selecting(scopeName: string, operator: string, values: string[]): ResourceQuota['spec'] {
  return { scopeSelector: { matchExpressions: [{ scopeName, operator, values }] } };
}

function container(name: string, resources: object): object {
  return { name, image: 'registry.example.com/app:1', resources };
}

function pod(resources: object, spec: object = {}): KubernetesObject {
  return { spec: { containers: [container('c', resources)], ...spec } } as KubernetesObject;
}

function service(spec: object): Service {
  return { spec };
}

function claim({ storage, ...spec }: { storage: string; [field: string]: string }): PersistentVolumeClaim {
  return { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...spec } };
}

function deviceClaim(requests: readonly object[]): KubernetesObject {
  return { spec: { devices: { requests } } } as KubernetesObject;
}

function deployment(): KubernetesObject {
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [container('c', {})] } };
  return { spec: { selector: { matchLabels: labels }, template } } as KubernetesObject;
}

/** A strategic merge, as far as these tests need it: lists are replaced. */
function merged(before: { readonly [name: string]: unknown }, changes: object): object {
  const fields = Object.entries(changes).map(([name, value]: [string, unknown]) => {
    const old = before[name];
    return [name, isMap(value) && isMap(old) ? merged(old, value) : value] as const;
  });
  return { ...before, ...Object.fromEntries(fields) };
}

function isMap(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
