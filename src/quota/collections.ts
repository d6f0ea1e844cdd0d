import { builtinResources } from '../api/generated/resources.ts';
import type { CollectionAddress, KubeClient } from '../kube/index.ts';
import { Discovery } from '../kube/index.ts';
import type { GroupResource } from '../usage/index.ts';

/** Finds the version in which a resource can be listed and watched. */
export class Collections {
  readonly #client: KubeClient;
  readonly #discovery: Discovery;

  constructor(client: KubeClient) {
    this.#client = client;
    this.#discovery = new Discovery(client);
  }

  /** Undefined when the API server serves no such resource, which may change. Throws as {@link KubeClient} does. */
  async find({ group, resource }: GroupResource, signal: AbortSignal): Promise<CollectionAddress | undefined> {
    const builtin = builtinResources.find(
      (info) => info.group === group && info.resource === resource && info.preferred,
    );
    if (builtin !== undefined) return { group, version: builtin.version, resource };
    for (const version of await this.#versionsOf(group, signal)) {
      const served = await this.#discovery.resourcesOf({ group, version }, { signal });
      const found = served.find((each) => each.resource === resource);
      if (found?.namespaced === true && ['list', 'watch'].every((verb) => found.verbs.includes(verb))) {
        return { group, version, resource };
      }
    }
    return undefined;
  }

  /** The preferred one first. */
  async #versionsOf(group: string, signal: AbortSignal): Promise<string[]> {
    if (group === '') return [];
    const { groups } = JSON.parse(await this.#client.request({ path: '/apis', signal })) as GroupList;
    const found = groups.find(({ name }) => name === group);
    if (found === undefined) return [];
    const { preferredVersion, versions } = found;
    return [...new Set([preferredVersion?.version, ...versions.map(({ version }) => version)])].flatMap(
      (version) => version ?? [],
    );
  }
}

interface GroupList {
  readonly groups: ReadonlyArray<{
    readonly name: string;
    readonly versions: ReadonlyArray<{ readonly version: string }>;
    readonly preferredVersion?: { readonly version: string };
  }>;
}
