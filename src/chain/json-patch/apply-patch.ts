import { quote } from '../../api/go-quote.ts';
import type { JsonObject, JsonValue } from '../../json/json-value.ts';
import { PatchNotApplicableError, PatchPanicError } from './errors.ts';
import { LazyNode, containerText, containerValue, type Container, type Node } from './node.ts';
import { decodePatch, type Patch, type PatchOperation } from './patch.ts';

/**
 * The document that a JSON Patch makes of `document`, as the API server's own library applies it: more lenient than
 * RFC 6902 in some places, stricter in others.
 *
 * - `replace` of a missing object key adds it; of a missing array index it fails. `copy` from a missing key writes null.
 * - `add` without a value writes null. A `test` of a missing key against null passes; without value it fails on a
 *   present one.
 * - Array indexes may be negative (from the end) and written as `01` or `+1`. `-` only names a target of add, copy, move.
 * - `replace` of `""` swaps the document, `add` and `remove` of it fail. Of a path the part before the first slash is not
 *   read; `~` followed by anything but 0 or 1 stays as it is.
 * - Texts are compared, not values: `1.0` is not `1`.
 *
 * `patch` is a value, or the text that a webhook sent, whose numbers and strings are then compared letter by letter.
 * Neither argument is changed; the result shares with `document` what no operation touched.
 *
 * Throws {@link UndecodablePatchError} when `patch` is no list of objects, {@link PatchNotApplicableError} with the
 * library's text when an operation fails, {@link PatchPanicError} where the library itself breaks.
 *
 * Source: gopkg.in/evanphx/json-patch.v4 v4.13.0 patch.go.
 */
export function applyPatch(document: JsonObject, patch: JsonValue | string): JsonValue {
  const text = typeof patch === 'string' ? patch : JSON.stringify(patch);
  return applyDecodedPatch(document, decodePatch(Buffer.from(text))).value;
}

/** A patched document. Its text is only wanted for messages, and only then made. */
export interface PatchedDocument {
  readonly value: JsonValue;
  text(): string;
}

/** {@link applyPatch} with a patch that {@link decodePatch} has read. */
export function applyDecodedPatch(document: JsonObject, patch: Patch): PatchedDocument {
  const root = LazyNode.ofValue(document)?.openObject();
  // A document is an object, so it opens as one.
  if (root === undefined) throw new PatchPanicError();
  const target = new Target(root);
  try {
    for (const operation of patch) target.apply(operation);
  } catch (error) {
    // Nesting that Kubernetes accepts may be deeper than our stack.
    if (error instanceof RangeError)
      throw new PatchNotApplicableError('the patch compares values that are nested too deep', { cause: error });
    throw error;
  }
  return { value: containerValue(target.root), text: () => containerText(target.root) };
}

/** The document while operations change it. Every method is named after the operation it carries out. */
class Target {
  root: Container;

  constructor(root: Container) {
    this.root = root;
  }

  apply(operation: PatchOperation): void {
    switch (operation.kind) {
      case 'add':
        return this.#add(operation);
      case 'remove':
        return this.#remove(operation);
      case 'replace':
        return this.#replace(operation);
      case 'move':
        return this.#move(operation);
      case 'test':
        return this.#test(operation);
      case 'copy':
        return this.#copy(operation);
      default:
        throw new PatchNotApplicableError(`Unexpected kind: ${operation.kind}`);
    }
  }

