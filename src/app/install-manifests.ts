import type { WebhookRegistry } from '../admission/index.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { parseResourceName } from '../api/resource-name.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import { InvalidConfigurationError } from './errors.ts';

export interface InstallOptions {
  readonly configuration: GateConfiguration;
  /** The GateConfiguration as its author wrote it; it goes into a ConfigMap. */
  readonly configurationText: string;
  readonly registry: WebhookRegistry;
  /** Image that holds sallyport and, at the paths the configuration names, the webhooks. */
  readonly image: string;
}

type Manifest = KubernetesObject & Readonly<Record<string, unknown>>;

const configurationKey = 'gate.yaml';
/** What the configuration names by relative paths lies in the image beside it. */
const configurationPath = `/etc/sallyport/${configurationKey}`;

/** Longest time from SIGTERM to the end; see the server's shutdown. */
const terminationGracePeriodSeconds = 60;

/**
 * What runs the gate in a cluster: namespace, identity with the rights it needs and no others, configuration, two
 * replicas that are spread and disrupted one at a time, and the Service the API server calls. Fit for a namespace that
 * enforces the `restricted` Pod Security Standard.
 *
 * The webhook configurations are not among them: the gate writes those when it can answer, and not before.
 * Throws {@link InvalidConfigurationError} unless the API server reaches the gate by `registration.service`.
 */
export function installManifests(options: InstallOptions): Manifest[] {
  const { service } = options.configuration.registration;
  if (service === undefined) {
    throw new InvalidConfigurationError(
      'registration.service is missing: in a cluster the API server reaches the gate by a Service',
    );
  }
  const { namespace, name } = service;
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/managed-by': 'sallyport' };
  const meta = (rest: object = {}): object => ({ name, namespace, labels, ...rest });
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta() },
    ...rights(options, { namespace, name, labels }),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta(), data: { [configurationKey]: options.configurationText } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta(),
      spec: {
        selector: { 'app.kubernetes.io/name': name },
        ports: [{ name: 'https', port: service.port, targetPort: 'https', protocol: 'TCP' }],
      },
    },
    deployment(options, { namespace, name, labels }),
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: meta(),
      spec: { maxUnavailable: 1, selector: { matchLabels: { 'app.kubernetes.io/name': name } } },
    },
    networkPolicy(options, { namespace, name, labels }),
  ];
}

interface Identity {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The named configurations, the named Secret, the own Namespace, and what the webhooks declare in `reads`: nothing else. */
function rights({ configuration, registry }: InstallOptions, { namespace, name, labels }: Identity): Manifest[] {
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  // Two gates may carry one name in two namespaces; cluster-scoped names tell them apart.
  const nameOf = (kind: 'Role' | 'ClusterRole'): string => (kind === 'Role' ? name : `${namespace}:${name}`);
  const binding = (kind: 'Role' | 'ClusterRole'): Manifest => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: `${kind}Binding`,
    metadata: { name: nameOf(kind), labels, ...(kind === 'Role' && { namespace }) },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: nameOf(kind) },
    subjects,
  });
  const admissionRegistration = {
    apiGroups: ['admissionregistration.k8s.io'],
    resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
  };
  const clusterRules = [
    // Creating by server-side apply is a patch of the named object, and needs `create` beside it, which knows no names.
    { ...admissionRegistration, verbs: ['create'] },
    {
      ...admissionRegistration,
      resourceNames: [configuration.registration.name],
      verbs: ['get', 'list', 'watch', 'patch', 'delete'],
    },
    { apiGroups: [''], resources: ['namespaces'], resourceNames: [namespace], verbs: ['get'] },
    ...readRules(registry),
  ];
  const role: Manifest = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: nameOf('ClusterRole'), labels },
    rules: clusterRules,
  };
  const { certificates } = configuration;
  if (certificates.mode === 'Files') return [role, binding('ClusterRole')];
  const secrets = { apiGroups: [''], resources: ['secrets'] };
  const named = { ...secrets, resourceNames: [certificates.secretName] };
  return [
    role,
    binding('ClusterRole'),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name, namespace, labels },
      rules:
        certificates.mode === 'SelfManaged'
          ? [
              { ...secrets, verbs: ['create'] },
              { ...named, verbs: ['get', 'list', 'watch', 'update'] },
            ]
          : [{ ...named, verbs: ['get', 'list', 'watch'] }],
    },
    binding('Role'),
  ];
}

function readRules(registry: WebhookRegistry): object[] {
  const resourcesOf = new Map<string, Set<string>>();
  for (const { reads } of registry) {
    for (const read of reads) {
      const parsed = parseResourceName(read);
      if ('problem' in parsed) continue;
      resourcesOf.set(parsed.group, (resourcesOf.get(parsed.group) ?? new Set()).add(parsed.resource));
    }
  }
  return [...resourcesOf].map(([group, resources]) => ({
    apiGroups: [group],
    resources: [...resources].sort(),
    verbs: ['list', 'watch'],
  }));
}

function deployment({ configuration, image }: InstallOptions, { namespace, name, labels }: Identity): Manifest {
  const { port, healthPort } = configuration.server;
  const probe = (path: string, rest: object): object => ({
    httpGet: { path, port: 'health', scheme: 'HTTP' },
    ...rest,
  });
  const own = { matchLabels: { 'app.kubernetes.io/name': name } };
  const spread = (topologyKey: string): object => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: own,
  });
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      replicas: 2,
      selector: own,
      // A new replica answers before an old one leaves: there is never one less than wanted.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: name,
          priorityClassName: 'system-cluster-critical',
          terminationGracePeriodSeconds,
          topologySpreadConstraints: [spread('topology.kubernetes.io/zone'), spread('kubernetes.io/hostname')],
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'gate',
              image,
              args: ['serve', '--config', configurationPath],
              ports: [
                { name: 'https', containerPort: port, protocol: 'TCP' },
                { name: 'health', containerPort: healthPort, protocol: 'TCP' },
              ],
              resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
              startupProbe: probe('/readyz', { periodSeconds: 1, failureThreshold: 60 }),
              readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 1 }),
              livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 3 }),
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                runAsUser: 65_532,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [
                // The file alone: a mounted folder would hide the webhooks that the image has beside it.
                { name: 'configuration', mountPath: configurationPath, subPath: configurationKey, readOnly: true },
              ],
            },
          ],
          volumes: [{ name: 'configuration', configMap: { name } }],
        },
      },
    },
  };
}

/** Who calls is the API server, whose address no selector knows; so ports are limited and callers are not. */
function networkPolicy({ configuration }: InstallOptions, { namespace, name, labels }: Identity): Manifest {
  const { port, healthPort } = configuration.server;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace, labels },
    spec: {
      podSelector: { matchLabels: { 'app.kubernetes.io/name': name } },
      policyTypes: ['Ingress'],
      ingress: [
        {
          ports: [
            { port, protocol: 'TCP' },
            { port: healthPort, protocol: 'TCP' },
          ],
        },
      ],
    },
  };
}
