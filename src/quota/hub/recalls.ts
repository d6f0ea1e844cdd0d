import type { Clock } from '../../telemetry/index.ts';
import { noAmounts, sumOf, type Amounts } from '../ledger/amounts.ts';
import type { WatchAnswer } from '../slices/wire.ts';
import type { HubEvents } from './hub-events.ts';

type Notice = NonNullable<WatchAnswer['recall']>;

/** Who holds something of a quota. */
type HoldersOf = (quota: string) => ReadonlySet<string>;

interface Round {
  readonly id: string;
  readonly amounts: Map<string, Amounts>;
  /** Who asks. Undefined stands for the hub itself. */
  readonly askers: Set<string | undefined>;
  /** Who has not answered yet. */
  readonly waiting: Set<string>;
  readonly silent: Set<string>;
  readonly over: PromiseWithResolvers<void>;
  /** When it was started; monotonic milliseconds. */
  began: number;
}

/** A member's question is open again within this time after it was answered, on any network that is of use. */
const betweenWatchesMilliseconds = 2000;

/**
 * Asks idle slices back, one round at a time: who comes while one is running waits for the next, which then is for all of them.
 *
 * A round is over when every cluster that was heard of lately has answered, or when its time is. A cluster that let a round pass
 * is waited for no more until it is heard again.
 */
export class Recalls {
  readonly #clock: Clock;
  readonly #uniqueName: () => string;
  readonly #roundMilliseconds: number;
  readonly #events: Pick<HubEvents, 'recalled'>;
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #lastHeard = new Map<string, number>();
  readonly #silent = new Set<string>();
  #gathering: Round | undefined;
  #running: Round | undefined;

  constructor(clock: Clock, uniqueName: () => string, roundMilliseconds: number, events: Pick<HubEvents, 'recalled'>) {
    this.#clock = clock;
    this.#uniqueName = uniqueName;
    this.#roundMilliseconds = roundMilliseconds;
    this.#events = events;
  }

  /** A message of this cluster has come. */
  hear(cluster: string): void {
    this.#lastHeard.set(cluster, this.#clock.monotonic());
    this.#silent.delete(cluster);
  }

  silentMilliseconds(cluster: string): number | undefined {
    const heard = this.#lastHeard.get(cluster);
    return heard === undefined ? undefined : this.#clock.monotonic() - heard;
  }

  /** Whether somebody waits for what is idle of a quota. */
  isOpen(quota: string): boolean {
    return this.#running?.amounts.has(quota) === true || this.#gathering?.amounts.has(quota) === true;
  }

  /** Asks for so much of each quota; resolves when the round is over, with the clusters that hold something and did not answer. */
  async round(
    asker: string | undefined,
    amounts: ReadonlyMap<string, Amounts>,
    holdersOf: HoldersOf,
  ): Promise<{ readonly silent: readonly string[] }> {
    const round = (this.#gathering ??= this.#newRound());
    for (const [id, each] of amounts) round.amounts.set(id, sumOf(round.amounts.get(id) ?? noAmounts, each));
    round.askers.add(asker);
    if (this.#running === undefined) this.#start(holdersOf);
    await round.over.promise;
    if (this.#running === undefined && this.#gathering !== undefined) this.#start(holdersOf);
    return { silent: [...round.silent] };
  }

  /** A cluster has given back what it does not use, and said so. */
  acknowledge(id: string, cluster: string): void {
    const round = this.#running;
    if (round?.id !== id || !round.waiting.delete(cluster)) return;
    if (round.waiting.size === 0) this.#end(round);
  }

  /** What a cluster is to give back, as soon as there is something; null when `given up` comes first. */
  async next(cluster: string, givenUp: Promise<void>): Promise<Notice | null> {
    const pending = this.#noticeFor(cluster);
    if (pending !== null) return pending;
    const { promise, resolve } = Promise.withResolvers<void>();
    const watchers = this.#watchers.get(cluster) ?? new Set();
    this.#watchers.set(cluster, watchers.add(resolve));
    await Promise.race([promise, givenUp]);
    watchers.delete(resolve);
    if (watchers.size === 0) this.#watchers.delete(cluster);
    // The member is about to ask again.
    this.#lastHeard.set(cluster, this.#clock.monotonic());
    return this.#noticeFor(cluster);
  }

  #noticeFor(cluster: string): Notice | null {
    const round = this.#running;
    if (round?.waiting.has(cluster) !== true) return null;
    return { id: round.id, amounts: Object.fromEntries(round.amounts) };
  }

  #newRound(): Round {
    return {
      id: this.#uniqueName(),
      amounts: new Map(),
      askers: new Set(),
      waiting: new Set(),
      silent: new Set(),
      over: Promise.withResolvers(),
      began: 0,
    };
  }

  #start(holdersOf: HoldersOf): void {
    const round = this.#gathering;
    if (round === undefined) return;
    this.#gathering = undefined;
    this.#running = round;
    round.began = this.#clock.monotonic();
    for (const id of round.amounts.keys()) {
      for (const cluster of holdersOf(id)) {
        // What the only asker holds is counted for it already.
        if (round.askers.size === 1 && round.askers.has(cluster)) continue;
        if (this.#isPresent(cluster)) round.waiting.add(cluster);
        else round.silent.add(cluster);
      }
    }
    if (round.waiting.size === 0) return this.#end(round);
    this.#clock.after(this.#roundMilliseconds, () => {
      for (const cluster of round.waiting) {
        this.#silent.add(cluster);
        round.silent.add(cluster);
      }
      this.#end(round);
    });
    for (const cluster of round.waiting) for (const wake of this.#watchers.get(cluster) ?? []) wake();
  }

  #isPresent(cluster: string): boolean {
    if (this.#silent.has(cluster)) return false;
    if (this.#watchers.has(cluster)) return true;
    return (this.silentMilliseconds(cluster) ?? Infinity) <= betweenWatchesMilliseconds;
  }

  #end(round: Round): void {
    if (this.#running !== round) return;
    this.#running = undefined;
    this.#events.recalled({ silent: round.silent.size, milliseconds: this.#clock.monotonic() - round.began });
    round.over.resolve();
  }
}
