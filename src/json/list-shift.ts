import type { JsonArray } from './json-value.ts';
import type { ListAlignment } from './list-alignment.ts';
import type { PatchWriter, Place } from './patch-writer.ts';

/**
 * Writes the operations that remove, add and move elements of `list` until each is in the place it has in `after`,
 * whatever is inside it. False, and nothing written, when that would take too long.
 */
export function shiftElements(
  alignment: ListAlignment,
  after: JsonArray,
  list: Place | undefined,
  patch: PatchWriter,
): boolean {
  const { start, beforeCount, source, moved } = alignment;
  const hasMoves = moved.includes(true);
  const shifts = source.filter((from, position) => from === -1 || moved[position] === true).length;
  if (hasMoves && shifts * (beforeCount + source.length) > maxSteps) {
    return false;
  }
  const at = (position: number): Place => ({ parent: list, token: start + position });

  // From the end, so that what is left to remove keeps its index.
  const kept = new Set(source);
  for (let position = beforeCount - 1; position >= 0; position--) {
    if (!kept.has(position)) {
      patch.remove(at(position));
    }
  }
  if (!hasMoves) {
    for (const [position, from] of source.entries()) {
      if (from === -1) {
        patch.add(at(position), after[start + position] ?? null);
      }
    }
    return true;
  }

  // The list as it stands, by the sources of its elements. Before `end` they are in their final order, and between them
  // only such as have yet to move away.
  const current = [...Array(beforeCount).keys()].filter((position) => kept.has(position));
  let end = 0;
  for (const [position, from] of source.entries()) {
    if (from === -1) {
      patch.add(at(end), after[start + position] ?? null);
      current.splice(end, 0, from);
    } else if (moved[position] === true) {
      const origin = current.indexOf(from);
      current.splice(origin, 1);
      end -= origin < end ? 1 : 0;
      current.splice(end, 0, from);
      if (origin !== end) {
        patch.move(at(origin), at(end));
      }
    } else {
      end = current.indexOf(from, end);
    }
    end += 1;
  }
  return true;
}

/** Beside moves each shift is a search through the list: this many steps take some tens of milliseconds. */
const maxSteps = 2 ** 25;
