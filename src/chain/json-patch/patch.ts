import { goJsonSyntaxError } from '../go-json/syntax.ts';
import { compactGoJson, compareGoStrings, goStringText } from '../go-json/compact.ts';
import { rawElements, rawMembers } from '../go-json/members.ts';
import { UndecodablePatchError } from './errors.ts';
import { LazyNode, type Node } from './node.ts';

/** A JSON Patch as the API server has read it: nothing but a list of objects; what they say is looked at when applied. */
export type Patch = readonly PatchOperation[];

/** A text that an operation should have. */
export interface OperationText {
  readonly value?: string;
  /** Why there is no value, in the library's words. */
  readonly problem?: string;
}

export interface PatchOperation {
  /** `op`; `unknown` when it is absent or no text. Any text is taken. */
  readonly kind: string;
  readonly path: OperationText;
  readonly from: OperationText;
  /** A fresh node for each call; null when the operation has no `value`. */
  value(): Node;
  /** The operation as Go writes it back: keys sorted, blanks removed. */
  text(): string;
}

/**
 * Reads a patch as it came in `response.patch`. `null` and `[]` are patches without operations.
 *
 * Throws {@link UndecodablePatchError} with Go's text for anything but a list of objects.
 *
 * Source: gopkg.in/evanphx/json-patch.v4 v4.13.0 patch.go, DecodePatch.
 */
export function decodePatch(bytes: Uint8Array): Patch {
  const problem = goJsonSyntaxError(bytes);
  if (problem !== undefined) throw new UndecodablePatchError(problem);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).trim();
  if (text === 'null') return [];
  const elements = rawElements(text);
  if (elements === undefined) throw typeMismatch(text, 'jsonpatch.Patch');
  return elements.map((element) => {
    const members = rawMembers(element);
    if (members === undefined && element !== 'null') throw typeMismatch(element, 'jsonpatch.Operation');
    return new DecodedOperation(members);
  });
}

/** JSON text of a patch as audit annotations carry it. */
export function patchText(patch: Patch): string {
  return `[${patch.map((operation) => operation.text()).join(',')}]`;
}

class DecodedOperation implements PatchOperation {
  /** Undefined for an operation that is null. */
  readonly #members: ReadonlyMap<string, string> | undefined;

  constructor(members: ReadonlyMap<string, string> | undefined) {
    this.#members = members;
  }

  get kind(): string {
    return this.#string('op') ?? 'unknown';
  }

  get path(): OperationText {
    return this.#text('path', 'operation missing path field: missing value');
  }

  get from(): OperationText {
    return this.#text('from', 'operation, missing from field: missing value');
  }

  value(): Node {
    const raw = this.#members?.get('value');
    if (raw === undefined) return null;
    return LazyNode.ofText(raw === 'null' ? undefined : raw);
  }

  text(): string {
    if (this.#members === undefined) return 'null';
    const members = [...this.#members].sort(([a], [b]) => compareGoStrings(a, b));
    return `{${members.map(([key, raw]) => `${goStringText(key)}:${compactGoJson(raw)}`).join(',')}}`;
  }

  #text(member: string, missing: string): OperationText {
    const value = this.#string(member);
    if (value !== undefined) return { value };
    const raw = this.#members?.get(member);
    return { problem: raw === undefined || raw === 'null' ? missing : typeMismatch(raw, 'string').message };
  }

  #string(member: string): string | undefined {
    const raw = this.#members?.get(member);
    // JSON text of a string, so the result is one.
    return raw?.startsWith('"') ? (JSON.parse(raw) as string).toWellFormed() : undefined;
  }
}

function typeMismatch(text: string, type: string): UndecodablePatchError {
  return new UndecodablePatchError(`json: cannot unmarshal ${jsonTypeName(text)} into Go value of type ${type}`);
}

/** As Go names what it found. */
function jsonTypeName(text: string): string {
  if (text.startsWith('{')) return 'object';
  if (text.startsWith('[')) return 'array';
  if (text.startsWith('"')) return 'string';
  return text === 'true' || text === 'false' ? 'bool' : 'number';
}
