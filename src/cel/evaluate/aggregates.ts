/**
 * List and map literals that are not constant, and objects.
 *
 * Source: cel-go v0.29.2 interpreter/interpretable.go, evalList, evalMap, evalObj.
 */
import { LIST_CREATE_BASE_COST, MAP_CREATE_BASE_COST, STRUCT_CREATE_BASE_COST } from '../cost.ts';
import { ArrayList } from '../list.ts';
import { EntryMap } from '../map.ts';
import { formatValue, goTypeName } from '../value-text.ts';
import { EvaluationError, OptionalValue } from '../values.ts';
import type { Result, Value } from '../values.ts';
import { Panic } from './panic.ts';
import type { Frame } from './frame.ts';
import type { PlanNode } from './node.ts';

/** An element of a list literal. */
export interface ElementPlan {
  readonly value: PlanNode;
  /** Written `?element`: an optional, left out when empty. */
  readonly optional: boolean;
}

/** An entry of a map literal. */
export interface EntryPlan extends ElementPlan {
  readonly key: PlanNode;
}

export class ListNode implements PlanNode {
  readonly id: number;
  readonly #elements: readonly ElementPlan[];

  constructor(id: number, elements: readonly ElementPlan[]) {
    this.id = id;
    this.#elements = elements;
  }

  execute(frame: Frame): Result {
    const value = this.#build(frame);
    frame.costs.dropArguments(this.#elements.map((element) => element.value.id));
    frame.costs.observe(this.id, value, LIST_CREATE_BASE_COST);
    return value;
  }

  #build(frame: Frame): Result {
    const elements: Value[] = [];
    for (const { value: node, optional } of this.#elements) {
      const value = node.execute(frame);
      if (value instanceof EvaluationError) return value;
      if (!optional) {
        elements.push(value);
        continue;
      }
      if (!(value instanceof OptionalValue)) {
        return new EvaluationError(
          `cannot initialize optional list element from non-optional value ${formatValue(value)}`,
        );
      }
      if (value.value !== undefined) elements.push(value.value);
    }
    return new ArrayList(elements);
  }
}

export class MapNode implements PlanNode {
  readonly id: number;
  readonly #entries: readonly EntryPlan[];

  constructor(id: number, entries: readonly EntryPlan[]) {
    this.id = id;
    this.#entries = entries;
  }

  execute(frame: Frame): Result {
    const value = this.#build(frame);
    frame.costs.dropArguments(this.#entries.flatMap((entry) => [entry.key.id, entry.value.id]));
    frame.costs.observe(this.id, value, MAP_CREATE_BASE_COST);
    return value;
  }

  #build(frame: Frame): Result {
    const entries: (readonly [Value, Value])[] = [];
    for (const { key: keyNode, value: valueNode, optional } of this.#entries) {
      const key = keyNode.execute(frame);
      if (key instanceof EvaluationError) return key;
      const value = valueNode.execute(frame);
      if (value instanceof EvaluationError) return value;
      const entry = optional ? unwrapEntry(formatValue(key), value) : value;
      if (entry instanceof EvaluationError) return entry;
      if (entry !== undefined) entries.push([checkKey(key), entry]);
    }
    return new EntryMap(entries);
  }
}

/** `TypeName{…}`: the API server declares no type that can be made this way, so it ends in an error. */
export class ObjectNode implements PlanNode {
  readonly id: number;
  readonly #typeName: string;
  readonly #fields: readonly (ElementPlan & { readonly name: string })[];

  constructor(id: number, typeName: string, fields: readonly (ElementPlan & { readonly name: string })[]) {
    this.id = id;
    this.#typeName = typeName;
    this.#fields = fields;
  }

  execute(frame: Frame): Result {
    const value = this.#build(frame);
    frame.costs.dropArguments(this.#fields.map((field) => field.value.id));
    frame.costs.observe(this.id, value, STRUCT_CREATE_BASE_COST);
    return value;
  }

  #build(frame: Frame): Result {
    for (const { name, value: node, optional } of this.#fields) {
      const value = node.execute(frame);
      if (value instanceof EvaluationError) return value;
      const entry = optional ? unwrapEntry(name, value) : value;
      if (entry instanceof EvaluationError) return entry;
    }
    return new EvaluationError(`unknown type '${this.#typeName}'`);
  }
}

/** What `?key: value` puts in, undefined for nothing. */
function unwrapEntry(key: string, value: Value): Value | undefined | EvaluationError {
  if (value instanceof OptionalValue) return value.value;
  const text = formatValue(value);
  return new EvaluationError(`cannot initialize optional entry '${key}' from non-optional value ${text}`);
}

function checkKey(key: Value): Value {
  if (key instanceof Uint8Array) throw new Panic(`runtime error: hash of unhashable type ${goTypeName(key)}`);
  return key;
}
