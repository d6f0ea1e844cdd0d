import { SallyportError } from '../errors.ts';
import { equal } from './equal.ts';
import {
  isContainer,
  isJsonObject,
  setMember,
  shallowCopy,
  type JsonArray,
  type JsonObject,
  type JsonValue,
} from './json-value.ts';
import type { PatchOperation } from './patch.ts';
import { formatPointer, InvalidPointerError, memberAt, parseIndex, parsePointer } from './pointer.ts';

/**
 * A JSON Patch that is malformed, or does not fit the document. `index` is the position of the operation in the patch,
 * -1 when the patch as a whole is wrong; `op` and `path` are the operation's own, undefined when it has none.
 */
export class PatchApplyError extends SallyportError {
  readonly code = 'SALLYPORT_PATCH_APPLY';
  readonly index: number;
  readonly op: string | undefined;
  readonly path: string | undefined;
  readonly reason: string;

  constructor(index: number, operation: unknown, reason: string, options?: ErrorOptions) {
    const op = textMember(operation, 'op');
    const path = textMember(operation, 'path');
    const label = [op, path === undefined ? undefined : JSON.stringify(path)].filter((part) => part !== undefined);
    super(`patch${index < 0 ? '' : `[${index}]`}${label.map((part) => ` ${part}`).join('')}: ${reason}`, options);
    this.index = index;
    this.op = op;
    this.path = path;
    this.reason = reason;
  }
}

/**
 * The document that results from applying `patch`, operation by operation, to `document`.
 *
 * `patch` may come from outside: its shape is checked here. Neither argument is changed, and the result shares with both
 * what the patch did not touch. All operations apply or none: throws {@link PatchApplyError} naming the first that does
 * not. Members an operation does not define are ignored. To remove the whole document is refused, since no JSON value
 * would be left.
 *
 * Objects are only ever written by own members, so a pointer through `__proto__` or `constructor` reaches no prototype.
 *
 * Source: RFC 6902 sections 3 to 5.
 */
export function apply(document: JsonValue, patch: JsonValue | readonly PatchOperation[]): JsonValue {
  if (!Array.isArray(patch)) {
    throw new PatchApplyError(-1, undefined, 'not a list of operations');
  }
  const result = new PatchedDocument(document);
  for (const [index, operation] of (patch as readonly unknown[]).entries()) {
    try {
      applyOperation(result, operation);
    } catch (error) {
      if (error instanceof InvalidPointerError) {
        throw new PatchApplyError(index, operation, error.message, { cause: error });
      }
      throw error instanceof OperationRefused ? new PatchApplyError(index, operation, error.message) : error;
    }
  }
  return result.root;
}

/** Why one operation does not apply. Never leaves this file: {@link apply} adds which operation it was. */
class OperationRefused extends Error {}

function applyOperation(document: PatchedDocument, operation: unknown): void {
  if (!isJsonObject(operation)) {
    throw new OperationRefused('the operation is not an object');
  }
  const op = requireText(operation, 'op');
  const path = parsePointer(requireText(operation, 'path'));
  switch (op) {
    case 'add':
      document.add(path, requireValue(operation));
      return;
    case 'remove':
      document.remove(path);
      return;
    case 'replace':
      document.replace(path, requireValue(operation));
      return;
    case 'move':
      document.move(parsePointer(requireText(operation, 'from')), path);
      return;
    case 'copy':
      document.copy(parsePointer(requireText(operation, 'from')), path);
      return;
    case 'test':
      if (!equal(document.get(path), requireValue(operation))) {
        throw new OperationRefused('the value there is another one');
      }
      return;
    default:
      throw new OperationRefused('"op" is not one of add, remove, replace, move, copy, test');
  }
}

function requireText(operation: JsonObject, member: string): string {
  const text = textMember(operation, member);
  if (text === undefined) {
    throw new OperationRefused(`"${member}" is ${Object.hasOwn(operation, member) ? 'not a string' : 'missing'}`);
  }
  return text;
}

function requireValue(operation: JsonObject): JsonValue {
  const value = Object.hasOwn(operation, 'value') ? operation['value'] : undefined;
  if (value === undefined) {
    throw new OperationRefused('"value" is missing');
  }
  return value;
}

function textMember(operation: unknown, member: string): string | undefined {
  const value = isJsonObject(operation) && Object.hasOwn(operation, member) ? operation[member] : undefined;
  return typeof value === 'string' ? value : undefined;
}

