import type { Check, CheckResult } from '../check.ts';
import { containersOf, type Pod } from '../pod.ts';
import { containersNamed } from '../wording.ts';

/**
 * Containers must not be privileged, which switches most security mechanisms off.
 *
 * Must not be true: `securityContext.privileged` of every container.
 *
 * Source: policy/check_privileged.go.
 */
export const privileged: Check = {
  id: 'privileged',
  level: 'baseline',
  versions: [{ minimumVersion: 'v1.0', checkPod }],
};

function checkPod({ spec }: Pod): CheckResult {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.privileged);
  if (bad.length === 0) return undefined;
  return {
    reason: 'privileged',
    detail: `${containersNamed(bad.map(({ name }) => name))} must not set securityContext.privileged=true`,
  };
}
