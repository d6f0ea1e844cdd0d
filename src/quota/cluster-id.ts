import type { KubeClient } from '../kube/index.ts';

/**
 * What a cluster is known by: the uid of its namespace kube-system, which a restored or rebuilt cluster does not share with
 * the one it was made after. Throws as {@link KubeClient} does.
 */
export async function clusterIdOf(client: KubeClient, signal?: AbortSignal): Promise<string> {
  const address = { group: '', version: 'v1', resource: 'namespaces', name: 'kube-system' };
  const { metadata } = await client.get(address, { signal });
  return metadata?.uid ?? '';
}
