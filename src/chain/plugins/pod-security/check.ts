import type { Level, Version } from './level-version.ts';
import type { Pod } from './pod.ts';

/**
 * One rule of Pod Security.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 policy/checks.go.
 */
export interface Check {
  /** Messages list checks in the order of their ids, baseline before restricted. */
  readonly id: CheckId;
  /** Baseline checks count for restricted namespaces too. */
  readonly level: Exclude<Level, 'privileged'>;
  /** Revisions of the rule, oldest first. */
  readonly versions: readonly VersionedCheck[];
}

export interface VersionedCheck {
  /** The first policy version with this revision; there is no rule before the oldest. */
  readonly minimumVersion: Exclude<Version, 'latest'>;
  readonly checkPod: (pod: Pod) => CheckResult;
  /** Baseline checks that a restricted one makes superfluous. Default: none. */
  readonly overrideCheckIds?: readonly CheckId[];
}

export type CheckId =
  | 'allowPrivilegeEscalation'
  | 'appArmorProfile'
  | 'capabilities_baseline'
  | 'capabilities_restricted'
  | 'hostNamespaces'
  | 'hostPathVolumes'
  | 'hostPorts'
  | 'hostProbesAndHostLifecycle'
  | 'privileged'
  | 'procMount'
  | 'procMount_restricted'
  | 'restrictedVolumes'
  | 'runAsNonRoot'
  | 'runAsUser'
  | 'seLinuxOptions'
  | 'seccompProfile_baseline'
  | 'seccompProfile_restricted'
  | 'sysctls'
  | 'windowsHostProcess';

/** Undefined when the Pod may be as it is. */
export type CheckResult = Forbidden | undefined;

/** Why a Pod is not allowed. */
export interface Forbidden {
  /** In a few words, the same for many Pods: `host namespaces`. */
  readonly reason: string;
  /** Which parts of this Pod, and what to do: `hostNetwork=true, hostPID=true`. */
  readonly detail: string;
}
