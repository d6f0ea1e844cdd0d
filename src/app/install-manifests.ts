import type { WebhookRegistry } from '../admission/index.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { configurationKey } from './folder-volumes.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import { InvalidConfigurationError } from './errors.ts';
import { guardObjects } from './guard-manifests.ts';
import { registeringRights, servingRights } from './install-rights.ts';
import { quotaObjects } from './quota-manifests.ts';
import { registeringDeployment, servingDeployment, unregistering } from './install-workloads.ts';

export interface InstallOptions {
  readonly configuration: GateConfiguration;
  /** The GateConfiguration as its author wrote it; it goes into a ConfigMap. */
  readonly configurationText: string;
  readonly registry: WebhookRegistry;
  /** Image that holds sallyport and, at the paths the configuration names, the webhooks. */
  readonly image: string;
  /** Whether the Prometheus operator is there to take a ServiceMonitor. */
  readonly serviceMonitor: boolean;
}

export type Manifest = KubernetesObject & Readonly<Record<string, unknown>>;

/** A ServiceAccount, and the Pods that run as it. */
export interface Identity {
  readonly namespace: string;
  readonly name: string;
  /** On everything that belongs to it. */
  readonly labels: Readonly<Record<string, string>>;
  /** By which its Pods are found. */
  readonly selector: Readonly<Record<string, string>>;
}

const nameLabel = 'app.kubernetes.io/name';
const componentLabel = 'app.kubernetes.io/component';

/**
 * What runs the gate in a cluster, with two identities: replicas that serve and write nothing, and one process that registers
 * them and rotates their authority, and reads nothing else. Namespace, rights, configuration, two replicas that are spread and
 * disrupted one at a time, and the Service the API server calls. Fit for a namespace that enforces the `restricted` Pod Security
 * Standard.
 *
 * The webhook configurations are not among them: they are written once the gate answers, and not before.
 * Throws {@link InvalidConfigurationError} unless the API server reaches the gate by `registration.service`.
 */
export function installManifests(options: InstallOptions): Manifest[] {
  const { configuration, configurationText, registry, image, serviceMonitor } = options;
  const { serving, registering, port } = identities(configuration);
  const { namespace, name, labels } = serving;
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace,
        labels: { 'app.kubernetes.io/managed-by': 'sallyport', 'pod-security.kubernetes.io/enforce': 'restricted' },
      },
    },
    ...guardObjects(configuration),
    ...quotaObjects(configuration.quota, serving),
    ...servingRights(configuration, registry, serving),
    ...registeringRights(configuration, registering),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, labels },
      data: { [configurationKey]: configurationText },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels },
      spec: {
        selector: serving.selector,
        ports: [{ name: 'https', port, targetPort: 'https', protocol: 'TCP' }],
      },
    },
    servingDeployment({ configuration, configurationText, image }, serving),
    registeringDeployment({ configuration, configurationText, image }, registering, name),
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name, namespace, labels },
      // A replica that is not ready keeps nobody from draining its node.
      spec: {
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: { matchLabels: serving.selector },
      },
    },
    networkPolicy(serving, [configuration.server.port, configuration.server.healthPort]),
    networkPolicy(registering, [configuration.server.healthPort]),
    ...(serviceMonitor ? monitoring(serving) : []),
  ];
}

/**
 * The Job that unregisters before the rest is deleted, so that no webhook points at a Service that is gone. Helm runs it by its
 * annotations; elsewhere it is applied and waited for.
 */
export function unregisterJob({ configuration, configurationText, image }: InstallOptions): Manifest {
  const { serving, registering } = identities(configuration);
  return unregistering({ configuration, configurationText, image }, registering, serving.name);
}

function identities({ registration: { service } }: GateConfiguration) {
  if (service === undefined) {
    throw new InvalidConfigurationError(
      'registration.service is missing: in a cluster the API server reaches the gate by a Service',
    );
  }
  const { namespace, name, port } = service;
  const identity = (own: string, component: string): Identity => {
    const selector = { [nameLabel]: name, [componentLabel]: component };
    return { namespace, name: own, selector, labels: { ...selector, 'app.kubernetes.io/managed-by': 'sallyport' } };
  };
  return { port, serving: identity(name, 'server'), registering: identity(`${name}-registrar`, 'registrar') };
}

/** Who calls is the API server, whose address no selector knows; so ports are limited and callers are not. */
function networkPolicy({ namespace, name, labels, selector }: Identity, ports: readonly number[]): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace, labels },
    spec: {
      podSelector: { matchLabels: selector },
      policyTypes: ['Ingress'],
      ingress: [{ ports: ports.map((port) => ({ port, protocol: 'TCP' })) }],
    },
  };
}

/** A Service of its own, without an address: the API server's has no port for figures, and the registrar none at all. */
function monitoring({ namespace, name, labels }: Identity): Manifest[] {
  const own = { ...labels, [componentLabel]: 'metrics' };
  const metadata = { name: `${name}-metrics`, namespace, labels: own };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        clusterIP: 'None',
        // Figures are wanted of those that are not ready, too.
        publishNotReadyAddresses: true,
        selector: { [nameLabel]: name },
        ports: [{ name: 'health', port: 8080, targetPort: 'health', protocol: 'TCP' }],
      },
    },
    {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata,
      spec: {
        selector: { matchLabels: { [nameLabel]: name, [componentLabel]: 'metrics' } },
        endpoints: [{ port: 'health', path: '/metrics', interval: '30s' }],
      },
    },
  ];
}
