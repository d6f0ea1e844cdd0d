import type { Secret } from '../api/generated/core.v1.ts';

/**
 * One Secret in the API server, by its name: the part of Kubernetes a certificate source needs. Reads are of the newest
 * state, writes are compare-and-swap. Every method but `watch` rejects when the API server cannot be asked or refuses
 * for a reason of its own; losing a race is an answer.
 */
export interface SecretStore {
  /** The Secret's name, for messages and for the one that is created. */
  readonly name: string;
  readonly namespace: string;
  /** The Secret now; `undefined` when there is none. */
  get(signal?: AbortSignal): Promise<Secret | undefined>;
  /** Creates it, with this store's name and namespace. `lost-race`: there already is one. */
  create(secret: Secret, signal?: AbortSignal): Promise<StoredSecret>;
  /** Writes it over the one with the same `metadata.resourceVersion`. `lost-race`: it has changed or gone since. */
  replace(secret: Secret, signal?: AbortSignal): Promise<StoredSecret>;
  /**
   * Calls `onChange` after each change, including deletion, and after every gap in watching. May call too often; how late
   * is not promised. Returns how to end it.
   */
  watch(onChange: () => void): () => void;
}

/** The outcome of a write: the Secret as it is stored now, or the news that somebody else was first. */
export type StoredSecret = { readonly kind: 'stored'; readonly secret: Secret } | { readonly kind: 'lost-race' };
