import { quote } from '../../api/go-quote.ts';
import { Failure } from './failure.ts';

/**
 * A version `major.minor.patch`, perhaps with `-pre.release` and `+build.data`.
 *
 * Source: github.com/blang/semver/v4, semver.go (the copy that k8s.io/apiserver v0.37.2 uses).
 */
export interface SemanticVersion {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  /** Numeric identifiers are bigints: they sort by number, and before all others. */
  readonly prerelease: readonly (string | bigint)[];
}

/** Reads a version as semver.org writes it; the failure's text is that of `semver.Parse`. */
export function parseSemanticVersion(text: string): SemanticVersion | Failure {
  if (text === '') return new Failure('Version string empty');
  const [majorText = '', minorText, rest] = splitInThree(text);
  if (minorText === undefined || rest === undefined) return new Failure('No Major.Minor.Patch elements found');
  const major = parseNumber(majorText, 'Major');
  if (major instanceof Failure) return major;
  const minor = parseNumber(minorText, 'Minor');
  if (minor instanceof Failure) return minor;
  const [beforeBuild, build] = cut(rest, '+');
  const [patchText, prereleaseText] = cut(beforeBuild, '-');
  const patch = parseNumber(patchText, 'Patch');
  if (patch instanceof Failure) return patch;
  const prerelease: (string | bigint)[] = [];
  for (const identifier of prereleaseText?.split('.') ?? []) {
    const parsed = parsePrereleaseIdentifier(identifier);
    if (parsed instanceof Failure) return parsed;
    prerelease.push(parsed);
  }
  for (const identifier of build?.split('.') ?? []) {
    if (identifier === '') return new Failure('Build meta data is empty');
    if (!ALPHANUMERIC.test(identifier)) {
      return new Failure(`Invalid character(s) found in build meta data ${quote(identifier)}`);
    }
  }
  return { major, minor, patch, prerelease };
}

/**
 * Reads a version after leniency has made it one: a `v` in front is dropped, missing minor and patch are 0, leading
 * zeros are dropped.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/semverlib.go, normalizeAndParse.
 */
export function parseNormalizedSemanticVersion(text: string): SemanticVersion | Failure {
  const parts = splitInThree(text.replace(/^v/, '')).map((part) =>
    // A zero stays where no digit follows it: "00" and "0-alpha".
    Buffer.byteLength(part) > 1 ? part.replace(/^0+/, '').replace(/^(?![0-9])/, '0') : part,
  );
  if (parts.length < 3) {
    if (/[+-]/.test(parts.at(-1) ?? '')) {
      return new Failure('short version cannot contain PreRelease/Build meta data');
    }
    while (parts.length < 3) parts.push('0');
  }
  return parseSemanticVersion(parts.join('.'));
}

/** -1, 0 or 1 as `a` comes before, with or after `b`; build data does not count. */
export function compareSemanticVersions(a: SemanticVersion, b: SemanticVersion): -1 | 0 | 1 {
  const byNumbers = order(a.major, b.major) || order(a.minor, b.minor) || order(a.patch, b.patch);
  if (byNumbers !== 0) return byNumbers;
  // A version without pre-release comes after all its pre-releases.
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return order(Number(a.prerelease.length === 0), Number(b.prerelease.length === 0));
  }
  for (const [index, identifier] of a.prerelease.entries()) {
    const other = b.prerelease[index];
    const compared = other === undefined ? 1 : compareIdentifiers(identifier, other);
    if (compared !== 0) return compared;
  }
  return order(a.prerelease.length, b.prerelease.length);
}

const ALPHANUMERIC = /^[0-9A-Za-z-]*$/;
const MAX_UINT64 = (1n << 64n) - 1n;

/** One to three parts: what stands between the first two dots, and all the rest. */
function splitInThree(text: string): string[] {
  const [major = '', minor, ...rest] = text.split('.');
  if (minor === undefined) return [major];
  return rest.length === 0 ? [major, minor] : [major, minor, rest.join('.')];
}

function cut(text: string, separator: string): readonly [before: string, after: string | undefined] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

function parseNumber(digits: string, name: 'Major' | 'Minor' | 'Patch'): bigint | Failure {
  if (!/^[0-9]*$/.test(digits)) {
    return new Failure(`Invalid character(s) found in ${name.toLowerCase()} number ${quote(digits)}`);
  }
  if (hasLeadingZero(digits)) return new Failure(`${name} number must not contain leading zeroes ${quote(digits)}`);
  return parseUint64(digits);
}

function parsePrereleaseIdentifier(identifier: string): string | bigint | Failure {
  if (identifier === '') return new Failure('Prerelease is empty');
  if (!ALPHANUMERIC.test(identifier)) {
    return new Failure(`Invalid character(s) found in prerelease ${quote(identifier)}`);
  }
  if (!/^[0-9]*$/.test(identifier)) return identifier;
  if (hasLeadingZero(identifier)) {
    return new Failure(`Numeric PreRelease version must not contain leading zeroes ${quote(identifier)}`);
  }
  return parseUint64(identifier);
}

function hasLeadingZero(digits: string): boolean {
  return digits.length > 1 && digits.startsWith('0');
}

// strconv.ParseUint, given only digits.
function parseUint64(digits: string): bigint | Failure {
  if (digits === '') return new Failure('strconv.ParseUint: parsing "": invalid syntax');
  const value = digits.length > 20 ? MAX_UINT64 + 1n : BigInt(digits);
  if (value <= MAX_UINT64) return value;
  return new Failure(`strconv.ParseUint: parsing ${quote(digits)}: value out of range`);
}

function compareIdentifiers(a: string | bigint, b: string | bigint): -1 | 0 | 1 {
  if (typeof a === typeof b) return order(a, b);
  return typeof a === 'bigint' ? -1 : 1;
}

function order<T extends string | bigint | number>(a: T, b: T): -1 | 0 | 1 {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}
