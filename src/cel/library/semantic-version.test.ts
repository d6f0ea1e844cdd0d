import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Failure } from './failure.ts';
import { compareSemanticVersions, parseNormalizedSemanticVersion, parseSemanticVersion } from './semantic-version.ts';

const number = fc.oneof(fc.nat(3), fc.nat()).map(String);
const identifier = fc.oneof(
  number,
  fc.string({ unit: fc.constantFrom(...'abAB-1'), minLength: 1 }).filter((text) => !/^0\d+$/.test(text)),
);
const text = fc
  .tuple(number, number, number, fc.array(identifier, { maxLength: 3 }), fc.array(identifier, { maxLength: 2 }))
  .map(([major, minor, patch, pre, build]) => {
    const prerelease = pre.length === 0 ? '' : `-${pre.join('.')}`;
    return `${major}.${minor}.${patch}${prerelease}${build.length === 0 ? '' : `+${build.join('.')}`}`;
  })
  // Numbers with leading zeros are not versions.
  .filter((version) => !(parseSemanticVersion(version) instanceof Failure));

function compare(a: string, b: string): number {
  const [first, second] = [parseSemanticVersion(a), parseSemanticVersion(b)];
  if (first instanceof Failure || second instanceof Failure) throw new Error(`${a} or ${b} is no version`);
  return compareSemanticVersions(first, second);
}

describe('compareSemanticVersions()', () => {
  it('is a total order', () => {
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(compare(a, b)).toBe(0 - compare(b, a));
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('orders the example of semver.org, section 11', () => {
    const ordered = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
    ];
    expect(ordered.toReversed().sort(compare)).toEqual(ordered);
  });
});

describe('parseNormalizedSemanticVersion()', () => {
  it('reads every version as parseSemanticVersion() does, with or without "v"', () => {
    fc.assert(
      fc.property(text, (version) => {
        expect(parseNormalizedSemanticVersion(version)).toEqual(parseSemanticVersion(version));
        expect(parseNormalizedSemanticVersion(`v${version}`)).toEqual(parseSemanticVersion(version));
      }),
    );
  });
});
