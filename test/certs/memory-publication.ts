import type { BundlePublication, PublishedBundle } from '../../src/certs/index.ts';

/** Webhook configurations in memory. */
export class MemoryPublication implements BundlePublication {
  /** What {@link publishedBundles} rejects with, while set. */
  failure: Error | undefined;
  readonly #listeners = new Set<() => void>();
  #published: readonly PublishedBundle[] = [];

  async publishedBundles(): Promise<readonly PublishedBundle[]> {
    if (this.failure !== undefined) throw this.failure;
    return this.#published;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** One webhook per bundle, dialled as `serverName`. `untold`: as if every watch had missed it. */
  publish(
    bundles: readonly string[],
    serverName = 'gate.sallyport-system.svc',
    news: 'told' | 'untold' = 'told',
  ): void {
    this.#published = bundles.map((caBundlePem, index) => ({
      holder: `ValidatingWebhookConfiguration/sallyport, webhook-${index}.example.com`,
      caBundlePem,
      serverName,
    }));
    if (news === 'untold') return;
    for (const listener of [...this.#listeners]) listener();
  }
}
