import { describe, expect, it } from 'vitest';
import { goJsonSyntaxError } from './syntax.ts';

const problemOf = (text: string): string | undefined => goJsonSyntaxError(Buffer.from(text));

describe('goJsonSyntaxError() has nothing against JSON', () => {
  it.each(['{}', ' [1, -0.5e+10, true, false, null, "x\\u00e9\\n", {"a": {"b": []}}] \n', '"é"', '0', '[[],[[]]]'])(
    '%s',
    (text) => {
      expect(problemOf(text)).toBeUndefined();
    },
  );

  it('nested as deep as Go reads', () => {
    expect(problemOf('['.repeat(10_000) + ']'.repeat(10_000))).toBeUndefined();
  });
});

/** Texts recorded from Go 1.26 json.Unmarshal. */
const problems: ReadonlyArray<readonly [text: string, problem: string]> = [
  ['', 'unexpected end of JSON input'],
  ['  ', 'unexpected end of JSON input'],
  ['{', 'unexpected end of JSON input'],
  ['{"a"', 'unexpected end of JSON input'],
  ['{"a":', 'unexpected end of JSON input'],
  ['[1', 'unexpected end of JSON input'],
  ['"ab', 'unexpected end of JSON input'],
  ['not json', "invalid character 'o' in literal null (expecting 'u')"],
  ['<html>', "invalid character '<' looking for beginning of value"],
  ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['{} x', "invalid character 'x' after top-level value"],
  ['{}{}', "invalid character '{' after top-level value"],
  ['01', "invalid character '1' after top-level value"],
  ['1.x', "invalid character 'x' after decimal point in numeric literal"],
  ['1e', "invalid character ' ' in exponent of numeric literal"],
  ['-', "invalid character ' ' in numeric literal"],
  ['-a', "invalid character 'a' in numeric literal"],
  ['tru', "invalid character ' ' in literal true (expecting 'e')"],
  ['faLse', "invalid character 'L' in literal false (expecting 'l')"],
  ['"\\x"', "invalid character 'x' in string escape code"],
  ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
  ['\u0000', "invalid character '\\x00' looking for beginning of value"],
  ['é', "invalid character 'Ã' looking for beginning of value"],
  ['\ufeff{}', "invalid character 'ï' looking for beginning of value"],
];

describe("goJsonSyntaxError() speaks Go's words", () => {
  it.each(problems)('%j: %s', (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  it('about nesting deeper than Go reads', () => {
    expect(problemOf('['.repeat(10_001))).toBe("invalid character '[' exceeded max depth");
  });
});
