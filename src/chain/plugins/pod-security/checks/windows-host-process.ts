import type { Check, CheckResult } from '../check.ts';
import { containersOf, type Pod } from '../pod.ts';
import { settersNamed } from '../wording.ts';

/**
 * Containers must not be processes of their Windows node.
 *
 * Must not be true: `securityContext.windowsOptions.hostProcess` of the Pod and its containers.
 *
 * Source: policy/check_windowsHostProcess.go.
 */
export const windowsHostProcess: Check = {
  id: 'windowsHostProcess',
  level: 'baseline',
  versions: [{ minimumVersion: 'v1.0', checkPod }],
};

function checkPod({ spec }: Pod): CheckResult {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess);
  const setters = settersNamed(
    spec.securityContext?.windowsOptions?.hostProcess === true,
    bad.map(({ name }) => name),
  );
  if (setters === '') return undefined;
  return { reason: 'hostProcess', detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true` };
}
