import { quote } from '../../api/go-quote.ts';
import type { JsonObject } from '../../json/json-value.ts';
import type { Attributes } from '../attributes.ts';
import { admitted, refused, validated, type AdmissionPlugin } from '../plugin.ts';
import { newAdmissionForbidden, newUnknownError } from '../status-error.ts';
import { aggregateText } from './aggregate.ts';
import { objectAt, objectsAt, textAt, withEach, withMember } from './object-fields.ts';
import { containerLists, podContainers, withContainers, withPodSpec } from './pod-containers.ts';
import { isForResource } from './requested-type.ts';

/**
 * Makes Pods pull their images at every start, so that only who may pull an image can use it, and refuses Pods that were
 * changed back afterwards. Updates that bring no new image are left alone.
 *
 * A Pod without a pull policy has the one that the API server would default it to, by the tag of the image. The refusal
 * is a bare error, code 500 without a reason, as there.
 *
 * Not copied: the answer to an object that is no Pod.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/alwayspullimages/admission.go.
 */
export const alwaysPullImagesPlugin: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  admit(attributes) {
    const { object } = attributes;
    if (object === null || shouldIgnore(attributes)) return admitted(object);
    return admitted(
      withPodSpec(object, (spec) => withEach(withContainers(spec, containerLists, pullAlways), 'volumes', pullVolume)),
    );
  },
  validate(attributes) {
    if (shouldIgnore(attributes)) return validated;
    const errors = unsupportedPolicies(attributes.object).map(
      // A 403 has a message.
      (problem) => newAdmissionForbidden(attributes, problem).message ?? '',
    );
    return errors.length === 0 ? validated : refused(newUnknownError(aggregateText(errors)));
  },
};

function shouldIgnore(attributes: Attributes): boolean {
  if (attributes.subresource !== '' || !isForResource(attributes, 'pods')) return true;
  if (attributes.operation !== 'UPDATE') return false;
  const oldImages = imagesOf(attributes.oldObject);
  return [...imagesOf(attributes.object)].every((image) => oldImages.has(image));
}

function imagesOf(pod: JsonObject | null): ReadonlySet<string> {
  return new Set(podContainers(pod).map(({ container }) => textAt(container, 'image')));
}

function pullAlways(container: JsonObject): JsonObject {
  return container['imagePullPolicy'] === 'Always' ? container : withMember(container, 'imagePullPolicy', 'Always');
}

function pullVolume(volume: JsonObject): JsonObject {
  const image = objectAt(volume, 'image');
  if (image === undefined || image['pullPolicy'] === 'Always') return volume;
  return withMember(volume, 'image', withMember(image, 'pullPolicy', 'Always'));
}

function unsupportedPolicies(pod: JsonObject | null): string[] {
  const ofContainers = podContainers(pod).map(({ container, field }) => ({
    field: `${field}.imagePullPolicy`,
    policy: textAt(container, 'imagePullPolicy') || defaultPullPolicy(textAt(container, 'image')),
  }));
  const ofVolumes = objectsAt(objectAt(pod, 'spec'), 'volumes').flatMap((volume, index) => {
    const image = objectAt(volume, 'image');
    if (image === undefined) return [];
    const policy = textAt(image, 'pullPolicy') || defaultPullPolicy(textAt(image, 'reference'));
    return [{ field: `spec.volumes[${index}].image.pullPolicy`, policy }];
  });
  return [...ofContainers, ...ofVolumes]
    .filter(({ policy }) => policy !== 'Always')
    .map(({ field, policy }) => `${field}: Unsupported value: ${quote(policy)}: supported values: "Always"`);
}

/**
 * Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/v1/defaults.go, SetDefaults_Container and SetDefaults_Volume;
 * pkg/util/parsers/parsers.go, ParseImageName.
 */
function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  if (image === '') return 'IfNotPresent';
  const [name = '', digest] = image.split('@');
  const tag = /:([^/:]*)$/.exec(name)?.[1];
  const isLatest = tag === 'latest' || (tag === undefined && digest === undefined);
  return isLatest ? 'Always' : 'IfNotPresent';
}
