import type { Status } from '../../api/status.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { defaultPodRequests, podQosClass } from '../../usage/index.ts';
import type { Attributes } from '../attributes.ts';
import type { ClusterState } from '../cluster-state.ts';
import { admitted, refused, validated, type AdmissionPlugin } from '../plugin.ts';
import { newNotFound, newUnknownError } from '../status-error.ts';
import { objectAt, objectsAt, withMember } from './object-fields.ts';
import { withPodSpec } from './pod-containers.ts';
import { isForResource } from './requested-type.ts';
import { decodeTolerations } from './toleration-annotation.ts';
import { mergeTolerations, satisfiesWhitelist } from './tolerations.ts';

const defaultsAnnotation = 'scheduler.alpha.kubernetes.io/defaultTolerations';
const whitelistAnnotation = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist';

/** Source: k8s.io/api v0.37.2 core/v1/well_known_taints.go. */
const memoryPressure = { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' };

/**
 * Gives new Pods the default tolerations of their namespace, and Pods that are sure of some resources the one of memory
 * pressure; refuses Pods whose tolerations the namespace's whitelist does not have.
 *
 * The refusals are bare errors, code 500 without a reason, as there. A container that limits a resource requests as much,
 * as the API server's defaulting has it.
 *
 * Not copied: the plug-in's configuration, with defaults and a whitelist for the cluster; without one there is neither. The
 * live look-up of a namespace that the cache does not have: the cluster's state is taken to be up to date. Throws
 * UncountableObjectError for a quantity that is none; the API server would have refused the object before.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/podtolerationrestriction/admission.go.
 */
export const podTolerationRestrictionPlugin: AdmissionPlugin = {
  name: 'PodTolerationRestriction',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  admit(attributes, { state }) {
    const { object, operation } = attributes;
    if (object === null || shouldIgnore(attributes)) return admitted(object);
    const defaults = operation === 'CREATE' ? tolerationsOf(attributes, defaultsAnnotation, state) : [];
    if (isStatus(defaults)) return refused(defaults);
    const pod = withTolerations(object, isBestEffort(object) ? defaults : [...defaults, memoryPressure]);
    const refusal = refusalOf(attributes, pod, state);
    return refusal === undefined ? admitted(pod) : refused(refusal);
  },
  validate(attributes, { state }) {
    const { object } = attributes;
    if (object === null || shouldIgnore(attributes)) return validated;
    const refusal = refusalOf(attributes, object, state);
    return refusal === undefined ? validated : refused(refusal);
  },
};

function shouldIgnore(attributes: Attributes): boolean {
  return attributes.subresource !== '' || !isForResource(attributes, 'pods');
}

function isBestEffort(pod: JsonObject): boolean {
  return podQosClass(defaultPodRequests(pod)) === 'BestEffort';
}

function withTolerations(pod: JsonObject, added: readonly JsonObject[]): JsonObject {
  if (added.length === 0) return pod;
  return withPodSpec(pod, (spec) => {
    const given = objectsAt(spec, 'tolerations');
    const merged = mergeTolerations(given, added);
    return merged === given ? spec : withMember(spec, 'tolerations', [...merged]);
  });
}

/** Go: Validate. */
function refusalOf(attributes: Attributes, pod: JsonObject, state: ClusterState): Status | undefined {
  const tolerations = objectsAt(objectAt(pod, 'spec'), 'tolerations');
  if (tolerations.length === 0) return undefined;
  const whitelist = tolerationsOf(attributes, whitelistAnnotation, state);
  if (isStatus(whitelist)) return whitelist;
  if (satisfiesWhitelist(tolerations, whitelist)) return undefined;
  return newUnknownError(
    'pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist',
  );
}

/** The tolerations in an annotation of the request's namespace, or what the client gets when there are none to be had. */
function tolerationsOf(
  { namespace }: Attributes,
  annotation: string,
  state: ClusterState,
): readonly JsonObject[] | Status {
  const stored = state.get('namespaces', namespace);
  if (stored === undefined) return newNotFound({ group: '', resource: 'namespaces' }, namespace);
  const decoded = decodeTolerations(stored.metadata?.annotations?.[annotation] ?? '');
  return 'problem' in decoded ? newUnknownError(decoded.problem) : decoded.tolerations;
}

function isStatus(value: readonly JsonObject[] | Status): value is Status {
  return 'kind' in value;
}
