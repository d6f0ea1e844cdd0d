import type { Check, CheckResult } from '../check.ts';
import type { Pod } from '../pod.ts';
import { restrictedVolumeSources, unrestrictedVolumeSources } from '../volume-sources.ts';
import { joinQuote, pluralize, sortedSet } from '../wording.ts';

/**
 * Pods must mount only what Kubernetes itself provides or an administrator has set up as storage.
 *
 * Each volume must have one of {@link unrestrictedVolumeSources}.
 *
 * Source: policy/check_restrictedVolumes.go.
 */
export const restrictedVolumes: Check = {
  id: 'restrictedVolumes',
  level: 'restricted',
  versions: [{ minimumVersion: 'v1.0', checkPod, overrideCheckIds: ['hostPathVolumes'] }],
};

function checkPod({ spec }: Pod): CheckResult {
  const bad = spec.volumes.filter((volume) => !unrestrictedVolumeSources.some((source) => volume[source]));
  if (bad.length === 0) return undefined;
  const volumes = `${pluralize('volume', 'volumes', bad.length)} ${joinQuote(bad.map(({ name }) => name))}`;
  const uses = pluralize('uses', 'use', bad.length);
  const types = sortedSet(bad.flatMap((volume) => restrictedVolumeSources.find((source) => volume[source]) ?? []));
  const noun = pluralize('restricted volume type', 'restricted volume types', types.length);
  return { reason: 'restricted volume types', detail: `${volumes} ${uses} ${noun} ${joinQuote(types)}` };
}
