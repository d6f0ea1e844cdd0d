import type { Operation } from '../../../src/api/admission-review.ts';
import { guessResource } from '../../../src/api/kind.ts';
import type { KubernetesObject } from '../../../src/api/object-meta.ts';
import { parseApiVersion, type GroupVersionKind, type GroupVersionResource } from '../../../src/api/resource.ts';
import type { PodSecurityConfiguration } from '../../../src/chain/plugins/pod-security/index.ts';
import { generatePods } from './generate-pods.ts';

/**
 * Pods, requests and configurations for which test/golden/pod-security/outcomes.json records what the real plug-in says.
 * The same ones each time: what looks random comes from a fixed seed.
 *
 * `node test/golden/pod-security/cases.ts` prints them for tools/control-plane/cmd/golden-pod-security, which records.
 */
export interface PodSecurityCases {
  /** Judged at every level and version. */
  readonly pods: readonly KubernetesObject[];
  readonly requests: readonly RequestCase[];
  /** None of which an API server would start with. */
  readonly configurations: readonly PodSecurityConfiguration[];
}

export interface RequestCase {
  readonly title: string;
  readonly configuration: (PodSecurityConfiguration & KubernetesObject) | null;
  readonly state: readonly KubernetesObject[];
  readonly operation: Operation;
  readonly kind: GroupVersionKind;
  readonly resource: GroupVersionResource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: string;
  readonly object: KubernetesObject;
  readonly oldObject: KubernetesObject | null;
}

export function podSecurityCases(): PodSecurityCases {
  return { pods: [...oddPods, ...generatePods(300)], requests: requests(), configurations };
}

const prefix = 'pod-security.kubernetes.io/';

type Labels = { readonly [label: string]: string };

function namespace(labels: Labels, name = 'team'): KubernetesObject {
  const prefixed = Object.entries(labels).map(([key, value]) => [prefix + key, value] as const);
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: Object.fromEntries(prefixed) } };
}

interface PodParts {
  readonly metadata?: object;
  readonly spec?: object;
}

function pod(name: string, { metadata, spec }: PodParts = {}): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'team', ...metadata },
    ...{ spec: { containers: [container('main')], ...spec } },
  };
}

function container(name: string, fields: object = {}): object {
  return { name, image: 'registry.example/app:1', ...fields };
}

const restrictedContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};
const goodSpec = { containers: [container('main', { securityContext: restrictedContext })] };
const privilegedSpec = { containers: [container('main', { securityContext: { privileged: true } })] };

/** What the generator does not think of. */
const oddPods: readonly KubernetesObject[] = [
  pod('null-fields', {
    metadata: { annotations: null, ownerReferences: null },
    spec: {
      containers: [container('main', { securityContext: null, ports: null, livenessProbe: null })],
      initContainers: null,
      volumes: null,
      os: null,
      hostUsers: null,
      securityContext: { sysctls: null, seccompProfile: null, runAsUser: null },
    },
  }),
  pod('null-sources', { spec: { volumes: [{ name: 'a', hostPath: null }, { name: 'b' }, { name: 'c', secret: {} }] } }),
  pod('null-elements', { spec: { containers: [null, container('main', { ports: [null] })] } }),
  pod('null-annotation', {
    metadata: { annotations: { 'container.apparmor.security.beta.kubernetes.io/main': null } },
  }),
  pod('quotes', {
    metadata: {
      annotations: {
        'container.apparmor.security.beta.kubernetes.io/main': 'a "b" \\ \u0007 ü \u{1f600}',
        'seccomp.security.alpha.kubernetes.io/pod': 'x"y',
        'container.seccomp.security.alpha.kubernetes.io/main': '',
        'container.seccomp.security.alpha.kubernetes.io/absent': 'unconfined',
      },
    },
  }),
  pod('byte-order', {
    spec: {
      containers: [
        container('main', { securityContext: { capabilities: { add: ['\u{1f600}', '\uff21', 'Z', 'a', '"'] } } }),
      ],
    },
  }),
  pod('no-containers', { spec: { containers: [] } }),
  pod('host-network-ports', {
    spec: {
      hostNetwork: true,
      containers: [container('main', { ports: [{ containerPort: 9 }, { containerPort: 80, hostPort: 10 }, {}] })],
      initContainers: [container('init', { ports: [{ containerPort: 9 }] })],
      ephemeralContainers: [container('debug', { ports: [{ containerPort: 11 }] })],
    },
  }),
  ...[
    {},
    { os: { name: 'windows' } },
    { securityContext: { appArmorProfile: { type: 'Unconfined' } } },
    { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } },
    { containers: [container('main', { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } })] },
  ].map((spec, index) =>
    pod(`app-armor-annotation-${index}`, {
      metadata: { annotations: { 'container.apparmor.security.beta.kubernetes.io/main': 'unconfined' } },
      spec,
    }),
  ),
  pod('good', { spec: goodSpec }),
];

