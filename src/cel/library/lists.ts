import { compare, equals } from '../compare.ts';
import { traversalCost } from '../cost.ts';
import { memberOverload } from '../function.ts';
import { add } from '../standard/arithmetic.ts';
import {
  BoolType,
  BytesType,
  DoubleType,
  DurationType,
  DynType,
  IntType,
  StringType,
  TimestampType,
  UintType,
  listType,
  typeParameter,
} from '../types.ts';
import { Duration, EvaluationError, ListValue, Timestamp, Uint, noSuchOverload } from '../values.ts';
import type { Library } from '../environment.ts';
import type { FunctionDeclaration } from '../function.ts';
import type { Result, Value } from '../values.ts';

/** Types whose values have an order, by the name that overload ids use. */
const COMPARABLE = [
  ['int', IntType],
  ['uint', UintType],
  ['double', DoubleType],
  ['bool', BoolType],
  ['duration', DurationType],
  ['timestamp', TimestampType],
  ['string', StringType],
  ['bytes', BytesType],
] as const;

/** Types whose values can be added, each with its zero. */
const SUMMABLE = [
  ['int', IntType, 0n],
  ['uint', UintType, new Uint(0n)],
  ['double', DoubleType, 0],
  ['duration', DurationType, new Duration(0n)],
] as const;

const A = typeParameter('A');

/**
 * `isSorted`, `sum`, `min`, `max`, `indexOf`, `lastIndexOf`, `includes`.
 *
 * Comparisons that fail (numbers with texts in a list of dyn, NaN) count as "in order" and "not greater", not as errors.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/lists.go, Lists at version 1.
 */
export const listsLibrary: Library = {
  name: 'kubernetes.lists',
  functions: [
    traversing(
      'isSorted',
      ...COMPARABLE.map(([name, type]) =>
        memberOverload(`list_${name}_is_sorted_bool`, [listType(type)], BoolType, isSorted),
      ),
    ),
    traversing(
      'sum',
      ...SUMMABLE.map(([name, type, zero]) =>
        memberOverload(`list_${name}_sum_${name}`, [listType(type)], type, (list) => sum(list, zero)),
      ),
    ),
    traversing(
      'min',
      ...COMPARABLE.map(([name, type]) =>
        memberOverload(`list_${name}_min_${name}`, [listType(type)], type, (list) => extreme('min', list)),
      ),
    ),
    traversing(
      'max',
      ...COMPARABLE.map(([name, type]) =>
        memberOverload(`list_${name}_max_${name}`, [listType(type)], type, (list) => extreme('max', list)),
      ),
    ),
    traversing('indexOf', memberOverload('list_a_index_of_int', [listType(A), A], IntType, indexOf)),
    traversing('lastIndexOf', memberOverload('list_a_last_index_of_int', [listType(A), A], IntType, lastIndexOf)),
    traversing('includes', memberOverload('list_includes_dyn_dyn', [DynType, DynType], BoolType, includes)),
  ],
};

/** A function that costs one pass over its receiver, whatever it finds where. */
function traversing(name: string, ...overloads: FunctionDeclaration['overloads']): FunctionDeclaration {
  return { name, overloads, cost: (_, [receiver]) => (receiver === undefined ? 0 : traversalCost(receiver)) };
}

function isSorted(list: ListValue): boolean | EvaluationError {
  let previous: Value | undefined;
  for (const element of list) {
    if (!hasOrder(element)) return noSuchOverload();
    if (previous !== undefined && compare(previous, element) === 1) return false;
    previous = element;
  }
  return true;
}

/** Is it of a type whose values have an order? A list of dyn may hold others behind its first element. */
function hasOrder(value: Value): boolean {
  if (typeof value !== 'object') return true;
  return (
    value instanceof Uint || value instanceof Duration || value instanceof Timestamp || value instanceof Uint8Array
  );
}

function sum(list: ListValue, zero: Value): Result {
  let total: Result = zero;
  for (const element of list) {
    total = add(total, element);
    if (total instanceof EvaluationError) return total;
  }
  return total;
}

function extreme(which: 'min' | 'max', list: ListValue): Result {
  let found: Value | undefined;
  for (const element of list) {
    if (!hasOrder(element)) return noSuchOverload();
    if (found === undefined || compare(found, element) === (which === 'min' ? 1 : -1)) found = element;
  }
  return found === undefined ? new EvaluationError(`${which} called on empty list`) : found;
}

function indexOf(list: ListValue, item: Value): bigint {
  for (let index = 0; index < list.size; index += 1) {
    if (equals(list.at(index), item) === true) return BigInt(index);
  }
  return -1n;
}

function lastIndexOf(list: ListValue, item: Value): bigint {
  for (let index = list.size - 1; index >= 0; index -= 1) {
    if (equals(list.at(index), item) === true) return BigInt(index);
  }
  return -1n;
}

/** Is it among the elements; of anything but a list: is it the same. */
function includes(target: Value, item: Value): boolean {
  if (!(target instanceof ListValue)) return equals(target, item) === true;
  for (const element of target) {
    if (equals(element, item) === true) return true;
  }
  return false;
}
