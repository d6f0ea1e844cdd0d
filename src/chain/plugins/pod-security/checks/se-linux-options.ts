import type { Check, CheckResult } from '../check.ts';
import { containersOf, type Pod, type SELinuxOptions } from '../pod.ts';
import { joinQuote, pluralize, settersNamed, sortedSet } from '../wording.ts';

/**
 * SELinux must confine containers with one of its types for containers.
 *
 * Only the listed ones: `securityContext.seLinuxOptions.type` of the Pod and its containers. Must be absent or empty:
 * `seLinuxOptions.user` and `seLinuxOptions.role`.
 *
 * Source: policy/check_seLinuxOptions.go.
 */
export const seLinuxOptions: Check = {
  id: 'seLinuxOptions',
  level: 'baseline',
  versions: [
    { minimumVersion: 'v1.0', checkPod: (pod) => checkPod(pod, types1Dot0) },
    { minimumVersion: 'v1.31', checkPod: (pod) => checkPod(pod, types1Dot31) },
  ],
};

const types1Dot0 = ['', 'container_t', 'container_init_t', 'container_kvm_t'];
const types1Dot31 = [...types1Dot0, 'container_engine_t'];

function checkPod({ spec }: Pod, allowedTypes: readonly string[]): CheckResult {
  const isBad = (options: SELinuxOptions): boolean =>
    !allowedTypes.includes(options.type) || options.user !== '' || options.role !== '';
  const podOptions = spec.securityContext?.seLinuxOptions;
  const isBadPod = podOptions !== undefined && isBad(podOptions);
  const badContainers = containersOf(spec).flatMap(({ name, securityContext }) => {
    const options = securityContext?.seLinuxOptions;
    return options !== undefined && isBad(options) ? [{ name, options }] : [];
  });
  const bad = [...(isBadPod ? [podOptions] : []), ...badContainers.map(({ options }) => options)];
  if (bad.length === 0) return undefined;

  const setters = settersNamed(
    isBadPod,
    badContainers.map(({ name }) => name),
  );
  const badTypes = sortedSet(bad.map(({ type }) => type).filter((type) => !allowedTypes.includes(type)));
  const faults = [
    ...(badTypes.length > 0 ? [`${pluralize('type', 'types', badTypes.length)} ${joinQuote(badTypes)}`] : []),
    ...(bad.some(({ user }) => user !== '') ? ['user may not be set'] : []),
    ...(bad.some(({ role }) => role !== '') ? ['role may not be set'] : []),
  ];
  return {
    reason: 'seLinuxOptions',
    detail: `${setters} set forbidden securityContext.seLinuxOptions: ${faults.join('; ')}`,
  };
}
