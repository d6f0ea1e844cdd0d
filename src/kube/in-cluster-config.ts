import { join } from 'node:path';
import { fileValue, readConfigFile } from './changing-value.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { ClusterConfigError } from './errors.ts';

interface Environment {
  readonly [name: string]: string | undefined;
}

const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Whether the kubelet told us, as it tells every container, where the API server is. */
export function isInCluster(environment: Environment): boolean {
  return Boolean(environment['KUBERNETES_SERVICE_HOST']) && Boolean(environment['KUBERNETES_SERVICE_PORT']);
}

/**
 * The API server of the cluster we run in, as the Pod's service account. Its token, which the kubelet renews, and the
 * authority are read again while we run.
 *
 * Throws {@link ClusterConfigError} when the environment or the files are not those of a Pod.
 *
 * Source: k8s.io/client-go v0.37.2 rest/config.go, InClusterConfig.
 */
export async function inClusterConfig(
  environment: Environment,
  directory: string = serviceAccountDirectory,
): Promise<ClusterConfig> {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '';
  if (!isInCluster(environment)) {
    throw new ClusterConfigError('KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no Pod');
  }
  const purpose = 'service account';
  const token = fileValue(() => readConfigFile(join(directory, 'token'), purpose));
  const tls = fileValue(async () => ({
    ca: await readConfigFile(join(directory, 'ca.crt'), purpose),
    certificate: undefined,
    key: undefined,
  }));
  // Read now, so that a Pod without a mounted service account is told at its start.
  await Promise.all([token.get(), tls.get()]);
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    namespace: await readConfigFile(join(directory, 'namespace'), purpose),
    tls,
    tlsServerName: undefined,
    insecureSkipTlsVerify: false,
    token,
    impersonation: undefined,
  };
}
