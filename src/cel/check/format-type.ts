/**
 * Types as compile errors print them.
 *
 * Source: cel-go v0.29.2 checker/format.go, FormatCELType and formatFunctionDeclType.
 */
import type { Type } from '../types.ts';

/** `list(timestamp)`, `null`, `!error!`: shorter than the names types have in expressions. */
export function formatType(type: Type): string {
  switch (type.kind) {
    case 'duration':
      return 'duration';
    case 'timestamp':
      return 'timestamp';
    case 'null':
      return 'null';
    case 'error':
      return '!error!';
    default:
      break;
  }
  if (type.parameters.length === 0) return type.name;
  return `${type.name}(${type.parameters.map(formatType).join(', ')})`;
}

/** The arguments of a call: `(int, string)`, or `string.(int)` for a method. */
export function formatArguments(types: readonly Type[], member: boolean): string {
  const [receiver, ...rest] = types;
  if (!member || receiver === undefined) return `(${types.map(formatType).join(', ')})`;
  return `${formatType(receiver)}.(${rest.map(formatType).join(', ')})`;
}
