import type { JsonObject } from '../../json/json-value.ts';
import { objectsAt, textAt, withMember } from './object-fields.ts';
import { withContainers } from './pod-containers.ts';

const volumePrefix = 'kube-api-access-';
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The Pod's spec with the token of its service account mounted into every container that has nothing at that path, and
 * the volume for it, named `kube-api-access-` and five random characters, unless there is one named so.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/serviceaccount/admission.go, mountServiceAccountToken.
 */
export function mountToken(spec: JsonObject, random: () => number): JsonObject {
  const volumes = objectsAt(spec, 'volumes');
  const given = volumes.map((volume) => textAt(volume, 'name')).find((name) => name.startsWith(volumePrefix));
  const name = given ?? volumePrefix + randomSuffix(random);
  const mounted = withContainers(spec, ['initContainers', 'containers'], (container) => {
    const mounts = objectsAt(container, 'volumeMounts');
    if (mounts.some((mount) => textAt(mount, 'mountPath') === mountPath)) return container;
    return withMember(container, 'volumeMounts', [...mounts, { name, readOnly: true, mountPath }]);
  });
  if (mounted === spec || given !== undefined) return mounted;
  return withMember(mounted, 'volumes', [...volumes, { name, projected: tokenVolumeSource() }]);
}

/** Go: TokenVolumeSource. */
function tokenVolumeSource(): JsonObject {
  const namespace = { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } };
  return {
    defaultMode: 0o644,
    sources: [
      // An hour and seven seconds, by which the API server knows the tokens it made itself. Go: WarnOnlyBoundTokenExpirationSeconds.
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [namespace] } },
    ],
  };
}

/** Source: k8s.io/apiserver v0.37.2 pkg/storage/names/generate.go; k8s.io/apimachinery v0.37.2 pkg/util/rand/rand.go. */
function randomSuffix(random: () => number): string {
  return Array.from({ length: 5 }, () => suffixCharacters.charAt(Math.floor(random() * suffixCharacters.length))).join(
    '',
  );
}

/** Without vowels and what looks like one, so that no words come out. */
const suffixCharacters = 'bcdfghjklmnpqrstvwxz2456789';
