import type { Check, CheckResult } from '../check.ts';
import { containersOf, type Pod } from '../pod.ts';
import { containersNamed, joinQuote, sortedSet } from '../wording.ts';

/**
 * Containers must not add capabilities beyond those that container runtimes give by default, and not NET_RAW.
 *
 * Only the listed ones: `securityContext.capabilities.add` of every container.
 *
 * Source: policy/check_capabilities_baseline.go.
 */
export const capabilitiesBaseline: Check = {
  id: 'capabilities_baseline',
  level: 'baseline',
  versions: [{ minimumVersion: 'v1.0', checkPod }],
};

const allowed: readonly string[] = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
];

function checkPod({ spec }: Pod): CheckResult {
  const bad = containersOf(spec).flatMap(({ name, securityContext }) => {
    const forbidden = securityContext?.capabilities?.add.filter((capability) => !allowed.includes(capability)) ?? [];
    return forbidden.length === 0 ? [] : [{ name, forbidden }];
  });
  if (bad.length === 0) return undefined;
  const names = containersNamed(bad.map(({ name }) => name));
  const capabilities = joinQuote(sortedSet(bad.flatMap(({ forbidden }) => forbidden)));
  return {
    reason: 'non-default capabilities',
    detail: `${names} must not include ${capabilities} in securityContext.capabilities.add`,
  };
}
