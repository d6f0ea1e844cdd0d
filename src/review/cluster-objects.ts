import type { KubernetesObject } from '../api/object-meta.ts';
import { parseResourceName } from '../api/resource-name.ts';
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
 * Reads from a cluster what the chain looks up there, and what webhooks declare in `reads`, by list only: nothing is
 * written, and no Secret is read unless a webhook declares it. Throws what the client throws; a resource that the cluster
 * does not serve is left out.
 */
export async function readClusterObjects(client: KubeClient, reads: readonly string[]): Promise<KubernetesObject[]> {
  const wanted = [...collections, ...reads.flatMap(collectionOf)];
  const distinct = new Map(wanted.map((each) => [`${each.group}/${each.version}/${each.resource}`, each]));
  const lists = await Promise.all(
    [...distinct.values()].map(async (collection) => {
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

function collectionOf(read: string): CollectionAddress[] {
  const parsed = parseResourceName(read);
  // Never so: definitions were checked when they were made.
  if ('problem' in parsed || parsed.version === undefined) return [];
  return [{ group: parsed.group, version: parsed.version, resource: parsed.resource }];
}
