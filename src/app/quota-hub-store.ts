import { KubeClient, loadClusterConfig, loadKubeconfig } from '../kube/index.ts';
import { ledgerStoreFor, type LedgerStore } from '../quota/index.ts';
import { InvalidConfigurationError } from './errors.ts';
import type { QuotaHubConfiguration } from './quota-hub-configuration.ts';
import { ledgerStoreOf } from './quota-store.ts';

/** Of the cluster that has the GlobalQuota objects; undefined when they are files. Throws {@link ClusterConfigError}. */
export async function clientOfHubObjects({ objects }: QuotaHubConfiguration): Promise<KubeClient | undefined> {
  if (objects.mode === 'Folder') return undefined;
  const config =
    objects.kubeconfig === undefined
      ? await loadClusterConfig({ environment: process.env })
      : await loadKubeconfig([objects.kubeconfig]);
  return new KubeClient(config);
}

/** The store of a hub; `client` is that of its objects. Throws {@link InvalidConfigurationError}. */
export async function hubStoreOf(
  { store }: QuotaHubConfiguration,
  client: KubeClient | undefined,
): Promise<LedgerStore> {
  if (store.mode !== 'Kubernetes') return ledgerStoreOf(store);
  if (client === undefined) throw new InvalidConfigurationError('store.mode Kubernetes needs objects.mode Cluster');
  return ledgerStoreFor({ mode: 'Kubernetes', client, namespace: store.namespace });
}
