import type { Check } from '../check.ts';
import { checkProcMount } from './proc-mount.ts';

/**
 * `/proc` must be masked, in Pods with a user namespace too. Before 1.35 the baseline check says the same.
 *
 * Source: policy/check_procMount_restricted.go.
 */
export const procMountRestricted: Check = {
  id: 'procMount_restricted',
  level: 'restricted',
  versions: [{ minimumVersion: 'v1.35', checkPod: checkProcMount, overrideCheckIds: ['procMount'] }],
};
