/**
 * Comprehensions.
 *
 * Source: cel-go v0.29.2 interpreter/interpretable.go, evalFold and folder.
 */
import { MutableList } from '../list.ts';
import { MutableMap } from '../map.ts';
import { goTypeName } from '../value-text.ts';
import { EvaluationError, ListValue, MapValue } from '../values.ts';
import type { Result, Value } from '../values.ts';
import type { Frame } from './frame.ts';
import type { PlanNode } from './node.ts';

/** Places of a comprehension's variables in {@link Frame.locals}; no two comprehensions share one. */
export interface FoldSlots {
  readonly iteration: number;
  /** Undefined for a comprehension with one variable. */
  readonly iteration2: number | undefined;
  readonly accumulator: number;
}

/** The expressions of a comprehension. */
export interface FoldParts {
  readonly range: PlanNode;
  readonly loopCondition: PlanNode;
  readonly loopStep: PlanNode;
  readonly result: PlanNode;
}

/**
 * The accumulator of a comprehension. Its first value is computed when it is first read, which decides what an
 * evaluation costs.
 *
 * An empty list or map becomes a mutable one, so that building a list by `accumulator + [element]` is linear.
 */
export class Accumulator {
  readonly #slot: number;
  readonly #init: PlanNode;

  constructor(slot: number, init: PlanNode) {
    this.#slot = slot;
    this.#init = init;
  }

  reset(frame: Frame): void {
    frame.locals[this.#slot] = UNSET;
  }

  set(frame: Frame, value: Result): void {
    frame.locals[this.#slot] = value;
  }

  read(frame: Frame): Result {
    const current = frame.locals[this.#slot];
    if (current !== undefined && current !== UNSET) return current;
    const initial = mutable(this.#init.execute(frame));
    frame.locals[this.#slot] = initial;
    return initial;
  }
}

/** Stands in a slot for "not computed yet". It is no value that an expression can get. */
const UNSET = new EvaluationError('accumulator is not initialized');

export class FoldNode implements PlanNode {
  readonly id: number;
  readonly #slots: FoldSlots;
  readonly #accumulator: Accumulator;
  readonly #parts: FoldParts;

  constructor(id: number, slots: FoldSlots, accumulator: Accumulator, parts: FoldParts) {
    this.id = id;
    this.#slots = slots;
    this.#accumulator = accumulator;
    this.#parts = parts;
  }

  execute(frame: Frame): Result {
    const value = this.#fold(frame);
    frame.costs.drop(this.#parts.range.id);
    frame.costs.observe(this.id, value, 0);
    return value;
  }

  #fold(frame: Frame): Result {
    const range = this.#parts.range.execute(frame);
    if (range instanceof EvaluationError) return range;
    this.#accumulator.reset(frame);
    const interrupted = this.#loop(frame, range);
    if (interrupted !== undefined) return interrupted;
    const result = this.#parts.result.execute(frame);
    return result instanceof MutableList || result instanceof MutableMap ? result.toImmutable() : result;
  }

  /** An error if there is nothing to loop over, or the evaluation was aborted. */
  #loop(frame: Frame, range: Value): EvaluationError | undefined {
    const { iteration, iteration2 } = this.#slots;
    if (range instanceof ListValue) {
      const { size } = range;
      for (let index = 0; index < size; index++) {
        const element = range.at(index);
        frame.locals[iteration] = iteration2 === undefined ? element : BigInt(index);
        if (iteration2 !== undefined) frame.locals[iteration2] = element;
        if (!this.#goesOn(frame)) return undefined;
        const interrupted = frame.step();
        if (interrupted !== undefined) return interrupted;
      }
      return undefined;
    }
    if (range instanceof MapValue) {
      for (const key of range.keys()) {
        frame.locals[iteration] = key;
        if (iteration2 !== undefined) frame.locals[iteration2] = range.get(key) ?? null;
        if (!this.#goesOn(frame)) return undefined;
        const interrupted = frame.step();
        if (interrupted !== undefined) return interrupted;
      }
      return undefined;
    }
    const found = goTypeName(range);
    if (iteration2 !== undefined) return new EvaluationError(`unsupported comprehension range type: ${found}`);
    return new EvaluationError(`got '${found}', expected iterable type`);
  }

  /** Takes the step unless the loop condition is false; an error of the condition does not end the loop. */
  #goesOn(frame: Frame): boolean {
    if (this.#parts.loopCondition.execute(frame) === false) return false;
    this.#accumulator.set(frame, this.#parts.loopStep.execute(frame));
    return true;
  }
}

function mutable(value: Result): Result {
  if (value instanceof ListValue && value.size === 0) return new MutableList();
  if (value instanceof MapValue && value.size === 0) return new MutableMap();
  return value;
}
