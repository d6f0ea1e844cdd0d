import { isPlainJson, isPlainObject, maxRecursion } from './as-json.ts';
import type { JsonArray, JsonObject, JsonValue } from './json-value.ts';

/**
 * Which containers of `after` differ from what stood in the same place of `before`, in one walk that also looks whether
 * `after` is JSON: containers that are equal throughout, members in the same order, are not in the set.
 *
 * Undefined when `after` is deep, holds what may be a raw number, a member `__proto__`, an `undefined` or what is not
 * JSON: then somebody slower must look. Both are to be containers.
 */
export function changedContainers(before: JsonValue, after: unknown): Set<unknown> | undefined {
  if (!isContainerLike(before) || !isContainerLike(after)) {
    return undefined;
  }
  const walk = new Walk();
  walk.visit(before, after, 0);
  return walk.isPlain ? walk.changed : undefined;
}

/** Whether the two are one value, which was in `before` and so is JSON. What both inherit, or have neither, is not. */
function isSameJson(former: unknown, value: unknown): boolean {
  return value === former && value !== undefined && typeof value !== 'function';
}

type Members = { readonly [key: string]: unknown };

function isContainerLike(value: unknown): value is JsonArray | JsonObject {
  return typeof value === 'object' && value !== null;
}

class Walk {
  readonly changed = new Set<unknown>();
  isPlain = true;

  /** True when the two are equal. */
  visit(before: JsonArray | JsonObject, after: JsonArray | JsonObject, depth: number): boolean {
    if (before === after) {
      return true;
    }
    if (depth === maxRecursion) {
      return this.#giveUp();
    }
    // What is a list here and was an object there is looked at for being JSON only.
    const isOfOneKind = Array.isArray(before) === Array.isArray(after);
    const isSame = Array.isArray(after)
      ? this.#visitElements(Array.isArray(before) ? before : [], after, depth + 1)
      : this.#visitMembers(Array.isArray(before) ? {} : before, after, depth + 1);
    if (!isSame || !isOfOneKind) {
      this.changed.add(after);
    }
    return isSame && isOfOneKind;
  }

  #visitElements(before: readonly unknown[], after: readonly unknown[], depth: number): boolean {
    let isSame = before.length === after.length;
    for (let index = 0; index < after.length; index++) {
      const value = after[index];
      const former = before[index];
      if (!isSameJson(former, value) && !this.#visitValue(former, value, depth)) {
        isSame = false;
      }
    }
    return isSame;
  }

  #visitMembers(before: Members, after: Members, depth: number): boolean {
    if (!isPlainObject(before) || !isPlainObject(after)) {
      return this.#giveUp();
    }
    let isSame = true;
    let count = 0;
    for (const key in after) {
      const value = after[key];
      const former = before[key];
      count += 1;
      // Where `before` has no `__proto__` of its own, the one read above is the prototype's and looks like an empty object.
      if (key === 'rawJSON' || key === '__proto__') {
        return this.#giveUp();
      }
      if (!isSameJson(former, value) && !this.#visitValue(former, value, depth)) {
        isSame = false;
      }
    }
    for (const key in before) {
      count -= 1;
      if (key === 'rawJSON') {
        return this.#giveUp();
      }
    }
    return isSame && count === 0;
  }

  #visitValue(before: unknown, after: unknown, depth: number): boolean {
    if (isContainerLike(after)) {
      if (isContainerLike(before)) {
        return this.visit(before, after, depth);
      }
      this.changed.add(after);
      return isPlainJson(after, depth) ? false : this.#giveUp();
    }
    if (typeof after === 'number' ? Number.isFinite(after) : typeof after === 'boolean' || after === null) {
      return before === after;
    }
    return typeof after === 'string' ? before === after : this.#giveUp();
  }

  #giveUp(): false {
    this.isPlain = false;
    return false;
  }
}
