import type { BuiltinResourceTypes } from '../api/generated/resource-types.ts';
import { builtinResources } from '../api/generated/resources.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { parseApiVersion } from '../api/resource.ts';

/** `plural[.group]` of a built-in resource: `namespaces`, `storageclasses.storage.k8s.io`. No versions, no subresources. */
export type BuiltinResource = Exclude<keyof BuiltinResourceTypes, `${string}/${string}`>;

/**
 * The stored objects of a cluster as the plug-ins' listers show them: as of one moment, in their preferred version.
 *
 * Objects are never changed in place. A lister answers at once, so an implementation that reads a live cluster reads
 * it before the run.
 */
export interface ClusterState {
  /** One object; undefined when there is none. `namespace` is left out for cluster-scoped resources. */
  get<Resource extends BuiltinResource>(
    resource: Resource,
    name: string,
    namespace?: string,
  ): BuiltinResourceTypes[Resource] | undefined;
  /** All objects of a resource, or those of one namespace, sorted by namespace and name. */
  list<Resource extends BuiltinResource>(
    resource: Resource,
    namespace?: string,
  ): readonly BuiltinResourceTypes[Resource][];
  /**
   * Creates an empty namespace, as NamespaceAutoProvision does through the API server. Later requests on the same state
   * see it. Does nothing when it exists.
   */
  createNamespace(name: string): void;
}

/**
 * Cluster state held in memory, filled with objects as manifests give them.
 *
 * Every Namespace gets the label `kubernetes.io/metadata.name` and, when its manifest has none, `status.phase: Active`,
 * as the API server would have stored it; nothing else is defaulted. Where an object is given twice, the later one counts.
 */
export class InMemoryClusterState implements ClusterState {
  readonly #objects = new Map<string, Map<string, KubernetesObject>>();

  constructor(objects: Iterable<KubernetesObject> = []) {
    for (const object of objects) this.put(object);
  }

  /** Adds or replaces an object, found again by group, kind, namespace and name. */
  put(object: KubernetesObject): void {
    const groupKind = groupKindOf(object);
    let ofKind = this.#objects.get(groupKind);
    if (ofKind === undefined) this.#objects.set(groupKind, (ofKind = new Map<string, KubernetesObject>()));
    ofKind.set(
      keyOf(object.metadata?.namespace, object.metadata?.name),
      groupKind === 'Namespace' ? storedNamespace(object) : object,
    );
  }

  /** Removes the object of this group, kind, namespace and name, if there is one. */
  remove(object: KubernetesObject): void {
    this.#objects.get(groupKindOf(object))?.delete(keyOf(object.metadata?.namespace, object.metadata?.name));
  }

  get<Resource extends BuiltinResource>(
    resource: Resource,
    name: string,
    namespace?: string,
  ): BuiltinResourceTypes[Resource] | undefined {
    return this.#ofResource(resource).get(keyOf(namespace, name));
  }

  list<Resource extends BuiltinResource>(
    resource: Resource,
    namespace?: string,
  ): readonly BuiltinResourceTypes[Resource][] {
    const prefix = namespace === undefined ? '' : keyOf(namespace, '');
    return [...this.#ofResource(resource)]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  createNamespace(name: string): void {
    if (this.get('namespaces', name) === undefined)
      this.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  #ofResource<Resource extends BuiltinResource>(
    resource: Resource,
  ): ReadonlyMap<string, BuiltinResourceTypes[Resource]> {
    // An object is filed under the kind it names itself; that it has the fields of that kind is the manifest's word.
    return (this.#objects.get(groupKindOfResource(resource)) ?? new Map()) as ReadonlyMap<
      string,
      BuiltinResourceTypes[Resource]
    >;
  }
}

function storedNamespace(namespace: KubernetesObject): KubernetesObject {
  const name = namespace.metadata?.name ?? '';
  const stored = {
    status: { phase: 'Active' },
    ...namespace,
    metadata: { ...namespace.metadata, labels: { ...namespace.metadata?.labels, 'kubernetes.io/metadata.name': name } },
  };
  return stored;
}

/** A namespace cannot hold a slash, so the key of one namespace is never the prefix of another's. */
function keyOf(namespace: string | undefined, name: string | undefined): string {
  return `${namespace ?? ''}/${name ?? ''}`;
}

function groupKindOf({ apiVersion = '', kind = '' }: KubernetesObject): string {
  return groupKind(parseApiVersion(apiVersion).group, kind);
}

function groupKind(group: string, kind: string): string {
  return group === '' ? kind : `${kind}.${group}`;
}

function groupKindOfResource(resource: BuiltinResource): string {
  const dot = resource.indexOf('.');
  const plural = dot === -1 ? resource : resource.slice(0, dot);
  const group = dot === -1 ? undefined : resource.slice(dot + 1);
  // A plural alone is the core group's where the core group has it; the table lists that group first.
  const info = builtinResources.find(
    (each) => each.resource === plural && (group === undefined || each.group === group),
  );
  return info === undefined ? resource : groupKind(info.group, info.kind);
}
