import { dirname } from 'node:path';
import { globalQuotaDefinition } from '../quota/index.ts';
import { ledgerObjectNames } from '../quota/ledger/stores/kubernetes.ts';
import { InvalidConfigurationError } from './errors.ts';
import { dnsLabel } from './gate-configuration.ts';
import { configurationFolder, type FolderVolume } from './folder-volumes.ts';
import {
  accountWith,
  configurationMap,
  diskClaim,
  httpsService,
  identityOf,
  monitoring,
  networkPolicy,
  restrictedNamespace,
  type Identity,
  type Manifest,
  type Rights,
} from './manifest-parts.ts';
import { parseQuotaHubConfiguration, type QuotaHubConfiguration } from './quota-hub-configuration.ts';
import { quotaReadingRule, quotaStatusRule } from './quota-manifests.ts';
import { podSpec, workloadContainer } from './workload-pods.ts';

export interface HubInstallOptions {
  /** The QuotaHubConfiguration as its author wrote it; it goes into a ConfigMap. */
  readonly configurationText: string;
  /** Image that holds sallyport. */
  readonly image: string;
  /** Whether the Prometheus operator is there to take a ServiceMonitor. */
  readonly serviceMonitor: boolean;
}

const configurationKey = 'hub.yaml';
const configurationPath = `${configurationFolder}/${configurationKey}`;

/**
 * What runs the hub of quotas in a cluster, named by the `metadata` of its configuration: namespace, rights, configuration, one
 * replica, and a Service. What is secret is made by who installs it: Secret `<name>-tls`, ConfigMap `<name>-client-ca`, and where
 * they are configured the Secrets `<name>-objects` (a kubeconfig) and `<name>-store` (the URL of a database), and the namespace
 * of a ledger in objects where it is another one.
 *
 * Throws {@link InvalidConfigurationError} for a configuration without name and namespace, or whose folders cannot be volumes.
 */
export function hubManifests({ configurationText, image, serviceMonitor }: HubInstallOptions): Manifest[] {
  // As it will be read in the cluster: relative paths begin beside the configuration.
  const configuration = parseQuotaHubConfiguration(configurationText, configurationPath);
  const { name, namespace } = configuration.metadata ?? {};
  if (!isDnsLabel(name) || !isDnsLabel(namespace)) {
    throw new InvalidConfigurationError(
      'metadata: expected the name and the namespace that the hub gets, such as { name: quota-hub, namespace: sallyport }',
    );
  }
  const identity = identityOf(namespace, name, { name, component: 'quota-hub' });
  const { port, healthPort } = configuration.server;
  if (port === 0 || healthPort === 0 || port === healthPort) {
    throw new InvalidConfigurationError('server: in a cluster port and healthPort are two ports from 1 to 65535');
  }
  return [
    restrictedNamespace(namespace),
    ...(hasOwnObjects(configuration) ? [globalQuotaDefinition()] : []),
    ...accountWith(identity, rightsOf(configuration)),
    configurationMap(identity, configurationKey, configurationText),
    ...(configuration.store.mode === 'SQLite' ? [diskClaim(identity, 'store')] : []),
    httpsService(identity, port),
    deployment(configuration, identity, image),
    networkPolicy(identity, [port, healthPort]),
    ...(serviceMonitor ? monitoring(identity) : []),
  ];
}

/** In the cluster of the GlobalQuota objects, which is where a ledger in objects is, too. */
function rightsOf(configuration: QuotaHubConfiguration): Rights {
  if (!hasOwnObjects(configuration)) return { cluster: [], namespace: [] };
  const cluster = [quotaReadingRule, quotaStatusRule];
  const { store } = configuration;
  if (store.mode !== 'Kubernetes') return { cluster, namespace: [] };
  const objects = { apiGroups: [''], resources: ['configmaps'] };
  // Only what is made anew has no name to RBAC: beside the ledger there may be configurations that say who is believed.
  const namespace = [
    { ...objects, verbs: ['create'] },
    { ...objects, resourceNames: ledgerObjectNames, verbs: ['get', 'update'] },
  ];
  return { cluster, namespace, inNamespace: store.namespace };
}

function deployment(configuration: QuotaHubConfiguration, identity: Identity, image: string): Manifest {
  const { namespace, name, labels, selector } = identity;
  const { port, healthPort } = configuration.server;
  const container = {
    ...workloadContainer({
      name: 'quota-hub',
      image,
      args: ['quota', 'hub', '--config', configurationPath],
      configurationKey,
      healthPort,
      port,
    }),
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } },
  };
  const pod = podSpec(identity, {
    configMap: name,
    container,
    folders: foldersOf(configuration, name),
    writesDisk: configuration.store.mode === 'SQLite',
  });
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      // Each of two would hear only some of the members.
      replicas: 1,
      selector: { matchLabels: selector },
      strategy: { type: 'Recreate' },
      template: {
        metadata: { labels },
        spec: { ...pod, automountServiceAccountToken: hasOwnObjects(configuration) },
      },
    },
  };
}

function foldersOf(
  { certificates, clientAuthority, objects, store }: QuotaHubConfiguration,
  name: string,
): FolderVolume[] {
  const secret = (own: string): object => ({ secret: { secretName: `${name}-${own}` } });
  const folders: FolderVolume[] = [
    {
      setting: 'certificates',
      example: '/etc/quota-hub/tls',
      name: 'tls',
      source: secret('tls'),
      folder: certificates,
      readOnly: true,
    },
    {
      setting: 'clientAuthority',
      example: '/etc/quota-hub/client-ca/ca.crt',
      name: 'client-ca',
      source: { configMap: { name: `${name}-client-ca` } },
      folder: dirname(clientAuthority),
      readOnly: true,
    },
  ];
  if (objects.mode === 'Cluster' && objects.kubeconfig !== undefined) {
    folders.push({
      setting: 'objects.kubeconfig',
      example: '/etc/quota-hub/objects/kubeconfig',
      name: 'objects',
      source: secret('objects'),
      folder: dirname(objects.kubeconfig),
      readOnly: true,
    });
  }
  if (store.mode === 'SQLite') {
    folders.push({
      setting: 'store.path',
      example: '/var/lib/sallyport/hub.db',
      name: 'store',
      source: { persistentVolumeClaim: { claimName: `${name}-store` } },
      folder: dirname(store.path),
      readOnly: false,
    });
  }
  if (store.mode === 'PostgreSQL' && store.urlFile !== undefined) {
    folders.push({
      setting: 'store.urlFile',
      example: '/etc/quota-hub/store/url',
      name: 'store',
      source: secret('store'),
      folder: dirname(store.urlFile),
      readOnly: true,
    });
  }
  return folders;
}

function hasOwnObjects({ objects }: QuotaHubConfiguration): boolean {
  return objects.mode === 'Cluster' && objects.kubeconfig === undefined;
}

function isDnsLabel(text: string | undefined): text is string {
  return text !== undefined && dnsLabel.safeParse(text).success;
}
