import { describe, expect, it } from 'vitest';
import { compile, createAdmissionEnvironment } from '../index.ts';

const environment = createAdmissionEnvironment();

function evaluate(expression: string) {
  const compiled = compile(expression, environment);
  return compiled.ok ? compiled.program.evaluate(new Map()) : compiled;
}

describe('regexLibrary', () => {
  it.each([
    ['"abc 123".find("[0-9]*")', ''],
    ['"abc 123".find("[0-9]+")', '123'],
    ['"abc 123".find("xyz")', ''],
    ['"123 abc 456".findAll("[0-9]+") == ["123", "456"]', true],
    ['"123 abc 456".findAll("[0-9]+", 1) == ["123"]', true],
    ['"123 abc 456".findAll("[0-9]+", 0) == []', true],
    ['"baaac".findAll("a*") == ["", "aaa", ""]', true],
    ['"a😀b".findAll("").size()', 4n],
    ['"a😀b".findAll(".") == ["a", "😀", "b"]', true],
    ['"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".find("^(a+)+$")', ''],
    ['["a+", "b"].map(p, "aab".find(p)) == ["aa", "b"]', true],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: true, value: expected });
  });

  it.each([['"a".find("(" + "")', 'Illegal regex: error parsing regexp: missing closing ): `(`']])(
    '%s fails: %s',
    (expression, expected) => {
      expect(evaluate(expression)).toMatchObject({ ok: false, error: { message: expected } });
    },
  );

  it.each([
    ['"".find("")', 0],
    ['"abcdefghij".find("[a-z]+")', 4],
    ['"abcdefghij".findAll("[a-z]+", 2)', 4],
  ])('%s costs %d', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ cost: expected });
  });
});

describe('a literal pattern', () => {
  it('that cannot be read makes the expression fail to compile, even where it would not be reached', () => {
    expect(evaluate('true || "a".findAll("(", 1) == []')).toMatchObject({
      ok: false,
      message: 'program instantiation failed: error parsing regexp: missing closing ): `(`',
    });
  });
});
