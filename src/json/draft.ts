import { isPlainObject, maxRecursion } from './as-json.ts';
import type { ImpreciseLiterals } from './imprecise-literals.ts';
import { shallowCopy, type JsonArray, type JsonObject, type JsonValue } from './json-value.ts';
import { isRawNumber } from './raw-number.ts';

type Container = JsonArray | JsonObject;

/**
 * A document to be edited in place that costs what is touched of it, not what there is: `root` looks and behaves like a
 * deep copy, but each object and list is copied when it is first reached, one level at a time. Nothing of the document
 * itself is ever changed.
 *
 *     const draft = new Draft(pod);
 *     draft.root.metadata.labels.team = 'shop';
 *     const edited = draft.finish(draft.root);
 *
 * What holds objects or lists is a `Proxy`. It may be read, written, iterated, spread, sorted, frozen, compared and put in
 * other places as an ordinary object or list may; the one thing it cannot do is pass `structuredClone`: `clone` it.
 */
export class Draft<T extends JsonValue = JsonValue> {
  readonly root: T;
  readonly #parts: Parts;

  /** `literals` are those that came with `document` from `readJson`; the copies remember them too. */
  constructor(document: T, literals?: ImpreciseLiterals) {
    this.#parts = new Parts(literals);
    // Cast: a part stands for the value in each respect, see above.
    this.root = (isCopied(document) ? this.#parts.partOf(document).proxy : document) as T;
  }

  /**
   * `value`, which is `root`, or is made of parts of it and of whatever else, without anything of this class in it. What was
   * not changed is the very object that was in the document, so that `diff` need not look inside. Values that JSON cannot
   * carry are left where they are. Afterwards the draft is spent.
   */
  finish(value: unknown): unknown {
    return this.#parts.finish(value);
  }
}

interface Unsettled {
  readonly result: Container;
  /** Of members that may be parts, or hold some. */
  readonly keys: readonly string[];
  readonly inside: readonly Part[];
  readonly isChanged: boolean;
}

/** All parts of one draft. */
class Parts {
  readonly #literals: ImpreciseLiterals | undefined;
  /** In the order in which they were reached: outer before inner. */
  readonly #all: Part[] = [];
  /** What those that changed ended as, with other parts still in them. */
  readonly #unsettled: Unsettled[] = [];

  constructor(literals: ImpreciseLiterals | undefined) {
    this.#literals = literals;
  }

  partOf(original: Container, key = ''): Part {
    const part = new Part(this, original, key);
    this.#literals?.carryOver(original, part.copy);
    this.#all.push(part);
    return part;
  }

  finish(value: unknown): unknown {
    // Inner ones first, without recursion: the outer ones then know whether there is a change in them.
    for (let index = this.#all.length - 1; index >= 0; index -= 1) {
      const part = this.#all[index];
      if (part !== undefined) this.#resultOf(part);
    }
    const root = this.#all[0];
    const finished = root !== undefined && value === root.proxy ? this.#resultOf(root) : this.#settled(value);
    // Grows meanwhile.
    for (const unsettled of this.#unsettled) this.#settle(unsettled);
    return finished;
  }

  /** Still with parts in it, which may lead back here. */
  #resultOf(part: Part): Container {
    if (part.result !== undefined) return part.result;
    const { original, copy, inside } = part;
    const isChanged = part.isChanged();
    if (!isChanged && inside.every(({ result, original }) => result === original)) return (part.result = original);
    const keys = isChanged
      ? Object.keys(copy).filter((key) => isOtherObject((copy as JsonObject)[key], (original as JsonObject)[key]))
      : [];
    // Who froze it expects no more than that it stays as it is.
    part.result = areWritable(copy, keys) ? copy : this.#again(copy);
    this.#unsettled.push({ result: part.result, keys, inside, isChanged });
    return part.result;
  }