type Request = Partial<Omit<RequestCase, 'configuration'>> & {
  readonly title: string;
  readonly object: KubernetesObject;
  readonly configuration?: PodSecurityConfiguration;
};

function request({ title, object, configuration, ...given }: Request): RequestCase {
  const kind = { ...parseApiVersion(object.apiVersion ?? ''), kind: object.kind ?? '' };
  const { group, version, resource } = guessResource(kind);
  const name = object.metadata?.name ?? '';
  const oldObject = given.oldObject ?? null;
  return {
    title,
    configuration:
      configuration === undefined
        ? null
        : {
            apiVersion: 'pod-security.admission.config.k8s.io/v1',
            kind: 'PodSecurityConfiguration',
            ...configuration,
          },
    state: [],
    operation: oldObject === null ? 'CREATE' : 'UPDATE',
    kind,
    resource: { group, version, resource },
    subresource: '',
    namespace: kind.kind === 'Namespace' ? name : 'team',
    name,
    user: 'alice',
    ...given,
    object,
    oldObject,
  };
}

function requests(): RequestCase[] {
  return [
    ...podRequests(),
    ...workloads.map((object) =>
      request({
        title: `${object.kind} is warned about and not refused`,
        object,
        state: [namespace({ enforce: 'restricted', audit: 'baseline', 'audit-version': 'v1.20' })],
      }),
    ),
    ...controllerRequests(),
    ...namespaceCreations(),
    ...namespaceUpdates(),
  ];
}

