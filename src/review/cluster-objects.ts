import type { KubernetesObject } from '../api/object-meta.ts';
import { isNotFound, type CollectionAddress, type KubeClient } from '../kube/index.ts';

const core = { group: '', version: 'v1' };

/** What the simulated plug-ins look up in a cluster. */
const collections: readonly CollectionAddress[] = [
  { ...core, resource: 'namespaces' },
  { ...core, resource: 'limitranges' },
  { ...core, resource: 'resourcequotas' },
  { ...core, resource: 'serviceaccounts' },
  { ...core, resource: 'persistentvolumeclaims' },
  { group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses' },
  { group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses' },
  { group: 'storage.k8s.io', version: 'v1', resource: 'storageclasses' },
  { group: 'networking.k8s.io', version: 'v1', resource: 'ingressclasses' },
  { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' },
];

/**
 * Reads from a cluster what the chain looks up there, by list only: nothing is written, and no Secret is read. Throws
 * what the client throws; a resource that the cluster does not serve is left out.
 */
export async function readClusterObjects(client: KubeClient): Promise<KubernetesObject[]> {
  const lists = await Promise.all(
    collections.map(async (collection) => {
      try {
        return (await client.list<KubernetesObject>(collection)).items;
      } catch (error) {
        if (isNotFound(error)) return [];
        throw error;
      }
    }),
  );
  return lists.flat();
}