  #add(operation: PatchOperation): void {
    const path = textOf(operation.path, 'add operation failed to decode path: missing value');
    const place =
      this.#find(path) ?? fail(`add operation does not apply: doc is missing path: "${path}": missing value`);
    wrap(`error in add for path: '${path}'`, () => add(place, operation.value()));
  }

  #remove(operation: PatchOperation): void {
    const path = textOf(operation.path, 'remove operation failed to decode path: missing value');
    const place =
      this.#find(path) ?? fail(`remove operation does not apply: doc is missing path: "${path}": missing value`);
    wrap(`error in remove for path: '${path}'`, () => remove(place));
  }

  #replace(operation: PatchOperation): void {
    const path = textOf(operation.path, `replace operation failed to decode path: ${operation.path.problem}`);
    const value = operation.value();
    if (path === '') {
      if (value === null) throw new PatchPanicError();
      // The server's format has nothing to fill in there, and says so.
      this.root =
        value.openObject() ?? value.openArray() ?? fail('replace operation value must be object or array: %!w(<nil>)');
      return;
    }
    const place =
      this.#find(path) ?? fail(`replace operation does not apply: doc is missing path: ${path}: missing value`);
    if (place.container.kind === 'array') {
      const index = indexOf(place.container.elements, place.key);
      if ('problem' in index) fail(`replace operation does not apply: doc is missing key: ${path}: missing value`);
      else place.container.elements[index.index] = value;
    } else {
      setMember(place.container, place.key, value);
    }
  }

  #move(operation: PatchOperation): void {
    const from = textOf(operation.from, `move operation failed to decode from: ${operation.from.problem}`);
    const source =
      this.#find(from) ?? fail(`move operation does not apply: doc is missing from path: ${from}: missing value`);
    const value = wrap(`error in move for path: '${source.key}'`, () => {
      const found = get(source);
      remove(source);
      return found;
    });
    const path = textOf(operation.path, `move operation failed to decode path: ${operation.path.problem}`);
    const place =
      this.#find(path) ??
      fail(`move operation does not apply: doc is missing destination path: ${path}: missing value`);
    wrap(`error in move for path: '${path}'`, () => add(place, value));
  }

  #test(operation: PatchOperation): void {
    const path = textOf(operation.path, `test operation failed to decode path: ${operation.path.problem}`);
    const wanted = operation.value();
    let passes: boolean;
    if (path === '') {
      passes = LazyNode.ofContainer(this.root).equals(wanted);
    } else {
      const place = this.#find(path) ?? fail(`test operation does not apply: is missing path: ${path}: missing value`);
      const value = wrap(`error in test for path: '${path}'`, () => get(place));
      passes = value === null ? wanted === null || wanted.isNull : wanted !== null && value.equals(wanted);
    }
    if (!passes) fail(`testing value ${path} failed: test failed`);
  }

  #copy(operation: PatchOperation): void {
    const from = textOf(operation.from, `copy operation failed to decode from: ${operation.from.problem}`);
    const source =
      this.#find(from) ?? fail(`copy operation does not apply: doc is missing from path: ${from}: missing value`);
    const value = wrap(`error in copy for from: '${from}'`, () => get(source));
    const path = textOf(operation.path, 'copy operation failed to decode path: missing value');
    const place =
      this.#find(path) ??
      fail(`copy operation does not apply: doc is missing destination path: ${path}: missing value`);
    wrap('error while adding value during copy', () => add(place, value?.copy() ?? null));
  }

  /** The container that holds what `path` names, and the last part of the path. What stands before the first slash is not read. */
  #find(path: string): Place | undefined {
    const parts = path.split('/').slice(1).map(unescapeKey);
    const key = parts.pop();
    if (key === undefined) return undefined;
    let container: Container = this.root;
    for (const part of parts) {
      const next = container.kind === 'object' ? container.members.get(part) : elementAt(container.elements, part);
      if (next === null || next === undefined || next.isNull) return undefined;
      const opened = next.openArray() ?? next.openObject();
      if (opened === undefined) return undefined;
      container = opened;
    }
    return { container, key };
  }
}

interface Place {
  readonly container: Container;
  readonly key: string;
}

function get({ container, key }: Place): Node {
  if (container.kind === 'object') return container.members.get(key) ?? null;
  const index = indexOf(container.elements, key);
  if ('problem' in index) return fail(index.problem);
  return container.elements[index.index] ?? null;
}

function add({ container, key }: Place, value: Node): void {
  if (container.kind === 'object') return setMember(container, key, value);
  const { elements } = container;
  if (key === '-') {
    elements.push(value);
    return;
  }
  const index = parseIndex(key);
  if (typeof index === 'string') return fail(`value was not a proper array index: '${key}': ${index}`);
  const size = elements.length + 1;
  if (index >= size || index < -size) return fail(invalidIndex(index));
  elements.splice(index < 0 ? index + size : index, 0, value);
}

function remove({ container, key }: Place): void {
  if (container.kind === 'object') {
    if (!container.members.delete(key)) fail(`Unable to remove nonexistent key: ${key}: missing value`);
    return;
  }
  const index = indexOf(container.elements, key);
  if ('problem' in index) fail(index.problem);
  else container.elements.splice(index.index, 1);
}

function setMember(container: Container & { kind: 'object' }, key: string, value: Node): void {
  if (container.isNil) throw new PatchPanicError();
  container.members.set(key, value);
}

function elementAt(elements: readonly Node[], key: string): Node {
  const index = indexOf(elements, key);
  return 'problem' in index ? null : (elements[index.index] ?? null);
}

function indexOf(elements: readonly Node[], key: string): { readonly index: number } | { readonly problem: string } {
  const index = parseIndex(key);
  if (typeof index === 'string') return { problem: index };
  if (index >= elements.length || index < -elements.length) return { problem: invalidIndex(index) };
  return { index: index < 0 ? index + elements.length : index };
}

/** Go's strconv.Atoi; its error as a text. */
function parseIndex(key: string): number | string {
  const problem = /^[+-]?[0-9]+$/.test(key) ? 'value out of range' : 'invalid syntax';
  const value = problem === 'invalid syntax' || key.length > 1_000 ? undefined : BigInt(key.replace(/^\+/, ''));
  if (value === undefined || BigInt.asIntN(64, value) !== value)
    return `strconv.Atoi: parsing ${quote(key)}: ${problem}`;
  return Number(value);
}

function invalidIndex(index: number): string {
  return `Unable to access invalid index: ${index}: invalid index referenced`;
}

/** In this order, as RFC 6901 wants it; a single pass, so `~01` gives `~1`. */
function unescapeKey(key: string): string {
  return key.replace(/~[01]/g, (escape) => (escape === '~1' ? '/' : '~'));
}

function textOf(text: PatchOperation['path'], problem: string): string {
  return text.value ?? fail(problem);
}

function wrap<Result>(context: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof PatchNotApplicableError) throw new PatchNotApplicableError(`${context}: ${error.message}`);
    throw error;
  }
}

function fail(message: string): never {
  throw new PatchNotApplicableError(message);
}
