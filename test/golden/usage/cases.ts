import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../../src/api/generated/core.v1.ts';
import type { Operation } from '../../../src/api/admission-review.ts';
import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import type { GroupResource, LimitedResource } from '../../../src/usage/index.ts';

/**
 * Objects, and writes under quotas, for which test/golden/usage/outcomes.json records what the real evaluators say. The same
 * ones each time: what looks random comes from a fixed seed.
 *
 * `node test/golden/usage/cases.ts` prints them for tools/control-plane/cmd/golden-usage, which records.
 */
export interface UsageCases {
  /** The moment all is judged at, RFC 3339. */
  readonly now: string;
  readonly deviceClasses: readonly object[];
  readonly pods: readonly object[];
  readonly resourceClaims: readonly object[];
  /** Asked of every object. */
  readonly scopes: readonly ScopedResourceSelectorRequirement[];
  /** Asked of every resource: scopes that cannot be understood. */
  readonly illegibleScopes: readonly ScopedResourceSelectorRequirement[];
  /** Names in a quota, asked of every resource. */
  readonly names: readonly string[];
  /** One object of each resource. */
  readonly resources: readonly CountedObject[];
  readonly objects: readonly CountedObject[];
  /** Pods and claims to be defaulted. */
  readonly undefaulted: readonly CountedObject[];
  readonly requests: readonly RequestCase[];
}

export interface CountedObject {
  readonly resource: GroupResource;
  readonly object: KubernetesObject;
}

export interface RequestCase extends CountedObject {
  readonly operation: Operation;
  readonly subresource: string;
  readonly oldObject: KubernetesObject | null;
  readonly quotas: readonly ResourceQuota[];
  readonly limitedResources: readonly LimitedResource[];
}

export function usageCases(): UsageCases {
  const random = new Random(20260923);
  const generate = new Generator(random);
  return {
    now,
    deviceClasses,
    pods: owningPods,
    resourceClaims: [],
    scopes,
    illegibleScopes,
    names,
    resources: [...kinds.map((kind) => generate.of(kind)), ...others],
    objects: [
      ...random.times(400, () => generate.of('pods')),
      ...random.times(60, () => generate.of('services')),
      ...random.times(90, () => generate.of('persistentvolumeclaims')),
      ...random.times(90, () => generate.of('resourceclaims')),
      ...others,
    ],
    undefaulted: [
      ...podLevelCases,
      ...random.times(200, () => generate.of('pods')),
      ...random.times(20, () => generate.of('resourceclaims')),
    ],
    requests: random.times(1200, () => generate.request()),
  };
}

const now = '2026-11-23T12:00:00Z';

const deviceClasses = [
  { metadata: { name: 'gold' }, spec: { extendedResourceName: 'example.com/gpu' } },
  { metadata: { name: 'silver' }, spec: { extendedResourceName: 'example.com/fpga' } },
  { metadata: { name: 'plain' }, spec: {} },
];

/** A Pod that names its claim, one that does not yet, and one whose claim is another. */
const owningPods = ['named', 'unnamed', 'elsewhere'].map((name) => ({
  metadata: { name, namespace: 'team', uid: `uid-of-${name}` },
  spec: {
    containers: [
      {
        name: 'c',
        resources: {
          requests: { 'example.com/gpu': '2', 'deviceclass.resource.kubernetes.io/gold': '1', cpu: '1' },
        },
      },
    ],
  },
  status:
    name === 'unnamed'
      ? {}
      : {
          extendedResourceClaimStatus: {
            resourceClaimName: name === 'named' ? 'claim' : 'another',
            requestMappings: [],
          },
        },
}));

const selectable = ['PriorityClass', 'VolumeAttributesClass'];

