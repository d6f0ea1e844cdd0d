import type { JsonObject } from '../../json/json-value.ts';
import { objectAt, objectsAt, textAt } from './object-fields.ts';
import { podContainers } from './pod-containers.ts';

/**
 * Names of the Secrets that a Pod refers to itself: to pull images, in the environment of any container, in volumes.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/api/pod/util.go, VisitPodSecretNames.
 */
export function podSecretNames(pod: JsonObject): string[] {
  const spec = objectAt(pod, 'spec');
  return [
    ...objectsAt(spec, 'imagePullSecrets').map((reference) => textAt(reference, 'name')),
    ...podContainers(pod).flatMap(({ container }) => containerSecretNames(container)),
    ...objectsAt(spec, 'volumes').flatMap(volumeSecretNames),
  ].filter((name) => name !== '');
}

function containerSecretNames(container: JsonObject): string[] {
  return [
    ...objectsAt(container, 'envFrom').map((source) => textAt(objectAt(source, 'secretRef'), 'name')),
    ...objectsAt(container, 'env').map((variable) =>
      textAt(objectAt(objectAt(variable, 'valueFrom'), 'secretKeyRef'), 'name'),
    ),
  ];
}

/** Volume types that name a Secret in a member `name` of this member. */
const secretReferences: readonly (readonly [type: string, member: string])[] = [
  ['cephfs', 'secretRef'],
  ['cinder', 'secretRef'],
  ['flexVolume', 'secretRef'],
  ['rbd', 'secretRef'],
  ['scaleIO', 'secretRef'],
  ['iscsi', 'secretRef'],
  ['storageos', 'secretRef'],
  ['csi', 'nodePublishSecretRef'],
];

function volumeSecretNames(volume: JsonObject): string[] {
  return [
    textAt(objectAt(volume, 'secret'), 'secretName'),
    textAt(objectAt(volume, 'azureFile'), 'secretName'),
    ...secretReferences.map(([type, member]) => textAt(objectAt(objectAt(volume, type), member), 'name')),
    ...objectsAt(objectAt(volume, 'projected'), 'sources').map((source) => textAt(objectAt(source, 'secret'), 'name')),
  ];
}
