import type { KubernetesObject } from '../api/object-meta.ts';

/** For each object the values under which an index finds it. */
export type IndexFunction<T> = (object: T) => readonly string[];

export interface Indexes<T> {
  readonly [name: string]: IndexFunction<T>;
}

/** What happened to one object. */
export type StoreChange<T> =
  | { readonly type: 'add'; readonly object: T }
  | { readonly type: 'update'; readonly before: T; readonly object: T }
  | { readonly type: 'delete'; readonly object: T };

/** One state of the store; a new one takes its place at once. */
interface Contents<T> {
  /** By namespace (empty for cluster-scoped objects) and name. */
  readonly objects: Map<string, Map<string, T>>;
  /** By index and value. */
  readonly indexes: Map<string, Map<string, Set<T>>>;
}

/** The objects of one collection with their indexes. Each change returns what it did, after it has been done. */
export class ObjectStore<T extends KubernetesObject> {
  readonly #indexFunctions: Indexes<T>;
  #contents: Contents<T>;

  constructor(indexFunctions: Indexes<T>) {
    this.#indexFunctions = indexFunctions;
    this.#contents = this.#empty();
  }

  get(name: string, namespace = ''): T | undefined {
    return this.#contents.objects.get(namespace)?.get(name);
  }

  /** Those of one namespace, or all. */
  *values(namespace?: string): Generator<T, void, undefined> {
    const { objects } = this.#contents;
    const groups = namespace === undefined ? objects.values() : [objects.get(namespace)];
    for (const group of groups) if (group !== undefined) yield* group.values();
  }

  /** Throws a RangeError when there is no such index. */
  byIndex(index: string, value: string): T[] {
    const { indexes } = this.#contents;
    const byValue = indexes.get(index);
    if (byValue === undefined) throw new RangeError(`no index ${index}; there are ${[...indexes.keys()].join(', ')}`);
    return [...(byValue.get(value) ?? [])];
  }

  /** Puts `objects` in the place of everything, at once. What stayed as it was is no change. */
  replace(objects: readonly T[]): StoreChange<T>[] {
    const before = this.#contents;
    const after = this.#empty();
    for (const object of objects) this.#insert(after, object);
    this.#contents = after;
    const changes: StoreChange<T>[] = [];
    for (const object of valuesOf(before)) {
      if (find(after, object) === undefined) changes.push({ type: 'delete', object });
    }
    for (const object of valuesOf(after)) changes.push(...compare(find(before, object), object));
    return changes;
  }

  set(object: T): StoreChange<T>[] {
    const before = find(this.#contents, object);
    if (before !== undefined) this.#withdraw(this.#contents, before);
    this.#insert(this.#contents, object);
    return compare(before, object);
  }

  /** Removes the object of this name; the change carries the last state, which is `object`. */
  remove(object: T): StoreChange<T>[] {
    const before = find(this.#contents, object);
    if (before === undefined) return [];
    this.#withdraw(this.#contents, before);
    return [{ type: 'delete', object }];
  }

  #empty(): Contents<T> {
    const indexes = new Map(Object.keys(this.#indexFunctions).map((name) => [name, new Map<string, Set<T>>()]));
    return { objects: new Map(), indexes };
  }

  #insert({ objects, indexes }: Contents<T>, object: T): void {
    const { namespace, name } = placeOf(object);
    const group = objects.get(namespace);
    if (group === undefined) objects.set(namespace, new Map([[name, object]]));
    else group.set(name, object);
    for (const [index, byValue] of indexes) {
      for (const value of this.#indexFunctions[index]?.(object) ?? []) {
        const filed = byValue.get(value);
        if (filed === undefined) byValue.set(value, new Set([object]));
        else filed.add(object);
      }
    }
  }

  #withdraw({ objects, indexes }: Contents<T>, object: T): void {
    const { namespace, name } = placeOf(object);
    const group = objects.get(namespace);
    group?.delete(name);
    if (group?.size === 0) objects.delete(namespace);
    for (const [index, byValue] of indexes) {
      for (const value of this.#indexFunctions[index]?.(object) ?? []) {
        const filed = byValue.get(value);
        filed?.delete(object);
        if (filed?.size === 0) byValue.delete(value);
      }
    }
  }
}

function placeOf({ metadata }: KubernetesObject): { readonly namespace: string; readonly name: string } {
  return { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
}

function find<T extends KubernetesObject>({ objects }: Contents<T>, object: T): T | undefined {
  const { namespace, name } = placeOf(object);
  return objects.get(namespace)?.get(name);
}

function* valuesOf<T>({ objects }: Contents<T>): Generator<T, void, undefined> {
  for (const group of objects.values()) yield* group.values();
}

/** Another uid under the same name is another object: the former was deleted while nobody told us. */
function compare<T extends KubernetesObject>(before: T | undefined, object: T): StoreChange<T>[] {
  if (before === undefined) return [{ type: 'add', object }];
  if (before.metadata?.uid !== object.metadata?.uid) {
    return [
      { type: 'delete', object: before },
      { type: 'add', object },
    ];
  }
  if (before.metadata?.resourceVersion === object.metadata?.resourceVersion) return [];
  return [{ type: 'update', before, object }];
}
