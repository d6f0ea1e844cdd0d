import { configurationFolder, mountFolders, type FolderVolume } from './folder-volumes.ts';
import type { Identity } from './manifest-parts.ts';

/** Nobody's on the node. */
const userId = 65_532;

/**
 * Node would size its young generation by the limit of memory, to 1 MiB in ours, which doubles the 99th percentile, and to 16
 * without one. glibc's arenas keep what each had at most. See docs/decisions/0032-load-and-memory.md.
 */
export const memoryEnvironment = { NODE_OPTIONS: '--max-semi-space-size=8', MALLOC_ARENA_MAX: '1' } as const;

export interface PodParts {
  /** Of the configuration. */
  readonly configMap: string;
  readonly container: { readonly volumeMounts: readonly object[] };
  readonly folders?: readonly FolderVolume[];
  /** Whether one of the folders is a disk that it writes. */
  readonly writesDisk?: boolean;
}

/** What all our Pods have in common: what the `restricted` Pod Security Standard wants, their token, and one container. */
export function podSpec({ name }: Identity, { configMap, container, folders = [], writesDisk = false }: PodParts) {
  const { volumes, volumeMounts } = mountFolders(folders);
  return {
    serviceAccountName: name,
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    priorityClassName: 'system-cluster-critical',
    securityContext: {
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
      ...(writesDisk && { fsGroup: userId }),
    },
    containers: [{ ...container, volumeMounts: [...container.volumeMounts, ...volumeMounts] }],
    volumes: [{ name: 'configuration', configMap: { name: configMap } }, ...volumes],
  };
}

export interface WorkloadContainerOptions {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  /** Of the configuration in its ConfigMap, and the name of its file. */
  readonly configurationKey: string;
  readonly healthPort: number;
  /** Of one that serves. */
  readonly port?: number;
}

/** A container of ours without its resources. Its probes are at the health port. */
export function workloadContainer(options: WorkloadContainerOptions) {
  const { name, image, args, configurationKey, healthPort, port } = options;
  const probe = (path: string, rest: object): object => ({
    httpGet: { path, port: 'health', scheme: 'HTTP' },
    ...rest,
  });
  return {
    name,
    image,
    args,
    env: Object.entries(memoryEnvironment).map(([variable, value]) => ({ name: variable, value })),
    ports: [
      ...(port === undefined ? [] : [{ name: 'https', containerPort: port, protocol: 'TCP' }]),
      { name: 'health', containerPort: healthPort, protocol: 'TCP' },
    ],
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
      // The file alone: a mounted folder would hide what the image has beside it.
      {
        name: 'configuration',
        mountPath: `${configurationFolder}/${configurationKey}`,
        subPath: configurationKey,
        readOnly: true,
      } as object,
    ],
  };
}
