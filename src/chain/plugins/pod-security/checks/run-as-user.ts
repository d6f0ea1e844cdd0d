import type { Check, CheckResult } from '../check.ts';
import { containersOf, hasUserNamespace, type Pod } from '../pod.ts';
import { settersNamed } from '../wording.ts';

/**
 * Containers must not ask to run as root; since 1.35 they may in Pods with a user namespace.
 *
 * Must not be 0: `securityContext.runAsUser` of the Pod and its containers.
 *
 * Source: policy/check_runAsUser.go.
 */
export const runAsUser: Check = {
  id: 'runAsUser',
  level: 'restricted',
  versions: [
    { minimumVersion: 'v1.23', checkPod },
    { minimumVersion: 'v1.35', checkPod: (pod) => (hasUserNamespace(pod.spec) ? undefined : checkPod(pod)) },
  ],
};

function checkPod({ spec }: Pod): CheckResult {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.runAsUser === 0n);
  const setters = settersNamed(
    spec.securityContext?.runAsUser === 0n,
    bad.map(({ name }) => name),
  );
  return setters === '' ? undefined : { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` };
}
