import type { Secret } from '../../src/api/generated/core.v1.ts';
import type { SecretStore, StoredSecret } from '../../src/certs/index.ts';

/** One Secret in memory, with the API server's compare-and-swap and its resource versions. */
export class MemorySecretStore implements SecretStore {
  readonly name: string;
  readonly namespace: string;
  readonly #watchers = new Set<{ readonly onChange: () => void }>();
  #secret: Secret | undefined;
  #resourceVersion = 0;

  constructor(name = 'webhook-authority', namespace = 'sallyport-system') {
    this.name = name;
    this.namespace = namespace;
  }

  async get(): Promise<Secret | undefined> {
    return structuredClone(this.#secret);
  }

  async create(secret: Secret): Promise<StoredSecret> {
    return this.#secret === undefined ? this.#store(secret) : { kind: 'lost-race' };
  }

  async replace(secret: Secret): Promise<StoredSecret> {
    const isCurrent = this.#secret?.metadata?.resourceVersion === secret.metadata?.resourceVersion;
    return this.#secret !== undefined && isCurrent ? this.#store(secret) : { kind: 'lost-race' };
  }

  watch(onChange: () => void): () => void {
    const watcher = { onChange };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** As `kubectl delete` and `kubectl replace --force` do: without asking for a version. */
  overwrite(secret: Secret | undefined): void {
    if (secret !== undefined) {
      this.#store(secret);
      return;
    }
    this.#secret = undefined;
    this.#notify();
  }

  #store(secret: Secret): StoredSecret {
    this.#resourceVersion += 1;
    const { name, namespace } = this;
    const metadata = { ...secret.metadata, name, namespace, resourceVersion: String(this.#resourceVersion) };
    this.#secret = structuredClone({ ...secret, metadata });
    this.#notify();
    return { kind: 'stored', secret: structuredClone(this.#secret) };
  }

  #notify(): void {
    for (const { onChange } of [...this.#watchers]) onChange();
  }
}
