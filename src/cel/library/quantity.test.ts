import { describe, expect, it } from 'vitest';
import { compile, createAdmissionEnvironment } from '../index.ts';

const environment = createAdmissionEnvironment();

function evaluate(expression: string) {
  const compiled = compile(expression, environment);
  return compiled.ok ? compiled.program.evaluate(new Map()) : compiled;
}

describe('quantityLibrary', () => {
  it.each([
    ['quantity("50000000G").isInteger()', true],
    ['quantity("1.5").isInteger()', false],
    ['quantity("50k").asInteger()', 50000n],
    ['quantity("1m").asApproximateFloat()', 0.001],
    ['sign(quantity("-1Mi"))', -1n],
    ['quantity("50k").add(20).sub(quantity("100k")).sub(-50000) == quantity("20")', true],
    ['quantity("200M").compareTo(quantity("0.2G"))', 0n],
    ['quantity("50Mi").isGreaterThan(quantity("50M"))', true],
    ['quantity("50Mi").isLessThan(quantity("50M"))', false],
    ['isQuantity("1.3Gi")', true],
    ['isQuantity("200K")', false],
    ['quantity("0").sub(-9223372036854775807 - 1).asInteger()', -9223372036854775808n],
    ['quantity("-1").sub(-9223372036854775807 - 1).asApproximateFloat()', 2 ** 63],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: true, value: expected });
  });

  it.each([
    [
      'quantity("Three")',
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    ['quantity("9999999999999999999999999999999999999G").asInteger()', 'cannot convert value to integer'],
    ['quantity("70k") == quantity("50k").add(quantity("20k"))', 'no such overload'],
  ])('%s fails: %s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: false, error: { message: expected } });
  });

  it.each([
    ['quantity("12345678901")', 2],
    ['quantity("1").add(1)', 2],
    ['quantity("1") == quantity("1")', 3],
  ])('%s costs %d', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ cost: expected });
  });
});
