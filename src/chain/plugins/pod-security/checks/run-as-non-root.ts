import type { Check, CheckResult } from '../check.ts';
import { containersOf, hasUserNamespace, type Pod } from '../pod.ts';
import { containersNamed, settersNamed } from '../wording.ts';

/**
 * Containers must run as another user than root; since 1.35 not in Pods with a user namespace.
 *
 * Must be true: `securityContext.runAsNonRoot` of the Pod or else of every container, and false nowhere.
 *
 * Source: policy/check_runAsNonRoot.go.
 */
export const runAsNonRoot: Check = {
  id: 'runAsNonRoot',
  level: 'restricted',
  versions: [
    { minimumVersion: 'v1.0', checkPod },
    { minimumVersion: 'v1.35', checkPod: (pod) => (hasUserNamespace(pod.spec) ? undefined : checkPod(pod)) },
  ],
};

const reason = 'runAsNonRoot != true';

function checkPod({ spec }: Pod): CheckResult {
  const setOnPod = spec.securityContext?.runAsNonRoot;
  const containers = containersOf(spec);
  const explicitlyBad = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
  const setters = settersNamed(
    setOnPod === false,
    explicitlyBad.map(({ name }) => name),
  );
  if (setters !== '') return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
  if (setOnPod === true) return undefined;
  const implicitlyBad = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  if (implicitlyBad.length === 0) return undefined;
  return {
    reason,
    detail: `pod or ${containersNamed(implicitlyBad.map(({ name }) => name))} must set securityContext.runAsNonRoot=true`,
  };
}
