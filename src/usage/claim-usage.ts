import type { PersistentVolumeClaim } from '../api/generated/core.v1.ts';
import { Quantity } from '../api/quantity.ts';
import { nothingMissing, type Evaluator } from './evaluator.ts';
import { claimMatchesScope } from './quota-scopes.ts';
import { parseResourceList, type ResourceList } from './resource-list.ts';
import { storageClassInfix } from './resource-names.ts';

/**
 * What a PersistentVolumeClaim counts: itself and its storage, both once more under its storage class. Storage is the
 * larger of what is requested and what a resize has allocated, in whole bytes.
 *
 * A claim without a class counts under none: give this the claim that the DefaultStorageClass plug-in has seen. Throws
 * {@link UncountableObjectError}. Source: k8s.io/kubernetes v1.37.2
 * pkg/quota/v1/evaluator/core/persistent_volume_claims.go.
 */
export function claimUsage(claim: PersistentVolumeClaim): ResourceList {
  const usage = new Map([
    ['persistentvolumeclaims', Quantity.one],
    ['count/persistentvolumeclaims', Quantity.one],
  ]);
  const storageClass = storageClassOf(claim);
  const ofClass = (name: string) => storageClass + storageClassInfix + name;
  if (storageClass !== '') usage.set(ofClass('persistentvolumeclaims'), Quantity.one);
  const storage = storageOf(claim);
  if (storage !== undefined) {
    usage.set('requests.storage', storage);
    if (storageClass !== '') usage.set(ofClass('requests.storage'), storage);
  }
  return usage;
}

export const claimEvaluator: Evaluator = {
  ...nothingMissing,
  handles({ operation, subresource, object, oldObject }) {
    if (subresource === '') return operation === 'CREATE' || operation === 'UPDATE';
    // The server means to look for changed storage here, but compares two fresh pointers, which always differ.
    return subresource === 'status' && object !== null && oldObject !== null;
  },
  matchingResources: (names) =>
    names.filter(
      (name) =>
        ['count/persistentvolumeclaims', 'persistentvolumeclaims', 'requests.storage'].includes(name) ||
        name.endsWith(`${storageClassInfix}persistentvolumeclaims`) ||
        name.endsWith(`${storageClassInfix}requests.storage`),
    ),
  matchesScope: claimMatchesScope,
  usage: claimUsage,
};

/** The old annotation wins, even when it is empty. Go: GetPersistentVolumeClaimClass. */
function storageClassOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
}

function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const requested = parseResourceList(spec?.resources?.requests, 'spec.resources.requests').get('storage');
  if (requested === undefined) return undefined;
  const whole = wholeBytes(requested);
  const allocated = parseResourceList(status?.allocatedResources, 'status.allocatedResources').get('storage');
  return allocated !== undefined && allocated.compare(whole) > 0 ? wholeBytes(allocated) : whole;
}

/** Quotas hold no fractions of a byte. What is whole stays as it was written. */
function wholeBytes(storage: Quantity): Quantity {
  const rounded = storage.roundUp(0);
  return rounded.compare(storage) === 0 ? storage : rounded;
}
