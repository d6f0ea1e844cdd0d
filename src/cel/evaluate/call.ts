/**
 * Calls of functions.
 *
 * Source: cel-go v0.29.2 interpreter/interpretable.go (evalZeroArity, evalUnary, evalBinary, evalVarArgs) and common/decls/decls.go
 * (guards and dynamic dispatch).
 */
import type { ResolvedCall } from '../check/checker.ts';
import { defaultCallCost } from '../cost.ts';
import type { CallCost, Implementation, Overload } from '../function.ts';
import { typeOf } from '../type-of.ts';
import { EvaluationError } from '../values.ts';
import type { Result, Value } from '../values.ts';
import type { Frame } from './frame.ts';
import type { PlanNode } from './node.ts';
import { typeTest } from './run-time-type.ts';

/** How a call is made. */
export interface CallPlan {
  readonly implementation: Implementation;
  readonly cost: CallCost;
  /** Once an argument gave an error, are the next ones left alone? */
  readonly stopsAtError: boolean;
  /** Is `cost` looked at before the call? */
  readonly chargedBefore: boolean;
}

export class CallNode implements PlanNode {
  readonly id: number;
  readonly #args: readonly PlanNode[];
  readonly #implementation: Implementation;
  readonly #cost: CallCost;
  readonly #stopsAtError: boolean;
  readonly #chargedBefore: boolean;
  #argIds: readonly number[] | undefined;

  constructor(id: number, args: readonly PlanNode[], call: CallPlan) {
    this.id = id;
    this.#args = args;
    this.#implementation = call.implementation;
    this.#cost = call.cost;
    this.#stopsAtError = call.stopsAtError;
    this.#chargedBefore = call.chargedBefore;
  }

  execute(frame: Frame): Result {
    const value = this.#call(frame);
    // Ids are final only when planning is over.
    this.#argIds ??= this.#args.map((arg) => arg.id);
    const args = frame.costs.dropArguments(this.#argIds);
    // Errors among the arguments only have a size, which costs ask for.
    frame.costs.observe(this.id, value, args === undefined ? 0 : this.#cost(args as Value[], value));
    return value;
  }

  #call(frame: Frame): Result {
    const values: Value[] = [];
    let error: EvaluationError | undefined;
    for (const arg of this.#args) {
      const value = arg.execute(frame);
      if (!(value instanceof EvaluationError)) {
        values.push(value);
      } else if (this.#stopsAtError) {
        return value;
      } else {
        error ??= value;
      }
    }
    if (error !== undefined) return error;
    if (this.#chargedBefore) frame.costs.expect(this.#cost(values, null));
    return this.invoke(frame, values);
  }

  /** Calls with arguments none of which is an error. */
  protected invoke(_frame: Frame, args: readonly Value[]): Result {
    return this.#implementation(...args);
  }
}

/** How to make the call that the checker resolved, with so many arguments. */
export function planCall(call: ResolvedCall, argumentCount: number): CallPlan {
  const { function: declared, overloads } = call;
  const isAmbiguous = overloads.length > 1 && !declared.unguarded;
  return {
    implementation: bindImplementation(call),
    cost: bindCost(call),
    stopsAtError: argumentCount > 2 || isAmbiguous || overloads.some((overload) => overload.variadic === true),
    chargedBefore: overloads.length === 1 && overloads[0]?.chargedBefore === true,
  };
}

/** What to call: the overload that was found, or at run time the first one that fits. */
function bindImplementation({ function: declared, overloads }: ResolvedCall): Implementation {
  const [only] = overloads;
  if (only !== undefined && (overloads.length === 1 || declared.unguarded)) {
    return declared.unguarded ? only.implementation : guard(declared.name, only);
  }
  // Dispatch considers all overloads of the name, whatever the static types said.
  const candidates = declared.overloads.map((overload) => ({ fits: argumentTest(overload), overload }));
  return (...args) => {
    const found = candidates.find(({ fits }) => fits(args));
    return found === undefined ? noSuchOverload(declared.name, args) : found.overload.implementation(...args);
  };
}

/** What a call costs: by overload, else by name, else by default. cel-go: CostTracker.costCall. */
function bindCost({ function: declared, overloads }: ResolvedCall): CallCost {
  const only = overloads.length === 1 ? overloads[0] : undefined;
  if (only?.cost !== undefined) return only.cost;
  const overloadId = only?.id ?? '';
  const byDefault = defaultCallCost(overloadId);
  const { cost } = declared;
  if (cost === undefined) return byDefault;
  return (args, result) => cost(overloadId, args, result) ?? byDefault(args, result);
}

function guard(name: string, overload: Overload): Implementation {
  const fits = argumentTest(overload);
  return (...args) => (fits(args) ? overload.implementation(...args) : noSuchOverload(name, args));
}

function argumentTest({ parameters }: Overload): (args: readonly Value[]) => boolean {
  const tests = parameters.map(typeTest);
  return (args) =>
    args.length === tests.length && tests.every((test, index) => args[index] !== undefined && test(args[index]));
}

function noSuchOverload(name: string, args: readonly Value[]): EvaluationError {
  return new EvaluationError(`no such overload: ${name}(${args.map((arg) => typeOf(arg).name).join(', ')})`);
}
