import { isContainer, setMember, type JsonArray, type JsonObject, type JsonValue } from '../../json/json-value.ts';
import { isRawNumber } from '../../json/raw-number.ts';
import { readExactJson } from '../../json/read-json.ts';
import { compactGoJson, compareGoStrings, goStringText } from '../go-json/compact.ts';
import { rawElements, rawMembers } from '../go-json/members.ts';
import { goNumberText } from '../go-json/number.ts';
import { PatchPanicError } from './errors.ts';

/** Null is Go's nil pointer: a JSON null that was read as a member, or a value that an operation lacks. */
export type Node = LazyNode | null;

/** What an operation can change: an object or an array whose members are nodes. */
export type Container = ObjectNode | ArrayNode;

export interface ObjectNode {
  readonly kind: 'object';
  readonly members: Map<string, Node>;
  /** Go's nil map: it can be read but not written. */
  readonly isNil: boolean;
}

export interface ArrayNode {
  readonly kind: 'array';
  elements: Node[];
}

/**
 * One value of the document under patch, opened only where an operation leads into it.
 *
 * Values that came with the patch are known by their text, since the library compares texts: to `test`, `1.0` is not
 * `1` and `"\u0041"` is not `"A"`. Values of the document have the text that the API server's encoder gives them.
 *
 * Source: gopkg.in/evanphx/json-patch.v4 v4.13.0 patch.go, lazyNode.
 */
export class LazyNode {
  /** The value of the document, or the text of the patch; undefined for a `null` that stood as an operation's value. */
  readonly #source: { readonly value: JsonValue } | { readonly text: string } | undefined;
  #container: Container | undefined;

  private constructor(source: { readonly value: JsonValue } | { readonly text: string } | undefined) {
    this.#source = source;
  }

  /** A value of the document. Nulls are nil pointers there. */
  static ofValue(value: JsonValue): Node {
    return value === null ? null : new LazyNode({ value });
  }

  /** Raw text of the patch; undefined for an operation's `"value": null`. */
  static ofText(text: string | undefined): LazyNode {
    return new LazyNode(text === undefined ? undefined : { text });
  }

  /** The document as a node, for a `test` of the whole of it. */
  static ofContainer(container: Container): LazyNode {
    const node = new LazyNode(undefined);
    node.#container = container;
    return node;
  }

  /** True for the `null` of an operation, which is not the null of a document. */
  get isNull(): boolean {
    return this.#source === undefined;
  }

