import { quote } from '../../../api/go-quote.ts';
import type { InvalidField } from '../../status-error.ts';
import {
  compareLevels,
  equalLevelVersions,
  levelProblem,
  parseLevel,
  parseVersion,
  versionProblem,
  type LevelVersion,
} from './level-version.ts';

/** Prefix of the labels of namespaces, and of the audit annotations. Source: api/constants.go. */
export const labelPrefix = 'pod-security.kubernetes.io/';

/** What a policy is used for: to refuse Pods, to note them in the audit log, to warn who made them. */
export type Mode = 'enforce' | 'audit' | 'warn';

export type Policy = { readonly [mode in Mode]: LevelVersion };

/** What a namespace says about Pods. */
export interface NamespacePolicy {
  readonly policy: Policy;
  /** What is wrong with its labels. */
  readonly errors: readonly InvalidField[];
}

/**
 * The policy that the labels of a namespace set, `defaults` where they set none, and what is wrong with the labels.
 *
 * There is always a policy: an unreadable version counts as `latest`, an unreadable level to enforce as `restricted`, one
 * to audit or warn about as `privileged`. Where a level is enforced that is stricter than the one to warn about, and
 * nothing says what to warn about, it is warned about too, which is for workloads: their templates are not enforced.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 api/helpers.go, PolicyToEvaluate.
 */
export function policyToEvaluate(labels: ReadonlyMap<string, string>, defaults: Policy): NamespacePolicy {
  const errors: InvalidField[] = [];
  const read = <Value>(
    label: string,
    parse: (text: string) => Value | undefined,
    problem: string,
    { absent, unreadable }: { readonly absent: Value; readonly unreadable: Value },
  ): Value => {
    const text = labels.get(labelPrefix + label);
    if (text === undefined) return absent;
    const value = parse(text);
    if (value === undefined) errors.push(invalidLabel(label, text, problem));
    return value ?? unreadable;
  };
  const readMode = (mode: Mode): LevelVersion => ({
    level: read(mode, parseLevel, levelProblem, {
      absent: defaults[mode].level,
      unreadable: mode === 'enforce' ? 'restricted' : 'privileged',
    }),
    version: read(`${mode}-version`, parseVersion, versionProblem, {
      absent: defaults[mode].version,
      unreadable: 'latest',
    }),
  });
  // In this order the API server lists what is wrong.
  const enforce = readMode('enforce');
  const audit = readMode('audit');
  const warn = readMode('warn');

  const setsEnforceLevel = parseLevel(labels.get(`${labelPrefix}enforce`) ?? '') !== undefined;
  const followsEnforce =
    setsEnforceLevel && !labels.has(`${labelPrefix}warn`) && compareLevels(enforce.level, warn.level) > 0;
  if (!followsEnforce) return { policy: { enforce, audit, warn }, errors };
  const version = labels.has(`${labelPrefix}warn-version`) ? warn.version : enforce.version;
  return { policy: { enforce, audit, warn: { level: enforce.level, version } }, errors };
}

/** Source: api/helpers.go, Policy.FullyPrivileged. */
export function isFullyPrivileged({ enforce, audit, warn }: Policy): boolean {
  return [enforce, audit, warn].every(({ level }) => level === 'privileged');
}

/** Whether two policies forbid the same; all versions of `privileged` do. Source: api/helpers.go, Policy.Equivalent. */
export function areEquivalent(a: Policy, b: Policy): boolean {
  return (['enforce', 'audit', 'warn'] as const).every(
    (mode) =>
      (a[mode].level === 'privileged' && b[mode].level === 'privileged') || equalLevelVersions(a[mode], b[mode]),
  );
}

function invalidLabel(label: string, value: string, problem: string): InvalidField {
  return {
    field: `metadata.labels[${labelPrefix}${label}]`,
    reason: 'FieldValueInvalid',
    body: `Invalid value: ${quote(value)}: ${problem}`,
  };
}
