import type { Clock, Logger } from '../../telemetry/index.ts';
import { addInto, amountsOf, noAmounts, type Amounts } from '../ledger/amounts.ts';
import { keyText, prepaidUid } from '../ledger/charge.ts';
import type { ChargeKey, Ledger, QuotaTerms, Reservation } from '../ledger/index.ts';

export interface PrepaidOptions {
  readonly ledger: Pick<Ledger, 'prepay' | 'chargePrepaid' | 'endPrepaid' | 'prepaidMilliseconds'>;
  readonly cluster: string;
  readonly clock: Clock;
  readonly uniqueName: () => string;
  readonly logger: Logger;
}

/** What is held of one quota for objects of one resource. */
interface Block {
  readonly key: ChargeKey;
  readonly quota: string;
  /** What nothing was admitted from yet. */
  readonly spare: Map<string, bigint>;
  /** Monotonic milliseconds: until then it is known to be held. */
  usableUntil: number;
  usedAt: number;
}

/** How much of a quota objects of one resource ask for. */
interface Demand {
  /** The most that one request took of each name, since a block was last asked for. */
  readonly largest: Map<string, bigint>;
  /** A block that does not cover this any more is filled. */
  low: Amounts;
  /** For how many such requests a block is to last. */
  requests: number;
  prepaying: Promise<void> | undefined;
  /** Monotonic milliseconds: when a block was last asked for. */
  prepaidAt: number;
  /** Monotonic milliseconds: before that the slice is too small for a block. */
  waitsUntil: number;
}

/** A block to be begun or filled. */
interface Wanted {
  readonly quota: string;
  readonly resource: string;
  readonly least: Amounts;
  readonly target: Amounts;
}

/** Both powers of two. */
const leastRequests = 1;
const mostRequests = 1024;
/** A block that lasted for less is doubled, one that lasted for longer is halved. */
const shortMilliseconds = 500;
const longMilliseconds = 4000;
/** A block that nobody draws on goes back after this time. */
const idleMilliseconds = 5000;
/** After the slice had too little for a block. To ask again costs a place in a commit, and no write. */
const retryMilliseconds = 100;
/** After others have asked for what is held, and after the journal has failed. */
const recallMilliseconds = 1000;

/**
 * Blocks of a slice that are held durably before anybody asks, so that requests are answered from memory and written down
 * after it, many in one commit.
 *
 * What the journal has of a block is never less than what it still has to spend and what was admitted from it and is not
 * written. So when the process dies, all of that stays charged, until a list of the objects that began when the last of those
 * requests had ended has shown what they came to: see {@link Ledger.prepaidMilliseconds}.
 */
export class Prepaid {
  readonly #options: PrepaidOptions;
  readonly #blocks = new Map<string, Block>();
  readonly #demands = new Map<string, Demand>();
  /** Monotonic milliseconds, by quota: before that others need what is free. */
  readonly #recalledUntil = new Map<string, number>();
  #isPaused = false;
  #cancelSweep: (() => void) | undefined;

  constructor(options: PrepaidOptions) {
    this.#options = options;
  }

  /**
   * Admits a request from memory, or says that it cannot: nothing of it is held then. `termsOf` gives what is enforced. Only
   * what makes an object can be admitted so; an update has to be weighed against what is charged. A repeat draws on the block
   * once more, and its object is charged no more for it: the rest becomes free.
   */
  admit(reservation: Reservation, termsOf: (quota: string) => QuotaTerms | undefined): boolean {
    const { key, quotas, old, unchecked = false, dryRun } = reservation;
    if (dryRun || unchecked || old !== undefined || quotas.length === 0) return false;
    const terms = quotas.map(termsOf);
    // A ceiling of namespaces needs the sums of namespaces.
    if (!terms.every((each) => each?.mode === 'enforce' && each.perNamespace === undefined)) return false;
    const amounts = amountsOf(reservation.usage);
    const parts = terms.flatMap((each) => (each === undefined ? [] : [[each.id, limitedBy(each, amounts)] as const]));
    const now = this.#options.clock.monotonic();
    const blocks: Block[] = [];
    for (const [quota, part] of parts) {
      const block = this.#blocks.get(blockText(quota, key.resource));
      const isUsable = block !== undefined && now < block.usableUntil;
      if (isUsable && covers(block.spare, part)) blocks.push(block);
      this.#want(quota, key.resource, part, isUsable ? block.spare : undefined);
    }
    if (blocks.length < parts.length) return false;
    for (const [index, block] of blocks.entries()) {
      take(block.spare, parts[index]?.[1] ?? noAmounts);
      block.usedAt = now;
    }
    this.#write(reservation, blocks, now);
    return true;
  }

