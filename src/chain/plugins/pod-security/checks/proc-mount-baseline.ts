import type { Check } from '../check.ts';
import { hasUserNamespace } from '../pod.ts';
import { checkProcMount } from './proc-mount.ts';

/**
 * `/proc` must be masked; since 1.35 not in Pods with a user namespace.
 *
 * Source: policy/check_procMount_baseline.go.
 */
export const procMountBaseline: Check = {
  id: 'procMount',
  level: 'baseline',
  versions: [
    { minimumVersion: 'v1.0', checkPod: checkProcMount },
    { minimumVersion: 'v1.35', checkPod: (pod) => (hasUserNamespace(pod.spec) ? undefined : checkProcMount(pod)) },
  ],
};
