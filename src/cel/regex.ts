/** RE2 regular expressions: the syntax, the linear time and the error texts of Go's regexp package. */
import { RE2JS } from 're2js';
import { EvaluationError } from './values.ts';

/** A compiled pattern. */
export type Regex = RE2JS;

/**
 * Compiles `pattern`; a syntax error comes back as Go words it ("error parsing regexp: missing closing ): `(`").
 *
 * Not copied: Go 1.26 accepts one group name twice, this refuses it.
 */
export function compileRegex(pattern: string): Regex | EvaluationError {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Go prints the (empty) rest of the pattern, re2js leaves it out.
    const rest = error.message.endsWith('trailing backslash at end of expression') ? ': ``' : '';
    return new EvaluationError(error.message + rest);
  }
}
