/**
 * Attributes: a variable, a computed value or a choice of two, and what is selected from it.
 *
 * They are a thing of their own because optional selection reaches over the whole chain, and because a choice passes
 * the selections that follow it on to its branches.
 *
 * Source: cel-go v0.29.2 interpreter/attributes.go, evalAttr and evalTestOnly in interpretable.go.
 */
import { EvaluationError, OptionalValue, noSuchOverload } from '../values.ts';
import type { Result, Value } from '../values.ts';
import type { CostTracker } from './cost-tracker.ts';
import type { Frame } from './frame.ts';
import type { PlanNode } from './node.ts';
import type { Qualifier } from './qualifier.ts';

export interface Attribute {
  /** Id of the last selection, or of what it starts from. */
  readonly id: number;
  addQualifier(qualifier: Qualifier): void;
  /** Its value, not noted as a step of its own; its parts are. */
  resolve(frame: Frame): Result;
  /** Notes the value of the whole attribute, which is taken for the step `id`. */
  observe(costs: CostTracker, id: number, value: Result, extraCost: number): void;
}

/** Reads a variable; undefined if it has no value. */
export type VariableReader = (frame: Frame) => Result | undefined;

/** Evaluates an attribute as an expression. */
export class AttributeNode implements PlanNode {
  readonly attribute: Attribute;

  constructor(attribute: Attribute) {
    this.attribute = attribute;
  }

  get id(): number {
    return this.attribute.id;
  }

  execute(frame: Frame): Result {
    const value = this.attribute.resolve(frame);
    this.attribute.observe(frame.costs, this.id, value, 0);
    return value;
  }
}

/** `has(…)`: evaluates an attribute whose last selection is a test of presence. */
export class PresenceNode implements PlanNode {
  readonly id: number;
  readonly attribute: Attribute;

  constructor(id: number, attribute: Attribute) {
    this.id = id;
    this.attribute = attribute;
  }

  execute(frame: Frame): Result {
    const resolved = this.attribute.resolve(frame);
    const value = resolved instanceof OptionalValue ? resolved.value !== undefined : resolved;
    // The API server does not charge for the test itself: interpreter.PresenceTestHasCost(false).
    this.attribute.observe(frame.costs, this.id, value, -1);
    return value;
  }
}

/** A start and the selections from it. */
class SelectionChain {
  readonly #ownId: number;
  readonly #qualifiers: Qualifier[] = [];

  constructor(ownId: number) {
    this.#ownId = ownId;
  }

  get id(): number {
    return this.#qualifiers.at(-1)?.id ?? this.#ownId;
  }

  addQualifier(qualifier: Qualifier): void {
    this.#qualifiers.push(qualifier);
  }

  observe(costs: CostTracker, id: number, value: Result, extraCost: number): void {
    costs.drop(this.id);
    costs.observe(id, value, 1 + extraCost);
  }

  /** Applies the selections to `start`. cel-go: applyQualifiers. */
  protected select(frame: Frame, start: Value): Result {
    let value: Value = start;
    let optional = false;
    if (value instanceof OptionalValue) {
      if (value.value === undefined) return value;
      value = value.value;
      optional = true;
    }
    for (const qualifier of this.#qualifiers) {
      optional ||= qualifier.optional;
      const selected = optional ? qualifier.qualifyIfPresent(frame, value) : qualifier.qualify(frame, value);
      if (selected instanceof EvaluationError) return selected;
      if (selected === undefined) return new OptionalValue(undefined);
      value = selected;
    }
    return optional ? new OptionalValue(value) : value;
  }
}

/** A variable and selections from it. */
export class VariableAttribute extends SelectionChain implements Attribute {
  readonly #name: string;
  readonly #read: VariableReader;
  readonly #isGlobal: boolean;

  /** `isGlobal`: written with a leading dot to look past a comprehension variable of that name. */
  constructor(id: number, name: string, read: VariableReader, isGlobal: boolean) {
    super(id);
    this.#name = name;
    this.#read = read;
    this.#isGlobal = isGlobal;
  }

  resolve(frame: Frame): Result {
    const value = this.#read(frame);
    if (value === undefined) return new EvaluationError(`no such attribute(s): ${this.#name}`);
    if (value instanceof EvaluationError) return value;
    // cel-go goes on with the input variables alone, which knows neither costs nor comprehension variables.
    return this.select(this.#isGlobal ? frame.ofInput() : frame, value);
  }
}

/** The value of a step and selections from it. */
export class RelativeAttribute extends SelectionChain implements Attribute {
  readonly #operand: PlanNode;

  constructor(id: number, operand: PlanNode) {
    super(id);
    this.#operand = operand;
  }

  resolve(frame: Frame): Result {
    const value = this.#operand.execute(frame);
    return value instanceof EvaluationError ? value : this.select(frame, value);
  }
}

/** `condition ? truthy : falsy`; the branch that is not taken is not evaluated. */
export class ConditionalAttribute implements Attribute {
  readonly #ownId: number;
  readonly #condition: PlanNode;
  readonly #truthy: Attribute;
  readonly #falsy: Attribute;

  constructor(id: number, condition: PlanNode, truthy: Attribute, falsy: Attribute) {
    this.#ownId = id;
    this.#condition = condition;
    this.#truthy = truthy;
    this.#falsy = falsy;
  }

  get id(): number {
    return this.#truthy.id === this.#falsy.id ? this.#truthy.id : this.#ownId;
  }

  addQualifier(qualifier: Qualifier): void {
    this.#truthy.addQualifier(qualifier);
    this.#falsy.addQualifier(qualifier);
  }

  resolve(frame: Frame): Result {
    const condition = this.#condition.execute(frame);
    if (condition === true) return this.#truthy.resolve(frame);
    if (condition === false) return this.#falsy.resolve(frame);
    return condition instanceof EvaluationError ? condition : noSuchOverload();
  }

  observe(costs: CostTracker, id: number, value: Result, extraCost: number): void {
    costs.drop(this.#falsy.id);
    costs.drop(this.#truthy.id);
    costs.drop(this.#condition.id);
    costs.observe(id, value, extraCost);
  }
}
