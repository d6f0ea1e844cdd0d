import { formatGroupResource } from '../../api/resource.ts';
import { admitted, type AdmissionPlugin } from '../plugin.ts';
import { objectAt, withMember } from './object-fields.ts';

/** Source: k8s.io/kubernetes v1.37.2 pkg/volume/util/finalizer.go. */
const protectionFinalizers: ReadonlyMap<string, string> = new Map([
  ['persistentvolumes', 'kubernetes.io/pv-protection'],
  ['persistentvolumeclaims', 'kubernetes.io/pvc-protection'],
  ['volumeattributesclasses.storage.k8s.io', 'kubernetes.io/vac-protection'],
]);

/**
 * Gives new volumes, claims and VolumeAttributesClasses the finalizer that keeps them from being deleted while in use.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go, copied whole;
 * its feature gate VolumeAttributesClass is on.
 */
export const storageObjectInUseProtectionPlugin: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (operation) => operation === 'CREATE',
  admit({ object, resource, subresource }) {
    const finalizer = protectionFinalizers.get(formatGroupResource(resource));
    if (object === null || subresource !== '' || finalizer === undefined) return admitted(object);
    const metadata = objectAt(object, 'metadata');
    const given = metadata?.['finalizers'];
    const finalizers = Array.isArray(given) ? given : [];
    if (finalizers.includes(finalizer)) return admitted(object);
    return admitted(withMember(object, 'metadata', withMember(metadata, 'finalizers', [...finalizers, finalizer])));
  },
};
