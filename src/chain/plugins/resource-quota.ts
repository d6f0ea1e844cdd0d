import type { ResourceQuota } from '../../api/generated/core.v1.ts';
import { builtinResources } from '../../api/generated/resources.ts';
import type { KubernetesObject } from '../../api/object-meta.ts';
import { formatGroupResource } from '../../api/resource.ts';
import type { JsonObject } from '../../json/json-value.ts';
import {
  countQuota,
  defaultDeviceRequests,
  defaultPodLevelResources,
  defaultPodRequests,
  evaluateQuota,
  type EvaluationContext,
  type GroupResource,
  type StoredObject,
} from '../../usage/index.ts';
import type { Attributes } from '../attributes.ts';
import type { BuiltinResource, ClusterState } from '../cluster-state.ts';
import { refused, validated, type AdmissionPlugin } from '../plugin.ts';
import { newAdmissionForbidden, newUnknownError } from '../status-error.ts';
import { objectAt, textAt, withMember } from './object-fields.ts';
import { isForKind } from './requested-type.ts';

/**
 * Refuses what would exceed a ResourceQuota of its namespace.
 *
 * Objects are counted as the API server would have defaulted them, with the status it gives to new ones and keeps on
 * updates. A quota that the cluster's state gives without a status is counted here, over the built-in objects of its
 * namespace in the same state, as the quota controller would; the API server refuses until that has happened.
 *
 * Of several quotas the first by name refuses; the API server asks them in no order.
 *
 * Not copied: charging what is admitted to the quotas' status, with its batches, retries and timeouts; a configuration
 * with limited resources; node ports that an updated Service takes over from the old one.
 *
 * Throws UncountableObjectError for a quantity that is none; the API server would have refused the object before.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/resourcequota/admission.go; the judging itself is evaluateQuota in
 * src/usage.
 */
export const resourceQuotaPlugin: AdmissionPlugin = {
  name: 'ResourceQuota',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  validate(attributes, { state, clock }) {
    const { namespace, object } = attributes;
    if (object === null || namespace === '' || isNamespaceCreation(attributes)) return validated;
    const quotas = state.list('resourcequotas', namespace);
    if (quotas.length === 0) return validated;
    const context: EvaluationContext = {
      now: clock.now(),
      deviceClasses: state.list('deviceclasses.resource.k8s.io'),
      pods: state.list('pods', namespace).map(defaultPodRequests),
      resourceClaims: state.list('resourceclaims.resource.k8s.io', namespace).map(defaultDeviceRequests),
    };
    const verdict = evaluateQuota({
      ...context,
      ...attributes,
      quotas: quotas.map((quota) => withStatus(quota, attributes, state, context)),
      object: validatedObject(attributes, object),
      oldObject: storedOldObject(attributes),
    });
    if (verdict.allowed) return validated;
    const isForbidden = verdict.reason === 'Forbidden';
    return refused(isForbidden ? newAdmissionForbidden(attributes, verdict.message) : newUnknownError(verdict.message));
  },
};

function isNamespaceCreation(attributes: Attributes): boolean {
  return attributes.operation === 'CREATE' && isForKind(attributes, 'Namespace');
}

/**
 * The object as it comes to the validating plug-ins: of the status nothing is taken from the client but by requests on
 * the status itself.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/registry/rest/create.go, BeforeCreate; k8s.io/kubernetes v1.37.2
 * pkg/registry/core/{pod,persistentvolumeclaim}/strategy.go, PrepareForCreate and PrepareForUpdate.
 */
function validatedObject({ operation, resource, subresource, oldObject }: Attributes, object: JsonObject): object {
  if (operation === 'CREATE') {
    const metadata = withoutMembers(objectAt(object, 'metadata'), ['deletionTimestamp', 'deletionGracePeriodSeconds']);
    const created = defaulted(resource, withMember(withoutMembers(object, ['status']), 'metadata', metadata));
    return formatGroupResource(resource) === 'pods' ? defaultPodLevelResources(created) : created;
  }
  if (subresource === 'status') return defaulted(resource, object);
  return defaulted(resource, withMember(object, 'status', oldObject?.['status'] ?? {}));
}

/** What is stored has a resourceVersion, by which an update is told from a creation. */
function storedOldObject({ operation, resource, oldObject }: Attributes): object | null {
  if (operation !== 'UPDATE' || oldObject === null) return null;
  const metadata = objectAt(oldObject, 'metadata');
  if (textAt(metadata, 'resourceVersion') !== '') return defaulted(resource, oldObject);
  return defaulted(resource, withMember(oldObject, 'metadata', withMember(metadata, 'resourceVersion', '1')));
}

/** With those defaults of the API server that count. */
function defaulted(resource: GroupResource, object: object): object {
  switch (formatGroupResource(resource)) {
    case 'pods':
      return defaultPodRequests(object);
    case 'resourceclaims.resource.k8s.io':
      return defaultDeviceRequests(object);
    default:
      return object;
  }
}

function withoutMembers(object: JsonObject | undefined, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([name]) => !names.includes(name)));
}

/** The quota with the usage that its manifest lacks. Go: the quota controller's syncResourceQuota. */
function withStatus(
  quota: ResourceQuota,
  attributes: Attributes,
  state: ClusterState,
  context: EvaluationContext,
): ResourceQuota {
  const { spec = {}, status } = quota;
  if (status?.hard !== undefined && status.used !== undefined) return quota;
  const used = countQuota(spec, storedObjects(attributes, state), context);
  return { ...quota, status: { hard: spec.hard ?? {}, used: { ...used } } };
}

/** The built-in objects of the namespace, among them the one that is updated. */
function* storedObjects(attributes: Attributes, state: ClusterState): Iterable<StoredObject> {
  const { namespace, name } = attributes;
  const old = storedOldObject(attributes);
  for (const resource of namespacedResources()) {
    const isRequested = formatGroupResource(resource) === formatGroupResource(attributes.resource);
    // The names in the table are those of the resource types.
    const objects: readonly KubernetesObject[] = state.list(
      formatGroupResource(resource) as BuiltinResource,
      namespace,
    );
    for (const object of objects) {
      if (isRequested && old !== null && object.metadata?.name === name) continue;
      yield { resource, object: defaulted(resource, object) };
    }
  }
  if (old !== null) yield { resource: attributes.resource, object: old };
}

/** One version of each. */
function namespacedResources(): GroupResource[] {
  const byName = new Map(
    builtinResources
      .filter(({ namespaced }) => namespaced)
      .map(({ group, resource }) => [formatGroupResource({ group, resource }), { group, resource }]),
  );
  return [...byName.values()];
}
