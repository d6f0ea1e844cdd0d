import { quote } from '../../../../api/go-quote.ts';
import type { Check, CheckResult } from '../check.ts';
import { appArmorAnnotationPrefix, containersOf, type Pod } from '../pod.ts';
import { containersNamed, joinQuote, pluralize, sortedSet } from '../wording.ts';

/**
 * AppArmor must not be switched off.
 *
 * Only RuntimeDefault and Localhost: `securityContext.appArmorProfile.type` of the Pod and its containers. Only
 * `runtime/default`, `localhost/…` and nothing: annotations `container.apparmor.security.beta.kubernetes.io/…`.
 *
 * Source: policy/check_appArmorProfile.go.
 */
export const appArmorProfile: Check = {
  id: 'appArmorProfile',
  level: 'baseline',
  versions: [{ minimumVersion: 'v1.0', checkPod }],
};

function checkPod({ metadata, spec }: Pod): CheckResult {
  const podProfile = spec.securityContext?.appArmorProfile;
  const isBadPod = podProfile !== undefined && !isAllowedType(podProfile.type);
  const badContainers = containersOf(spec).flatMap(({ name, securityContext }) => {
    const profile = securityContext?.appArmorProfile;
    return profile === undefined || isAllowedType(profile.type) ? [] : [{ name, type: profile.type }];
  });
  const badAnnotations = [...metadata.annotations].filter(
    ([key, value]) => key.startsWith(appArmorAnnotationPrefix) && !isAllowedAnnotation(value),
  );

  const setters = [
    ...(isBadPod ? ['pod'] : []),
    ...(badContainers.length > 0 ? [containersNamed(badContainers.map(({ name }) => name))] : []),
    ...(badAnnotations.length > 0 ? [pluralize('annotation', 'annotations', badAnnotations.length)] : []),
  ];
  if (setters.length === 0) return undefined;
  const values = [
    ...sortedSet([...(isBadPod ? [podProfile.type] : []), ...badContainers.map(({ type }) => type)]),
    ...sortedSet(badAnnotations.map(([key, value]) => `${key}=${quote(value)}`)),
  ];
  return {
    reason: pluralize('forbidden AppArmor profile', 'forbidden AppArmor profiles', values.length),
    detail: `${setters.join(' and ')} must not set AppArmor profile type to ${joinQuote(values)}`,
  };
}

function isAllowedType(type: string): boolean {
  return type === 'RuntimeDefault' || type === 'Localhost';
}

function isAllowedAnnotation(profile: string): boolean {
  return profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/');
}
