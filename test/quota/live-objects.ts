import type { CollectionAddress, KubeClient } from '../../src/kube/index.ts';
import type { KubernetesObject } from '../../src/api/object-meta.ts';

/** What one object counts. */
export type CountOf = (object: KubernetesObject) => number;

interface Life {
  readonly amounts: { readonly at: number; readonly amount: number }[];
  owners: readonly string[];
}

/**
 * The history of what surely lived, over several clusters, as their watches tell it.
 *
 * Watches of two clusters are not in step, so an object counts from the moment its addition was heard of, which is after it
 * was stored, until the moment somebody asked for its end, which is before it went. What is counted so was there; more than
 * a limit at any instant is an overrun and no artefact of the watches.
 */
export class LiveObjects {
  readonly #countOf: CountOf;
  readonly #lives = new Map<string, Life>();
  readonly #doomed = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #watches: Promise<void>[] = [];
  #failure: Error | undefined;

  constructor(countOf: CountOf) {
    this.#countOf = countOf;
  }

  /** From now on; begins with an empty collection. */
  async watch(client: KubeClient, collection: CollectionAddress): Promise<void> {
    const { items, resourceVersion } = await client.list(collection);
    for (const object of items) this.#seen(object);
    this.#watches.push(this.#follow(client, collection, resourceVersion));
  }

  async #follow(client: KubeClient, collection: CollectionAddress, from: string): Promise<void> {
    let resourceVersion = from;
    const { signal } = this.#stopping;
    try {
      while (!signal.aborted) {
        for await (const event of client.watch(collection, { resourceVersion, signal })) {
          if (event.type === 'BOOKMARK') {
            resourceVersion = event.resourceVersion;
            continue;
          }
          resourceVersion = event.object.metadata?.resourceVersion ?? resourceVersion;
          if (event.type === 'DELETED') this.#ends(event.object.metadata?.uid ?? '', performance.now());
          else this.#seen(event.object);
        }
      }
    } catch (error) {
      if (!signal.aborted) this.#failure = new Error('a watch of the test failed', { cause: error });
    }
  }

  /** From now on this object, and what it owns, may go. Call it before asking for that. */
  dooms(uid: string): void {
    this.#doomed.set(uid, performance.now());
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#watches);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The most that surely was there at one instant. */
  highest(): number {
    const steps: { readonly at: number; readonly change: number }[] = [];
    for (const [uid, { amounts, owners }] of this.#lives) {
      const end = Math.min(...[uid, ...owners].map((each) => this.#doomed.get(each) ?? Infinity));
      amounts.forEach(({ at, amount }, index) => {
        const next = amounts[index + 1];
        const until = Math.min(next?.at ?? Infinity, end);
        // A rise counts from when it is heard of; of a fall it is only known that it came before that.
        const sure = Math.min(amount, next?.amount ?? amount);
        if (until > at) steps.push({ at, change: sure }, { at: until, change: -sure });
      });
    }
    // What ends at an instant ends before anything begins at it.
    steps.sort((left, right) => left.at - right.at || left.change - right.change);
    let now = 0;
    let highest = 0;
    for (const { change } of steps) {
      now += change;
      highest = Math.max(highest, now);
    }
    return highest;
  }

  #seen(object: KubernetesObject): void {
    const { uid = '', ownerReferences = [], deletionTimestamp } = object.metadata ?? {};
    const life = this.#lives.get(uid) ?? { amounts: [], owners: [] };
    this.#lives.set(uid, life);
    life.owners = ownerReferences.map((owner) => owner.uid);
    const amount = this.#countOf(object);
    const last = life.amounts.at(-1);
    if (deletionTimestamp !== undefined) this.#ends(uid, performance.now());
    else if (last?.amount !== amount) life.amounts.push({ at: performance.now(), amount });
  }

  #ends(uid: string, at: number): void {
    if (!this.#doomed.has(uid)) this.#doomed.set(uid, at);
  }
}
