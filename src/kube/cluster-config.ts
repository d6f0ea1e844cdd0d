/** How to reach one cluster and who to be there, whatever that was read from. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { ChangingValue } from './changing-value.ts';
import { ClusterConfigError } from './errors.ts';
import { inClusterConfig, isInCluster } from './in-cluster-config.ts';
import { loadKubeconfig } from './kubeconfig.ts';

/** What TLS needs, as PEM. */
export interface TlsMaterial {
  /** Authorities that may have signed the server's certificate. Undefined: those that Node trusts. */
  readonly ca: string | undefined;
  /** Client certificate and its key: both or none. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

export interface Impersonation {
  readonly user: string;
  readonly uid: string | undefined;
  readonly groups: readonly string[];
  readonly extra: { readonly [key: string]: readonly string[] };
}

export interface ClusterConfig {
  /** `https://host:port`, possibly with a path that everything is below of. */
  readonly server: URL;
  /** The namespace to use where none is said. */
  readonly namespace: string;
  readonly tls: ChangingValue<TlsMaterial>;
  /** Name to expect in the server's certificate instead of the host. */
  readonly tlsServerName: string | undefined;
  readonly insecureSkipTlsVerify: boolean;
  /** Bearer token; undefined when the client certificate, or nothing, says who we are. */
  readonly token: ChangingValue<string> | undefined;
  readonly impersonation: Impersonation | undefined;
}

export interface ClusterConfigOptions {
  /** As `process.env`; read are KUBECONFIG, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. */
  readonly environment: { readonly [name: string]: string | undefined };
  /** Path of a kubeconfig, before all other places. */
  readonly kubeconfig?: string | undefined;
  /** Context of the kubeconfig. Default: its current one. */
  readonly context?: string | undefined;
}

/**
 * Finds the cluster: `kubeconfig`, else the files of KUBECONFIG, else the service account of the Pod we run in, else
 * `~/.kube/config`.
 *
 * Throws {@link ClusterConfigError} when there is none, or when it asks for something that is not supported.
 *
 * Source of the order: sigs.k8s.io/controller-runtime pkg/client/config, GetConfig.
 */
export async function loadClusterConfig(options: ClusterConfigOptions): Promise<ClusterConfig> {
  const { environment, kubeconfig, context } = options;
  if (kubeconfig !== undefined) return loadKubeconfig([kubeconfig], { context });
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length > 0) return loadKubeconfig(listed, { context });
  if (context === undefined && isInCluster(environment)) return inClusterConfig(environment);
  const home = join(homedir(), '.kube', 'config');
  if (existsSync(home)) return loadKubeconfig([home], { context });
  throw new ClusterConfigError(
    `no cluster is known: KUBECONFIG is not set, this is no Pod with a service account, and there is no ${home}`,
  );
}
