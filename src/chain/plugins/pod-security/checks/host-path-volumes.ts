import type { Check, CheckResult } from '../check.ts';
import type { Pod } from '../pod.ts';
import { joinQuote, pluralize } from '../wording.ts';

/**
 * Pods must not mount files of their node.
 *
 * Must be absent: `hostPath` of every volume.
 *
 * Source: policy/check_hostPathVolumes.go.
 */
export const hostPathVolumes: Check = {
  id: 'hostPathVolumes',
  level: 'baseline',
  versions: [{ minimumVersion: 'v1.0', checkPod }],
};

function checkPod({ spec }: Pod): CheckResult {
  const bad = spec.volumes.filter(({ hostPath }) => hostPath).map(({ name }) => name);
  if (bad.length === 0) return undefined;
  return { reason: 'hostPath volumes', detail: `${pluralize('volume', 'volumes', bad.length)} ${joinQuote(bad)}` };
}
