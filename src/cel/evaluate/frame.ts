/** What one evaluation works with. */
import { EvaluationError } from '../values.ts';
import type { Result, Value } from '../values.ts';
import { CostTracker } from './cost-tracker.ts';
import { Memberships } from './memberships.ts';

/** Variables of an evaluation. A `Map` is one; others may compute a variable when it is asked for. */
export interface Activation {
  /** The value of the variable `name`; undefined if it has none. */
  get(name: string): Value | undefined;
}

/** Loop steps between looks at the signal. k8s.io/apiserver pkg/apis/cel/config.go: CheckFrequency. */
const INTERRUPT_CHECK_FREQUENCY = 100;

export class Frame {
  readonly activation: Activation;
  readonly costs: CostTracker;
  /** Comprehension variables by slot. */
  readonly locals: Result[] = [];
  readonly #signal: Pick<AbortSignal, 'aborted'> | undefined;
  #memberships: Memberships | undefined;
  #steps = 0;
  #interrupted = false;

  constructor(activation: Activation, costs: CostTracker, signal: Pick<AbortSignal, 'aborted'> | undefined) {
    this.activation = activation;
    this.costs = costs;
    this.#signal = signal;
  }

  /** The frame outside all comprehensions, where nothing is counted. */
  ofInput(): Frame {
    return new Frame(this.activation, new CostTracker(Infinity, 0), this.#signal);
  }

  /** What is known of the lists that were asked for their elements. */
  get memberships(): Memberships {
    this.#memberships ??= new Memberships();
    return this.#memberships;
  }

  /** Counts a loop step; an error when the evaluation was aborted, and from then on at every step. */
  step(): EvaluationError | undefined {
    if (this.#signal === undefined) return undefined;
    this.#interrupted ||= ++this.#steps % INTERRUPT_CHECK_FREQUENCY === 0 && this.#signal.aborted;
    return this.#interrupted ? new EvaluationError('operation interrupted') : undefined;
  }
}
