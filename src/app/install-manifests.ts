import type { WebhookRegistry } from '../admission/index.ts';
import type { GateConfiguration } from './gate-configuration.ts';
import { InvalidConfigurationError } from './errors.ts';
import { guardObjects } from './guard-manifests.ts';
import { registeringRights, servingRights } from './install-rights.ts';
import { quotaObjects } from './quota-manifests.ts';
import { configurationKey, registeringDeployment, servingDeployment, unregistering } from './install-workloads.ts';
import {
  configurationMap,
  httpsService,
  identityOf,
  monitoring,
  networkPolicy,
  restrictedNamespace,
  type Manifest,
} from './manifest-parts.ts';

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
    restrictedNamespace(namespace),
    ...guardObjects(configuration),
    ...quotaObjects(configuration.quota, serving),
    ...servingRights(configuration, registry, serving),
    ...registeringRights(configuration, registering),
    configurationMap(serving, configurationKey, configurationText),
    httpsService(serving, port),
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
  return {
    port,
    serving: identityOf(namespace, name, { name, component: 'server' }),
    registering: identityOf(namespace, name, { name: `${name}-registrar`, component: 'registrar' }),
  };
}
