import type { ImpreciseLiterals } from './imprecise-literals.ts';
import { isContainer, shallowCopy, type JsonArray, type JsonObject, type JsonValue } from './json-value.ts';

/**
 * A deep copy that shares no object or array with `value`. Keys of every name are copied as own members; raw numbers,
 * which are frozen, are shared.
 *
 * `literals` are those that came with `value` from `readJson`: the copy then remembers the same source texts as the
 * original. Takes time and memory linear in the size of `value`, and no stack: nesting of any depth is copied.
 */
export function clone<T extends JsonValue>(value: T, literals?: ImpreciseLiterals): T;
export function clone(value: JsonValue, literals?: ImpreciseLiterals): JsonValue {
  if (!isContainer(value)) {
    return value;
  }
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
