import type { Check, CheckId, CheckResult } from '../check.ts';
import { containersOf, isWindowsPod, type Pod } from '../pod.ts';
import { containersNamed } from '../wording.ts';
import { explicitlyForbiddenSeccomp } from './seccomp-profile.ts';

const overrideCheckIds: readonly CheckId[] = ['seccompProfile_baseline'];

/**
 * Seccomp must be switched on.
 *
 * Must be RuntimeDefault or Localhost: `securityContext.seccompProfile.type` of the Pod or else of every container, and
 * nothing else anywhere. Since 1.25 not of Pods for Windows, which cannot set it.
 *
 * Source: policy/check_seccompProfile_restricted.go.
 */
export const seccompProfileRestricted: Check = {
  id: 'seccompProfile_restricted',
  level: 'restricted',
  versions: [
    { minimumVersion: 'v1.19', checkPod, overrideCheckIds },
    {
      minimumVersion: 'v1.25',
      checkPod: (pod) => (isWindowsPod(pod.spec) ? undefined : checkPod(pod)),
      overrideCheckIds,
    },
  ],
};

function checkPod({ spec }: Pod): CheckResult {
  const forbidden = explicitlyForbiddenSeccomp(spec);
  if (forbidden !== undefined) return forbidden;
  // What is set is allowed by now.
  if (spec.securityContext?.seccompProfile !== undefined) return undefined;
  const implicitlyBad = containersOf(spec).filter(
    ({ securityContext }) => securityContext?.seccompProfile === undefined,
  );
  if (implicitlyBad.length === 0) return undefined;
  const names = containersNamed(implicitlyBad.map(({ name }) => name));
  return {
    reason: 'seccompProfile',
    detail: `pod or ${names} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
}
