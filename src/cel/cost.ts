/**
 * What calls cost, in the API server's units: the default of each operator and function, and the measures that
 * libraries use for their own.
 *
 * Source: cel-go v0.29.2 interpreter/runtimecost.go and common/cost.go; k8s.io/apiserver v0.37.2
 * pkg/cel/library/cost.go.
 */
import { codePointLength } from './code-points.ts';
import { EvaluationError, ListValue, MapValue, OpaqueValue, OptionalValue } from './values.ts';
import type { CallCost } from './function.ts';
import type { Result, Value } from './values.ts';

/** Reading ten characters costs one. */
export const STRING_TRAVERSAL_COST_FACTOR = 0.1;
/** Four characters of a pattern are taken for one of its expressions. */
export const REGEX_STRING_LENGTH_COST_FACTOR = 0.25;
export const LIST_CREATE_BASE_COST = 10;
export const MAP_CREATE_BASE_COST = 30;
export const STRUCT_CREATE_BASE_COST = 40;

/** Size for cost: code points, bytes, elements or entries; 1 for anything without a size. cel-go: actualSize. */
export function actualSize(value: Result): number {
  if (typeof value === 'string') return codePointLength(value);
  if (typeof value !== 'object' || value === null) return 1;
  if (value instanceof ListValue || value instanceof MapValue) return value.size;
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof OpaqueValue) return value.size ?? 1;
  if (value instanceof OptionalValue && value.value !== undefined) return actualSize(value.value);
  return 1;
}

/** Cost of one pass over `value`, times `passes`. */
export function scanCost(value: Result | undefined, passes = 1): number {
  return value === undefined ? 0 : Math.ceil(actualSize(value) * passes * STRING_TRAVERSAL_COST_FACTOR);
}

/** Cost of matching `text` against a pattern of `patternSize` characters. cel-go: costCall, case matches. */
export function regexCost(text: Value, patternSize: number): number {
  const textCost = Math.ceil((1 + actualSize(text)) * STRING_TRAVERSAL_COST_FACTOR);
  return textCost * Math.ceil(patternSize * REGEX_STRING_LENGTH_COST_FACTOR);
}

/** Cost of walking `value` as a tree: one for each scalar, a tenth for each byte of strings. */
export function traversalCost(value: Result): number {
  if (typeof value === 'string') return Math.trunc(Buffer.byteLength(value) * STRING_TRAVERSAL_COST_FACTOR);
  if (value instanceof Uint8Array) return Math.trunc(value.length * STRING_TRAVERSAL_COST_FACTOR);
  let cost = 0;
  if (value instanceof ListValue) {
    for (const element of value) cost += traversalCost(element);
    return cost;
  }
  if (value instanceof MapValue) {
    for (const key of value.keys()) {
      cost += traversalCost(key) + traversalCost(value.get(key) ?? new EvaluationError('no such key'));
    }
    return cost;
  }
  return 1;
}

/** What a call costs when its library does not say. cel-go: CostTracker.costCall. */
export function defaultCallCost(overloadId: string): CallCost {
  switch (overloadId) {
    case 'starts_with_string':
    case 'ends_with_string':
      return ([, part]) => scanCost(part);
    case 'string_to_bytes':
    case 'bytes_to_string':
    case 'strings_quote':
    case 'string_format':
      return ([text]) => scanCost(text);
    case 'in_list':
      return ([, list]) => (list === undefined ? 0 : actualSize(list));
    case 'add_string':
    case 'add_bytes':
      return ([a = null, b = null]) => Math.ceil((actualSize(a) + actualSize(b)) * STRING_TRAVERSAL_COST_FACTOR);
    case 'matches':
    case 'matches_string':
      return ([text = null, pattern = null]) => regexCost(text, actualSize(pattern));
    case 'contains_string':
      return ([text, part]) => scanCost(text) * scanCost(part);
    case 'equals':
      // The API server charges one for equality of its own types, which may have a size: CostEstimator.CallCost.
      return (args) => (args[0] instanceof OpaqueValue ? 1 : comparisonCost(args));
    case 'not_equals':
    case 'less_string':
    case 'less_equals_string':
    case 'greater_string':
    case 'greater_equals_string':
    case 'less_bytes':
    case 'less_equals_bytes':
    case 'greater_bytes':
    case 'greater_equals_bytes':
      return comparisonCost;
    default:
      return () => 1;
  }
}

/** Both operands are read until the shorter one ends. */
function comparisonCost([a = null, b = null]: readonly Value[]): number {
  return Math.ceil(Math.min(actualSize(a), actualSize(b)) * STRING_TRAVERSAL_COST_FACTOR);
}