/** Pod-level requests and limits that chance seldom brings together. */
const podLevelCases: readonly CountedObject[] = [
  // All containers limit what the Pod requests: less, more, and one of them does not.
  { resources: { requests: { cpu: '1' } }, containers: [{ cpu: '2' }, { cpu: '3' }], initContainers: [{ cpu: '1' }] },
  { resources: { requests: { cpu: '9' } }, containers: [{ cpu: '2' }, { cpu: '3' }], initContainers: [{ cpu: '1' }] },
  { resources: { requests: { cpu: '1' } }, containers: [{ cpu: '2' }, {}], initContainers: [] },
  { resources: { requests: { cpu: '1' } }, containers: [{ cpu: '2' }], initContainers: [{ memory: '1Gi' }] },
  { resources: { requests: { memory: '1Gi' } }, containers: [{ memory: '64Mi' }], initContainers: [{ memory: '2Gi' }] },
  // Huge pages of the containers become the Pod's limit and its request, unless it requests them.
  { resources: { requests: { cpu: '1' } }, containers: [{ 'hugepages-2Mi': '4Mi' }, {}], initContainers: [] },
  { resources: { requests: { 'hugepages-2Mi': '2Mi' } }, containers: [{ 'hugepages-2Mi': '4Mi' }], initContainers: [] },
  {
    resources: { requests: { 'hugepages-2Mi': '2Mi' } },
    containers: [{ 'hugepages-2Mi': '4Mi' }, {}],
    initContainers: [],
  },
  { resources: { limits: { memory: '1Gi' } }, containers: [{ memory: '100Mi', cpu: '100u' }], initContainers: [] },
  { resources: { limits: { 'example.com/gpu': '1' } }, containers: [{ 'example.com/gpu': '1' }], initContainers: [] },
].map(({ resources, ...lists }) => {
  const limited = (list: readonly object[]) =>
    list.map((limits, index) => ({ name: `c${index}`, resources: { limits } }));
  const containers = { containers: limited(lists.containers), initContainers: limited(lists.initContainers) };
  return {
    resource: { group: '', resource: 'pods' },
    object: { spec: { resources, ...containers } } as KubernetesObject,
  };
});

const scopes: readonly ScopedResourceSelectorRequirement[] = [
  ...['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'CrossNamespacePodAffinity'].map((scopeName) => ({
    scopeName,
    operator: 'Exists',
  })),
  ...selectable.flatMap((scopeName) => [
    { scopeName, operator: 'Exists' },
    { scopeName, operator: 'DoesNotExist' },
    { scopeName, operator: 'In', values: ['high', 'fast'] },
    { scopeName, operator: 'NotIn', values: ['high', 'fast'] },
  ]),
  { scopeName: 'Unknown', operator: 'Exists' },
];

const illegibleScopes: readonly ScopedResourceSelectorRequirement[] = selectable.flatMap((scopeName) => [
  { scopeName, operator: 'In' },
  { scopeName, operator: 'NotIn', values: [] },
  { scopeName, operator: 'In', values: ['not ok', 'neither, this'] },
  { scopeName, operator: 'DoesNotExist', values: ['high'] },
  { scopeName, operator: 'Equals', values: ['high'] },
]);

const otherResources: readonly GroupResource[] = [
  { group: '', resource: 'configmaps' },
  { group: '', resource: 'secrets' },
  { group: '', resource: 'resourcequotas' },
  { group: '', resource: 'replicationcontrollers' },
  { group: '', resource: 'serviceaccounts' },
  { group: 'apps', resource: 'deployments' },
  { group: 'example.com', resource: 'secrets' },
];

const others: readonly CountedObject[] = otherResources.map((resource) => ({
  resource,
  object: { metadata: { name: 'other', namespace: 'team' } },
}));

const kinds = ['pods', 'services', 'persistentvolumeclaims', 'resourceclaims'] as const;
type Kind = (typeof kinds)[number];

