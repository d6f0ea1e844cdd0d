import type { Check, CheckResult } from '../check.ts';
import type { Pod } from '../pod.ts';

/**
 * Pods must not share the namespaces of their node.
 *
 * Must not be true: `hostNetwork`, `hostPID`, `hostIPC`.
 *
 * Source: policy/check_hostNamespaces.go.
 */
export const hostNamespaces: Check = {
  id: 'hostNamespaces',
  level: 'baseline',
  versions: [{ minimumVersion: 'v1.0', checkPod }],
};

function checkPod({ spec }: Pod): CheckResult {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field]);
  if (shared.length === 0) return undefined;
  return { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') };
}