function podRequests(): RequestCase[] {
  const bad = pod('bad', { spec: privilegedSpec });
  const create = (title: string, labels: Labels, more: Partial<Request> = {}): RequestCase =>
    request({ title: `Pod: ${title}`, object: bad, state: [namespace(labels)], ...more });
  const update = (title: string, spec: object, oldSpec: object, more: Partial<Request> = {}): RequestCase =>
    create(
      `update: ${title}`,
      { enforce: 'restricted' },
      {
        object: pod('web', { spec }),
        oldObject: pod('web', { spec: oldSpec }),
        ...more,
      },
    );
  const image = (name: string): object => ({ containers: [container('main', { image: name })] });
  const debugged = (name: string): object => ({
    ...image('a'),
    ephemeralContainers: [container('debug', { image: name })],
  });
  return [
    create('no labels', {}),
    create('enforced', { enforce: 'baseline' }),
    create('enforced at an old version', { enforce: 'restricted', 'enforce-version': 'v1.7' }),
    create('enforced at a version to come', { enforce: 'restricted', 'enforce-version': 'v1.9999' }),
    create('enforced at a version beyond doubles', { enforce: 'restricted', 'enforce-version': 'v1.9007199254740993' }),
    create('good Pod', { enforce: 'restricted' }, { object: pod('good', { spec: goodSpec }) }),
    create('only warned', { warn: 'restricted' }),
    create('only audited', { audit: 'restricted', 'audit-version': 'v1.22' }),
    create('three modes, three policies', {
      enforce: 'privileged',
      audit: 'baseline',
      warn: 'restricted',
      'warn-version': 'v1.10',
    }),
    create('all modes alike', { enforce: 'baseline', audit: 'baseline', warn: 'baseline' }),
    create('refused and audited, not warned', { enforce: 'baseline', audit: 'restricted', warn: 'restricted' }),
    create('enforced less than warned', { enforce: 'baseline', warn: 'restricted' }, { object: pod('plain') }),
    create('fully privileged at a version', { enforce: 'privileged', 'enforce-version': 'v1.20' }),
    create('only a version', { 'enforce-version': 'v1.20' }),
    create(
      'generateName',
      { enforce: 'baseline' },
      {
        object: { ...bad, metadata: { generateName: 'web-', namespace: 'team' } },
        name: '',
      },
    ),
    create('unreadable level to enforce', { enforce: 'strict' }),
    create('unreadable level to audit and to warn about', {
      audit: 'strict',
      warn: 'Baseline',
      'warn-version': 'v1.20',
    }),
    create('unreadable version', { enforce: 'baseline', 'enforce-version': '1.20' }, { object: pod('plain') }),
    create('unreadable level among readable ones', { enforce: 'restricted', audit: '', warn: 'privileged' }),
    create(
      'exempt user',
      { enforce: 'restricted' },
      { configuration: { exemptions: { usernames: ['bob', 'alice'] } } },
    ),
    create(
      'user who is not exempt',
      { enforce: 'restricted' },
      { configuration: { exemptions: { usernames: ['bob'] } } },
    ),
    create('no user', { enforce: 'baseline' }, { user: '', configuration: { exemptions: { usernames: ['bob'] } } }),
    create(
      'exempt namespace',
      { enforce: 'restricted' },
      {
        configuration: { exemptions: { namespaces: ['team'], usernames: ['alice'] } },
      },
    ),
    create(
      'exempt namespace that does not exist',
      {},
      { state: [], configuration: { exemptions: { namespaces: ['team'] } } },
    ),
    create(
      'exempt runtime class',
      { enforce: 'restricted', warn: 'sturdy' },
      {
        object: pod('sandboxed', { spec: { ...privilegedSpec, runtimeClassName: 'gvisor' } }),
        configuration: { exemptions: { runtimeClasses: ['gvisor'] } },
      },
    ),
    create(
      'other runtime class',
      { enforce: 'baseline' },
      {
        object: pod('sandboxed', { spec: { ...privilegedSpec, runtimeClassName: 'kata' } }),
        configuration: { exemptions: { runtimeClasses: ['gvisor'] } },
      },
    ),
    create(
      'defaults of the configuration',
      {},
      {
        configuration: {
          defaults: { enforce: 'baseline', 'enforce-version': 'v1.30', audit: 'restricted', warn: 'restricted' },
        },
      },
    ),
    create(
      'labels before defaults',
      { enforce: 'privileged', 'audit-version': 'v1.19' },
      {
        configuration: { defaults: { enforce: 'baseline', audit: 'restricted', 'warn-version': 'v1.3' } },
      },
    ),
    create(
      'warning follows enforcing over the default',
      { enforce: 'restricted', 'enforce-version': 'v1.20' },
      {
        object: workload('apps/v1', 'Deployment', { template: template(privilegedSpec) }),
        configuration: { defaults: { warn: 'baseline', 'warn-version': 'v1.5' } },
      },
    ),
    create(
      'warning follows enforcing, with its own version',
      { enforce: 'restricted', 'warn-version': 'v1.6' },
      {
        object: workload('apps/v1', 'Deployment', { template: template(privilegedSpec) }),
      },
    ),
    create('namespace not found', {}, { state: [] }),
    create('deleted', { enforce: 'restricted' }, { operation: 'DELETE' }),
    ...['status', 'binding', 'eviction', 'ephemeralcontainers', 'resize', 'unheard-of'].map((subresource) =>
      create(`subresource ${subresource}`, { enforce: 'baseline' }, { subresource }),
    ),
    update('other image', image('b'), image('a')),
    update('same image', image('a'), image('a')),
    update('what is forbidden appears beside the same image', { ...image('a'), hostPID: true }, image('a')),
    update(
      'container added',
      { containers: [container('main'), container('more')] },
      { containers: [container('main')] },
    ),
    update(
      'container taken away',
      { containers: [container('main')] },
      { containers: [container('main'), container('more')] },
    ),
    update('init container added', { initContainers: [container('init')] }, {}),
    update(
      'init container with another image',
      { initContainers: [container('init', { image: 'b' })] },
      { initContainers: [container('init')] },
    ),
    update('ephemeral container added', debugged('b'), image('a'), { subresource: 'ephemeralcontainers' }),
    update('ephemeral container kept', debugged('b'), debugged('b'), { subresource: 'ephemeralcontainers' }),
    update('ephemeral container with another image', debugged('b'), debugged('c'), {
      subresource: 'ephemeralcontainers',
    }),
    update('ephemeral container taken away', image('a'), debugged('c'), { subresource: 'ephemeralcontainers' }),
    create('update in a privileged namespace', {}, { oldObject: pod('bad') }),
  ];
}

function template(spec: object, metadata: object = {}): object {
  return { metadata: { labels: { app: 'web' }, ...metadata }, spec: { containers: [container('main')], ...spec } };
}

function workload(apiVersion: string, kind: string, spec: object): KubernetesObject {
  return { apiVersion, kind, metadata: { name: 'web', namespace: 'team' }, ...{ spec } };
}

const badTemplate = template({ ...privilegedSpec, hostNetwork: true });

