import { quote } from '../../../../api/go-quote.ts';
import type { Check, CheckResult } from '../check.ts';
import { containersOf, type Pod } from '../pod.ts';
import { pluralize, sortedSet } from '../wording.ts';
import { explicitlyForbiddenSeccomp } from './seccomp-profile.ts';

/**
 * Seccomp must not be switched off.
 *
 * Before 1.19 only `runtime/default`, `docker/default` and `localhost/…`: annotations
 * `seccomp.security.alpha.kubernetes.io/pod` and `container.seccomp.security.alpha.kubernetes.io/<container>`. Since then
 * only RuntimeDefault and Localhost: `securityContext.seccompProfile.type` of the Pod and its containers.
 *
 * Source: policy/check_seccompProfile_baseline.go.
 */
export const seccompProfileBaseline: Check = {
  id: 'seccompProfile_baseline',
  level: 'baseline',
  versions: [
    { minimumVersion: 'v1.0', checkPod: checkAnnotations },
    { minimumVersion: 'v1.19', checkPod: ({ spec }) => explicitlyForbiddenSeccomp(spec) },
  ],
};

function checkAnnotations({ metadata, spec }: Pod): CheckResult {
  const keys = [
    'seccomp.security.alpha.kubernetes.io/pod',
    ...containersOf(spec).map(({ name }) => `container.seccomp.security.alpha.kubernetes.io/${name}`),
  ];
  const forbidden = sortedSet(
    keys.flatMap((key) => {
      const value = metadata.annotations.get(key);
      return value === undefined || isAllowedAnnotation(value) ? [] : [`${key}=${quote(value)}`];
    }),
  );
  if (forbidden.length === 0) return undefined;
  const noun = pluralize('annotation', 'annotations', forbidden.length);
  return { reason: 'seccompProfile', detail: `forbidden ${noun} ${forbidden.join(', ')}` };
}

function isAllowedAnnotation(profile: string): boolean {
  return profile === 'runtime/default' || profile === 'docker/default' || profile.startsWith('localhost/');
}
