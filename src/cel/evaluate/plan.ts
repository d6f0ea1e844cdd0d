/**
 * Turns a checked expression into a plan that can be carried out many times.
 *
 * Constant parts are computed here, so their errors are found at compile time.
 *
 * Source: cel-go v0.29.2 interpreter/planner.go and interpreter/decorators.go (decOptimize, decRegexOptimizer).
 */
import type { CheckedExpression, ResolvedCall } from '../check/checker.ts';
import { defaultCallCost } from '../cost.ts';
import type { Environment } from '../environment.ts';
import type {
  CallExpression,
  ComprehensionExpression,
  Expression,
  ListExpression,
  MapExpression,
  ObjectExpression,
  SelectExpression,
} from '../syntax/ast.ts';
import * as operators from '../syntax/operators.ts';
import { goTypeName } from '../value-text.ts';
import { EvaluationError, ListValue, Uint } from '../values.ts';
import type { Value } from '../values.ts';
import { ListNode, MapNode, ObjectNode } from './aggregates.ts';
import {
  AttributeNode,
  ConditionalAttribute,
  PresenceNode,
  RelativeAttribute,
  VariableAttribute,
} from './attribute.ts';
import type { VariableReader } from './attribute.ts';
import { CallNode, planCall } from './call.ts';
import { CostTracker } from './cost-tracker.ts';
import { Accumulator, FoldNode } from './fold.ts';
import { Frame } from './frame.ts';
import { ConstantNode } from './node.ts';
import type { PlanNode } from './node.ts';
import {
  EqualityNode,
  LogicalNode,
  MembershipNode,
  NotStrictlyFalseNode,
  OptionalOrNode,
  SetMembershipNode,
} from './operators.ts';
import { AttributeQualifier, ConstantQualifier, PresenceQualifier, asKey } from './qualifier.ts';

/** A plan, and the greatest id in it. */
export interface Plan {
  readonly root: PlanNode;
  readonly maxId: number;
}

/** Functions whose call on a constant is a constant. cel-go: overloads.IsTypeConversionFunction. */
const CONVERSIONS: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'string',
  'timestamp',
  'type',
  'uint',
]);

/** The plan of `checked`, or why it has none: a constant part fails, a pattern is no regular expression. */
export function plan(checked: CheckedExpression, environment: Environment): Plan | EvaluationError {
  const planner = new Planner(checked, environment);
  try {
    return { root: planner.plan(checked.root), maxId: planner.maxId };
  } catch (abort) {
    if (abort instanceof PlanFailure) return new EvaluationError(abort.message);
    throw abort;
  }
}

/** A part of the expression cannot be planned. Leaves the planner as an exception, never the room. */
class PlanFailure extends Error {}

class Planner {
  maxId = 0;
  readonly #checked: CheckedExpression;
  readonly #environment: Environment;
  /** Comprehension variables in scope, innermost last. */
  readonly #scopes: ReadonlyMap<string, VariableReader>[] = [];
  #slots = 0;
  /** Where constants are evaluated, which nobody pays for. */
  readonly #constants = new Frame(new Map<string, Value>(), new CostTracker(Infinity, 0), undefined);

  constructor(checked: CheckedExpression, environment: Environment) {
    this.#checked = checked;
    this.#environment = environment;
  }

  plan(expression: Expression): PlanNode {
    this.maxId = Math.max(this.maxId, expression.id);
    switch (expression.kind) {
      case 'literal':
        return new ConstantNode(expression.id, expression.value);
      case 'identifier':
        return this.#named(expression.id, this.#checked.names.get(expression.id) ?? expression.name);
      case 'select':
        return this.#select(expression);
      case 'call':
        return this.#call(expression);
      case 'list':
        return this.#list(expression);
      case 'map':
        return this.#map(expression);
      case 'object':
        return this.#object(expression);
      case 'comprehension':
        return this.#comprehension(expression);
    }
  }

