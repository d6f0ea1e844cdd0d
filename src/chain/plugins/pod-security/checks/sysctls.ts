import type { Check, CheckResult } from '../check.ts';
import type { Pod } from '../pod.ts';

/**
 * Pods must set only kernel parameters that count for them alone and cannot harm their node.
 *
 * Only the listed ones: `securityContext.sysctls[*].name`.
 *
 * Source: policy/check_sysctls.go.
 */
export const sysctls: Check = {
  id: 'sysctls',
  level: 'baseline',
  versions: [
    { minimumVersion: 'v1.0', checkPod: (pod) => checkPod(pod, allowed1Dot0) },
    { minimumVersion: 'v1.27', checkPod: (pod) => checkPod(pod, allowed1Dot27) },
    { minimumVersion: 'v1.29', checkPod: (pod) => checkPod(pod, allowed1Dot29) },
    { minimumVersion: 'v1.32', checkPod: (pod) => checkPod(pod, allowed1Dot32) },
    { minimumVersion: 'v1.37', checkPod: (pod) => checkPod(pod, allowed1Dot37) },
  ],
};

const allowed1Dot0 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
];
const allowed1Dot27 = [...allowed1Dot0, 'net.ipv4.ip_local_reserved_ports'];
const allowed1Dot29 = [
  ...allowed1Dot27,
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
];
const allowed1Dot32 = [...allowed1Dot29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'];
const allowed1Dot37 = [...allowed1Dot32, 'net.ipv4.tcp_slow_start_after_idle', 'net.ipv4.tcp_notsent_lowat'];

function checkPod({ spec }: Pod, allowed: readonly string[]): CheckResult {
  const names = spec.securityContext?.sysctls.map(({ name }) => name) ?? [];
  const forbidden = names.filter((name) => !allowed.includes(name));
  return forbidden.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: forbidden.join(', ') };
}
