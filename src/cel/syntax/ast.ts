/**
 * The syntax tree. Macros are already expanded in it; node ids are unique and count from 1 in the order of creation.
 *
 * Source: cel-go v0.29.2 common/ast/expr.go.
 */
import type { Value } from '../values.ts';

export type Expression =
  | LiteralExpression
  | IdentifierExpression
  | SelectExpression
  | CallExpression
  | ListExpression
  | MapExpression
  | ObjectExpression
  | ComprehensionExpression;

/** A constant: null, bool, int, uint, double, string or bytes. */
export interface LiteralExpression {
  readonly kind: 'literal';
  readonly id: number;
  readonly value: Value;
}

export interface IdentifierExpression {
  readonly kind: 'identifier';
  readonly id: number;
  /** With a leading dot if it was written so, which looks past comprehension variables. */
  readonly name: string;
}

/** `operand.field`, or `has(operand.field)` when `testOnly`. */
export interface SelectExpression {
  readonly kind: 'select';
  readonly id: number;
  readonly operand: Expression;
  readonly field: string;
  readonly testOnly: boolean;
}

/** A function, method or operator call; operators have names such as `_+_` (see operators.ts). */
export interface CallExpression {
  readonly kind: 'call';
  readonly id: number;
  readonly function: string;
  readonly target: Expression | undefined;
  readonly args: readonly Expression[];
}

export interface ListExpression {
  readonly kind: 'list';
  readonly id: number;
  readonly elements: readonly Expression[];
  /** Indexes of elements written `?element`. */
  readonly optionalIndexes: readonly number[];
}

export interface MapExpression {
  readonly kind: 'map';
  readonly id: number;
  readonly entries: readonly MapEntry[];
}

export interface MapEntry {
  readonly id: number;
  readonly key: Expression;
  readonly value: Expression;
  /** Written `?key: value`. */
  readonly optional: boolean;
}

/** `TypeName{field: value}`. */
export interface ObjectExpression {
  readonly kind: 'object';
  readonly id: number;
  readonly typeName: string;
  readonly fields: readonly ObjectField[];
}

export interface ObjectField {
  readonly id: number;
  readonly name: string;
  readonly value: Expression;
  readonly optional: boolean;
}

/**
 * A fold over a list or map: what all comprehension macros expand to.
 * Without `iterationVariable2` the variable holds elements (list) or keys (map); with it, index and element or key and
 * value.
 */
export interface ComprehensionExpression {
  readonly kind: 'comprehension';
  readonly id: number;
  readonly range: Expression;
  readonly iterationVariable: string;
  readonly iterationVariable2: string | undefined;
  readonly accumulatorVariable: string;
  readonly accumulatorInit: Expression;
  readonly loopCondition: Expression;
  readonly loopStep: Expression;
  readonly result: Expression;
}
