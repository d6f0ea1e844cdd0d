/**
 * Counts what an evaluation costs, step by step.
 *
 * Costs of calls need the values of their arguments. cel-go keeps the value of every step on a stack and looks
 * arguments up by node id; a step that it does not find there costs nothing. Which ones those are shows in the totals,
 * so this is the same stack with the same rules, only that looking up takes constant time.
 *
 * Source: cel-go v0.29.2 interpreter/runtimecost.go.
 */
import type { Result } from '../values.ts';

/** Ends an evaluation that costs too much. Leaves the evaluator as an exception, never the room. */
export class CostLimitExceeded extends Error {}

export class CostTracker {
  #cost = 0;
  readonly #limit: number;
  /** Steps on the stack; what the arrays hold beyond is forgotten. */
  #depth = 0;
  readonly #values: Result[] = [];
  readonly #ids: number[] = [];
  /** For each place of the stack, the next lower place with the same id, or -1. */
  readonly #lower: number[] = [];
  /** For each id, its highest place on the stack, or -1. */
  readonly #highest: number[];

  /** `maxId` is the greatest node id there is. */
  constructor(limit: number, maxId: number) {
    this.#limit = limit;
    this.#highest = new Array<number>(maxId + 1).fill(-1);
  }

  /** Cost units counted so far. */
  get cost(): number {
    return this.#cost;
  }

  /** Notes that the step `id` gave `value` and cost so much. Throws {@link CostLimitExceeded} beyond the limit. */
  observe(id: number, value: Result, cost: number): void {
    this.#cost += cost;
    const place = this.#depth++;
    this.#lower[place] = this.#highest[id] ?? -1;
    this.#highest[id] = place;
    this.#ids[place] = id;
    this.#values[place] = value;
    if (this.#cost > this.#limit) throw new CostLimitExceeded();
  }

  /** Throws {@link CostLimitExceeded} if a step that is about to come, of this cost, will exceed the limit. */
  expect(cost: number): void {
    if (this.#cost + cost <= this.#limit) return;
    this.#cost += cost;
    throw new CostLimitExceeded();
  }

  /** Forgets the last value of the step `id` and all that came after it. Nothing happens if there is none. */
  drop(id: number): void {
    const place = this.#highest[id];
    if (place !== undefined && place >= 0) this.#truncate(place);
  }

  /** Takes the last values of the steps `ids` from the stack, the last first; undefined if one is not there. */
  dropArguments(ids: readonly number[]): Result[] | undefined {
    const values = new Array<Result>(ids.length);
    for (let index = ids.length - 1; index >= 0; index--) {
      const place = this.#highest[ids[index] ?? 0] ?? -1;
      if (place < 0) return undefined;
      values[index] = this.#values[place] ?? null;
      this.#truncate(place);
    }
    return values;
  }

  #truncate(depth: number): void {
    while (this.#depth > depth) {
      const place = --this.#depth;
      this.#highest[this.#ids[place] ?? 0] = this.#lower[place] ?? -1;
    }
  }
}