  /** Resolves when it is known of every block what it holds. */
  async settled(): Promise<void> {
    const all = [...this.#demands.values()];
    await Promise.all(all.flatMap(({ prepaying }) => (prepaying === undefined ? [] : [prepaying])));
  }

  /** What is held of a quota and not spent. */
  spareOf(quota: string): Amounts {
    const spare = new Map<string, bigint>();
    for (const block of this.#blocks.values()) if (block.quota === quota) addInto(spare, block.spare);
    return spare;
  }

  /** Until it is resumed no block is begun or filled: the slice runs short, and somebody waits for it. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    // The slice may have grown.
    if (!isPaused) for (const demand of this.#demands.values()) demand.waitsUntil = -Infinity;
  }

  /**
   * Gives up what is held of these quotas and not spent, before whatever is asked of the ledger next. Says whether there was
   * anything.
   */
  async end(quotas: readonly string[]): Promise<boolean> {
    // What a block holds has to be known before it can be given up.
    const demands = [...this.#demands].filter(([text]) => quotas.includes(quotaOf(text))).map(([, demand]) => demand);
    const waitsUntil = this.#options.clock.monotonic() + retryMilliseconds;
    for (const demand of demands) demand.waitsUntil = Math.max(demand.waitsUntil, waitsUntil);
    const prepaying = demands.flatMap((demand) => (demand.prepaying === undefined ? [] : [demand.prepaying]));
    if (prepaying.length > 0) await Promise.all(prepaying);
    const blocks = [...this.#blocks.values()].filter(({ quota }) => quotas.includes(quota));
    for (const block of blocks) void this.#end(block);
    return blocks.length > 0;
  }

  /** The same, as others need it; for a while nothing more is held of these quotas. */
  async recall(quotas: readonly string[]): Promise<void> {
    const until = this.#options.clock.monotonic() + recallMilliseconds;
    for (const quota of quotas) this.#recalledUntil.set(quota, until);
    await this.end(quotas);
  }

  async stop(): Promise<void> {
    this.#isPaused = true;
    this.#cancelSweep?.();
    await this.settled();
    await Promise.all([...this.#blocks.values()].map((block) => this.#end(block)));
  }

  #write(reservation: Reservation, blocks: readonly Block[], now: number): void {
    const { ledger, logger } = this.#options;
    const keys = blocks.map(({ key }) => key);
    ledger.chargePrepaid(reservation, keys).then(
      () => {
        for (const block of blocks) this.#wasWritten(block, now);
      },
      (error: unknown) => {
        const facts = { object: keyText(reservation.key), error: error as Error };
        logger.warn('what was admitted could not be written; it is held until a recount finds the object', facts);
        // What is owed by a block that goes on would be written anew with it, and never be due.
        for (const block of blocks) void this.#end(block);
      },
    );
  }

  #wasWritten(block: Block, askedAt: number): void {
    block.usableUntil = Math.max(block.usableUntil, askedAt + this.#options.ledger.prepaidMilliseconds);
  }

  /** Sees to a block that lasts for what is asked for; it is filled before it is empty. */
  #want(quota: string, resource: string, part: Amounts, spare: Amounts | undefined): void {
    const text = blockText(quota, resource);
    const demand = this.#demands.get(text) ?? {
      largest: new Map<string, bigint>(),
      low: noAmounts,
      requests: leastRequests,
      prepaying: undefined,
      prepaidAt: -Infinity,
      waitsUntil: -Infinity,
    };
    this.#demands.set(text, demand);
    for (const [name, amount] of part) if (amount > (demand.largest.get(name) ?? 0n)) demand.largest.set(name, amount);
    const now = this.#options.clock.monotonic();
    const waitsUntil = Math.max(demand.waitsUntil, this.#recalledUntil.get(quota) ?? -Infinity);
    if (this.#isPaused || demand.prepaying !== undefined || now < waitsUntil) return;
    if (spare !== undefined && covers(spare, part) && covers(spare, demand.low)) return;
    const lasted = now - demand.prepaidAt;
    if (lasted < shortMilliseconds) demand.requests = Math.min(mostRequests, demand.requests * 2);
    else if (lasted > longMilliseconds) demand.requests = Math.max(leastRequests, demand.requests / 2);
    demand.prepaidAt = now;
    const target = times(demand.largest, demand.requests);
    demand.low = times(demand.largest, Math.ceil(demand.requests / 2));
    demand.largest.clear();
    demand.prepaying = this.#prepay(text, { quota, resource, least: part, target }, demand).finally(() => {
      demand.prepaying = undefined;
    });
  }

  async #prepay(text: string, { quota, resource, least, target }: Wanted, demand: Demand): Promise<void> {
    const { ledger, cluster, clock, uniqueName, logger } = this.#options;
    const now = clock.monotonic();
    const block: Block = this.#blocks.get(text) ?? {
      key: { cluster, resource, uid: prepaidUid(uniqueName()) },
      quota,
      spare: new Map(),
      usableUntil: -Infinity,
      usedAt: now,
    };
    this.#blocks.set(text, block);
    this.#sweepLater();
    let added: Amounts | null;
    try {
      added = await ledger.prepay(block.key, quota, { least, target });
    } catch (error) {
      logger.warn('nothing could be prepaid from the slice', { quota, error: error as Error });
      demand.waitsUntil = now + recallMilliseconds;
      return this.#end(block);
    }
    // Ended meanwhile, as a write failed.
    if (this.#blocks.get(text) !== block) return this.#release(block.key, added ?? noAmounts);
    if (added === null) demand.requests = Math.max(leastRequests, demand.requests / 2);
    else {
      addInto(block.spare, added);
      this.#wasWritten(block, now);
    }
    const isLow = added === null || ![...target].every(([name, wanted]) => (added.get(name) ?? 0n) * 4n >= wanted);
    if (isLow) demand.waitsUntil = clock.monotonic() + retryMilliseconds;
  }

  /** From now on nothing is admitted from it. */
  async #end(block: Block): Promise<void> {
    const text = blockText(block.quota, block.key.resource);
    if (this.#blocks.get(text) !== block) return;
    this.#blocks.delete(text);
    await this.#release(block.key, block.spare);
  }

  async #release(block: ChargeKey, spare: Amounts): Promise<void> {
    try {
      await this.#options.ledger.endPrepaid(block, spare);
    } catch (error) {
      this.#options.logger.warn('what was prepaid stays held until a recount', { error: error as Error });
    }
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#options.clock.after(idleMilliseconds, () => {
      this.#cancelSweep = undefined;
      const idleSince = this.#options.clock.monotonic() - idleMilliseconds;
      for (const [text, block] of this.#blocks) {
        if (block.usedAt > idleSince) continue;
        this.#demands.delete(text);
        void this.#end(block);
      }
      if (this.#blocks.size > 0) this.#sweepLater();
    });
  }
}

function blockText(quota: string, resource: string): string {
  return `${quota}\n${resource}`;
}

function quotaOf(text: string): string {
  return text.slice(0, text.lastIndexOf('\n'));
}

/** What of it the quota limits. */
function limitedBy({ hard }: QuotaTerms, amounts: Amounts): Amounts {
  return new Map([...amounts].filter(([name]) => hard.has(name)));
}

function covers(spare: Amounts, amounts: Amounts): boolean {
  for (const [name, amount] of amounts) if (amount > (spare.get(name) ?? 0n)) return false;
  return true;
}

function take(spare: Map<string, bigint>, amounts: Amounts): void {
  for (const [name, amount] of amounts) spare.set(name, (spare.get(name) ?? 0n) - amount);
}

function times(amounts: Amounts, count: number): Amounts {
  return new Map([...amounts].map(([name, amount]) => [name, amount * BigInt(count)]));
}
