/**
 * Lists as sets.
 *
 * Source: cel-go v0.29.2 ext/sets.go.
 */
import { equals } from '../compare.ts';
import { actualSize } from '../cost.ts';
import type { Library } from '../environment.ts';
import { globalOverload } from '../function.ts';
import type { FunctionDeclaration } from '../function.ts';
import { BoolType, listType, typeParameter } from '../types.ts';
import type { ListValue, Value } from '../values.ts';

export const setsLibrary: Library = {
  name: 'cel.lib.ext.sets',
  functions: [
    setFunction('contains', 1, containsAll),
    setFunction('equivalent', 2, (a, b) => containsAll(a, b) && containsAll(b, a)),
    setFunction('intersects', 1, (a, b) => some(a, (element) => has(b, element))),
  ],
};

/** A function that compares each element with each other one `passes` times. */
function setFunction(name: string, passes: number, test: (a: ListValue, b: ListValue) => boolean): FunctionDeclaration {
  const list = listType(typeParameter('T'));
  const overload = globalOverload(
    `list_sets_${name}_list`,
    [list, list],
    BoolType,
    test,
    ([a = null, b = null]) => 1 + actualSize(a) * actualSize(b) * passes,
  );
  return { name: `sets.${name}`, overloads: [{ ...overload, chargedBefore: true }] };
}

function containsAll(list: ListValue, sublist: ListValue): boolean {
  return !some(sublist, (element) => !has(list, element));
}

function has(list: ListValue, element: Value): boolean {
  return some(list, (candidate) => equals(element, candidate) === true);
}

function some(list: ListValue, test: (element: Value) => boolean): boolean {
  for (const element of list) {
    if (test(element)) return true;
  }
  return false;
}
