import type { ImpreciseLiterals } from './imprecise-literals.ts';
import { isContainer, shallowCopy, type JsonArray, type JsonObject, type JsonValue } from './json-value.ts';
import { isRawNumber } from './raw-number.ts';

/**
 * A deep copy that shares no object or array with `value`. Keys of every name are copied as own members; raw numbers,
 * which are frozen, are shared.
 *
 * `literals` are those that came with `value` from `readJson`: the copy then remembers the same source texts as the
 * original. Takes time and memory linear in the size of `value`, and no stack: nesting of any depth is copied.
 */
export function clone<T extends JsonValue>(value: T, literals?: ImpreciseLiterals): T;
export function clone(value: JsonValue, literals?: ImpreciseLiterals): JsonValue {
  return isContainer(value) ? copyOf(value, literals, 0) : value;
}

/** Deeper levels are copied by {@link copyWithoutStack}, which is slower. */
const maxRecursion = 200;

function copyOf(
  source: JsonArray | JsonObject,
  literals: ImpreciseLiterals | undefined,
  depth: number,
): JsonArray | JsonObject {
  if (depth === maxRecursion) {
    return copyWithoutStack(source, literals);
  }
  const copy = shallowCopy(source);
  literals?.carryOver(source, copy);
  if (Array.isArray(copy)) {
    for (let index = 0; index < copy.length; index++) {
      const element = copy[index];
      if (typeof element === 'object' && element !== null) {
        copy[index] = copyOf(element, literals, depth + 1);
      }
    }
    return copy;
  }
  for (const key in copy) {
    // A raw number shows its text as its only member. Asking JSON.isRawJSON of every object would cost as much as the copy.
    if (key === 'rawJSON' && isRawNumber(source)) {
      // Cast: a raw number travels as a leaf, see RawNumber.
      return source;
    }
    const member = copy[key];
    // What somebody may have put on Object.prototype is not copied.
    if (typeof member === 'object' && member !== null && Object.hasOwn(copy, key)) {
      // An own member already, so even the name `__proto__` is assigned to and reaches no setter.
      copy[key] = copyOf(member, literals, depth + 1);
    }
  }
  return copy;
}

function copyWithoutStack(
  value: JsonArray | JsonObject,
  literals: ImpreciseLiterals | undefined,
): JsonArray | JsonObject {
  const pending: (JsonArray | JsonObject)[] = [];
  /** Copies one level; the copy then waits in `pending` until the containers in it are exchanged for copies too. */
  const copyLater = (source: JsonArray | JsonObject): JsonArray | JsonObject => {
    const copy = shallowCopy(source);
    literals?.carryOver(source, copy);
    pending.push(copy);
    return copy;
  };

  const root = copyLater(value);
  for (let container = pending.pop(); container !== undefined; container = pending.pop()) {
    if (Array.isArray(container)) {
      for (let index = 0; index < container.length; index++) {
        const element = container[index];
        if (isContainer(element)) {
          container[index] = copyLater(element);
        }
      }
    } else {
      for (const key of Object.keys(container)) {
        const member = container[key];
        if (isContainer(member)) {
          // An own member already, so even the name `__proto__` is assigned to and reaches no setter.
          container[key] = copyLater(member);
        }
      }
    }
  }
  return root;
}
