/**
 * The operators whose operands are not simply arguments: && and ||, == and !=, or() and orValue(), tests of membership in a literal list.
 *
 * Source: cel-go v0.29.2 interpreter/interpretable.go, interpreter/decorators.go, cel/library.go.
 */
import { equals } from '../compare.ts';
import { goTypeName } from '../value-text.ts';
import { EvaluationError, OptionalValue, Uint, noSuchOverload } from '../values.ts';
import type { CallCost } from '../function.ts';
import type { Result, Value } from '../values.ts';
import { JsonList } from '../json.ts';
import { CallNode } from './call.ts';
import { Panic } from './panic.ts';
import type { Frame } from './frame.ts';
import type { PlanNode } from './node.ts';

/** `a && b` and `a || b`: the `decisive` value wins over errors, wherever it stands. */
export class LogicalNode implements PlanNode {
  readonly id: number;
  readonly #decisive: boolean;
  readonly #terms: readonly PlanNode[];

  constructor(id: number, decisive: boolean, terms: readonly PlanNode[]) {
    this.id = id;
    this.#decisive = decisive;
    this.#terms = terms;
  }

  execute(frame: Frame): Result {
    const value = this.#evaluate(frame);
    for (const term of this.#terms) frame.costs.drop(term.id);
    frame.costs.observe(this.id, value, 0);
    return value;
  }

  #evaluate(frame: Frame): Result {
    let error: EvaluationError | undefined;
    for (const term of this.#terms) {
      const value = term.execute(frame);
      if (value === this.#decisive) return value;
      if (typeof value !== 'boolean') error ??= value instanceof EvaluationError ? value : noSuchOverload();
    }
    return error ?? !this.#decisive;
  }
}

/** What the loop conditions of all() and exists() ask: false for false, true for anything else, errors included. */
export class NotStrictlyFalseNode implements PlanNode {
  readonly id: number;
  readonly #operand: PlanNode;

  constructor(id: number, operand: PlanNode) {
    this.id = id;
    this.#operand = operand;
  }

  execute(frame: Frame): Result {
    const value = this.#operand.execute(frame) !== false;
    const isCharged = frame.costs.dropArguments([this.#operand.id]) !== undefined;
    frame.costs.observe(this.id, value, isCharged ? 1 : 0);
    return value;
  }
}

/** `a == b` and `a != b`. */
export class EqualityNode implements PlanNode {
  readonly id: number;
  readonly #negated: boolean;
  readonly #left: PlanNode;
  readonly #right: PlanNode;
  readonly #cost: CallCost;

  constructor(id: number, negated: boolean, left: PlanNode, right: PlanNode, cost: CallCost) {
    this.id = id;
    this.#negated = negated;
    this.#left = left;
    this.#right = right;
    this.#cost = cost;
  }

  execute(frame: Frame): Result {
    const left = this.#left.execute(frame);
    const right = this.#right.execute(frame);
    const value = this.#compare(left, right);
    const operands = frame.costs.dropArguments([this.#left.id, this.#right.id]);
    frame.costs.observe(this.id, value, operands === undefined ? 0 : this.#cost(operands as Value[], value));
    return value;
  }

  #compare(left: Result, right: Result): Result {
    if (left instanceof EvaluationError) return left;
    if (right instanceof EvaluationError) return right;
    const equal = equals(left, right);
    return this.#negated ? equal !== true : equal;
  }
}

/** `optional.or(optional)` and `optional.orValue(value)`: the second is evaluated only if the first is empty. */
export class OptionalOrNode implements PlanNode {
  readonly id: number;
  readonly #unwrap: boolean;
  readonly #optional: PlanNode;
  readonly #alternative: PlanNode;

  constructor(id: number, unwrap: boolean, optional: PlanNode, alternative: PlanNode) {
    this.id = id;
    this.#unwrap = unwrap;
    this.#optional = optional;
    this.#alternative = alternative;
  }

  execute(frame: Frame): Result {
    const value = this.#choose(frame);
    frame.costs.observe(this.id, value, 0);
    return value;
  }

  #choose(frame: Frame): Result {
    const optional = this.#optional.execute(frame);
    if (optional instanceof EvaluationError) return optional;
    if (!(optional instanceof OptionalValue)) return noSuchOverload();
    if (optional.value === undefined) return this.#alternative.execute(frame);
    return this.#unwrap ? optional.value : optional;
  }
}

/** `value in container`, where the container is not a literal. */
export class MembershipNode extends CallNode {
  protected override invoke(frame: Frame, args: readonly Value[]): Result {
    const [value, list] = args;
    const found = value !== undefined && list instanceof JsonList ? frame.memberships.contains(list, value) : undefined;
    return found ?? super.invoke(frame, args);
  }
}

/** `value in [literals]`: one look-up, which costs nothing. */
export class SetMembershipNode implements PlanNode {
  readonly id: number;
  readonly #operand: PlanNode;
  readonly #members: ReadonlySet<unknown>;

  /** `members` are bools, ints, uints, doubles and strings. */
  constructor(id: number, operand: PlanNode, members: Iterable<Value>) {
    this.id = id;
    this.#operand = operand;
    this.#members = new Set([...members].flatMap(equalMembers));
  }

  execute(frame: Frame): Result {
    const value = this.#operand.execute(frame);
    const found = value instanceof EvaluationError ? value : this.#has(value);
    frame.costs.observe(this.id, found, 0);
    return found;
  }

  #has(value: Value): boolean {
    if (value instanceof Uint8Array) throw new Panic(`runtime error: hash of unhashable type ${goTypeName(value)}`);
    return this.#members.has(value instanceof Uint ? uintMember(value.value) : value);
  }
}

/** The member itself and, for a number, the same number in the other types where nothing is lost. */
function equalMembers(member: Value): unknown[] {
  if (typeof member === 'bigint') {
    return member < 0n ? [member, Number(member)] : [member, Number(member), uintMember(member)];
  }
  if (member instanceof Uint) {
    const { value } = member;
    const own = [uintMember(value), Number(value)];
    return value === BigInt.asIntN(64, value) ? [...own, value] : own;
  }
  if (typeof member !== 'number' || !Number.isInteger(member)) return [member];
  const integer = BigInt(member);
  const members: unknown[] = [member];
  if (integer === BigInt.asIntN(64, integer) && member > -(2 ** 63)) members.push(integer);
  if (integer === BigInt.asUintN(64, integer)) members.push(uintMember(integer));
  return members;
}

/** What stands for a uint in a set of primitives: no bool, string, bigint or number can equal it. */
function uintMember(value: bigint): symbol {
  return Symbol.for(`uint ${value}`);
}
