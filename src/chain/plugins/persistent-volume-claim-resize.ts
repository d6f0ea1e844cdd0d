import { Quantity } from '../../api/quantity.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { parseResourceList } from '../../usage/index.ts';
import type { ClusterState } from '../cluster-state.ts';
import { refused, validated, type AdmissionPlugin } from '../plugin.ts';
import { newAdmissionForbidden } from '../status-error.ts';
import { betaStorageClassAnnotation } from './default-storage-class.ts';
import { objectAt, textAt } from './object-fields.ts';
import { isForResource } from './requested-type.ts';

/**
 * Refuses that a claim grows unless it is bound and its StorageClass allows that.
 *
 * A claim without a status is not bound: the API server defaults its phase to Pending. Throws UncountableObjectError for
 * a size that is no quantity; the API server would have refused the object before.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/storage/persistentvolume/resize/admission.go, copied whole.
 */
export const persistentVolumeClaimResizePlugin: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  handles: (operation) => operation === 'UPDATE',
  validate(attributes, { state }) {
    const { object, oldObject, subresource } = attributes;
    if (object === null || oldObject === null || subresource !== '') return validated;
    if (!isForResource(attributes, 'persistentvolumeclaims')) return validated;
    if (sizeOf(object).compare(sizeOf(oldObject)) <= 0) return validated;
    if (textAt(objectAt(oldObject, 'status'), 'phase') !== 'Bound') {
      return refused(newAdmissionForbidden(attributes, 'Only bound persistent volume claims can be expanded'));
    }
    if (allowsExpansion(object, oldObject, state)) return validated;
    const reason =
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
    return refused(newAdmissionForbidden(attributes, reason));
  },
};

/** In thousandths: smaller parts are rounded up by defaulting. */
function sizeOf(claim: JsonObject): Quantity {
  const requests = objectAt(objectAt(claim, 'spec'), 'resources')?.['requests'];
  return (parseResourceList(requests, 'spec.resources.requests').get('storage') ?? Quantity.zero).roundUp(-3);
}

/** Go: allowResize. */
function allowsExpansion(claim: JsonObject, oldClaim: JsonObject, state: ClusterState): boolean {
  const className = classNameOf(claim);
  if (className === '' || className !== classNameOf(oldClaim)) return false;
  return state.get('storageclasses.storage.k8s.io', className)?.allowVolumeExpansion === true;
}

/** Source: pkg/apis/core/helper/helpers.go, GetPersistentVolumeClaimClass. */
function classNameOf(claim: JsonObject): string {
  const annotations = objectAt(objectAt(claim, 'metadata'), 'annotations') ?? {};
  return Object.hasOwn(annotations, betaStorageClassAnnotation)
    ? textAt(annotations, betaStorageClassAnnotation)
    : textAt(objectAt(claim, 'spec'), 'storageClassName');
}
