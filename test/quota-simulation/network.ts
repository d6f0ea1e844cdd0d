import type { Random } from './random.ts';
import type { Process, VirtualTime } from './virtual-time.ts';

/** What goes wrong with messages, each by its probability. */
export interface NetworkFaults {
  readonly lost: number;
  readonly duplicated: number;
  /** Takes seconds, so that it is overtaken by others and arrives when nobody waits for it. */
  readonly late: number;
}

/** The network between processes. Requests and answers go their ways one by one, and either may be cut alone. */
export class SimulatedNetwork {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #faults: NetworkFaults;
  readonly #cut = new Set<string>();
  /** When the last message between two ends was lost or late, or could not go. */
  readonly #disturbed = new Map<string, number>();

  constructor(time: VirtualTime, random: Random, faults: NetworkFaults) {
    this.#time = time;
    this.#random = random;
    this.#faults = faults;
  }

  /** Nothing goes from one end to the other, until {@link mend}. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
    this.#noteDisturbance(from, to);
  }

  mend(from: string, to: string): void {
    if (this.#cut.delete(`${from}>${to}`)) this.#noteDisturbance(from, to);
  }

  mendAll(): void {
    for (const way of [...this.#cut]) this.mend(...(way.split('>') as [string, string]));
  }

  /** When something was last wrong between two ends; now, while a way is cut. */
  disturbedAt(a: string, b: string): number {
    if (this.#cut.has(`${a}>${b}`) || this.#cut.has(`${b}>${a}`)) return this.#time.now;
    return this.#disturbed.get(pairOf(a, b)) ?? -Infinity;
  }

  noteDisturbance(a: string, b: string): void {
    this.#noteDisturbance(a, b);
  }

  /**
   * Has `serve` run at the other end and brings its answer. Never settles when a message or an end is lost, as seen from
   * a caller with a time limit of its own.
   */
  request<T>(from: Process, to: Process, serve: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const arrive = (): void => {
      void serve().then(
        (answer) => this.#send(to, from, () => resolve(answer)),
        (error: unknown) => this.#send(to, from, () => reject(error)),
      );
    };
    this.#send(from, to, arrive);
    if (this.#random.chance(this.#faults.duplicated)) this.#send(from, to, () => void serve().catch(() => undefined));
    return promise;
  }

  #send(from: Process, to: Process, arrive: () => void): void {
    const isLate = this.#random.chance(this.#faults.late);
    if (this.#random.chance(this.#faults.lost)) return this.#noteDisturbance(from.name, to.name);
    const delay = isLate ? this.#random.between(500, 20_000) : this.#random.between(1, 20);
    if (isLate) this.#noteDisturbance(from.name, to.name);
    this.#time.after(delay, () => {
      if (isLate) this.#noteDisturbance(from.name, to.name);
      if (!from.isAlive || !to.isAlive || this.#cut.has(`${from.name}>${to.name}`)) {
        return this.#noteDisturbance(from.name, to.name);
      }
      to.run(arrive);
    });
  }

  #noteDisturbance(a: string, b: string): void {
    this.#disturbed.set(pairOf(a, b), this.#time.now);
  }
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}