const names = [
  ...['cpu', 'memory', 'ephemeral-storage', 'storage'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
  ...[
    'pods',
    'services',
    'services.nodeports',
    'services.loadbalancers',
    'persistentvolumeclaims',
    'configmaps',
    'secrets',
  ],
  ...['count/pods', 'count/services', 'count/persistentvolumeclaims', 'count/resourceclaims.resource.k8s.io'],
  ...['count/configmaps', 'count/secrets', 'count/secrets.example.com', 'count/deployments.apps', 'resourcequotas'],
  ...[
    'replicationcontrollers',
    'count/replicationcontrollers',
    'hugepages-2Mi',
    'requests.hugepages-2Mi',
    'limits.hugepages-2Mi',
  ],
  ...[
    'example.com/gpu',
    'requests.example.com/gpu',
    'requests.example.com/fpga',
    'requests.example.com/other',
    'limits.example.com/gpu',
  ],
  ...['requests.kubernetes.io/odd', 'kubernetes.io/odd', 'gold.deviceclass.resource.k8s.io/devices'],
  ...['gold', 'plain', 'absent'].map((name) => `requests.deviceclass.resource.kubernetes.io/${name}`),
  ...['deviceclass.resource.kubernetes.io/gold', 'fast.storageclass.storage.k8s.io/requests.storage'],
  ...['fast.storageclass.storage.k8s.io/persistentvolumeclaims', 'fast.storageclass.storage.k8s.io/pods', 'unknown'],
];

/** Names that a container may request, in no order of sense. */
const requestable = [
  ...['cpu', 'cpu', 'cpu', 'memory', 'memory', 'memory', 'ephemeral-storage', 'hugepages-2Mi', 'hugepages-1Gi'],
  ...['example.com/gpu', 'example.com/gpu', 'deviceclass.resource.kubernetes.io/gold', 'kubernetes.io/odd'],
  ...[
    'requests.example.com/x',
    'example.com/-x',
    'storage',
    `${'a'.repeat(50)}.example.com/x`,
    `example.com/${'a'.repeat(60)}`,
  ],
];

const quantities: readonly (string | number | null)[] = [
  ...['100m', '0.5', '1', '1', '1.5', '1500m', '2', '3', '250m', '1.500', '1e3', '2E3', '0', '0.0001', '100u', '1n'],
  ...['1Gi', '1.5Gi', '512Mi', '2Mi', '1Ki', '1023', '100M', '1073741824', '0.5Ki', '1.1Ki', '9Ei', '5.', '+1', ' 2 '],
  ...[1, 2, 0.25, null],
];

class Generator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  of(resource: Kind): CountedObject {
    switch (resource) {
      case 'pods':
        return { resource: { group: '', resource }, object: this.#pod() };
      case 'services':
        return { resource: { group: '', resource }, object: this.#service() };
      case 'persistentvolumeclaims':
        return { resource: { group: '', resource }, object: this.#claim() };
      case 'resourceclaims':
        return { resource: { group: 'resource.k8s.io', resource }, object: this.#resourceClaim() };
    }
  }

  request(): RequestCase {
    const random = this.#random;
    const kind = random.chance(0.4) ? 'pods' : random.of(kinds);
    const counted = random.chance(0.05) ? random.of(others) : this.of(kind);
    const operation = random.of([
      'CREATE',
      'CREATE',
      'CREATE',
      'CREATE',
      'UPDATE',
      'UPDATE',
      'UPDATE',
      'DELETE',
    ] as const);
    const subresource =
      operation === 'UPDATE'
        ? random.of(['', '', ...(kind === 'pods' ? ['resize', 'resize', 'resize'] : ['status']), 'scale'])
        : random.of(['', '', '', '', '', '', 'x']);
    const quotas = random.times(random.below(4), (index) => this.#quota(`quota-${index}`, kind));
    // Where there is neither, the plug-in lets all pass before it comes to what is recorded here.
    const isLimited = quotas.length === 0 || random.chance(0.3);
    return {
      ...counted,
      operation,
      subresource,
      oldObject: operation === 'UPDATE' && !random.chance(0.05) ? this.#before(counted, kind) : null,
      quotas,
      limitedResources: isLimited ? random.times(1 + random.below(2), () => this.#limitedResource(kind)) : [],
    };
  }

  /** Another object of the kind, or the same, with or without the resourceVersion that says it is stored. */
  #before({ object }: CountedObject, kind: Kind): KubernetesObject {
    const random = this.#random;
    const old = random.chance(0.2) ? object : this.of(kind).object;
    return random.chance(0.9) ? { ...old, metadata: { ...old.metadata, resourceVersion: '7' } } : old;
  }

  #quota(name: string, kind: Kind): ResourceQuota {
    const random = this.#random;
    const own = ownNames[kind];
    const counted = random.times(1 + random.below(4), () => random.of(random.chance(0.85) ? own : names));
    const hard = Object.fromEntries(
      counted.map((each) => [each, random.of(['0', '1', '2', '10', '3Gi', '1500m', '5k', '100Gi', '1e6'])]),
    );
    const used = Object.fromEntries(
      Object.keys(hard)
        .filter(() => !random.chance(0.03))
        .map((each) => [each, random.of(['0', '0', '0', '1', '500m', '1Gi', '2.500', '10'])]),
    );
    return {
      metadata: { name, namespace: 'team' },
      spec: {
        hard,
        ...(random.chance(0.15) ? { scopes: [random.of(scopes.slice(0, 6)).scopeName] } : {}),
        ...(random.chance(0.2) ? { scopeSelector: { matchExpressions: [this.#scope()] } } : {}),
      },
      status: { hard, used },
    };
  }

  #scope(): ScopedResourceSelectorRequirement {
    return this.#random.of(this.#random.chance(0.93) ? scopes : illegibleScopes);
  }

  #limitedResource(kind: Kind): LimitedResource {
    const random = this.#random;
    return {
      resource: random.chance(0.8) ? kind : random.of(['pods', 'services', 'persistentvolumeclaims']),
      ...(kind === 'resourceclaims' ? { apiGroup: 'resource.k8s.io' } : {}),
      ...(random.chance(0.7)
        ? {
            matchContains: [random.of(['cpu', 'memory', 'requests.', 'nodeports', '.storageclass.', 'devices', 'zzz'])],
          }
        : {}),
      ...(random.chance(0.5) ? { matchScopes: [this.#scope()] } : {}),
    };
  }

  #pod(): KubernetesObject {
    const random = this.#random;
    const containers = random.times(1 + random.below(3), (index) => this.#container(`c${index}`));
    const initContainers = random.times(random.chance(0.5) ? random.below(4) : 0, (index) => ({
      ...this.#container(`i${index}`),
      ...random.maybe(0.5, () => ({ restartPolicy: random.of(['Always', 'Always', 'Never']) })),
    }));
    return {
      metadata: {
        name: random.of(['web', 'db']),
        ...random.maybe(0.8, () => ({ namespace: 'team' })),
        ...random.maybe(0.2, () => ({
          deletionTimestamp: random.of(['2026-11-23T11:59:30Z', '2026-11-23T11:59:31Z', '2026-11-23T12:00:05Z']),
        })),
        ...random.maybe(0.2, () => ({ deletionGracePeriodSeconds: random.of([0, 29, 30, 31]) })),
      },
      spec: {
        containers,
        ...random.maybe(0.9, () => ({ initContainers: initContainers.length > 0 ? initContainers : null })),
        ...random.maybe(0.2, () => ({ overhead: this.#list(2) })),
        ...random.maybe(0.3, () => ({ resources: random.chance(0.1) ? {} : this.#requirements() })),
        ...random.maybe(0.3, () => ({ activeDeadlineSeconds: random.of([0, 5, -1, null]) })),
        ...random.maybe(0.5, () => ({ priorityClassName: random.of(['high', 'low', '']) })),
        ...random.maybe(0.25, () => ({ affinity: this.#affinity() })),
        ...random.maybe(0.1, () => ({ ephemeralContainers: [this.#container('debug')] })),
      },
      ...random.maybe(0.5, () => ({
        status: this.#podStatus([...containers, ...initContainers].map(({ name }) => name)),
      })),
    } as KubernetesObject;
  }

  #podStatus(containers: readonly string[]): object {
    const random = this.#random;
    const statuses = () =>
      containers
        .filter(() => random.chance(0.7))
        .map((name) => ({
          name,
          ...random.maybe(0.6, () => ({ allocatedResources: random.chance(0.1) ? {} : this.#list(3) })),
          ...random.maybe(0.6, () => ({
            resources: random.chance(0.1) ? { requests: {}, limits: {} } : this.#requirements(),
          })),
        }));
    return {
      ...random.maybe(0.7, () => ({
        phase: random.of(['Pending', 'Running', 'Running', 'Succeeded', 'Failed', 'Unknown']),
      })),
      ...random.maybe(0.3, () => ({ qosClass: random.of(['BestEffort', 'Burstable', 'Guaranteed']) })),
      ...random.maybe(0.7, () => ({ containerStatuses: statuses() })),
      ...random.maybe(0.4, () => ({ initContainerStatuses: statuses() })),
      ...random.maybe(0.3, () => ({
        conditions: random.times(1 + random.below(2), () => ({
          type: random.of(['PodResizePending', 'PodResizePending', 'PodResizeInProgress']),
          status: 'True',
          reason: random.of(['Infeasible', 'Infeasible', 'Deferred']),
        })),
      })),
      // None of these counts.
      ...random.maybe(0.1, () => ({ allocatedResources: this.#list(2), resources: this.#requirements() })),
      ...random.maybe(0.1, () => ({
        nodeAllocatableResourceClaimStatuses: [
          { resourceClaimName: 'x', containers: ['c0'], mapping: [{ name: 'cpu', quantity: '7' }] },
        ],
      })),
    };
  }

  #container(name: string): { name: string; resources?: object | null } {
    const random = this.#random;
    if (random.chance(0.1)) return { name };
    return { name, resources: random.chance(0.05) ? null : this.#requirements() };
  }

  #requirements(): object {
    const random = this.#random;
    const limits = random.chance(0.6) ? this.#list(4) : undefined;
    const requests = random.chance(0.7) ? this.#list(4) : random.chance(0.3) ? limits : undefined;
    return {
      ...(requests === undefined ? {} : { requests }),
      ...(limits === undefined ? random.maybe(0.1, () => ({ limits: null })) : { limits }),
    };
  }

  #list(longest: number): { [name: string]: string | number | null } {
    const random = this.#random;
    const negative = random.chance(0.01);
    return Object.fromEntries(
      random.times(random.below(longest + 1), () => [random.of(requestable), negative ? '-1' : random.of(quantities)]),
    );
  }

  #affinity(): object {
    const random = this.#random;
    const term = () => ({
      topologyKey: 'zone',
      ...random.maybe(0.3, () => ({ namespaces: random.of([[], ['other']]) })),
      ...random.maybe(0.3, () => ({ namespaceSelector: random.of([null, {}, { matchLabels: { a: 'b' } }]) })),
    });
    const side = () => ({
      ...random.maybe(0.5, () => ({
        requiredDuringSchedulingIgnoredDuringExecution: random.times(random.below(3), term),
      })),
      ...random.maybe(0.5, () => ({
        preferredDuringSchedulingIgnoredDuringExecution: random.times(random.below(3), () => ({
          weight: 1,
          podAffinityTerm: term(),
        })),
      })),
    });
    return {
      ...random.maybe(0.6, () => ({ podAffinity: side() })),
      ...random.maybe(0.6, () => ({ podAntiAffinity: side() })),
    };
  }

  #service(): KubernetesObject {
    const random = this.#random;
    return {
      metadata: { name: 'web', namespace: 'team' },
      spec: {
        ...random.maybe(0.95, () => ({
          type: random.of(['ClusterIP', 'NodePort', 'LoadBalancer', 'LoadBalancer', 'LoadBalancer', 'ExternalName']),
        })),
        ...random.maybe(0.9, () => ({
          ports: random.times(random.below(5), (index) => ({
            port: 80 + index,
            ...random.maybe(0.5, () => ({ nodePort: random.of([0, 30000 + index, 30000 + index]) })),
          })),
        })),
        ...random.maybe(0.6, () => ({ allocateLoadBalancerNodePorts: random.of([true, false, false, null]) })),
      },
    } as KubernetesObject;
  }

  #claim(): KubernetesObject {
    const random = this.#random;
    const storageOr = () => (random.chance(0.85) ? 'storage' : 'cpu');
    const storage = () => ({ [storageOr()]: random.of(quantities) });
    return {
      metadata: {
        name: 'data',
        namespace: 'team',
        ...random.maybe(0.2, () => ({
          annotations: { 'volume.beta.kubernetes.io/storage-class': random.of(['slow', '']) },
        })),
      },
      spec: {
        ...random.maybe(0.6, () => ({ storageClassName: random.of(['fast', 'fast', '', null]) })),
        ...random.maybe(0.9, () => ({ resources: random.chance(0.9) ? { requests: storage() } : {} })),
        ...random.maybe(0.4, () => ({ volumeAttributesClassName: random.of(['fast', 'slow', '']) })),
      },
      ...random.maybe(0.6, () => ({
        status: {
          ...random.maybe(0.5, () => ({ allocatedResources: random.chance(0.1) ? {} : storage() })),
          ...random.maybe(0.4, () => ({ currentVolumeAttributesClassName: random.of(['fast', 'slow']) })),
          ...random.maybe(0.4, () => ({
            modifyVolumeStatus: { status: 'Pending', targetVolumeAttributesClassName: random.of(['fast', 'slow', '']) },
          })),
        },
      })),
    } as KubernetesObject;
  }

  #resourceClaim(): KubernetesObject {
    const random = this.#random;
    const owner = random.of(['named', 'unnamed', 'elsewhere', 'missing']);
    const devices = () => ({
      deviceClassName: random.of(['gold', 'gold', 'silver', 'plain', 'absent']),
      ...random.maybe(0.9, () => ({
        allocationMode: random.of(['ExactCount', 'ExactCount', 'ExactCount', 'All', 'Future', '']),
      })),
      ...random.maybe(0.85, () => ({ count: random.of([0, 1, 2, 3, 7]) })),
    });
    return {
      metadata: {
        name: random.of(['claim', 'claim', 'other']),
        namespace: 'team',
        ...random.maybe(0.6, () => ({
          annotations: {
            'resource.kubernetes.io/extended-resource-claim': random.of(['true', 'true', 'true', 'false']),
          },
        })),
        ...random.maybe(0.8, () => ({
          ownerReferences: [
            {
              apiVersion: random.of(['v1', 'v1', 'v1', 'v2']),
              kind: random.of(['Pod', 'Pod', 'Pod', 'Job']),
              name: owner,
              uid: `uid-of-${random.chance(0.9) ? owner : 'nobody'}`,
              ...random.maybe(0.9, () => ({ controller: true })),
            },
          ],
        })),
      },
      spec: {
        devices: {
          ...random.maybe(0.95, () => ({
            requests: random.times(random.below(4), (index) => ({
              name: `r${index}`,
              ...(random.chance(0.35)
                ? { firstAvailable: random.times(1 + random.below(3), (at) => ({ name: `a${at}`, ...devices() })) }
                : random.maybe(0.95, () => ({ exactly: devices() }))),
            })),
          })),
        },
      },
    } as KubernetesObject;
  }
}

/** Names that a kind counts towards, for quotas that matter. */
const ownNames: { readonly [K in Kind]: readonly string[] } = {
  // Few of those that every container must name: else most writes are refused for that.
  pods: [
    ...['pods', 'count/pods', 'pods', 'requests.cpu', 'memory', 'limits.memory', 'cpu', 'ephemeral-storage'],
    ...['hugepages-2Mi', 'requests.hugepages-2Mi', 'requests.ephemeral-storage', 'limits.ephemeral-storage'],
    ...['requests.example.com/gpu', 'requests.example.com/gpu', 'requests.deviceclass.resource.kubernetes.io/gold'],
  ],
  services: ['services', 'count/services', 'services.nodeports', 'services.loadbalancers'],
  persistentvolumeclaims: [
    ...['persistentvolumeclaims', 'count/persistentvolumeclaims', 'requests.storage', 'requests.storage'],
    ...['fast.storageclass.storage.k8s.io/requests.storage', 'fast.storageclass.storage.k8s.io/persistentvolumeclaims'],
  ],
  resourceclaims: [
    ...['count/resourceclaims.resource.k8s.io', 'gold.deviceclass.resource.k8s.io/devices', 'requests.example.com/gpu'],
    ...['requests.deviceclass.resource.kubernetes.io/gold', 'silver.deviceclass.resource.k8s.io/devices'],
  ],
};

/** Mulberry32: small, and the same everywhere. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to, not including, `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  }

  chance(probability: number): boolean {
    return this.below(1000) < probability * 1000;
  }

  of<Element>(choices: readonly Element[]): Element {
    // The index is below the length; no list here is empty.
    return choices[this.below(choices.length)] as Element;
  }

  times<Element>(count: number, make: (index: number) => Element): Element[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }

  maybe<Fields extends object>(probability: number, make: () => Fields): Partial<Fields> {
    return this.chance(probability) ? make() : {};
  }
}

if (import.meta.main) process.stdout.write(JSON.stringify(usageCases()));
