import type { Check, CheckResult } from '../check.ts';
import { containersOf, isWindowsPod, type Pod } from '../pod.ts';
import { containersNamed } from '../wording.ts';

/**
 * Containers must say that they gain no privileges beyond their parent process, as by set-user-ID.
 *
 * Must be false: `securityContext.allowPrivilegeEscalation` of every container. Since 1.25 not of Pods for Windows, which
 * cannot set it.
 *
 * Source: policy/check_allowPrivilegeEscalation.go.
 */
export const allowPrivilegeEscalation: Check = {
  id: 'allowPrivilegeEscalation',
  level: 'restricted',
  versions: [
    { minimumVersion: 'v1.8', checkPod },
    { minimumVersion: 'v1.25', checkPod: (pod) => (isWindowsPod(pod.spec) ? undefined : checkPod(pod)) },
  ],
};

function checkPod({ spec }: Pod): CheckResult {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${containersNamed(bad.map(({ name }) => name))} must set securityContext.allowPrivilegeEscalation=false`,
  };
}