  #settle({ result, keys, inside, isChanged }: Unsettled): void {
    for (const key of keys) {
      const value = (result as JsonObject)[key];
      const settled = this.#settled(value);
      // An own member already, here and below, so even the name `__proto__` is assigned to and reaches no setter.
      // Cast: what JSON cannot carry is for diff() to refuse.
      if (settled !== value) (result as JsonObject)[key] = settled as JsonValue;
    }
    for (const part of inside) {
      const isInPlace = !isChanged || (result as JsonObject)[part.key] === part.proxy;
      if (isInPlace) (result as JsonObject)[part.key] = this.#resultOf(part);
    }
  }

  #again(copy: Container): Container {
    const again = shallowCopy(copy);
    this.#literals?.carryOver(copy, again);
    return again;
  }

  /** `value` without parts in it; itself when there are none. */
  #settled(value: unknown): unknown {
    const part = partAt(value);
    if (part?.parts === this) return this.#resultOf(part);
    return holdsParts(value, 0) ? this.#withoutParts(value) : value;
  }

  /** Takes no stack, and copies what contains itself as such. */
  #withoutParts(value: unknown): unknown {
    const copies = new Map<object, object>();
    const pending: Container[] = [];
    const copyLater = (source: unknown): unknown => {
      const part = partAt(source);
      if (part?.parts === this) return this.#resultOf(part);
      if (!isCopied(source)) return source;
      const known = copies.get(source);
      if (known !== undefined) return known;
      const copy = this.#again(source);
      copies.set(source, copy);
      pending.push(copy);
      return copy;
    };
    const root = copyLater(value);
    for (let copy = pending.pop(); copy !== undefined; copy = pending.pop()) {
      for (const key of Object.keys(copy)) {
        // An own member already, so even the name `__proto__` is assigned to and reaches no setter.
        (copy as JsonObject)[key] = copyLater((copy as JsonObject)[key]) as JsonValue;
      }
    }
    return root;
  }
}

/**
 * One object or list of a draft, and how it behaves. A leaf, in which there is no other one, is a plain copy: there is nothing
 * to be copied when it is reached, and what was done to it shows.
 */
class Part implements ProxyHandler<Container> {
  readonly parts: Parts;
  readonly original: Container;
  /** Where it was reached. */
  readonly key: string;
  /** What `proxy` shows; of a leaf the same. */
  readonly copy: Container;
  readonly proxy: Container;
  readonly isLeaf: boolean;
  /** Those that were reached through this one, each still in its place unless {@link isChanged}. */
  readonly inside: Part[] = [];
  /** What it ended as. */
  result: Container | undefined;
  /** Whether a member was written or removed. Not known of a leaf. */
  #isTouched = false;

  constructor(parts: Parts, original: Container, key: string) {
    this.parts = parts;
    this.original = original;
    this.key = key;
    this.copy = shallowCopy(original);
    this.isLeaf = !holdsContainers(original);
    this.proxy = this.isLeaf ? this.copy : new Proxy(this.copy, this);
  }

  isChanged(): boolean {
    return this.isLeaf ? !hasSameMembers(this.copy, this.original) : this.#isTouched;
  }

  get(copy: Container, key: string | symbol, receiver: unknown = this.proxy): unknown {
    // Not of an object that inherits from the proxy.
    if (key === partOfDraft) return receiver === this.proxy ? this : undefined;
    const value = (copy as Members)[key];
    if (typeof value !== 'object' || value === null || typeof key === 'symbol') return value;
    // A getter that is inherited, such as `__proto__`, must not see the copy, through which it could reach the document.
    if (!Object.hasOwn(copy, key)) return Reflect.get(copy, key, receiver);
    // A raw number is frozen, and no part.
    if (value !== (this.original as Members)[key] || !isCopied(value)) return value;
    const part = this.parts.partOf(value, key);
    this.inside.push(part);
    // An own member already, so even the name `__proto__` is assigned to and reaches no setter.
    (copy as JsonObject)[key] = part.proxy;
    return part.proxy;
  }