  /** This node as an object, if its text is one or `null`. */
  openObject(): ObjectNode | undefined {
    if (this.#container !== undefined) return this.#container.kind === 'object' ? this.#container : undefined;
    const members = this.#readMembers();
    if (members === undefined) return undefined;
    const opened: ObjectNode = { kind: 'object', members, isNil: this.#isNullText };
    this.#container = opened;
    return opened;
  }

  /** This node as an array. */
  openArray(): ArrayNode | undefined {
    if (this.#container !== undefined) return this.#container.kind === 'array' ? this.#container : undefined;
    const elements = this.#readElements();
    if (elements === undefined) return undefined;
    const opened: ArrayNode = { kind: 'array', elements };
    this.#container = opened;
    return opened;
  }

  /** A node with the same content and nothing shared that can change. What came with the patch is written anew. */
  copy(): LazyNode {
    const isValue = this.#source !== undefined && 'value' in this.#source;
    return this.#container === undefined && isValue ? new LazyNode(this.#source) : LazyNode.ofText(this.text());
  }

  /** The library's idea of equality. Throws {@link PatchPanicError} where it dereferences a nil pointer. */
  equals(other: Node): boolean {
    if (other === null) throw new PatchPanicError();
    const own = this.openObject() ?? this.openArray();
    if (own === undefined) return !other.#isContainer && this.#scalarText() === other.#scalarText();
    if (own.kind === 'array') {
      const elements = other.openArray()?.elements;
      return elements !== undefined && equalElements(own.elements, elements);
    }
    const members = other.openObject()?.members;
    return members !== undefined && equalMembers(own.members, members);
  }

  /** The JSON text Go would write: keys of opened objects sorted, everything else as it was. */
  text(): string {
    if (this.#container !== undefined) return containerText(this.#container);
    if (this.#source === undefined) return 'null';
    return 'text' in this.#source ? compactGoJson(this.#source.text) : valueText(this.#source.value);
  }

  /** The value, sharing with the document what no operation touched. */
  value(): JsonValue {
    if (this.#container !== undefined) return containerValue(this.#container);
    if (this.#source === undefined) return null;
    return 'text' in this.#source ? readExactJson(this.#source.text) : this.#source.value;
  }

  get #isContainer(): boolean {
    if (this.#source === undefined) return false;
    return 'text' in this.#source ? /^[[{]/.test(this.#source.text) : isContainer(this.#source.value);
  }

  get #isNullText(): boolean {
    return this.#source !== undefined && 'text' in this.#source && this.#source.text === 'null';
  }

  #readMembers(): Map<string, Node> | undefined {
    if (this.#source === undefined) return undefined;
    if ('text' in this.#source) {
      if (this.#isNullText) return new Map();
      const members = rawMembers(this.#source.text);
      return members && new Map([...members].map(([key, text]) => [key, nodeOfRawMember(text)]));
    }
    const { value } = this.#source;
    if (!isContainer(value) || Array.isArray(value)) return undefined;
    return new Map(Object.entries(value).map(([key, member]) => [key, LazyNode.ofValue(member)]));
  }

  #readElements(): Node[] | undefined {
    if (this.#source === undefined) return undefined;
    if ('text' in this.#source) return rawElements(this.#source.text)?.map(nodeOfRawMember);
    const { value } = this.#source;
    return Array.isArray(value) ? value.map((element) => LazyNode.ofValue(element)) : undefined;
  }

  /** Undefined for the null of an operation, which equals only its like. */
  #scalarText(): string | undefined {
    if (this.#source === undefined) return undefined;
    return 'text' in this.#source ? this.#source.text : valueText(this.#source.value);
  }
}

function nodeOfRawMember(text: string): Node {
  return text === 'null' ? null : LazyNode.ofText(text);
}

function equalMembers(own: ReadonlyMap<string, Node>, others: ReadonlyMap<string, Node>): boolean {
  if (own.size !== others.size) return false;
  for (const [key, member] of own) {
    const other = others.get(key);
    if (other === undefined) return false;
    if (member === null || other === null) {
      if (member !== other) return false;
    } else if (!member.equals(other)) return false;
  }
  return true;
}

function equalElements(own: readonly Node[], others: readonly Node[]): boolean {
  if (own.length !== others.length) return false;
  return own.every((element, index) => {
    if (element === null) throw new PatchPanicError();
    return element.equals(others[index] ?? null);
  });
}

/** JSON text of the patched document. */
export function containerText(container: Container): string {
  if (container.kind === 'array') return `[${container.elements.map(nodeText).join(',')}]`;
  if (container.isNil) return 'null';
  const members = [...container.members].sort(([a], [b]) => compareGoStrings(a, b));
  return `{${members.map(([key, node]) => `${goStringText(key)}:${nodeText(node)}`).join(',')}}`;
}

function nodeText(node: Node): string {
  return node === null ? 'null' : node.text();
}

/** The patched document as a value. */
export function containerValue(container: Container): JsonValue {
  if (container.kind === 'array') {
    const elements: JsonArray = container.elements.map((element) => element?.value() ?? null);
    return elements;
  }
  if (container.isNil) return null;
  const object: JsonObject = {};
  for (const [key, node] of container.members) setMember(object, key, node?.value() ?? null);
  return object;
}

/** Text of a value of the document, as the API server's encoder writes it. */
function valueText(value: JsonValue): string {
  if (typeof value === 'string') return goStringText(value);
  if (typeof value === 'number' || isRawNumber(value)) return goNumberText(value);
  if (!isContainer(value)) return String(value);
  return Array.isArray(value)
    ? containerText({ kind: 'array', elements: value.map((element) => LazyNode.ofValue(element)) })
    : containerText({
        kind: 'object',
        isNil: false,
        members: new Map(Object.entries(value).map(([key, member]) => [key, LazyNode.ofValue(member)])),
      });
}
