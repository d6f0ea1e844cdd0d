import type { LimitRange, PersistentVolumeClaim, Pod } from '../../api/generated/core.v1.ts';
import { defaultPodLevelResources, defaultPodRequests } from '../../usage/index.ts';
import type { Attributes } from '../attributes.ts';
import type { ClusterState } from '../cluster-state.ts';
import { admitted, refused, validated, type AdmissionPlugin } from '../plugin.ts';
import { newAdmissionForbidden } from '../status-error.ts';
import { aggregateText } from './aggregate.ts';
import { claimViolations, podViolations } from './limit-range-constraints.ts';
import { defaultContainerResources, defaultLimitRange } from './limit-range-defaults.ts';
import { metadataText } from './object-fields.ts';
import { isForKind, isForResource } from './requested-type.ts';

/**
 * Gives new Pods the default requests and limits of the namespace's LimitRanges, and refuses Pods, resizes of Pods and
 * PersistentVolumeClaims that go beyond what these allow.
 *
 * A Pod is judged as the API server would have defaulted it: a request that is absent is the limit, and on create the
 * Pod's own resources are filled up from its containers. These defaults are not written into the object. LimitRanges are
 * defaulted as the API server defaults them when they are stored.
 *
 * The API server visits LimitRanges and the resources in them in no order, so which of several defaults wins, which
 * LimitRange refuses, and the order within its text are left to chance; here they are sorted by name.
 *
 * Not copied: the live look-up when the cache has no LimitRange, and what is answered when that fails.
 *
 * Throws UncountableObjectError for a quantity that is none; the API server would have refused the object before.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/limitranger/admission.go.
 */
export const limitRangerPlugin: AdmissionPlugin = {
  name: 'LimitRanger',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  admit(attributes, { state }) {
    const { object } = attributes;
    if (object === null || !isSupported(attributes) || !isForResource(attributes, 'pods')) return admitted(object);
    return admitted(limitRangesOf(attributes, state).reduce(defaultContainerResources, object));
  },
  validate(attributes, { state }) {
    if (attributes.object === null || !isSupported(attributes)) return validated;
    for (const limitRange of limitRangesOf(attributes, state)) {
      const violations = violationsOf(attributes, limitRange);
      if (violations.length > 0) return refused(newAdmissionForbidden(attributes, aggregateText(violations)));
    }
    return validated;
  },
};

/** What is being deleted is left alone. Go: SupportsAttributes, runLimitFunc. */
function isSupported(attributes: Attributes): boolean {
  const { operation, subresource, oldObject } = attributes;
  if (metadataText(oldObject, 'deletionTimestamp') !== '') return false;
  if (!isForKind(attributes, 'Pod')) return subresource === '' && isForKind(attributes, 'PersistentVolumeClaim');
  return operation === 'UPDATE' ? subresource === 'resize' : subresource === '';
}

function limitRangesOf({ namespace }: Attributes, state: ClusterState): LimitRange[] {
  return state.list('limitranges', namespace).map(defaultLimitRange);
}

function violationsOf(attributes: Attributes, limitRange: LimitRange): string[] {
  const { object, operation } = attributes;
  // Whether the object is of the type its kind says is for decoding to find out, before admission.
  if (isForResource(attributes, 'persistentvolumeclaims')) {
    return claimViolations(limitRange, object as PersistentVolumeClaim);
  }
  if (!isForResource(attributes, 'pods')) return [];
  const pod = defaultPodRequests(object as Pod);
  return podViolations(limitRange, operation === 'CREATE' ? defaultPodLevelResources(pod) : pod);
}
