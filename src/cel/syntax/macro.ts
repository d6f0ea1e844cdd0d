/**
 * Macros: calls that the parser rewrites.
 *
 * Source: cel-go v0.29.2 parser/macro.go and parser/helper.go.
 */
import type { Expression } from './ast.ts';
import type { Value } from '../values.ts';

/** A rewriting of calls of one name, style and number of arguments. */
export interface Macro {
  readonly name: string;
  /** True for `receiver.name(…)`. */
  readonly member: boolean;
  readonly argumentCount: number;
  /** The expansion; undefined leaves the call as it is; a {@link MacroError} makes it a syntax error. */
  readonly expand: (
    factory: ExpressionFactory,
    target: Expression | undefined,
    args: readonly Expression[],
  ) => Expression | MacroError | undefined;
}

/** Why a macro cannot be expanded, and the argument to point at (undefined: the call). */
export class MacroError {
  readonly message: string;
  readonly expression: Expression | undefined;

  constructor(message: string, expression?: Expression) {
    this.message = message;
    this.expression = expression;
  }
}

/** Makes nodes with fresh ids, placed at the macro call. */
export interface ExpressionFactory {
  /** Name of the accumulator that no expression can spell: `@result`. */
  readonly accumulatorName: string;
  literal(value: Value): Expression;
  identifier(name: string): Expression;
  accumulator(): Expression;
  presenceTest(operand: Expression, field: string): Expression;
  call(name: string, ...args: readonly Expression[]): Expression;
  memberCall(name: string, target: Expression, ...args: readonly Expression[]): Expression;
  list(...elements: readonly Expression[]): Expression;
  emptyMap(): Expression;
  comprehension(parts: ComprehensionParts): Expression;
  /** The same expression with fresh ids, pointing where the original does. */
  copy(expression: Expression): Expression;
}

/** The parts of a comprehension, its accumulator being {@link ExpressionFactory.accumulatorName} unless named. */
export interface ComprehensionParts {
  readonly range: Expression;
  readonly iterationVariable: string;
  readonly iterationVariable2?: string;
  readonly accumulatorVariable?: string;
  readonly accumulatorInit: Expression;
  readonly loopCondition: Expression;
  readonly loopStep: Expression;
  readonly result: Expression;
}
