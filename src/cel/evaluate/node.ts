/** A step of a plan. */
import type { Result, Value } from '../values.ts';
import type { Frame } from './frame.ts';

export interface PlanNode {
  /** Id of the syntax tree node it carries out, under which its value is counted. May change while planning. */
  readonly id: number;
  /** Gives its value and notes it, with its cost, in `frame.costs`. */
  execute(frame: Frame): Result;
}

/** A value known at compile time; it costs nothing. */
export class ConstantNode implements PlanNode {
  readonly id: number;
  readonly value: Value;

  constructor(id: number, value: Value) {
    this.id = id;
    this.value = value;
  }

  execute(frame: Frame): Result {
    frame.costs.observe(this.id, this.value, 0);
    return this.value;
  }
}
