/**
 * Finding a string in another in linear time, as Go does.
 *
 * The engine's own search is quick on what people write and quadratic on what somebody may craft: minutes for an
 * object of the size that the API server takes. So where it could take long, Knuth, Morris and Pratt's search is used.
 */

/** Character comparisons the engine may need at worst before its search is not used: some milliseconds. */
const MAX_ENGINE_COMPARISONS = 10_000_000;

/** The first offset from `from` on at which `part` occurs, -1 if there is none. As String.prototype.indexOf. */
export function indexOf(text: string, part: string, from = 0): number {
  if (isQuick(text, part)) return text.indexOf(part, from);
  for (const offset of occurrences(text, part, from)) return offset;
  return -1;
}

/** The last offset up to `from` at which `part` occurs, -1 if there is none. As String.prototype.lastIndexOf. */
export function lastIndexOf(text: string, part: string, from = text.length): number {
  if (isQuick(text, part)) return text.lastIndexOf(part, from);
  let last = -1;
  for (const offset of occurrences(text, part, 0)) {
    if (offset > from) break;
    last = offset;
  }
  return last;
}

/** The parts of `text` between occurrences of `separator`, which is not empty. As String.prototype.split. */
export function split(text: string, separator: string): string[] {
  if (isQuick(text, separator)) return text.split(separator);
  const parts: string[] = [];
  let start = 0;
  for (const offset of occurrences(text, separator, 0)) {
    if (offset < start) continue;
    parts.push(text.slice(start, offset));
    start = offset + separator.length;
  }
  return [...parts, text.slice(start)];
}

function isQuick(text: string, part: string): boolean {
  return text.length * part.length <= MAX_ENGINE_COMPARISONS;
}

/** All offsets from `from` on at which `part`, which is not empty, occurs; occurrences may overlap. */
function* occurrences(text: string, part: string, from: number): Generator<number> {
  if (part.length > text.length) return;
  const borders = borderLengths(part);
  let matched = 0;
  for (let index = from; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    while (matched > 0 && part.charCodeAt(matched) !== unit) matched = borders[matched - 1] ?? 0;
    if (part.charCodeAt(matched) === unit) matched++;
    if (matched < part.length) continue;
    yield index - part.length + 1;
    matched = borders[matched - 1] ?? 0;
  }
}

/** For each prefix of `part`, the length of the longest proper prefix that it also ends with. */
function borderLengths(part: string): Int32Array {
  const lengths = new Int32Array(part.length);
  let length = 0;
  for (let index = 1; index < part.length; index++) {
    const unit = part.charCodeAt(index);
    while (length > 0 && part.charCodeAt(length) !== unit) length = lengths[length - 1] ?? 0;
    if (part.charCodeAt(length) === unit) length++;
    lengths[index] = length;
  }
  return lengths;
}
