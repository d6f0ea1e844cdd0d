import type { CheckResult } from '../check.ts';
import { containersOf, type Pod } from '../pod.ts';
import { containersNamed, joinQuote, sortedSet } from '../wording.ts';

/**
 * Must be absent or Default: `securityContext.procMount` of every container.
 *
 * Source: policy/check_procMount_baseline.go, procMount_1_0.
 */
export function checkProcMount({ spec }: Pod): CheckResult {
  const bad = containersOf(spec).flatMap(({ name, securityContext }) => {
    const procMount = securityContext?.procMount;
    return procMount === undefined || procMount === 'Default' ? [] : [{ name, procMount }];
  });
  if (bad.length === 0) return undefined;
  const names = containersNamed(bad.map(({ name }) => name));
  const types = joinQuote(sortedSet(bad.map(({ procMount }) => procMount)));
  return { reason: 'procMount', detail: `${names} must not set securityContext.procMount to ${types}` };
}
