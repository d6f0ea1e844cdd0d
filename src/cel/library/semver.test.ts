import { describe, expect, it } from 'vitest';
import { compile, createAdmissionEnvironment } from '../index.ts';

const environment = createAdmissionEnvironment();

function evaluate(expression: string) {
  const compiled = compile(expression, environment);
  return compiled.ok ? compiled.program.evaluate(new Map()) : compiled;
}

describe('semverLibrary', () => {
  it.each([
    ['semver("1.2.3-rc.1+build.5").major()', 1n],
    ['semver("1.2.3").minor()', 2n],
    ['semver("v1.0", true).patch()', 0n],
    ['isSemver("v1.0")', false],
    ['isSemver("v1.0", true)', true],
    ['isSemver("01.01.01", true)', true],
    ['isSemver("1.0", false)', false],
    ['semver("1.0.0-rc.2").compareTo(semver("1.0.0-rc.10"))', -1n],
    ['semver("1.0.0").isGreaterThan(semver("1.0.0-rc.1"))', true],
    ['semver("1.0.0").isLessThan(semver("1.0.0+build"))', false],
    ['semver("1.0.0") == semver("1.0.0+build")', true],
    ['semver("18446744073709551615.0.0").major()', -1n],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: true, value: expected });
  });

  it.each([
    ['semver("1.0")', 'No Major.Minor.Patch elements found'],
    ['semver("1.0-rc", true)', 'short version cannot contain PreRelease/Build meta data'],
    ['semver("1.02.3")', 'Minor number must not contain leading zeroes "02"'],
    ['semver("99999999999999999999.0.0")', 'strconv.ParseUint: parsing "99999999999999999999": value out of range'],
  ])('%s fails: %s', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ ok: false, error: { message: expected } });
  });

  it.each([
    ['semver("1.2.3-rc.1+build")', 2],
    ['semver("1.2.3").major()', 2],
  ])('%s costs %d', (expression, expected) => {
    expect(evaluate(expression)).toMatchObject({ cost: expected });
  });
});