type Tokens = readonly string[];

/** A document under change: copied on write along the paths written to, and each container at most once. */
class PatchedDocument {
  root: JsonValue;
  /** Containers made here that appear in the document once, and may therefore be written in place. */
  readonly #own = new Set<JsonValue>();

  constructor(document: JsonValue) {
    this.root = document;
  }

  get(path: Tokens): JsonValue {
    let value = this.root;
    for (const [depth, token] of path.entries()) {
      const member = memberAt(value, token);
      if (member === undefined) {
        throw new OperationRefused(whyAbsent(value, path, depth));
      }
      value = member;
    }
    return value;
  }

  add(path: Tokens, value: JsonValue): void {
    const key = path.at(-1);
    if (key === undefined) {
      this.root = value;
      return;
    }
    const parent = this.#writableParent(path);
    if (!Array.isArray(parent)) {
      setMember(parent, key, value);
      return;
    }
    const index = key === '-' ? parent.length : parseIndex(key);
    if (index === undefined || index > parent.length) {
      throw new OperationRefused(whyAbsent(parent, path, path.length - 1));
    }
    parent.splice(index, 0, value);
  }

  remove(path: Tokens): void {
    const key = path.at(-1);
    if (key === undefined) {
      throw new OperationRefused('the whole document cannot be removed');
    }
    this.get(path);
    const parent = this.#writableParent(path);
    if (Array.isArray(parent)) {
      parent.splice(Number(key), 1);
    } else {
      delete parent[key];
    }
  }

  replace(path: Tokens, value: JsonValue): void {
    this.get(path);
    const key = path.at(-1);
    if (key === undefined) {
      this.root = value;
    } else {
      setElement(this.#writableParent(path), key, value);
    }
  }

  move(from: Tokens, path: Tokens): void {
    const value = this.get(from);
    const isInside = from.every((token, depth) => token === path[depth]);
    if (isInside && from.length === path.length) {
      return;
    }
    if (isInside) {
      throw new OperationRefused(`${quote(from)} cannot be moved into itself`);
    }
    this.remove(from);
    this.add(path, value);
  }

  copy(from: Tokens, path: Tokens): void {
    const value = this.get(from);
    // From here on the value appears twice, so a later write must copy whatever it passes.
    this.#own.clear();
    this.add(path, value);
  }

  #writableParent(path: Tokens): JsonArray | JsonObject {
    let parent = this.#writable(this.root, path, 0);
    this.root = parent;
    for (let depth = 0; depth < path.length - 1; depth++) {
      const token = path[depth] ?? '';
      const child = memberAt(parent, token);
      if (child === undefined) {
        throw new OperationRefused(whyAbsent(parent, path, depth));
      }
      const writable = this.#writable(child, path, depth + 1);
      if (writable !== child) {
        setElement(parent, token, writable);
      }
      parent = writable;
    }
    return parent;
  }

  #writable(value: JsonValue, path: Tokens, depth: number): JsonArray | JsonObject {
    if (!isContainer(value)) {
      throw new OperationRefused(whyAbsent(value, path, depth));
    }
    if (this.#own.has(value)) {
      return value;
    }
    const copy = shallowCopy(value);
    this.#own.add(copy);
    return copy;
  }
}

/** Overwrites a member or element that exists. */
function setElement(container: JsonArray | JsonObject, token: string, value: JsonValue): void {
  if (Array.isArray(container)) {
    container[Number(token)] = value;
  } else {
    setMember(container, token, value);
  }
}

/** Says why `path[depth]` names nothing in `container`, which is what the tokens before it lead to. */
function whyAbsent(container: JsonValue, path: Tokens, depth: number): string {
  const place = quote(path.slice(0, depth));
  const token = path[depth] ?? '';
  if (!isContainer(container)) {
    return `${place} is neither an object nor a list`;
  }
  if (!Array.isArray(container)) {
    return `${place} has no member ${JSON.stringify(token)}`;
  }
  if (token !== '-' && parseIndex(token) === undefined) {
    return `${JSON.stringify(token)} is not an index of the list ${place}`;
  }
  return `the list ${place} has ${container.length} elements and no place ${token}`;
}

function quote(path: Tokens): string {
  return path.length === 0 ? 'the document' : JSON.stringify(formatPointer(path));
}
