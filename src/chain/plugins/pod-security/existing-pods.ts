import { quote } from '../../../api/go-quote.ts';
import { compareGoStrings } from '../../go-json/compact.ts';
import type { AdmissionContext } from '../../plugin.ts';
import type { Evaluator } from './evaluator.ts';
import { formatLevelVersion, type LevelVersion } from './level-version.ts';
import { decodePod, type Pod } from './pod.ts';

/** What a namespace's Pods are judged by. */
export interface ExistingPodsOptions {
  readonly namespace: string;
  readonly enforce: LevelVersion;
  readonly evaluator: Evaluator;
  /** Pods with one of these runtime classes are left out. */
  readonly exemptRuntimeClasses: ReadonlySet<string>;
}

/**
 * Warns about the Pods of a namespace that a policy about to be enforced would refuse, if they were created again: one
 * line for each set of reasons.
 *
 * Judges at most 3000 Pods, and stops after a second or half of what the request has left; then it says so. One Pod of
 * each controller comes before further ones. The API server takes the Pods in any order, this by name.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 admission/admission.go, EvaluatePodsInNamespace.
 */
export function warnAboutExistingPods(
  { namespace, enforce, evaluator, exemptRuntimeClasses }: ExistingPodsOptions,
  { state, clock, deadline, signal }: AdmissionContext,
): readonly string[] {
  const now = clock.monotonic();
  const stopAt = now + Math.min(maxMilliseconds, (deadline - now) / 2);
  const decoded = state.list('pods', namespace).map(decodePod);
  const pods = decoded.flatMap((each) => ('value' in each ? [each.value] : []));
  if (pods.length < decoded.length) return ['failed to list pods while checking new PodSecurity enforce level'];

  const prioritized = prioritizePods(pods.filter(({ spec }) => !exemptRuntimeClasses.has(spec.runtimeClassName)));
  const namesByReason = new Map<string, string[]>();
  let checked = 0;
  for (const pod of prioritized.slice(0, maxPods)) {
    const { allowed, forbiddenReason } = evaluator(enforce, pod);
    if (!allowed) {
      const names = namesByReason.get(forbiddenReason);
      if (names === undefined) namesByReason.set(forbiddenReason, [pod.metadata.name]);
      else names.push(pod.metadata.name);
    }
    checked += 1;
    if (signal.aborted || clock.monotonic() >= stopAt) break;
  }

  const warnings: string[] = [];
  if (checked < prioritized.length) {
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${checked} of ${prioritized.length} existing pods`,
    );
  }
  if (namesByReason.size > 0) {
    warnings.push(
      `existing pods in namespace ${quote(namespace)} violate the new PodSecurity enforce level "${formatLevelVersion(enforce)}"`,
    );
  }
  return [
    ...warnings,
    ...[...namesByReason].map(([reason, names]) => `${podsNamed(names)}: ${reason}`).sort(compareGoStrings),
  ];
}

/** Source: admission/admission.go, defaultNamespaceMaxPodsToCheck and defaultNamespacePodCheckTimeout. */
const maxPods = 3000;
const maxMilliseconds = 1000;

/** The first Pod of each controller, and those without one, before the others: they are likely to be alike. */
function prioritizePods(pods: readonly Pod[]): readonly Pod[] {
  const seen = new Set<string>();
  const first: Pod[] = [];
  const further: Pod[] = [];
  for (const pod of pods) {
    const controller = pod.metadata.ownerReferences.find((reference) => reference.controller)?.uid;
    if (controller !== undefined && seen.has(controller)) {
      further.push(pod);
      continue;
    }
    if (controller !== undefined) seen.add(controller);
    first.push(pod);
  }
  return [...first, ...further];
}

/** `a`, `a (and 1 other pod)`, `a (and 2 other pods)`; a is the first by name. */
function podsNamed(names: readonly string[]): string {
  const [first = '', ...others] = [...names].sort(compareGoStrings);
  if (others.length === 0) return first;
  return `${first} (and ${others.length} other ${others.length === 1 ? 'pod' : 'pods'})`;
}