  set(copy: Container, key: string | symbol, value: unknown, receiver: unknown): boolean {
    if (receiver !== this.proxy) return Reflect.set(copy, key, value, receiver);
    this.#isTouched = true;
    return Reflect.set(copy, key, value);
  }

  deleteProperty(copy: Container, key: string | symbol): boolean {
    this.#isTouched = true;
    return Reflect.deleteProperty(copy, key);
  }

  defineProperty(copy: Container, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    this.#isTouched = true;
    // A getter has the copy for its `this`. And what cannot be written any more cannot be exchanged for its part later.
    if (descriptor.get === undefined && descriptor.set === undefined) this.get(copy, key);
    else this.#reachAll(copy);
    return Reflect.defineProperty(copy, key, descriptor);
  }

  setPrototypeOf(copy: Container, prototype: object | null): boolean {
    this.#isTouched = true;
    return Reflect.setPrototypeOf(copy, prototype);
  }

  getOwnPropertyDescriptor(copy: Container, key: string | symbol): PropertyDescriptor | undefined {
    this.get(copy, key);
    return Reflect.getOwnPropertyDescriptor(copy, key);
  }

  /** The first step of freezing: after it no member can be exchanged for its part any more. */
  preventExtensions(copy: Container): boolean {
    this.#reachAll(copy);
    return Reflect.preventExtensions(copy);
  }

  #reachAll(copy: Container): void {
    for (const key of Object.keys(copy)) this.get(copy, key);
  }
}

function isOtherObject(value: unknown, former: unknown): boolean {
  return typeof value === 'object' && value !== former;
}

/** Whether no member of these is a getter, or made read-only. */
function areWritable(container: Container, keys: readonly string[]): boolean {
  return keys.every((key) => Object.getOwnPropertyDescriptor(container, key)?.writable === true);
}

function holdsContainers(value: Container): boolean {
  if (Array.isArray(value)) return value.some((element) => typeof element === 'object' && element !== null);
  for (const key in value) {
    if (typeof value[key] === 'object' && value[key] !== null) return true;
  }
  return false;
}

/**
 * Whether nothing was done to `copy`. Asks for all keys and all values at once: member by member, V8 compiles this anew all the
 * time, since what it learned of the names is lost with each collection of the hidden classes that JSON.parse made.
 */
function hasSameMembers(copy: Container, original: Container): boolean {
  // Cast: a copy is of the kind of its original.
  if (Array.isArray(copy)) return hasSameElements(copy, original as JsonArray);
  return (
    isPlainObject(copy) &&
    hasSameElements(Object.keys(copy), Object.keys(original)) &&
    hasSameElements(Object.values(copy), Object.values(original))
  );
}

/** Nothing was there that is `undefined`: who finds it finds a hole or what was put there. */
function hasSameElements(list: readonly unknown[], former: readonly unknown[]): boolean {
  let index = 0;
  while (index < list.length && list[index] !== undefined && list[index] === former[index]) index += 1;
  return index === list.length && index === former.length;
}

type Members = Readonly<Record<string | symbol, unknown>>;

/** Reads the part behind a proxy; nothing else has a member of this name. */
const partOfDraft = Symbol('part of a draft');

function partAt(value: unknown): Part | undefined {
  // Cast: undefined for whatever has no such member.
  return typeof value === 'object' && value !== null
    ? ((value as Members)[partOfDraft] as Part | undefined)
    : undefined;
}

function isCopied(value: unknown): value is Container {
  return (
    Array.isArray(value) || (typeof value === 'object' && value !== null && isPlainObject(value) && !isRawNumber(value))
  );
}

/** Whether there are parts in what a handler made itself. True as well for what is too deep to tell. */
function holdsParts(value: unknown, depth: number): boolean {
  if (!isCopied(value)) return false;
  if (depth === maxRecursion || partAt(value) !== undefined) return true;
  for (const key of Object.keys(value)) {
    const member = (value as JsonObject)[key];
    if (typeof member === 'object' && holdsParts(member, depth + 1)) return true;
  }
  return false;
}
