/**
 * How a library declares functions: a name, overloads with their argument types, what they compute and what a call costs.
 *
 * Source: cel-go v0.29.2 common/decls/decls.go; costs as in interpreter/runtimecost.go and
 * k8s.io/apiserver v0.37.2 pkg/cel/library/cost.go.
 */
import type { EvaluationError, Result, Value } from './values.ts';
import type { Type } from './types.ts';

/** Computes a call. `undefined` never occurs; errors are returned, not thrown. */
export type Implementation = (...args: readonly Value[]) => Result;

/** Cost of one call, in CEL cost units, given its arguments (receiver first) and its result. */
export type CallCost = (args: readonly Value[], result: Result) => number;

/** One signature of a function. Make it with {@link globalOverload} or {@link memberOverload}. */
export interface Overload {
  /** cel-go's overload id, unique in the environment. */
  readonly id: string;
  /** True for `receiver.name(…)`; the receiver is the first parameter. */
  readonly member: boolean;
  readonly parameters: readonly Type[];
  readonly result: Type;
  /** Called only with arguments whose run-time types fit `parameters`, unless the function is `unguarded`. */
  readonly implementation: Implementation;
  /** Cost of a call that the checker resolved to this overload alone. Wins over {@link FunctionDeclaration.cost}. */
  readonly cost: CallCost | undefined;
  /** True where cel-go takes all arguments as one list: an argument's error then stops the evaluation of the next. */
  readonly variadic?: boolean;
  /**
   * True if `cost` looks at the arguments only and is counted before the call, so that a call beyond the limit, which
   * may take quadratic time, is not made at all.
   */
  readonly chargedBefore?: boolean;
}

/** A function and its overloads. Two libraries may declare the same name: their overloads are joined. */
export interface FunctionDeclaration {
  /** As called: `startsWith`, `sets.contains`. */
  readonly name: string;
  readonly overloads: readonly Overload[];
  /**
   * Cost of a call by function name, whichever overload (undefined: cel-go's default for `overloadId`). This is what
   * one case of `CostEstimator.CallCost` in pkg/cel/library/cost.go says. `overloadId` is '' when it is known only at
   * run time.
   */
  readonly cost?: FunctionCost;
  /** Work that is done once, at compile time, when an argument is a string literal: compiling a pattern. */
  readonly constantArgument?: ConstantArgument;
  /** True if implementations are called whatever the run-time types are; they then tell the types apart themselves. */
  readonly unguarded?: boolean;
}

export type FunctionCost = (overloadId: string, args: readonly Value[], result: Result) => number | undefined;

/**
 * Binds a literal string argument when the program is made, as cel-go's interpreter.RegexOptimization does. An error
 * makes the expression fail to compile ("program instantiation failed: " + message).
 */
export interface ConstantArgument {
  /** Position of the argument, the receiver being 0. */
  readonly index: number;
  /** Gives the implementation to call instead of the overload's; it takes all arguments, the literal included. */
  readonly bind: (literal: string) => Implementation | EvaluationError;
}

/** The TypeScript types of the values of `P`. */
export type ValuesOf<P extends readonly Type[]> = { -readonly [K in keyof P]: P[K] extends Type<infer V> ? V : never };

/**
 * An overload called as `name(a, b)`. The implementation gets arguments of the TypeScript types that `parameters` say.
 *
 * @example
 *   globalOverload('string_to_ip', [StringType], IpType, (text) => parseIp(text))
 */
export function globalOverload<const P extends readonly Type[]>(
  id: string,
  parameters: P,
  result: Type,
  implementation: (...args: ValuesOf<P>) => Result,
  cost?: CallCost,
): Overload {
  return overload(id, false, parameters, result, implementation, cost);
}

/** An overload called as `a.name(b)`; otherwise as {@link globalOverload}. */
export function memberOverload<const P extends readonly [Type, ...Type[]]>(
  id: string,
  parameters: P,
  result: Type,
  implementation: (...args: ValuesOf<P>) => Result,
  cost?: CallCost,
): Overload {
  return overload(id, true, parameters, result, implementation, cost);
}

function overload<P extends readonly Type[]>(
  id: string,
  member: boolean,
  parameters: P,
  result: Type,
  implementation: (...args: ValuesOf<P>) => Result,
  cost: CallCost | undefined,
): Overload {
  // The evaluator checks run-time types against `parameters` before each call, which makes this cast true.
  return { id, member, parameters, result, implementation: implementation as unknown as Implementation, cost };
}