const workloads: readonly KubernetesObject[] = [
  workload('v1', 'ReplicationController', { template: badTemplate }),
  { apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: 'web', namespace: 'team' }, ...{ template: badTemplate } },
  ...['ReplicaSet', 'Deployment', 'StatefulSet', 'DaemonSet'].map((kind) =>
    workload('apps/v1', kind, { template: badTemplate }),
  ),
  workload('batch/v1', 'Job', { template: badTemplate }),
  workload('batch/v1', 'CronJob', { jobTemplate: { spec: { template: badTemplate } } }),
];

function controllerRequests(): RequestCase[] {
  const deployment = (spec: object): KubernetesObject =>
    workload('apps/v1', 'Deployment', { template: template(spec) });
  const create = (title: string, labels: Labels, more: Partial<Request> = {}): RequestCase =>
    request({ title: `workload: ${title}`, object: deployment(privilegedSpec), state: [namespace(labels)], ...more });
  return [
    create('no labels', {}),
    create('nothing to warn about', { enforce: 'restricted' }, { object: deployment(goodSpec) }),
    create('warned alone', { warn: 'baseline' }),
    create('audited alone', { audit: 'baseline' }),
    create('enforced, warning switched off', { enforce: 'baseline', warn: 'privileged' }),
    create('unreadable labels', { enforce: 'x', audit: 'y', warn: 'z', 'warn-version': 'latest ' }),
    create('unreadable version of nothing', { 'audit-version': 'v2.0' }),
    create(
      'host network with ports',
      { warn: 'baseline' },
      {
        object: deployment({ hostNetwork: true, containers: [container('main', { ports: [{ containerPort: 80 }] })] }),
      },
    ),
    create('update', { warn: 'baseline' }, { oldObject: deployment(privilegedSpec) }),
    create('subresource', { warn: 'baseline' }, { subresource: 'status', oldObject: deployment({}) }),
    create('namespace not found', {}, { state: [] }),
    create('exempt user', { warn: 'baseline' }, { configuration: { exemptions: { usernames: ['alice'] } } }),
    create('exempt namespace', { warn: 'baseline' }, { configuration: { exemptions: { namespaces: ['team'] } } }),
    create(
      'exempt runtime class',
      { warn: 'baseline' },
      {
        object: deployment({ ...privilegedSpec, runtimeClassName: 'gvisor' }),
        configuration: { exemptions: { runtimeClasses: ['gvisor'] } },
      },
    ),
    create(
      'replication controller without a template',
      { warn: 'restricted' },
      {
        object: workload('v1', 'ReplicationController', {}),
      },
    ),
    create('deployment without a template', { warn: 'restricted' }, { object: workload('apps/v1', 'Deployment', {}) }),
    create('no workload', { warn: 'restricted' }, { object: workload('v1', 'Service', {}) }),
  ];
}

function namespaceCreations(): RequestCase[] {
  const create = (title: string, labels: Labels, more: Partial<Request> = {}): RequestCase =>
    request({ title: `Namespace: ${title}`, object: namespace(labels), ...more });
  const exempt = { exemptions: { namespaces: ['team'] } };
  return [
    create('no labels', {}),
    create('good labels', {
      enforce: 'baseline',
      'enforce-version': 'v1.0',
      warn: 'restricted',
      'audit-version': 'latest',
    }),
    create('one bad label', { enforce: 'Restricted' }),
    create('every label bad', {
      enforce: '',
      'enforce-version': 'v1',
      audit: 'x',
      'audit-version': 'v1.01',
      warn: 'y',
      'warn-version': 'v1.9223372036854775808',
    }),
    create('newest of versions', { 'enforce-version': 'v1.9223372036854775807' }),
    create('subresource', { enforce: 'x' }, { subresource: 'finalize' }),
    create('exempt', { enforce: 'restricted', 'audit-version': 'v1.3', warn: 'baseline' }, { configuration: exempt }),
    create('exempt, privileged', { enforce: 'privileged', audit: 'privileged' }, { configuration: exempt }),
    create('exempt, only audited', { audit: 'baseline', 'audit-version': 'v1.3' }, { configuration: exempt }),
    create('exempt, bad labels', { enforce: 'x' }, { configuration: exempt }),
    create(
      'exempt, as by default',
      { enforce: 'baseline' },
      {
        configuration: { ...exempt, defaults: { enforce: 'baseline', warn: 'baseline' } },
      },
    ),
    create(
      'exempt, other than by default',
      { warn: 'privileged' },
      {
        configuration: { ...exempt, defaults: { enforce: 'baseline', warn: 'baseline' } },
      },
    ),
  ];
}

