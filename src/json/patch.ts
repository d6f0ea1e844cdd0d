import type { JsonValue } from './json-value.ts';

/**
 * One operation of a JSON Patch, as it stands in the JSON text. Pointers are JSON Pointers.
 *
 * Source: RFC 6902 section 4.
 */
export type PatchOperation =
  | { op: 'add'; path: string; value: JsonValue }
  | { op: 'remove'; path: string }
  | { op: 'replace'; path: string; value: JsonValue }
  | { op: 'move'; from: string; path: string }
  | { op: 'copy'; from: string; path: string }
  | { op: 'test'; path: string; value: JsonValue };
