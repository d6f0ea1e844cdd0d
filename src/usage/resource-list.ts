import { Quantity, QuantityError } from '../api/quantity.ts';
import { isJsonObject } from '../json/json-value.ts';
import { UncountableObjectError } from './errors.ts';

/** Quantities by resource name: `cpu`, `requests.memory`, `count/pods`. Go: corev1.ResourceList. */
export type ResourceList = ReadonlyMap<string, Quantity>;

/** A resource list as objects carry it. */
export interface ResourceListBody {
  readonly [name: string]: string;
}

/**
 * Reads `requests`, `limits`, `hard`, … An absent list is an empty one.
 *
 * Throws {@link UncountableObjectError} naming the entry below `field` that is no quantity.
 */
export function parseResourceList(body: unknown, field: string): ResourceList {
  if (body === null || body === undefined) return new Map();
  if (!isJsonObject(body)) throw new UncountableObjectError(field, 'expected a map of quantities');
  return new Map(Object.entries(body).map(([name, value]) => [name, parseEntry(value, `${field}[${name}]`)]));
}

function parseEntry(value: unknown, field: string): Quantity {
  try {
    return Quantity.fromJson(value);
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new UncountableObjectError(field, error.message, { cause: error });
  }
}

/** The list as objects carry it, sorted by name. */
export function formatResourceList(list: ResourceList): ResourceListBody {
  return Object.fromEntries(sortedNames(list.keys()).map((name) => [name, String(list.get(name))]));
}

/** Go sorts bytes and JavaScript UTF-16; resource names are ASCII. */
export function sortedNames(names: Iterable<string>): string[] {
  return [...names].sort();
}

/*
 * Arithmetic name by name. Where a name stands on both sides the order of the sides decides the format of the result.
 * Source: k8s.io/apiserver v0.37.2 pkg/quota/v1/resources.go; k8s.io/component-helpers v0.37.2 resource/helpers.go.
 */

/** `a + b`. */
export function addLists(a: ResourceList, b: ResourceList): ResourceList {
  const sum = new Map(a);
  addInto(sum, b);
  return sum;
}

/** Adds `other` to `list`. */
export function addInto(list: Map<string, Quantity>, other: ResourceList): void {
  for (const [name, quantity] of other) list.set(name, list.get(name)?.add(quantity) ?? quantity);
}

/** Raises `list` to `other` where that is more. */
export function raiseTo(list: Map<string, Quantity>, other: ResourceList): void {
  for (const [name, quantity] of other) {
    const present = list.get(name);
    if (present === undefined || quantity.compare(present) > 0) list.set(name, quantity);
  }
}

/** `a - b`, with zero for what would be negative. Go: SubtractWithNonNegativeResult. */
export function subtractToZero(a: ResourceList, b: ResourceList): ResourceList {
  const difference = new Map<string, Quantity>();
  for (const [name, quantity] of a) {
    const other = b.get(name);
    const left = other === undefined ? quantity : quantity.subtract(other);
    difference.set(name, left.sign() > 0 ? left : Quantity.zero);
  }
  for (const name of b.keys()) if (!a.has(name)) difference.set(name, Quantity.zero);
  return difference;
}

/** The entries with these names. Go: Mask. */
export function maskList(list: ResourceList, names: Iterable<string>): ResourceList {
  const wanted = new Set(names);
  return new Map([...list].filter(([name]) => wanted.has(name)));
}

/** The entries that are not zero. */
export function removeZeros(list: ResourceList): ResourceList {
  return new Map([...list].filter(([, quantity]) => !quantity.isZero()));
}

/** Go: IsNegative. */
export function negativeNames(list: ResourceList): string[] {
  return [...list].filter(([, quantity]) => quantity.sign() < 0).map(([name]) => name);
}

/** The names in both lists for which `a` is more than `b`. Go: LessThanOrEqual. */
export function exceededNames(a: ResourceList, b: ResourceList): string[] {
  return [...b].filter(([name, limit]) => (a.get(name)?.compare(limit) ?? 0) > 0).map(([name]) => name);
}

/** The same names with equal quantities, however these are written. Go: Equals. */
export function areEqualLists(a: ResourceList, b: ResourceList): boolean {
  return a.size === b.size && [...a].every(([name, quantity]) => b.get(name)?.compare(quantity) === 0);
}
