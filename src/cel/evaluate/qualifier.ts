/**
 * Selections and indexes: `.field`, `[index]`, and their optional forms.
 *
 * Source: cel-go v0.29.2 interpreter/attributes.go (qualifiers) and interpretable.go (evalWatch… for what they cost).
 */
import { goTypeName, formatValue } from '../value-text.ts';
import { EvaluationError, ListValue, MapValue, Uint } from '../values.ts';
import type { Result, Value } from '../values.ts';
import { typeOf } from '../type-of.ts';
import type { Attribute } from './attribute.ts';
import type { Frame } from './frame.ts';

export interface Qualifier {
  readonly id: number;
  /** Written with `?`: absence is no error, and what follows is optional as well. */
  readonly optional: boolean;
  /** What is selected from `operand`, or the error that it is not there. */
  qualify(frame: Frame, operand: Value): Result;
  /** What is selected, undefined if it is not there, an error if it cannot be. */
  qualifyIfPresent(frame: Frame, operand: Value): Result | undefined;
}

/** `.field`, or an index that is a literal. */
export class ConstantQualifier implements Qualifier {
  readonly id: number;
  readonly optional: boolean;
  readonly #key: Value;

  constructor(id: number, key: Value, optional: boolean) {
    this.id = id;
    this.#key = key;
    this.optional = optional;
  }

  qualify(frame: Frame, operand: Value): Result {
    const found = selectOrMissing(operand, this.#key);
    frame.costs.observe(this.id, found, 1);
    return found;
  }

  qualifyIfPresent(frame: Frame, operand: Value): Result | undefined {
    const found = select(operand, this.#key);
    if (found !== undefined && !(found instanceof EvaluationError)) frame.costs.observe(this.id, found, 1);
    return found;
  }
}

/** The last field of `has(operand.field)`: gives whether it is there. */
export class PresenceQualifier implements Qualifier {
  readonly id: number;
  readonly optional = false;
  readonly #field: string;

  constructor(id: number, field: string) {
    this.id = id;
    this.#field = field;
  }

  qualify(frame: Frame, operand: Value): Result {
    const found = select(operand, this.#field);
    const presence = found instanceof EvaluationError ? found : found !== undefined;
    frame.costs.observe(this.id, presence, 1);
    return presence;
  }

  qualifyIfPresent(frame: Frame, operand: Value): Result | undefined {
    const found = select(operand, this.#field);
    if (found !== undefined && !(found instanceof EvaluationError)) frame.costs.observe(this.id, found, 1);
    return found;
  }
}

/** An index that is computed. */
export class AttributeQualifier implements Qualifier {
  readonly id: number;
  readonly optional: boolean;
  readonly #index: Attribute;
  /** Is the index something else than a variable with selections? Its value is then already on the cost stack. */
  readonly #computed: boolean;

  constructor(id: number, index: Attribute, computed: boolean, optional: boolean) {
    this.id = id;
    this.#index = index;
    this.#computed = computed;
    this.optional = optional;
  }

  qualify(frame: Frame, operand: Value): Result {
    const key = this.#key(frame);
    const found = key instanceof EvaluationError ? key : selectOrMissing(operand, key);
    this.#observe(frame, found);
    return found;
  }

  qualifyIfPresent(frame: Frame, operand: Value): Result | undefined {
    const key = this.#key(frame);
    const found = key instanceof EvaluationError ? key : select(operand, key);
    if (found !== undefined && !(found instanceof EvaluationError)) this.#observe(frame, found);
    return found;
  }

  #key(frame: Frame): Result {
    const value = this.#index.resolve(frame);
    // A null that comes straight from JSON is Go's nil, which has no type name.
    if (value === null && !this.#computed) return new EvaluationError('invalid qualifier type: <nil>');
    return asKey(value);
  }

  #observe(frame: Frame, found: Result): void {
    if (this.#computed) frame.costs.drop(this.id);
    frame.costs.observe(this.id, found, 1);
  }
}

/** Is `value` something that can index at all? Otherwise the error cel-go gives. */
export function asKey(value: Result): Value | EvaluationError {
  if (value instanceof EvaluationError) return value;
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
    case 'number':
      return value;
    default:
      break;
  }
  return value instanceof Uint ? value : new EvaluationError(`invalid qualifier type: ${goTypeName(value)}`);
}

/** `operand[key]`; undefined if it is not there, an error if a list cannot be indexed with `key`. cel-go: refQualify. */
function select(operand: Value, key: Value): Result | undefined {
  if (operand instanceof MapValue) return operand.get(key);
  if (!(operand instanceof ListValue)) return undefined;
  const index = listIndex(key);
  if (index instanceof EvaluationError) return index;
  return index >= 0 && index < operand.size ? operand.at(index) : undefined;
}

function selectOrMissing(operand: Value, key: Value): Result {
  const found = select(operand, key);
  if (found !== undefined) return found;
  const what = operand instanceof ListValue ? 'index out of bounds' : 'no such key';
  return new EvaluationError(`${what}: ${formatValue(key)}`);
}

/** The place that `key` means in a list; it may lie outside. cel-go: types.IndexOrError. */
function listIndex(key: Value): number | EvaluationError {
  if (typeof key === 'bigint') return Number(key);
  if (typeof key === 'number') {
    const isInt64 = Number.isInteger(key) && key > -(2 ** 63) && key < 2 ** 63;
    return isInt64 ? key : new EvaluationError(`unsupported index value ${formatValue(key)} in list`);
  }
  if (!(key instanceof Uint)) return new EvaluationError(`unsupported index type '${typeOf(key).toString()}' in list`);
  if (key.value === BigInt.asIntN(64, key.value)) return Number(key.value);
  return new EvaluationError(`unsupported index value ${formatValue(key)} in list`);
}
