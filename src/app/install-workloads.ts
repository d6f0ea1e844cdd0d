import { dirname } from 'node:path';
import { configurationKey, configurationPath, mountFolders, type FolderVolume } from './folder-volumes.ts';
import { parseGateConfiguration, type GateConfiguration } from './gate-configuration.ts';
import { quotaObjectsFolder, quotaStorage } from './quota-manifests.ts';
import type { Identity, InstallOptions, Manifest } from './install-manifests.ts';

type WorkloadOptions = Pick<InstallOptions, 'configuration' | 'configurationText' | 'image'>;

/** Nobody's on the node. */
const userId = 65_532;

/** Longest time from SIGTERM to the end; see the server's shutdown. */
const terminationGracePeriodSeconds = 60;

/**
 * Node would size its young generation by the limit of memory, to 1 MiB in ours, which doubles the 99th percentile, and to 16
 * without one. glibc's arenas keep what each had at most. See docs/decisions/0032-load-and-memory.md.
 */
export const memoryEnvironment = { NODE_OPTIONS: '--max-semi-space-size=8', MALLOC_ARENA_MAX: '1' } as const;

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
  const { volumes, volumeMounts } = mountFolders([
    ...decisionFolder(there),
    ...clientAuthorityFolder(there, name),
    ...quotaObjectsFolder(there.quota, name),
    ...ledger.folders,
  ]);
  const pod = podSpec(identity, name);
  const spread = (topologyKey: string): object => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selector },
    // Of a rollout the new replicas are spread among themselves.
    matchLabelKeys: ['pod-template-hash'],
  });
  const container = {
    ...gateContainer(options, ['serve', '--no-register', '--config', configurationPath]),
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
          ...pod,
          ...(ledger.isFile && { securityContext: { ...pod.securityContext, fsGroup: userId } }),
          terminationGracePeriodSeconds,
          topologySpreadConstraints: [spread('topology.kubernetes.io/zone'), spread('kubernetes.io/hostname')],
          containers: [
            {
              ...container,
              ports: [{ name: 'https', containerPort: port, protocol: 'TCP' }, ...container.ports],
              volumeMounts: [...container.volumeMounts, ...volumeMounts],
            },
          ],
          volumes: [...pod.volumes, ...volumes],
        },
      },
    },
  };
}

/** One process that registers. While it is away everything stays registered as it is. */
export function registeringDeployment(options: WorkloadOptions, identity: Identity, configMap: string): Manifest {
  const { namespace, name, labels, selector } = identity;
  const container = gateContainer(options, ['register', '--watch', '--config', configurationPath]);
  const pod = podSpec(identity, configMap);
  // The secrets of the gate bear the name of the replicas that serve, as the configuration does.
  const quotas = mountFolders(quotaObjectsFolder(configurationThere(options).quota, configMap));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: selector },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels },
        spec: {
          ...pod,
          containers: [{ ...container, volumeMounts: [...container.volumeMounts, ...quotas.volumeMounts] }],
          volumes: [...pod.volumes, ...quotas.volumes],
        },
      },
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
        spec: { ...podSpec(identity, configMap), restartPolicy: 'Never', containers: [container] },
      },
    },
  };
}

/** What all our Pods have in common: what the `restricted` Pod Security Standard wants, and their token. */
function podSpec({ name }: Identity, configMap: string) {
  return {
    serviceAccountName: name,
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    priorityClassName: 'system-cluster-critical',
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    volumes: [{ name: 'configuration', configMap: { name: configMap } } as object],
  };
}

function gateContainer({ configuration, image }: WorkloadOptions, args: readonly string[]) {
  const probe = (path: string, rest: object): object => ({
    httpGet: { path, port: 'health', scheme: 'HTTP' },
    ...rest,
  });
  return {
    name: 'gate',
    image,
    args,
    env: Object.entries(memoryEnvironment).map(([name, value]) => ({ name, value })),
    ports: [{ name: 'health', containerPort: configuration.server.healthPort, protocol: 'TCP' }],
    resources: { requests: { cpu: '20m', memory: '96Mi' }, limits: { memory: '192Mi' } },
    // Served once there is a certificate, for which a new installation waits until its other half has come up.
    startupProbe: probe('/livez', { periodSeconds: 1, failureThreshold: 300 }),
    readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 1 }),
    livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 3 }),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsUser: userId,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      // The file alone: a mounted folder would hide the webhooks that the image has beside it.
      { name: 'configuration', mountPath: configurationPath, subPath: configurationKey, readOnly: true } as object,
    ],
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
