/** How long a string may become. */
import { EvaluationError } from './values.ts';

/**
 * UTF-16 units, or bytes, that a string or `bytes` may have. The API server has no such limit: what is longer than
 * twenty requests of the greatest size comes from an expression that doubles it again and again, and would take the
 * memory of the process.
 */
export const MAX_STRING_LENGTH = 64 * 1024 * 1024;

/** The error of an operation whose result would be longer. */
export function stringTooLong(): EvaluationError {
  return new EvaluationError(`string longer than ${MAX_STRING_LENGTH} characters`);
}
