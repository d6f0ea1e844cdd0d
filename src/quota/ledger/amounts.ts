import { Quantity, type QuantityFormat } from '../../api/quantity.ts';
import type { ResourceList } from '../../usage/index.ts';

/** 10^-9 units by resource name: exact, whatever the size. Names with nothing are left out. */
export type Amounts = ReadonlyMap<string, bigint>;

export const noAmounts: Amounts = new Map();

export function amountsOf(list: ResourceList): Amounts {
  const amounts = new Map<string, bigint>();
  for (const [name, quantity] of list) if (!quantity.isZero()) amounts.set(name, quantity.nano());
  return amounts;
}

/** As quantities, in the format that `like` has for the name. */
export function resourceListOf(amounts: Amounts, like: ResourceList = new Map()): ResourceList {
  return new Map([...amounts].map(([name, nano]) => [name, quantityOf(nano, like.get(name)?.format)]));
}

export function quantityOf(nano: bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
  return Quantity.ofNano(nano, format);
}

/** The greater of both, name by name. Amounts are never negative, so what one side lacks is nothing. */
export function maxOf(a: Amounts, b: Amounts): Amounts {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const max = new Map(a);
  for (const [name, amount] of b) if (amount > (max.get(name) ?? 0n)) max.set(name, amount);
  return max;
}

/** `a - b`; names without a difference are left out. */
export function differenceOf(a: Amounts, b: Amounts): Amounts {
  if (b.size === 0) return a;
  const difference = new Map<string, bigint>();
  for (const [name, amount] of a) {
    const left = amount - (b.get(name) ?? 0n);
    if (left !== 0n) difference.set(name, left);
  }
  for (const [name, amount] of b) if (!a.has(name)) difference.set(name, -amount);
  return difference;
}

/** `a + b`; names that come to nothing are left out. */
export function sumOf(a: Amounts, b: Amounts): Amounts {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const sum = new Map(a);
  addInto(sum, b);
  return sum;
}

/** Adds `other` to `amounts`. */
export function addInto(amounts: Map<string, bigint>, other: Amounts): void {
  for (const [name, amount] of other) {
    const sum = (amounts.get(name) ?? 0n) + amount;
    if (sum === 0n) amounts.delete(name);
    else amounts.set(name, sum);
  }
}

/** Whether no name of `a` has more than in `b`. */
export function isWithin(a: Amounts, b: Amounts): boolean {
  for (const [name, amount] of a) if (amount > (b.get(name) ?? 0n)) return false;
  return true;
}

export function areEqualAmounts(a: Amounts, b: Amounts): boolean {
  return a.size === b.size && isWithin(a, b) && isWithin(b, a);
}
