import type { Overhead, RuntimeClass } from '../../api/generated/node.v1.ts';
import { quote } from '../../api/go-quote.ts';
import type { Status } from '../../api/status.ts';
import { equal } from '../../json/equal.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { formatResourceList, parseResourceList, type ResourceList } from '../../usage/index.ts';
import type { Attributes } from '../attributes.ts';
import type { ClusterState } from '../cluster-state.ts';
import { admitted, refused, validated, type AdmissionPlugin, type Refused } from '../plugin.ts';
import { newAdmissionForbidden, newUnknownError } from '../status-error.ts';
import { objectAt, objectsAt, textAt, withMember } from './object-fields.ts';
import { withPodSpec } from './pod-containers.ts';
import { isForResource } from './requested-type.ts';
import { mergeTolerations } from './tolerations.ts';

/**
 * Writes into new Pods the overhead, node selector and tolerations of their RuntimeClass; refuses Pods that name an unknown
 * class, contradict it, or have an overhead of their own.
 *
 * Of several conflicts with the class's node selector the first by key is told; the API server tells any.
 *
 * Not copied: the live look-up of a class that the cache does not have, the cluster's state is taken to be up to date; the
 * answer to an object that is no Pod. Throws UncountableObjectError for an overhead that is no quantity; the API server
 * would have refused the object before.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/runtimeclass/admission.go.
 */
export const runtimeClassPlugin: AdmissionPlugin = {
  name: 'RuntimeClass',
  handles: (operation) => operation === 'CREATE',
  admit(attributes, { state }) {
    const { object } = attributes;
    if (object === null || shouldIgnore(attributes)) return admitted(object);
    const found = runtimeClassOf(attributes, object, state);
    if (found.kind === 'refused') return found;
    const { runtimeClass } = found;
    if (runtimeClass === undefined) return admitted(object);
    const problem = overheadProblem(object, runtimeClass) ?? nodeSelectorProblem(object, runtimeClass);
    if (problem !== undefined) return refused(newAdmissionForbidden(attributes, problem));
    return admitted(withScheduling(withOverhead(object, runtimeClass), runtimeClass));
  },
  validate(attributes, { state }) {
    const { object } = attributes;
    if (object === null || shouldIgnore(attributes)) return validated;
    const found = runtimeClassOf(attributes, object, state);
    if (found.kind === 'refused') return found;
    const status = overheadRefusal(attributes, object, found.runtimeClass);
    return status === undefined ? validated : refused(status);
  },
};

function shouldIgnore(attributes: Attributes): boolean {
  return attributes.subresource !== '' || !isForResource(attributes, 'pods');
}

type Found = Refused | { readonly kind: 'found'; readonly runtimeClass: RuntimeClass | undefined };

/** Go: prepareObjects. */
function runtimeClassOf(attributes: Attributes, pod: JsonObject, state: ClusterState): Found {
  const name = objectAt(pod, 'spec')?.['runtimeClassName'];
  if (typeof name !== 'string') return { kind: 'found', runtimeClass: undefined };
  // What the client says that is to look it up.
  if (name === '') return refused(newUnknownError('resource name may not be empty'));
  const runtimeClass = state.get('runtimeclasses.node.k8s.io', name);
  if (runtimeClass !== undefined) return { kind: 'found', runtimeClass };
  return refused(newAdmissionForbidden(attributes, `pod rejected: RuntimeClass ${quote(name)} not found`));
}

const overheadDiffers = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/** A Pod may come with the overhead of its class. Go: setOverhead. */
function overheadProblem(pod: JsonObject, { overhead }: RuntimeClass): string | undefined {
  if (!overhead) return undefined;
  // Defaulting rounds the quantities of a Pod to thousandths, not those of a RuntimeClass.
  const given = new Map([...overheadOf(pod)].map(([name, quantity]) => [name, quantity.roundUp(-3)]));
  return given.size === 0 || areEqual(given, podFixedOf(overhead)) ? undefined : overheadDiffers;
}

function withOverhead(pod: JsonObject, { overhead }: RuntimeClass): JsonObject {
  if (!overhead) return pod;
  const podFixed = { ...formatResourceList(podFixedOf(overhead)) };
  return withPodSpec(pod, (spec) => {
    const { overhead: given, ...others } = spec;
    if (Object.keys(podFixed).length === 0) return given === undefined ? spec : others;
    return given !== undefined && equal(given, podFixed) ? spec : withMember(spec, 'overhead', podFixed);
  });
}

/** Go: setScheduling. */
function nodeSelectorProblem(pod: JsonObject, { scheduling }: RuntimeClass): string | undefined {
  const given = nodeSelectorOf(pod);
  const conflict = Object.entries(scheduling?.nodeSelector ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .find(([key, value]) => Object.hasOwn(given, key) && given[key] !== value);
  if (conflict === undefined) return undefined;
  const [key, value] = conflict;
  return `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${textAt(given, key)}`;
}

function withScheduling(pod: JsonObject, { scheduling }: RuntimeClass): JsonObject {
  if (!scheduling) return pod;
  const { nodeSelector } = scheduling;
  const given = nodeSelectorOf(pod);
  return withPodSpec(pod, (spec) => {
    const isMissing = Object.keys(nodeSelector ?? {}).some((key) => !Object.hasOwn(given, key));
    const selecting = isMissing ? withMember(spec, 'nodeSelector', { ...given, ...nodeSelector }) : spec;
    const tolerations = objectsAt(spec, 'tolerations');
    // The class is an object of the cluster's state, which is JSON.
    const merged = mergeTolerations(tolerations, (scheduling.tolerations ?? []) as unknown as readonly JsonObject[]);
    return merged === tolerations ? selecting : withMember(selecting, 'tolerations', [...merged]);
  });
}

/** Go: validateOverhead. */
function overheadRefusal(
  attributes: Attributes,
  pod: JsonObject,
  runtimeClass: RuntimeClass | undefined,
): Status | undefined {
  const overhead = runtimeClass?.overhead;
  if (overhead) {
    if (areEqual(overheadOf(pod), podFixedOf(overhead))) return undefined;
    return newAdmissionForbidden(attributes, overheadDiffers);
  }
  // An empty one is one too.
  if (objectAt(objectAt(pod, 'spec'), 'overhead') === undefined) return undefined;
  const reason = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';
  return newAdmissionForbidden(attributes, reason);
}

function nodeSelectorOf(pod: JsonObject): JsonObject {
  return objectAt(objectAt(pod, 'spec'), 'nodeSelector') ?? {};
}

function overheadOf(pod: JsonObject): ResourceList {
  return parseResourceList(objectAt(pod, 'spec')?.['overhead'], 'spec.overhead');
}

function podFixedOf({ podFixed }: Overhead): ResourceList {
  return parseResourceList(podFixed, 'overhead.podFixed');
}

function areEqual(a: ResourceList, b: ResourceList): boolean {
  return a.size === b.size && [...a].every(([name, quantity]) => b.get(name)?.compare(quantity) === 0);
}