function namespaceUpdates(): RequestCase[] {
  const owned = (uid: string): object => ({
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid, controller: true }],
  });
  const pods = [
    pod('good', { spec: goodSpec }),
    pod('web-2', { metadata: owned('1'), spec: privilegedSpec }),
    pod('web-1', { metadata: owned('1'), spec: privilegedSpec }),
    pod('web-3', { metadata: owned('1'), spec: { ...privilegedSpec, hostPID: true } }),
    pod('plain-b'),
    pod('plain-a', { metadata: owned('2') }),
    pod('host', { spec: { hostNetwork: true, containers: [container('main', { ports: [{ containerPort: 80 }] })] } }),
    pod('sandboxed', { spec: { ...privilegedSpec, runtimeClassName: 'gvisor' } }),
    { ...pod('elsewhere', { spec: privilegedSpec }), metadata: { name: 'elsewhere', namespace: 'other' } },
  ];
  const update = (title: string, labels: Labels, oldLabels: Labels, more: Partial<Request> = {}): RequestCase =>
    request({
      title: `Namespace update: ${title}`,
      object: namespace(labels),
      oldObject: namespace(oldLabels),
      state: [namespace(oldLabels), ...pods],
      ...more,
    });
  const exempt = { exemptions: { namespaces: ['team'] } };
  return [
    update('stricter', { enforce: 'restricted' }, {}),
    update('stricter, to baseline', { enforce: 'baseline' }, { enforce: 'privileged' }),
    update('looser', { enforce: 'baseline' }, { enforce: 'restricted' }),
    update('privileged', { enforce: 'privileged' }, { enforce: 'restricted' }),
    update('looser at another version', { enforce: 'baseline', 'enforce-version': 'v1.30' }, { enforce: 'restricted' }),
    update('another version', { enforce: 'restricted', 'enforce-version': 'v1.6' }, { enforce: 'restricted' }),
    update('unchanged', { enforce: 'restricted' }, { enforce: 'restricted' }),
    update('only warnings changed', { warn: 'restricted' }, {}),
    update(
      'nothing violates',
      { enforce: 'restricted' },
      {},
      { state: [namespace({}), pod('good', { spec: goodSpec })] },
    ),
    update('no Pods', { enforce: 'restricted' }, {}, { state: [namespace({})] }),
    update('one Pod violates', { enforce: 'restricted' }, {}, { state: [namespace({}), pod('plain')] }),
    update('labels get bad', { enforce: 'x' }, { enforce: 'restricted' }),
    update('labels stay bad', { enforce: 'x', other: 'y' }, { enforce: 'x' }),
    update('labels get bad in another way', { enforce: 'x' }, { enforce: 'y' }),
    update('labels get worse', { enforce: 'x', audit: 'y' }, { enforce: 'x' }),
    update('one of two gets better', { enforce: 'x' }, { enforce: 'x', audit: 'y' }),
    update('labels get good', { enforce: 'baseline' }, { enforce: 'x' }),
    update(
      'bad version stays while the level changes',
      { enforce: 'restricted', 'enforce-version': 'x' },
      { enforce: 'baseline', 'enforce-version': 'x' },
    ),
    update(
      'exempt runtime class',
      { enforce: 'baseline' },
      {},
      { configuration: { exemptions: { runtimeClasses: ['gvisor'] } } },
    ),
    update('exempt namespace', { enforce: 'baseline' }, {}, { configuration: exempt }),
    update(
      'exempt namespace, as by default',
      { enforce: 'baseline' },
      { enforce: 'restricted', 'enforce-version': 'v1.1' },
      {
        configuration: { ...exempt, defaults: { enforce: 'baseline', warn: 'baseline' } },
      },
    ),
    update(
      'stricter than the default',
      { enforce: 'restricted' },
      {},
      { configuration: { defaults: { enforce: 'restricted' } } },
    ),
    update('subresource', { enforce: 'restricted' }, {}, { subresource: 'status' }),
  ];
}

const configurations: readonly PodSecurityConfiguration[] = [
  { defaults: { enforce: 'x' } },
  { defaults: { enforce: 'x', 'audit-version': 'v1', warn: 'y' }, exemptions: { namespaces: ['Team'] } },
  { exemptions: { namespaces: ['Team', 'a.b', 'team', 'team'] } },
  { exemptions: { runtimeClasses: ['-x', 'a.b', 'a.b'], usernames: ['', 'bob', 'bob', 'bob'] } },
].map((configuration) => ({
  apiVersion: 'pod-security.admission.config.k8s.io/v1',
  kind: 'PodSecurityConfiguration',
  ...configuration,
}));

if (import.meta.main) process.stdout.write(JSON.stringify(podSecurityCases()));
