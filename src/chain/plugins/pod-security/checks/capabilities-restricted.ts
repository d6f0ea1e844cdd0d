import type { Check, CheckId, CheckResult } from '../check.ts';
import { containersOf, isWindowsPod, type Pod } from '../pod.ts';
import { containersNamed, joinQuote, sortedSet } from '../wording.ts';

const overrideCheckIds: readonly CheckId[] = ['capabilities_baseline'];

/**
 * Containers must drop all capabilities and may take back only NET_BIND_SERVICE.
 *
 * Must include `ALL`: `securityContext.capabilities.drop` of every container. Only NET_BIND_SERVICE:
 * `securityContext.capabilities.add`. Since 1.25 not of Pods for Windows, which cannot set them.
 *
 * Source: policy/check_capabilities_restricted.go.
 */
export const capabilitiesRestricted: Check = {
  id: 'capabilities_restricted',
  level: 'restricted',
  versions: [
    { minimumVersion: 'v1.22', checkPod, overrideCheckIds },
    {
      minimumVersion: 'v1.25',
      checkPod: (pod) => (isWindowsPod(pod.spec) ? undefined : checkPod(pod)),
      overrideCheckIds,
    },
  ],
};

function checkPod({ spec }: Pod): CheckResult {
  const containers = containersOf(spec).map(({ name, securityContext }) => ({
    name,
    dropsAll: securityContext?.capabilities?.drop.includes('ALL') === true,
    forbidden: securityContext?.capabilities?.add.filter((capability) => capability !== 'NET_BIND_SERVICE') ?? [],
  }));
  const missing = containers.filter(({ dropsAll }) => !dropsAll);
  const adding = containers.filter(({ forbidden }) => forbidden.length > 0);
  const details: string[] = [];
  if (missing.length > 0) {
    details.push(
      `${containersNamed(missing.map(({ name }) => name))} must set securityContext.capabilities.drop=["ALL"]`,
    );
  }
  if (adding.length > 0) {
    const names = containersNamed(adding.map(({ name }) => name));
    const capabilities = joinQuote(sortedSet(adding.flatMap(({ forbidden }) => forbidden)));
    details.push(`${names} must not include ${capabilities} in securityContext.capabilities.add`);
  }
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
}
