import { dirname } from 'node:path';
import { configurationFolder, type FolderVolume } from './folder-volumes.ts';
import { parseGateConfiguration, type GateConfiguration } from './gate-configuration.ts';
import { quotaObjectsFolder, quotaStorage } from './quota-manifests.ts';
import type { InstallOptions } from './install-manifests.ts';
import type { Identity, Manifest } from './manifest-parts.ts';
import { podSpec, workloadContainer } from './workload-pods.ts';

/** Key of the GateConfiguration in its ConfigMap. */
export const configurationKey = 'gate.yaml';
const configurationPath = `${configurationFolder}/${configurationKey}`;

type WorkloadOptions = Pick<InstallOptions, 'configuration' | 'configurationText' | 'image'>;

/** Longest time from SIGTERM to the end; see the server's shutdown. */
const terminationGracePeriodSeconds = 60;

/** 300 MiB were measured with as many idle connections as are taken, 2048. */
const plainResources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '384Mi' } };
/** Keeps of every object what it is counted by: 435 MiB were measured at the start beside 10,000 Pods. */
const quotaResources = { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '512Mi' } };

/** Two replicas that serve. */
export function servingDeployment(options: WorkloadOptions, identity: Identity): Manifest {
  const { namespace, name, labels, selector } = identity;
  const { port } = options.configuration.server;
  const there = configurationThere(options);
  const ledger = quotaStorage(there.quota, name);
  const folders = [
    ...decisionFolder(there),
    ...clientAuthorityFolder(there, name),
    ...quotaObjectsFolder(there.quota, name),
    ...ledger.folders,
  ];
  const spread = (topologyKey: string): object => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selector },
    // Of a rollout the new replicas are spread among themselves.
    matchLabelKeys: ['pod-template-hash'],
  });
  const container = {
    ...gateContainer(options, ['serve', '--no-register', '--config', configurationPath], port),
    resources: options.configuration.quota === undefined ? plainResources : quotaResources,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      // A ledger in a file is written by one process on one node.
      replicas: ledger.isFile ? 1 : 2,
      selector: { matchLabels: selector },
      // A new replica answers before an old one leaves: there is never one less than wanted.
      strategy: ledger.isFile
        ? { type: 'Recreate' }
        : { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels },
        spec: {
          ...podSpec(identity, { configMap: name, container, folders, writesDisk: ledger.isFile }),
          terminationGracePeriodSeconds,
          topologySpreadConstraints: [spread('topology.kubernetes.io/zone'), spread('kubernetes.io/hostname')],
        },
      },
    },
  };
}

/** One process that registers. While it is away everything stays registered as it is. */
export function registeringDeployment(options: WorkloadOptions, identity: Identity, configMap: string): Manifest {
  const { namespace, name, labels, selector } = identity;
  const container = gateContainer(options, ['register', '--watch', '--config', configurationPath]);
  // The secrets of the gate bear the name of the replicas that serve, as the configuration does.
  const folders = quotaObjectsFolder(configurationThere(options).quota, configMap);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: selector },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels }, spec: podSpec(identity, { configMap, container, folders }) },
    },
  };
}

/** The Job that removes what is registered. */
export function unregistering(options: WorkloadOptions, identity: Identity, configMap: string): Manifest {
  const { namespace, name, labels } = identity;
  const {
    ports: _ports,
    startupProbe: _startup,
    readinessProbe: _readiness,
    livenessProbe: _liveness,
    ...container
  } = gateContainer(options, ['unregister', '--config', configurationPath]);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${name}-unregister`,
      namespace,
      labels,
      annotations: {
        'helm.sh/hook': 'pre-delete',
        'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
      },
    },
    spec: {
      backoffLimit: 3,
      activeDeadlineSeconds: 120,
      template: {
        metadata: { labels: { ...labels, 'app.kubernetes.io/component': 'unregister' } },
        spec: { ...podSpec(identity, { configMap, container }), restartPolicy: 'Never' },
      },
    },
  };
}

/** `port` is that of one that serves. */
function gateContainer({ configuration, image }: WorkloadOptions, args: readonly string[], port?: number) {
  const { healthPort } = configuration.server;
  return {
    ...workloadContainer({
      name: 'gate',
      image,
      args,
      configurationKey,
      healthPort,
      ...(port !== undefined && { port }),
    }),
    resources: { requests: { cpu: '20m', memory: '96Mi' }, limits: { memory: '192Mi' } },
  };
}

/** A folder for the decision log's files, since the rest of the file system cannot be written. */
function decisionFolder({ decisionLog }: GateConfiguration): FolderVolume[] {
  if (decisionLog?.to !== 'File') return [];
  const { path, maxFileMegabytes, maxFiles } = decisionLog;
  // What is written at once may exceed the last file by a little.
  const source = { emptyDir: { sizeLimit: `${maxFileMegabytes * maxFiles + 20}M` } };
  return [
    {
      setting: 'decisionLog.path',
      example: '/var/log/sallyport/decisions.jsonl',
      name: 'decisions',
      source,
      folder: dirname(path),
      readOnly: false,
    },
  ];
}

/** The authorities of client certificates, from the ConfigMap `<name>-client-ca`. A change of it reaches the replicas. */
function clientAuthorityFolder({ clientCertificates }: GateConfiguration, name: string): FolderVolume[] {
  if (clientCertificates === undefined) return [];
  return [
    {
      setting: 'clientCertificates.caFile',
      example: '/etc/sallyport-client-ca/ca.crt',
      name: 'client-ca',
      source: { configMap: { name: `${name}-client-ca` } },
      folder: dirname(clientCertificates.caFile),
      readOnly: true,
    },
  ];
}

/** As it will be read in the cluster: relative paths begin beside the configuration. */
function configurationThere({ configurationText }: WorkloadOptions): GateConfiguration {
  return parseGateConfiguration(configurationText, configurationPath);
}
