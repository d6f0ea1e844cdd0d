/**
 * From text to program: parse, check, plan.
 *
 * Source: cel-go v0.29.2 cel/env.go and cel/program.go; k8s.io/apiserver v0.37.2 pkg/admission/plugin/cel/compile.go,
 * CompileCELExpression.
 */
import { check } from './check/checker.ts';
import type { CheckedExpression } from './check/checker.ts';
import { checkLiterals } from './check/literals.ts';
import type { Environment } from './environment.ts';
import { Panic } from './evaluate/panic.ts';
import { plan } from './evaluate/plan.ts';
import { Program } from './program.ts';
import { parse } from './syntax/parser.ts';
import type { Source } from './syntax/source.ts';
import type { CompileIssue } from './syntax/source.ts';
import { isExactType } from './types.ts';
import type { Type } from './types.ts';
import { EvaluationError } from './values.ts';

/** What {@link compile} takes besides the expression. */
export interface CompileOptions {
  /** The static type the expression must have exactly, or a list of which it must have one. Default: any. */
  readonly resultType?: Type | readonly Type[];
}

/** A program, or why there is none. */
export type CompileResult =
  | { readonly ok: true; readonly program: Program }
  | {
      readonly ok: false;
      readonly issues: readonly CompileIssue[];
      /** All issues as the API server tells them, with the lines of the expression they are in. */
      readonly message: string;
    };

/**
 * Compiles `expression`, which must be well typed in `environment`. Never throws: what is wrong with the expression is
 * a value.
 *
 * @example
 *   const environment = createEnvironment({ variables: { name: StringType }, libraries: [] });
 *   const compiled = compile('name.startsWith("a")', environment, { resultType: BoolType });
 *   if (compiled.ok) compiled.program.evaluate(new Map([['name', 'abc']]));
 */
export function compile(expression: string, environment: Environment, options: CompileOptions = {}): CompileResult {
  const parsed = parse(expression, environment.macros);
  if (!parsed.ok) return compilationFailed(parsed.source, parsed.issues);
  const { source } = parsed.parsed;
  const result = check(parsed.parsed, environment);
  if (!result.ok) return compilationFailed(source, result.issues);
  try {
    const issues = checkLiterals(result.checked);
    if (issues.length > 0) return compilationFailed(source, issues);
    return makeProgram(result.checked, environment, options);
  } catch (error) {
    // The API server's compiler panics on such an expression, and the request that brought it fails.
    if (error instanceof Panic) return failed(`internal error: ${error.message}`);
    throw error;
  }
}

function makeProgram(checked: CheckedExpression, environment: Environment, options: CompileOptions): CompileResult {
  const mismatch = resultMismatch(checked.types.get(checked.root.id), options.resultType);
  if (mismatch !== undefined) return failed(mismatch);
  const planned = plan(checked, environment);
  if (planned instanceof EvaluationError) return failed(`program instantiation failed: ${planned.message}`);
  return { ok: true, program: new Program(planned) };
}

function compilationFailed(source: Source, issues: readonly CompileIssue[]): CompileResult {
  return { ok: false, issues, message: `compilation failed: ${source.display(issues)}` };
}

function failed(message: string): CompileResult {
  return { ok: false, issues: [{ line: -1, column: 0, message }], message };
}

function resultMismatch(actual: Type | undefined, wanted: CompileOptions['resultType']): string | undefined {
  if (actual === undefined || wanted === undefined) return undefined;
  const types = Array.isArray(wanted) ? (wanted as readonly Type[]) : [wanted as Type];
  if (types.some((type) => isExactType(actual, type))) return undefined;
  const expectation = types.length === 1 ? types.join('') : `one of [${types.join(' ')}]`;
  return `must evaluate to ${expectation} but got ${actual.toString()}`;
}
