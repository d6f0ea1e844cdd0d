import type { Check, CheckResult } from '../check.ts';
import { containersOf, type Pod } from '../pod.ts';
import { containersNamed, pluralize, sortedSet } from '../wording.ts';

/**
 * Containers must not listen on ports of their node.
 *
 * Must be absent or 0: `ports[*].hostPort` of every container.
 *
 * Source: policy/check_hostPorts.go.
 */
export const hostPorts: Check = {
  id: 'hostPorts',
  level: 'baseline',
  versions: [{ minimumVersion: 'v1.0', checkPod }],
};

function checkPod({ spec }: Pod): CheckResult {
  const bad = containersOf(spec).flatMap(({ name, ports }) => {
    const forbidden = ports.filter(({ hostPort }) => hostPort !== 0n).map(({ hostPort }) => String(hostPort));
    return forbidden.length === 0 ? [] : [{ name, forbidden }];
  });
  if (bad.length === 0) return undefined;
  const uses = pluralize('uses', 'use', bad.length);
  // Sorted as texts: 10 stands before 9.
  const forbidden = sortedSet(bad.flatMap((container) => container.forbidden));
  const ports = `${pluralize('hostPort', 'hostPorts', forbidden.length)} ${forbidden.join(', ')}`;
  return { reason: 'hostPort', detail: `${containersNamed(bad.map(({ name }) => name))} ${uses} ${ports}` };
}
