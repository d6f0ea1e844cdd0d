import { compareGoStrings } from '../../go-json/compact.ts';
import type { Check, CheckId, VersionedCheck } from './check.ts';
import { minorOf, type Level, type LevelVersion, type Version } from './level-version.ts';
import type { Pod } from './pod.ts';

/** What all checks of one policy say of one Pod. */
export interface Evaluation {
  readonly allowed: boolean;
  /** What is wrong, the same for many Pods: `host namespaces, privileged`. Empty when allowed. */
  readonly forbiddenReason: string;
  /** What is wrong with this one: `host namespaces (hostNetwork=true), privileged (container "a" must not …)`. */
  readonly forbiddenDetail: string;
}

/** Judges Pods by levels and versions of the policy. */
export type Evaluator = (policy: LevelVersion, pod: Pod) => Evaluation;

/**
 * An evaluator for these checks. Versions that are newer than the newest revision of any check, `latest` above all, mean
 * that newest one.
 *
 * Not copied: an emulated older version of the API server.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 policy/registry.go and policy/checks.go, AggregateCheckResults.
 */
export function createEvaluator(checks: readonly Check[]): Evaluator {
  const newestMinor = Math.max(
    ...checks.flatMap(({ versions }) => versions.map(({ minimumVersion }) => minorOf(minimumVersion))),
  );
  const revisionsByMinor = Array.from({ length: newestMinor + 1 }, (_, minor) => ({
    baseline: revisionsOf(checks, 'baseline', minor),
    restricted: revisionsOf(checks, 'restricted', minor),
  }));
  const revisionsFor = (level: Level, version: Version): readonly VersionedCheck[] =>
    level === 'privileged' ? [] : (revisionsByMinor[Math.min(minorOf(version), newestMinor)]?.[level] ?? []);

  return ({ level, version }, pod) => {
    const forbidden = revisionsFor(level, version).flatMap(({ checkPod }) => checkPod(pod) ?? []);
    return {
      allowed: forbidden.length === 0,
      forbiddenReason: forbidden.map(({ reason }) => reason).join(', '),
      forbiddenDetail: forbidden.map(({ reason, detail }) => `${reason} (${detail})`).join(', '),
    };
  };
}

/** The revisions of the checks that make up one level at 1.`minor`, in the order in which messages list them. */
function revisionsOf(
  checks: readonly Check[],
  level: Exclude<Level, 'privileged'>,
  minor: number,
): readonly VersionedCheck[] {
  const baseline = currentRevisions(checks, 'baseline', minor);
  if (level === 'baseline') return baseline.map(({ revision }) => revision);
  const restricted = currentRevisions(checks, 'restricted', minor);
  const overridden = new Set(restricted.flatMap(({ revision }) => revision.overrideCheckIds ?? []));
  return [...baseline.filter(({ id }) => !overridden.has(id)), ...restricted].map(({ revision }) => revision);
}

function currentRevisions(
  checks: readonly Check[],
  level: Level,
  minor: number,
): readonly { readonly id: CheckId; readonly revision: VersionedCheck }[] {
  return checks
    .filter((check) => check.level === level)
    .flatMap(({ id, versions }) => {
      const revision = versions.findLast(({ minimumVersion }) => minorOf(minimumVersion) <= minor);
      return revision === undefined ? [] : [{ id, revision }];
    })
    .sort((a, b) => compareGoStrings(a.id, b.id));
}
