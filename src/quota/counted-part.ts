import type { KubernetesObject } from '../api/object-meta.ts';
import { formatGroupResource } from '../api/resource.ts';
import type { GroupResource } from '../usage/index.ts';

/**
 * What is kept in memory of the objects of a resource: what they are counted by. Of a Pod that is a tenth of it, of a Secret not a
 * byte of what it holds.
 *
 * What an evaluator reads has to be here; a test holds every recorded object to it.
 */
export function countedPart(resource: GroupResource): (object: KubernetesObject) => KubernetesObject {
  switch (formatGroupResource(resource)) {
    case 'pods':
      return countedPartOfPod;
    case 'services':
    case 'persistentvolumeclaims':
    case 'resourceclaims.resource.k8s.io':
      return withoutManagedFields;
    default:
      return identityOf;
  }
}

export function withoutManagedFields(object: KubernetesObject): KubernetesObject {
  const { metadata } = object;
  if (metadata === undefined || !('managedFields' in metadata)) return object;
  const { managedFields: _managedFields, ...rest } = metadata;
  return { ...object, metadata: rest };
}

const identityFields = ['name', 'namespace', 'uid', 'resourceVersion'];

/** Each of them counts one, whatever is in it. */
function identityOf({ apiVersion, kind, metadata }: KubernetesObject): KubernetesObject {
  return { apiVersion, kind, metadata: pick(metadata, identityFields) };
}

const podMetadataFields = [...identityFields, 'deletionTimestamp', 'deletionGracePeriodSeconds'];
const podSpecFields = ['overhead', 'resources', 'activeDeadlineSeconds', 'priorityClassName', 'affinity'];
const podStatusFields = ['phase', 'qosClass', 'extendedResourceClaimStatus'];
const containerFields = ['name', 'resources', 'restartPolicy'];
const containerStatusFields = ['name', 'resources', 'allocatedResources'];

function countedPartOfPod(object: KubernetesObject): KubernetesObject {
  const { apiVersion, kind, metadata } = object;
  const { spec, status } = object as { readonly spec?: unknown; readonly status?: unknown };
  const ofContainer = (container: unknown): unknown => pick(container, containerFields);
  const ofStatus = (one: unknown): unknown => pick(one, containerStatusFields);
  return {
    apiVersion,
    kind,
    metadata: pick(metadata, podMetadataFields),
    spec: {
      ...pick(spec, podSpecFields),
      ...lists(spec, ['containers', 'initContainers'], (all) => all.map(ofContainer)),
    },
    status: {
      ...pick(status, podStatusFields),
      ...lists(status, ['containerStatuses', 'initContainerStatuses'], (all) => all.map(ofStatus)),
      ...lists(status, ['conditions'], (all) => all.filter(isAboutResize)),
    },
  } as KubernetesObject;
}

function isAboutResize(condition: unknown): boolean {
  return isFields(condition) && condition['type'] === 'PodResizePending';
}

/** These fields of an object. */
function pick(value: unknown, names: readonly string[]): object {
  if (!isFields(value)) return {};
  return Object.fromEntries(names.flatMap((name) => (value[name] === undefined ? [] : [[name, value[name]]])));
}

/** These fields, changed where they are lists as they should be. */
function lists(value: unknown, names: readonly string[], change: (list: unknown[]) => unknown[]): object {
  const picked = Object.entries(pick(value, names));
  return Object.fromEntries(picked.map(([name, list]) => [name, Array.isArray(list) ? change(list) : list]));
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
