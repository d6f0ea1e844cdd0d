import { qualifiedNameProblems } from '../../api/names.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { admitted, type AdmissionPlugin } from '../plugin.ts';
import { objectAt, objectsAt, textAt, withMember } from './object-fields.ts';
import { withPodSpec } from './pod-containers.ts';
import { isForResource } from './requested-type.ts';

/**
 * Lets Pods that ask for an extended resource, such as `example.com/gpu`, onto the nodes that are kept for such Pods by a
 * taint of the resource's name.
 *
 * A container that limits a resource requests it too, as the API server's defaulting has it.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/extendedresourcetoleration/admission.go, copied whole but for the
 * answer to an object that is no Pod.
 */
export const extendedResourceTolerationPlugin: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  admit(attributes) {
    const { object, subresource } = attributes;
    if (object === null || subresource !== '' || !isForResource(attributes, 'pods')) return admitted(object);
    const resources = [...new Set(requestedResources(objectAt(object, 'spec')))].filter(isExtendedResourceName).sort();
    if (resources.length === 0) return admitted(object);
    return admitted(
      withPodSpec(object, (spec) =>
        withMember(spec, 'tolerations', [...resources.reduce(withToleration, objectsAt(spec, 'tolerations'))]),
      ),
    );
  },
};

/** Ephemeral containers request nothing. */
function requestedResources(spec: JsonObject | undefined): string[] {
  return [...objectsAt(spec, 'containers'), ...objectsAt(spec, 'initContainers')].flatMap((container) => {
    const resources = objectAt(container, 'resources');
    return ['requests', 'limits'].flatMap((list) => Object.keys(objectAt(resources, list) ?? {}));
  });
}

/**
 * Also a device class by its full name is native here, as it is below `kubernetes.io`.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/helper/helpers.go, IsExtendedResourceName.
 */
function isExtendedResourceName(name: string): boolean {
  const isNative = !name.includes('/') || name.includes('kubernetes.io/');
  if (isNative || name.startsWith('requests.')) return false;
  return qualifiedNameProblems(`requests.${name}`).length === 0;
}

/**
 * A toleration that is the same but for its seconds is replaced.
 *
 * Source: pkg/apis/core/helper/helpers.go, AddOrUpdateTolerationInPod.
 */
function withToleration(tolerations: readonly JsonObject[], key: string): readonly JsonObject[] {
  const added = { key, operator: 'Exists', effect: 'NoSchedule' };
  const isSame = (each: JsonObject): boolean =>
    textAt(each, 'value') === '' && Object.entries(added).every(([field, text]) => textAt(each, field) === text);
  return tolerations.some(isSame) ? tolerations.map((each) => (isSame(each) ? added : each)) : [...tolerations, added];
}
