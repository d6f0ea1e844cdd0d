import type { ImpreciseLiterals } from './imprecise-literals.ts';
import { isContainer, type JsonArray, type JsonObject, type JsonValue } from './json-value.ts';
import { numberText, isRawNumber } from './raw-number.ts';

export interface SerializeOptions {
  /** Source texts for numbers that a double does not hold. */
  readonly literals?: ImpreciseLiterals | undefined;
  /** Members sorted by key, so that equal values have equal texts. */
  readonly sortKeys?: boolean;
}

interface Level {
  readonly container: JsonArray | JsonObject;
  /** Undefined for a list. */
  readonly keys: readonly string[] | undefined;
  next: number;
  /** Whether a member has been written, so that the next one needs a comma. */
  started: boolean;
}

/**
 * JSON text of `value`, as `JSON.stringify` writes it, without its recursion: nesting of any depth is written. Several
 * times slower, so only for what `JSON.stringify` cannot do.
 */
export function serialize(value: JsonValue, { literals, sortKeys = false }: SerializeOptions = {}): string {
  let text = '';
  const levels: Level[] = [];

  const write = (value: JsonValue, holder: JsonArray | JsonObject | undefined, key: string | number): void => {
    if (isContainer(value)) {
      let keys: readonly string[] | undefined;
      if (Array.isArray(value)) {
        text += '[';
      } else {
        text += '{';
        keys = sortKeys ? Object.keys(value).sort() : Object.keys(value);
      }
      levels.push({ container: value, keys, next: 0, started: false });
    } else if (typeof value === 'number' || isRawNumber(value)) {
      text += (typeof value === 'number' ? literals?.textOf(value, holder, key) : undefined) ?? numberText(value);
    } else {
      text += JSON.stringify(value);
    }
  };

  write(value, undefined, '');
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { container, keys } = level;
    const position = level.next++;
    if (position >= (keys ?? (container as JsonArray)).length) {
      text += keys === undefined ? ']' : '}';
      levels.pop();
      continue;
    }
    const key = keys === undefined ? position : (keys[position] ?? '');
    const member = (container as { [key: string | number]: JsonValue | undefined })[key];
    if (member === undefined && keys !== undefined) {
      continue;
    }
    if (level.started) {
      text += ',';
    }
    level.started = true;
    if (typeof key === 'string') {
      text += `${JSON.stringify(key)}:`;
    }
    write(member ?? null, container, key);
  }
  return text;
}
