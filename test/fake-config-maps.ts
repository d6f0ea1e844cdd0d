import type { KubernetesObject } from '../src/api/object-meta.ts';
import { ApiStatusError, type KubeClient, type ObjectAddress } from '../src/kube/index.ts';

/**
 * ConfigMaps as an API server keeps them: an update of a version that was replaced is a conflict, and one that holds more than
 * 1 MiB is invalid.
 */
export class FakeConfigMaps implements Pick<KubeClient, 'get' | 'create' | 'replace'> {
  readonly #objects = new Map<string, KubernetesObject>();
  #version = 1;

  async get<T extends KubernetesObject>({ name }: ObjectAddress): Promise<T> {
    const object = this.#objects.get(name);
    if (object === undefined) throw refusal(404, 'NotFound');
    // What the caller says that it is.
    return structuredClone(object) as T;
  }

  async create<T extends object = KubernetesObject>(_address: object, object: KubernetesObject): Promise<T> {
    const name = object.metadata?.name ?? '';
    if (this.#objects.has(name)) throw refusal(409, 'AlreadyExists');
    return this.#store(name, object) as T;
  }

  async replace<T extends object = KubernetesObject>({ name }: ObjectAddress, object: KubernetesObject): Promise<T> {
    const version = this.#objects.get(name)?.metadata?.resourceVersion;
    if (version === undefined) throw refusal(404, 'NotFound');
    if (object.metadata?.resourceVersion !== version) throw refusal(409, 'Conflict');
    return this.#store(name, object) as T;
  }

  #store(name: string, object: KubernetesObject): KubernetesObject {
    const { data = {} } = object as { readonly data?: Readonly<Record<string, string>> };
    const bytes = Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (bytes > 1_048_576) throw refusal(422, 'Invalid');
    const resourceVersion = String((this.#version += 1));
    const stored = { ...structuredClone(object), metadata: { ...object.metadata, resourceVersion } };
    this.#objects.set(name, stored);
    return structuredClone(stored);
  }
}

function refusal(code: number, reason: string): ApiStatusError {
  return new ApiStatusError('ConfigMap', code, { kind: 'Status', apiVersion: 'v1', code, reason, message: reason });
}
