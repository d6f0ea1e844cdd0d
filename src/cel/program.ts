/** An expression ready to be evaluated. */
import { CostLimitExceeded, CostTracker } from './evaluate/cost-tracker.ts';
import { Frame } from './evaluate/frame.ts';
import type { Activation } from './evaluate/frame.ts';
import { Panic } from './evaluate/panic.ts';
import type { Plan } from './evaluate/plan.ts';
import { EvaluationError } from './values.ts';
import type { Value } from './values.ts';

/** What one expression may cost. k8s.io/apiserver v0.37.2 pkg/apis/cel/config.go: PerCallLimit. */
export const PER_CALL_LIMIT = 1_000_000;

/** How an evaluation is bounded. */
export interface EvaluateOptions {
  /** Cost units after which the evaluation ends with an error. Default: {@link PER_CALL_LIMIT}. */
  readonly costLimit?: number;
  /**
   * Looked at every hundred steps of comprehensions; aborted, the evaluation ends with an error. No timer fires during
   * an evaluation, so a deadline is an object whose `aborted` reads the clock.
   */
  readonly signal?: Pick<AbortSignal, 'aborted'>;
}

/** A value, or the error of the evaluation; and what it cost either way, in the API server's units. */
export type EvaluationResult =
  | { readonly ok: true; readonly value: Value; readonly cost: number }
  | { readonly ok: false; readonly error: { readonly message: string }; readonly cost: number };

/** Made by compile(). Holds no state of an evaluation: one program may be evaluated any number of times. */
export class Program {
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Evaluates with the variables of `activation`. Never throws: a failed evaluation is a value. */
  evaluate(activation: Activation, { costLimit = PER_CALL_LIMIT, signal }: EvaluateOptions = {}): EvaluationResult {
    const costs = new CostTracker(costLimit, this.#plan.maxId);
    const frame = new Frame(activation, costs, signal);
    const failed = (message: string): EvaluationResult => ({ ok: false, error: { message }, cost: costs.cost });
    try {
      const value = this.#plan.root.execute(frame);
      return value instanceof EvaluationError ? failed(value.message) : { ok: true, value, cost: costs.cost };
    } catch (abort) {
      if (abort instanceof CostLimitExceeded) return failed('operation cancelled: actual cost limit exceeded');
      if (abort instanceof Panic) return failed(`internal error: ${abort.message}`);
      // Values that nest deeper than the stack reaches, and strings longer than the engine can hold.
      if (abort instanceof RangeError) return failed(`internal error: ${abort.message}`);
      throw abort;
    }
  }
}
