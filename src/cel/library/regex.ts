import { actualSize, regexCost } from '../cost.ts';
import { memberOverload } from '../function.ts';
import { ArrayList } from '../list.ts';
import { compileRegex } from '../regex.ts';
import { IntType, StringType, listType } from '../types.ts';
import { EvaluationError, noSuchOverload } from '../values.ts';
import type { Library } from '../environment.ts';
import type { ConstantArgument } from '../function.ts';
import type { Regex } from '../regex.ts';
import type { ListValue, Result, Value } from '../values.ts';

/**
 * `find` and `findAll`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/regex.go.
 */
export const regexLibrary: Library = {
  name: 'kubernetes.regex',
  functions: [
    {
      name: 'find',
      cost: matchCost,
      constantArgument: constantPattern(find),
      overloads: [
        memberOverload('string_find_string', [StringType, StringType], StringType, (text, pattern) =>
          withPattern(pattern, (regex) => find(regex, text)),
        ),
      ],
    },
    {
      name: 'findAll',
      cost: matchCost,
      constantArgument: constantPattern(findAll),
      overloads: [
        memberOverload('string_find_all_string', [StringType, StringType], listType(StringType), (text, pattern) =>
          withPattern(pattern, (regex) => findAll(regex, text, NO_LIMIT)),
        ),
        memberOverload(
          'string_find_all_string_int',
          [StringType, StringType, IntType],
          listType(StringType),
          (text, pattern, limit) => withPattern(pattern, (regex) => findAll(regex, text, limit)),
        ),
      ],
    },
  ],
};

const NO_LIMIT = -1n;

function matchCost(_overloadId: string, [text = '', pattern = '']: readonly Value[]): number {
  return regexCost(text, actualSize(pattern));
}

/** Compiles a literal pattern once; a bad one makes the expression fail to compile. */
function constantPattern(run: (regex: Regex, text: string, limit: bigint) => Result): ConstantArgument {
  return {
    index: 1,
    bind: (pattern) => {
      const regex = compileRegex(pattern);
      if (regex instanceof EvaluationError) return regex;
      return (text, _, limit = NO_LIMIT) =>
        typeof text === 'string' && typeof limit === 'bigint' ? run(regex, text, limit) : noSuchOverload();
    },
  };
}

function withPattern(pattern: string, run: (regex: Regex) => Result): Result {
  const regex = compileRegex(pattern);
  return regex instanceof EvaluationError ? new EvaluationError(`Illegal regex: ${regex.message}`) : run(regex);
}

/** The first match, or "". Go: Regexp.FindString. */
function find(regex: Regex, text: string): string {
  const matcher = regex.matcher(text);
  return matcher.find() ? (matcher.group() ?? '') : '';
}

/**
 * The matches from left to right, at most `limit` of them unless it is negative. An empty match counts unless it stands
 * where the match before it ended. Go: Regexp.FindAllString and allMatches.
 */
function findAll(regex: Regex, text: string, limit: bigint): ListValue {
  const matches: string[] = [];
  const matcher = regex.matcher(text);
  let position = 0;
  let previousEnd = -1;
  while ((limit < 0n || matches.length < limit) && position <= text.length && matcher.find(position)) {
    const start = matcher.start();
    const end = matcher.end();
    if (start !== end || start !== previousEnd) matches.push(text.slice(start, end));
    // Past an empty match by one character, which two UTF-16 units may make.
    position = end === position ? end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1) : end;
    previousEnd = end;
  }
  return new ArrayList(matches);
}
