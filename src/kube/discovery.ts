import { formatApiVersion, type GroupVersionKind, type GroupVersionResource } from '../api/resource.ts';
import type { APIResourceList } from '../api/generated/meta.v1.ts';
import type { KubeClient, RequestOptions } from './client.ts';
import { isNotFound } from './errors.ts';

/** A resource as the API server serves it. */
export interface ServedResource extends GroupVersionResource {
  readonly kind: string;
  readonly namespaced: boolean;
  /** `get`, `list`, `watch`, `create`, … */
  readonly verbs: readonly string[];
}

/**
 * What one API server serves, asked by group and version and remembered.
 *
 * What is not found is asked for anew each time: a CustomResourceDefinition may have been added. What was found and is
 * removed later stays remembered; requests for it then end with an error that `isNotFound` knows.
 */
export class Discovery {
  readonly #client: KubeClient;
  readonly #byGroupVersion = new Map<string, readonly ServedResource[]>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** The resource behind a kind, or undefined when the server has none. Throws as {@link KubeClient} does. */
  async resourceFor(kind: GroupVersionKind, options: RequestOptions = {}): Promise<ServedResource | undefined> {
    const isIt = (served: ServedResource) => served.kind === kind.kind;
    const remembered = this.#byGroupVersion.get(formatApiVersion(kind))?.find(isIt);
    return remembered ?? (await this.resourcesOf(kind, options)).find(isIt);
  }

  /** All resources of one group and version, subresources left out, as served now; none when it is not served. */
  async resourcesOf(
    groupVersion: { readonly group: string; readonly version: string },
    options: RequestOptions = {},
  ): Promise<readonly ServedResource[]> {
    const { group, version } = groupVersion;
    const apiVersion = formatApiVersion(groupVersion);
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    let answer: APIResourceList;
    try {
      answer = JSON.parse(await this.#client.request({ path, ...options })) as APIResourceList;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#byGroupVersion.delete(apiVersion);
      return [];
    }
    const resources = answer.resources
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, kind, namespaced, verbs }) => ({ group, version, resource: name, kind, namespaced, verbs }));
    this.#byGroupVersion.set(apiVersion, resources);
    return resources;
  }
}
