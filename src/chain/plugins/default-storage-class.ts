import type { JsonObject } from '../../json/json-value.ts';
import { admitted, type AdmissionPlugin } from '../plugin.ts';
import { defaultClassName } from './default-class.ts';
import { objectAt, withMember } from './object-fields.ts';
import { isForResource } from './requested-type.ts';

/** Source: k8s.io/kubernetes v1.37.2 pkg/volume/util/storageclass.go, IsDefaultAnnotation. */
const isDefaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** Names the class of a claim where `spec.storageClassName` does not. Source: pkg/apis/core/types.go. */
export const betaStorageClassAnnotation = 'volume.beta.kubernetes.io/storage-class';

/**
 * Writes the default StorageClass into new claims that say nothing of a class; an empty name says "none".
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/storage/storageclass/setdefault/admission.go, copied whole.
 */
export const defaultStorageClassPlugin: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  handles: (operation) => operation === 'CREATE',
  admit(attributes, { state }) {
    const { object, subresource } = attributes;
    if (
      object === null ||
      subresource !== '' ||
      !isForResource(attributes, 'persistentvolumeclaims') ||
      hasClass(object)
    ) {
      return admitted(object);
    }
    const name = defaultClassName(state.list('storageclasses.storage.k8s.io'), isDefaultAnnotations);
    if (name === undefined) return admitted(object);
    return admitted(withMember(object, 'spec', withMember(objectAt(object, 'spec'), 'storageClassName', name)));
  },
};

/** Source: pkg/apis/core/helper/helpers.go, PersistentVolumeClaimHasClass. */
function hasClass(claim: JsonObject): boolean {
  const annotations = objectAt(objectAt(claim, 'metadata'), 'annotations') ?? {};
  if (Object.hasOwn(annotations, betaStorageClassAnnotation)) return true;
  return (objectAt(claim, 'spec')?.['storageClassName'] ?? null) !== null;
}
