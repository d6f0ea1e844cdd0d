import { describe, expect, it } from 'vitest';
import { compile, createAdmissionEnvironment } from '../index.ts';

const environment = createAdmissionEnvironment();

function evaluate(expression: string) {
  const compiled = compile(expression, environment);
  return compiled.ok ? compiled.program.evaluate(new Map()) : compiled;
}

describe('listsLibrary', () => {
  it.each([
    ['[1, 2, 2].isSorted()', true],
    ['[2.0, 1.0].isSorted()', false],
    ['[].isSorted()', true],
    ['[dyn(1), dyn("a")].isSorted()', true],
    ['[1, 3].sum()', 4n],
    ['[].sum()', 0n],
    ['[1.5, 2.5].sum()', 4],
    ['[duration("1m"), duration("1s")].sum() == duration("61s")', true],
    ['[1u, 2u].sum() == 3u', true],
    ['[3, 1, 2].min()', 1n],
    ['["a", "c", "b"].max()', 'c'],
    ['[dyn(3u), dyn(2.5), dyn(1)].min()', 1n],
    ['[1, 2, 2, 3].indexOf(2)', 1n],
    ['["a", "b", "b"].lastIndexOf("b")', 2n],
    ['[1.0].indexOf(1.1)', -1n],
    ['[1, 2].includes(dyn(2.0))', true],
    ['"model-a".includes("model-a")', true],
    ['"model-a".includes("model")', false],
    ['{"a": 1}.includes("a")', false],
    ['[[1]].includes([1])', true],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: true, value: expected });
  });

  it.each([
    ['[].min()', 'min called on empty list'],
    ['[].filter(x, true).max()', 'max called on empty list'],
    ['[9223372036854775807, 1].sum()', 'integer overflow'],
    ['[dyn(1), dyn("a")].sum()', 'no such overload'],
    ['[dyn(1), dyn(null)].max()', 'no such overload'],
  ])('%s fails: %s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: false, error: { message: expected } });
  });

  it.each([
    ['[1, 2, 3].sum()', 3],
    ['["aaaaaaaaaaaaaaaaaaaaaaaaa", "b"].max()', 2],
    [
      '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".includes("b")',
      9,
    ],
  ])('%s costs %d', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ cost: expected });
  });
});
