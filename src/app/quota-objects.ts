import {
  clusterObjectSource,
  folderObjectSource,
  KubeClient,
  loadKubeconfig,
  type ObjectSource,
} from '../kube/index.ts';
import { globalQuotaKind, type GlobalQuota } from '../quota/index.ts';
import type { Clock, Logger } from '../telemetry/index.ts';
import type { QuotaConfiguration } from './quota-configuration.ts';

export interface QuotaObjects {
  readonly source: ObjectSource<GlobalQuota>;
  /** Of the cluster that has the objects; undefined when they are files. */
  readonly client: KubeClient | undefined;
  /** Stops the source, if it was started, and all connections that were made for it. */
  readonly close: () => Promise<void>;
}

export interface QuotaObjectsOptions {
  readonly configuration: QuotaConfiguration;
  /** Of the cluster that the gate guards; not closed here. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Where the GlobalQuota objects are, by the configuration. Throws {@link ClusterConfigError}. */
export async function openQuotaObjects(options: QuotaObjectsOptions): Promise<QuotaObjects> {
  const { configuration, client: ownClient, clock, log } = options;
  const { objects } = configuration;
  const kinds = [globalQuotaKind];
  if (objects.mode === 'Folder') {
    const source = folderObjectSource({ folder: objects.directory, kinds, clock, logger: log });
    return { source, client: undefined, close: () => source.stop() };
  }
  const client =
    objects.kubeconfig === undefined ? ownClient : new KubeClient(await loadKubeconfig([objects.kubeconfig]));
  const source = clusterObjectSource({ client, kinds, clock, logger: log });
  return {
    source,
    client,
    async close() {
      await source.stop();
      if (client !== ownClient) client.close();
    },
  };
}
