import { SallyportError } from '../errors.ts';
import { clone } from './clone.ts';
import { isContainer, type JsonArray, type JsonObject, type JsonValue } from './json-value.ts';
import { formatPointer } from './pointer.ts';
import { isRawNumber } from './raw-number.ts';

/** A value that JSON cannot carry, such as a function, NaN, a Date or a cycle. `pointer` leads to it. */
export class NotJsonError extends SallyportError {
  readonly code = 'SALLYPORT_NOT_JSON';
  readonly pointer: string;
  /** What stands there, said without its content. */
  readonly found: string;

  constructor(pointer: string, found: string) {
    super(`${pointer === '' ? 'the value' : JSON.stringify(pointer)}: JSON cannot carry ${found}`);
    this.pointer = pointer;
    this.found = found;
  }
}

/**
 * `value` as JSON carries it: itself, or a copy without the object members that are `undefined`, which JSON leaves out.
 * Throws {@link NotJsonError} naming the first value, in document order, that JSON cannot carry.
 */
export function asJson(value: unknown): JsonValue {
  if (isPlainJson(value, 0)) {
    return value;
  }
  const { hasUndefined } = inspect(value);
  // Cast: inspect() has refused everything else.
  const json = value as JsonValue;
  return hasUndefined ? withoutUndefined(clone(json)) : json;
}

/** Deeper values are left to who takes no stack, such as {@link inspect}: a cycle is deeper than any limit. */
export const maxRecursion = 200;

/** The quick look, enough for nearly every value. False means: look closer. */
export function isPlainJson(value: unknown, depth: number): value is JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) {
    return true;
  }
  if (depth === maxRecursion) {
    return false;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const element: unknown = value[index];
      if (typeof element !== 'string' && !isPlainJson(element, depth + 1)) {
        return false;
      }
    }
    return true;
  }
  if (!isPlainObject(value)) {
    return false;
  }
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (typeof member !== 'string' && !isPlainJson(member, depth + 1)) {
      return false;
    }
  }
  return true;
}

/** Made by `{}`, `JSON.parse` or `Object.create(null)`, in whatever realm: no prototype, or one that has none itself. */
export function isPlainObject(value: object): value is { [key: string]: unknown } {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A container on the way from the root to the value looked at, with what is still to visit of it. */
interface Level {
  readonly container: unknown[] | { [key: string]: unknown };
  /** Undefined for a list. */
  readonly keys: readonly string[] | undefined;
  next: number;
}

/** The close look, in document order. */
function inspect(root: unknown): { hasUndefined: boolean } {
  const levels: Level[] = [];
  const ancestors = new Set<object>();
  let hasUndefined = false;

  const refuse = (found: string): never => {
    const tokens = levels.map(({ keys, next }) => (keys === undefined ? next - 1 : (keys[next - 1] ?? '')));
    throw new NotJsonError(formatPointer(tokens), found);
  };
  const visit = (value: unknown): void => {
    const found = whyNotJson(value);
    if (found !== undefined) {
      refuse(found);
    }
    if (typeof value !== 'object' || value === null || isRawNumber(value)) {
      return;
    }
    if (ancestors.has(value)) {
      refuse('a value that contains itself');
    }
    ancestors.add(value);
    // Cast: whyNotJson() lets only lists and plain objects pass.
    const container = value as Level['container'];
    levels.push({ container, keys: Array.isArray(container) ? undefined : Object.keys(container), next: 0 });
  };

  visit(root);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { container, next } = level;
    level.next += 1;
    if (Array.isArray(container)) {
      if (next < container.length) {
        visit(container[next]);
        continue;
      }
    } else {
      const key = level.keys?.[next];
      if (key !== undefined) {
        if (container[key] === undefined) {
          hasUndefined = true;
        } else {
          visit(container[key]);
        }
        continue;
      }
    }
    ancestors.delete(container);
    levels.pop();
  }
  return { hasUndefined };
}

/** What `value` is, when neither it nor a list or object of its kind can stand in JSON. Does not look inside. */
function whyNotJson(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : String(value);
    case 'object':
      if (value === null || Array.isArray(value) || isPlainObject(value)) {
        return undefined;
      }
      return `an instance of ${className(value)}`;
    case 'undefined':
      return 'undefined';
    default:
      return `a ${typeof value}`;
  }
}

function className(value: object): string {
  const constructor: unknown = Reflect.get(value, 'constructor');
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'a class';
}

/** Takes the members that are `undefined` out of `value`, in place. */
function withoutUndefined(value: JsonValue): JsonValue {
  const pending: JsonValue[] = [value];
  for (let container = pending.pop(); container !== undefined; container = pending.pop()) {
    for (const [key, member] of membersOf(container)) {
      if (member === undefined) {
        delete (container as JsonObject)[key];
      } else if (isContainer(member)) {
        pending.push(member);
      }
    }
  }
  return value;
}

function membersOf(container: JsonArray | JsonObject | JsonValue): [string, JsonValue | undefined][] {
  return isContainer(container) ? Object.entries(container) : [];
}
