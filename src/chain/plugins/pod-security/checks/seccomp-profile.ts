import type { Forbidden } from '../check.ts';
import { containersOf, type PodSpec } from '../pod.ts';
import { joinQuote, settersNamed, sortedSet } from '../wording.ts';

/** Source: policy/check_seccompProfile_baseline.go, validSeccomp. */
export function isAllowedSeccompType(type: string): boolean {
  return type === 'Localhost' || type === 'RuntimeDefault';
}

/**
 * What forbids a Pod of which a part switches seccomp off; undefined when none does.
 *
 * Source: policy/check_seccompProfile_baseline.go, seccompProfileBaseline_1_19.
 */
export function explicitlyForbiddenSeccomp(spec: PodSpec): Forbidden | undefined {
  const podType = spec.securityContext?.seccompProfile?.type;
  const isBadPod = podType !== undefined && !isAllowedSeccompType(podType);
  const badContainers = containersOf(spec).flatMap(({ name, securityContext }) => {
    const type = securityContext?.seccompProfile?.type;
    return type === undefined || isAllowedSeccompType(type) ? [] : [{ name, type }];
  });
  const setters = settersNamed(
    isBadPod,
    badContainers.map(({ name }) => name),
  );
  if (setters === '') return undefined;
  const types = sortedSet([...(isBadPod ? [podType] : []), ...badContainers.map(({ type }) => type)]);
  return {
    reason: 'seccompProfile',
    detail: `${setters} must not set securityContext.seccompProfile.type to ${joinQuote(types)}`,
  };
}
