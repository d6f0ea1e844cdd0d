import type { JsonValue } from './json-value.ts';
import type { PatchOperation } from './patch.ts';
import { escapeToken } from './pointer.ts';
import { serializedSize } from './serialized-size.ts';

/** A place in a document: the tokens of a pointer, last one first. Undefined is the whole document. */
export interface Place {
  readonly parent: Place | undefined;
  readonly token: string | number;
}

/** The operations of a patch in the making, and how long the JSON text of each is. */
export class PatchWriter {
  readonly operations: PatchOperation[] = [];
  /** After each operation, the length of all up to it. */
  readonly #totals: number[] = [];

  add(place: Place | undefined, value: JsonValue): void {
    this.#push({ op: 'add', path: pointerTo(place), value });
  }

  remove(place: Place | undefined): void {
    this.#push({ op: 'remove', path: pointerTo(place) });
  }

  replace(place: Place | undefined, value: JsonValue): void {
    this.#push({ op: 'replace', path: pointerTo(place), value });
  }

  move(from: Place, place: Place): void {
    this.#push({ op: 'move', from: pointerTo(from), path: pointerTo(place) });
  }

  /**
   * Exchanges the operations from number `mark` on, all of which work inside `place`, for one that replaces it by
   * `value`, when they are more than `maxOperations` or when that is shorter.
   */
  replaceIfShorter(mark: number, place: Place | undefined, value: JsonValue, maxOperations: number): void {
    const count = this.operations.length - mark;
    if (count === 0) {
      return;
    }
    const path = pointerTo(place);
    const room = this.#total(this.operations.length) - this.#total(mark) - overhead - 'replace'.length - path.length;
    if (count > maxOperations || serializedSize(value, room) < room) {
      this.operations.length = mark;
      this.#totals.length = mark;
      this.replace(place, value);
    }
  }

  #push(operation: PatchOperation): void {
    let size = overhead + operation.op.length + operation.path.length;
    if ('value' in operation) {
      size += serializedSize(operation.value);
    } else if ('from' in operation) {
      size += operation.from.length;
    }
    this.#totals.push(this.#total(this.operations.length) + size);
    this.operations.push(operation);
  }

  /** Length of the first `count` operations. */
  #total(count: number): number {
    return this.#totals[count - 1] ?? 0;
  }
}

/** What every operation has around op, path and value. A `remove` has a little less. */
const overhead = '{"op":"","path":"","value":},'.length;

function pointerTo(place: Place | undefined): string {
  let pointer = '';
  for (let step = place; step !== undefined; step = step.parent) {
    pointer = `/${escapeToken(step.token)}${pointer}`;
  }
  return pointer;
}
