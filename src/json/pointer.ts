import { SallyportError } from '../errors.ts';
import { isContainer, type JsonValue } from './json-value.ts';

/** A text that is no JSON Pointer: it does not begin with `/`, or has a `~` that is not `~0` or `~1`. */
export class InvalidPointerError extends SallyportError {
  readonly code = 'SALLYPORT_INVALID_POINTER';
  readonly pointer: string;

  constructor(pointer: string, reason: string) {
    super(`JSON Pointer ${JSON.stringify(pointer)}: ${reason}`);
    this.pointer = pointer;
  }
}

/**
 * The reference tokens of a JSON Pointer, unescaped. The empty pointer, the whole document, has none; `/` has one, the
 * empty key. Throws {@link InvalidPointerError}.
 *
 * Source: RFC 6901 sections 3 and 4.
 */
export function parsePointer(pointer: string): string[] {
  if (pointer === '') {
    return [];
  }
  if (!pointer.startsWith('/')) {
    throw new InvalidPointerError(pointer, 'does not begin with "/"');
  }
  const tokens = pointer.slice(1).split('/');
  if (!pointer.includes('~')) {
    return tokens;
  }
  if (/~(?![01])/.test(pointer)) {
    throw new InvalidPointerError(pointer, 'has a "~" that is followed by neither 0 nor 1');
  }
  // In this order: `~01` is the escaped text `~1`, not a slash.
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The JSON Pointer with these reference tokens: keys as they are, indexes as numbers. Twin of {@link parsePointer}. */
export function formatPointer(tokens: readonly (string | number)[]): string {
  let pointer = '';
  for (const token of tokens) {
    pointer += `/${escapeToken(token)}`;
  }
  return pointer;
}

/** One token as it stands in a pointer. */
export function escapeToken(token: string | number): string {
  // Most tokens have neither; to look first is several times faster than to replace nothing.
  if (typeof token === 'number' || !mustBeEscaped.test(token)) {
    return String(token);
  }
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

const mustBeEscaped = /[~/]/;

/**
 * The value in `document` that `pointer` names, or undefined when there is none. Only own members count, so
 * `/constructor` names nothing in `{}`. Throws {@link InvalidPointerError}.
 *
 * Source: RFC 6901 section 4.
 */
export function resolvePointer(document: JsonValue, pointer: string): JsonValue | undefined {
  let value: JsonValue | undefined = document;
  for (const token of parsePointer(pointer)) {
    value = memberAt(value, token);
  }
  return value;
}

/** The member or element of `container` that one reference token names, or undefined when there is none. */
export function memberAt(container: JsonValue | undefined, token: string): JsonValue | undefined {
  if (!isContainer(container)) {
    return undefined;
  }
  if (Array.isArray(container)) {
    const index = parseIndex(token);
    return index === undefined ? undefined : container[index];
  }
  return Object.hasOwn(container, token) ? container[token] : undefined;
}

/**
 * The array index that a reference token writes: `0`, or digits without a leading zero. Undefined for anything else,
 * `-` among it. Source: RFC 6901 section 4, rule `array-index`.
 */
export function parseIndex(token: string): number | undefined {
  return /^(?:0|[1-9][0-9]*)$/.test(token) ? Number(token) : undefined;
}
