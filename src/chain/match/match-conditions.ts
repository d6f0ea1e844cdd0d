import type { FailurePolicy, MatchCondition } from '../../api/webhook-configuration.ts';
import type { JsonObject } from '../../json/json-value.ts';
import type { Authorizer } from '../authorizer.ts';

/** What a condition may ask about. */
export interface ConditionVariables {
  /** AdmissionRequest without uid, object and oldObject; members that are empty are left out, as Go has it. */
  readonly request: JsonObject;
  readonly object: JsonObject | null;
  readonly oldObject: JsonObject | null;
  readonly authorizer: Authorizer;
}

/** What one evaluation gave and what it cost in CEL's units. `error` is cel-go's text. */
export type ConditionResult =
  | { readonly kind: 'value'; readonly value: boolean; readonly cost: number }
  | { readonly kind: 'error'; readonly error: string; readonly cost: number };

/** A condition ready to be evaluated, or why it cannot be compiled. */
export type CompiledCondition =
  | { readonly kind: 'program'; evaluate(variables: ConditionVariables): ConditionResult }
  | { readonly kind: 'uncompilable'; readonly error: string };

/** Makes programs of expressions that give a bool, stopped by themselves at the cost limit of one expression. */
export interface ConditionCompiler {
  compile(expression: string): CompiledCondition;
}

/** All conditions of one webhook, compiled once for many requests. */
export type CompiledConditions = readonly {
  readonly condition: MatchCondition;
  readonly compiled: CompiledCondition;
}[];

/** Whether the conditions let a request pass. */
export type ConditionsMatch =
  | { readonly kind: 'matched' }
  /** The named condition is false, whatever errors the others gave. */
  | { readonly kind: 'notMatched'; readonly condition: string }
  /** None is false but some gave errors, and the failurePolicy is Ignore. */
  | { readonly kind: 'ignored'; readonly errors: readonly string[] }
  /** The same under Fail: the request is refused. `message` is what stands after "is forbidden: ". */
  | { readonly kind: 'failed'; readonly message: string };

/**
 * What all conditions of one webhook may cost together.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/apis/cel/config.go, RuntimeCELCostBudgetMatchConditions.
 */
const costBudget = 2_500_000;

export function compileMatchConditions(
  conditions: readonly MatchCondition[],
  compiler: ConditionCompiler,
): CompiledConditions {
  return conditions.map((condition) => ({ condition, compiled: compiler.compile(condition.expression) }));
}

/**
 * Evaluates the conditions in order, all of them: one that is false skips the webhook whatever came before or after it.
 *
 * When their costs together pass the budget, evaluation ends with an error and not even a false condition counts.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/webhook/matchconditions/matcher.go, Match, and
 * pkg/admission/plugin/cel/activation.go, Evaluate.
 */
export function evaluateConditions(
  conditions: CompiledConditions,
  variables: ConditionVariables,
  failurePolicy: FailurePolicy | undefined,
): ConditionsMatch {
  const errors: string[] = [];
  let notMatched: string | undefined;
  let remaining = costBudget;
  for (const { condition, compiled } of conditions) {
    if (compiled.kind === 'uncompilable') {
      errors.push(`compilation error: ${compiled.error}`);
      continue;
    }
    const result = compiled.evaluate(variables);
    remaining -= result.cost;
    if (remaining < 0) return failedOrIgnored([outOfBudget], failurePolicy);
    if (result.kind === 'error') errors.push(`expression '${condition.expression}' resulted in error: ${result.error}`);
    else if (!result.value) notMatched ??= condition.name;
  }
  if (notMatched !== undefined) return { kind: 'notMatched', condition: notMatched };
  return errors.length === 0 ? { kind: 'matched' } : failedOrIgnored(errors, failurePolicy);
}

const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** An absent failurePolicy counts as Fail here. */
function failedOrIgnored(errors: readonly string[], failurePolicy: FailurePolicy | undefined): ConditionsMatch {
  return failurePolicy === 'Ignore' ? { kind: 'ignored', errors } : { kind: 'failed', message: aggregate(errors) };
}

/** Source: k8s.io/apimachinery v0.37.2 pkg/util/errors/errors.go, aggregate.Error: repetitions are told once. */
function aggregate(errors: readonly string[]): string {
  const [first = '', ...others] = new Set(errors);
  return others.length === 0 ? first : `[${[first, ...others].join(', ')}]`;
}
