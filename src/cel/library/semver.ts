import { scanCost } from '../cost.ts';
import { globalOverload, memberOverload } from '../function.ts';
import { BoolType, IntType, StringType, objectType } from '../types.ts';
import { EvaluationError, OpaqueValue, noSuchOverload } from '../values.ts';
import { Failure } from './failure.ts';
import { compareSemanticVersions, parseNormalizedSemanticVersion, parseSemanticVersion } from './semantic-version.ts';
import type { Library } from '../environment.ts';
import type { Type } from '../types.ts';
import type { Value } from '../values.ts';
import type { SemanticVersion } from './semantic-version.ts';

/** A version: what `semver("1.2.3")` gives. */
class SemverValue extends OpaqueValue {
  override readonly type = SemverType;
  readonly version: SemanticVersion;

  constructor(version: SemanticVersion) {
    super();
    this.version = version;
  }

  override equals(other: Value): boolean | EvaluationError {
    return other instanceof SemverValue ? compare(this, other) === 0 : noSuchOverload();
  }
}

const SemverType: Type<SemverValue> = objectType('kubernetes.Semver');

/**
 * `semver`, `isSemver`, `major`, `minor`, `patch`, `compareTo`, `isGreaterThan`, `isLessThan`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/semverlib.go, SemverLib at version 1.
 */
export const semverLibrary: Library = {
  name: 'kubernetes.Semver',
  functions: [
    {
      name: 'semver',
      cost: (_, [text]) => scanCost(text),
      overloads: [
        globalOverload('string_to_semver', [StringType], SemverType, (text) => toSemver(text, false)),
        globalOverload('string_bool_to_semver', [StringType, BoolType], SemverType, toSemver),
      ],
    },
    {
      name: 'isSemver',
      cost: (_, [text]) => scanCost(text),
      overloads: [
        globalOverload('is_semver_string', [StringType], BoolType, (text) => isSemver(text, false)),
        globalOverload('is_semver_string_bool', [StringType, BoolType], BoolType, isSemver),
      ],
    },
    {
      name: 'isGreaterThan',
      cost: () => 1,
      overloads: [
        memberOverload('semver_is_greater_than', [SemverType, SemverType], BoolType, (a, b) => compare(a, b) === 1),
      ],
    },
    {
      name: 'isLessThan',
      cost: () => 1,
      overloads: [
        memberOverload('semver_is_less_than', [SemverType, SemverType], BoolType, (a, b) => compare(a, b) === -1),
      ],
    },
    {
      name: 'compareTo',
      cost: () => 1,
      overloads: [
        memberOverload('semver_compare_to', [SemverType, SemverType], IntType, (a, b) => BigInt(compare(a, b))),
      ],
    },
    {
      name: 'major',
      cost: () => 1,
      overloads: [memberOverload('semver_major', [SemverType], IntType, ({ version }) => toInt(version.major))],
    },
    {
      name: 'minor',
      cost: () => 1,
      overloads: [memberOverload('semver_minor', [SemverType], IntType, ({ version }) => toInt(version.minor))],
    },
    {
      name: 'patch',
      cost: () => 1,
      overloads: [memberOverload('semver_patch', [SemverType], IntType, ({ version }) => toInt(version.patch))],
    },
  ],
};

function parse(text: string, normalize: boolean): SemanticVersion | Failure {
  return normalize ? parseNormalizedSemanticVersion(text) : parseSemanticVersion(text);
}

function toSemver(text: string, normalize: boolean): SemverValue | EvaluationError {
  const version = parse(text, normalize);
  return version instanceof Failure ? new EvaluationError(version.message) : new SemverValue(version);
}

function isSemver(text: string, normalize: boolean): boolean {
  return !(parse(text, normalize) instanceof Failure);
}

function compare(a: SemverValue, b: SemverValue): -1 | 0 | 1 {
  return compareSemanticVersions(a.version, b.version);
}

// Go converts the library's uint64 to CEL's int64 without a check: 2^63 and above come out negative.
function toInt(number: bigint): bigint {
  return BigInt.asIntN(64, number);
}