  #named(id: number, name: string): PlanNode {
    if (this.#checked.types.get(id)?.kind === 'type') {
      const type = this.#environment.types.get(name.replace(/^\./, ''));
      if (type === undefined) throw new PlanFailure(`reference to undefined type: ${name}`);
      return new ConstantNode(id, type);
    }
    const isGlobal = name.startsWith('.');
    const bare = isGlobal ? name.slice(1) : name;
    return new AttributeNode(new VariableAttribute(id, bare, this.#reader(bare, isGlobal), isGlobal));
  }

  #reader(bare: string, isGlobal: boolean): VariableReader {
    const local = isGlobal ? undefined : this.#scopes.findLast((scope) => scope.has(bare))?.get(bare);
    if (local !== undefined) return local;
    return (frame) => frame.activation.get(bare);
  }

  #select({ id, operand, field, testOnly }: SelectExpression): PlanNode {
    const name = this.#checked.names.get(id);
    if (name !== undefined) return this.#named(id, name);
    const node = this.#attributeNode(this.plan(operand));
    node.attribute.addQualifier(testOnly ? new PresenceQualifier(id, field) : new ConstantQualifier(id, field, false));
    return testOnly ? new PresenceNode(id, node.attribute) : node;
  }

  /** `node` itself if selections can be added to it, else an attribute that starts from it. */
  #attributeNode(node: PlanNode): AttributeNode | PresenceNode {
    if (node instanceof AttributeNode || node instanceof PresenceNode) return node;
    return new AttributeNode(new RelativeAttribute(node.id, node));
  }

  #call(expression: CallExpression): PlanNode {
    const { id } = expression;
    const resolved = this.#checked.calls.get(id);
    if (resolved === undefined) return this.#optionalSelect(expression);
    const operands = resolved.target === undefined ? expression.args : [resolved.target, ...expression.args];
    const args = operands.map((operand) => this.plan(operand));
    const [first, second, third] = args;
    if (resolved.function.name === operators.NOT_STRICTLY_FALSE && first !== undefined) {
      return new NotStrictlyFalseNode(id, first);
    }
    if (first !== undefined && second !== undefined) {
      switch (resolved.function.name) {
        case operators.LOGICAL_AND:
          return new LogicalNode(id, false, args);
        case operators.LOGICAL_OR:
          return new LogicalNode(id, true, args);
        case operators.EQUALS:
          return new EqualityNode(id, false, first, second, defaultCallCost('equals'));
        case operators.NOT_EQUALS:
          return new EqualityNode(id, true, first, second, defaultCallCost('not_equals'));
        case operators.INDEX:
          return this.#index(id, first, second, false);
        case operators.OPTIONAL_INDEX:
          return this.#index(id, first, second, true);
        case 'or':
        case 'orValue':
          return new OptionalOrNode(id, resolved.function.name === 'orValue', first, second);
        case operators.CONDITIONAL: {
          if (third === undefined) break;
          const [truthy, falsy] = [this.#attributeNode(second).attribute, this.#attributeNode(third).attribute];
          return new AttributeNode(new ConditionalAttribute(id, first, truthy, falsy));
        }
        default:
          break;
      }
    }
    return this.#functionCall(id, resolved, args);
  }

  #functionCall(id: number, resolved: ResolvedCall, args: readonly PlanNode[]): PlanNode {
    const { name, constantArgument } = resolved.function;
    const [first, second] = args;
    const isInList = resolved.overloads.length === 1 && resolved.overloads[0]?.id === 'in_list';
    if (isInList && first !== undefined && second instanceof ConstantNode && second.value instanceof ListValue) {
      const membership = membershipIn(id, first, second.value);
      if (membership !== undefined) return membership;
    }
    let call = planCall(resolved, args.length);
    const literal = constantArgument === undefined ? undefined : args[constantArgument.index];
    if (constantArgument !== undefined && literal instanceof ConstantNode && typeof literal.value === 'string') {
      const implementation = constantArgument.bind(literal.value);
      if (implementation instanceof EvaluationError) throw new PlanFailure(implementation.message);
      call = { ...call, implementation, stopsAtError: true };
    }
    if (name === operators.IN) return new MembershipNode(id, args, call);
    const node = new CallNode(id, args, call);
    return CONVERSIONS.has(name) && args.length === 1 && first instanceof ConstantNode ? this.#fold(node) : node;
  }

  #optionalSelect({ id, args: [operand, field] }: CallExpression): PlanNode {
    if (operand === undefined || field === undefined) throw new PlanFailure('optional selection without a field');
    return this.#index(id, this.plan(operand), this.plan(field), true);
  }

  #index(id: number, operand: PlanNode, index: PlanNode, optional: boolean): PlanNode {
    const node = this.#attributeNode(operand);
    if (index instanceof ConstantNode) {
      const key = asKey(index.value);
      if (key instanceof EvaluationError) throw new PlanFailure(`invalid qualifier type: ${goTypeName(index.value)}`);
      node.attribute.addQualifier(new ConstantQualifier(id, key, optional));
    } else if (index instanceof AttributeNode || index instanceof PresenceNode) {
      node.attribute.addQualifier(new AttributeQualifier(id, index.attribute, false, optional));
    } else {
      node.attribute.addQualifier(new AttributeQualifier(id, new RelativeAttribute(id, index), true, optional));
    }
    return node;
  }

  #list({ id, elements, optionalIndexes }: ListExpression): PlanNode {
    const optionals = new Set(optionalIndexes);
    const plans = elements.map((element, index) => ({ value: this.plan(element), optional: optionals.has(index) }));
    const node = new ListNode(id, plans);
    return plans.every(({ value }) => value instanceof ConstantNode) ? this.#fold(node) : node;
  }

  #map({ id, entries }: MapExpression): PlanNode {
    const plans = entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }));
    const node = new MapNode(id, plans);
    const isConstant = plans.every(({ key, value }) => key instanceof ConstantNode && value instanceof ConstantNode);
    return isConstant ? this.#fold(node) : node;
  }

  #object({ id, typeName, fields }: ObjectExpression): PlanNode {
    const plans = fields.map(({ name, value, optional }) => ({ name, value: this.plan(value), optional }));
    return new ObjectNode(id, this.#checked.names.get(id) ?? typeName, plans);
  }

  #comprehension(fold: ComprehensionExpression): PlanNode {
    const slots = {
      accumulator: this.#slots++,
      iteration: this.#slots++,
      iteration2: fold.iterationVariable2 === undefined ? undefined : this.#slots++,
    };
    const accumulatorInit = this.plan(fold.accumulatorInit);
    const range = this.plan(fold.range);
    const accumulator = new Accumulator(slots.accumulator, accumulatorInit);
    const readAccumulator: VariableReader = (frame) => accumulator.read(frame);
    const loopScope = new Map([[fold.iterationVariable, readSlot(slots.iteration)]]);
    if (fold.iterationVariable2 !== undefined && slots.iteration2 !== undefined) {
      loopScope.set(fold.iterationVariable2, readSlot(slots.iteration2));
    }
    // Within the loop the accumulator hides an iteration variable of the same name.
    loopScope.set(fold.accumulatorVariable, readAccumulator);
    this.#scopes.push(loopScope);
    const loopCondition = this.plan(fold.loopCondition);
    const loopStep = this.plan(fold.loopStep);
    this.#scopes.pop();
    this.#scopes.push(new Map([[fold.accumulatorVariable, readAccumulator]]));
    const result = this.plan(fold.result);
    this.#scopes.pop();
    const parts = { range, loopCondition, loopStep, result };
    return new FoldNode(fold.id, slots, accumulator, parts);
  }

  /** The value of a step whose operands are all constant. */
  #fold(node: PlanNode): ConstantNode {
    const value = node.execute(this.#constants);
    if (value instanceof EvaluationError) throw new PlanFailure(value.message);
    return new ConstantNode(node.id, value);
  }
}

function readSlot(slot: number): VariableReader {
  return (frame) => frame.locals[slot];
}

/** `operand in list` as one look-up; undefined if the list has anything but scalars. cel-go: maybeOptimizeSetMembership. */
function membershipIn(id: number, operand: PlanNode, list: ListValue): PlanNode | undefined {
  if (list.size === 0) return new ConstantNode(id, false);
  const members = [...list];
  const isScalar = (member: Value) =>
    ['boolean', 'bigint', 'number', 'string'].includes(typeof member) || member instanceof Uint;
  return members.every(isScalar) ? new SetMembershipNode(id, operand, members) : undefined;
}
