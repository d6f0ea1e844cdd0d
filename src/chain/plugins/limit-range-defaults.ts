import type { LimitRange, LimitRangeItem } from '../../api/generated/core.v1.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { formatResourceList, parseResourceList, type ResourceList } from '../../usage/index.ts';
import { objectAt, objectsAt, textAt, withMember } from './object-fields.ts';
import { withContainers, withPodSpec } from './pod-containers.ts';

/**
 * The LimitRange as the API server stores it: for containers the default limit is the maximum, the default request the
 * default limit or the minimum, unless they are given. Throws UncountableObjectError.
 *
 * Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/v1/defaults.go, SetDefaults_LimitRangeItem and SetDefaults_ResourceList.
 */
export function defaultLimitRange(limitRange: LimitRange): LimitRange {
  const limits = limitRange.spec?.limits ?? [];
  return { ...limitRange, spec: { ...limitRange.spec, limits: limits.map(defaultLimitRangeItem) } };
}

function defaultLimitRangeItem(item: LimitRangeItem, index: number): LimitRangeItem {
  const read = (list: 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio'): ResourceList =>
    parseResourceList(item[list], `spec.limits[${index}].${list}`);
  const [max, min] = [read('max'), read('min')];
  let [defaults, defaultRequests] = [read('default'), read('defaultRequest')];
  if (item.type === 'Container') {
    defaults = new Map([...max, ...defaults]);
    defaultRequests = new Map([...min, ...defaults, ...defaultRequests]);
  }
  const format = (list: ResourceList) => ({ ...formatResourceList(roundToMilli(list)) });
  return {
    ...item,
    max: format(max),
    min: format(min),
    default: format(defaults),
    defaultRequest: format(defaultRequests),
    maxLimitRequestRatio: format(read('maxLimitRequestRatio')),
  };
}

function roundToMilli(list: ResourceList): ResourceList {
  return new Map([...list].map(([name, quantity]) => [name, quantity.roundUp(-3)]));
}

/**
 * The Pod with the default requests and limits of a LimitRange, which is defaulted itself, for each container that does
 * not say its own; an annotation tells what was set.
 *
 * A container that limits a resource requests as much, so it needs no default request.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/limitranger/admission.go, PodMutateLimitFunc.
 */
export function defaultContainerResources(pod: JsonObject, limitRange: LimitRange): JsonObject {
  const ofContainers = (limitRange.spec?.limits ?? []).filter(({ type }) => type === 'Container');
  const defaults: Defaults = {
    requests: Object.assign({}, ...ofContainers.map(({ defaultRequest }) => defaultRequest)) as Defaults['requests'],
    limits: Object.assign({}, ...ofContainers.map((item) => item.default)) as Defaults['limits'],
  };
  const spec = objectAt(pod, 'spec');
  const changes = [
    ...objectsAt(spec, 'containers').flatMap((container) => describeMissing(container, defaults, 'container')),
    ...objectsAt(spec, 'initContainers').flatMap((container) => describeMissing(container, defaults, 'init container')),
  ];
  if (changes.length === 0) return pod;
  const changed = withPodSpec(pod, (given) =>
    withContainers(given, ['containers', 'initContainers'], (container) => withDefaults(container, defaults)),
  );
  const metadata = objectAt(changed, 'metadata');
  const annotations = withMember(
    objectAt(metadata, 'annotations'),
    'kubernetes.io/limit-ranger',
    `LimitRanger plugin set: ${changes.join('; ')}`,
  );
  return withMember(changed, 'metadata', withMember(metadata, 'annotations', annotations));
}

interface Defaults {
  readonly requests: { readonly [name: string]: string };
  readonly limits: { readonly [name: string]: string };
}

/** `cpu, memory request for container web`; the same for limits. */
function describeMissing(container: JsonObject, defaults: Defaults, role: string): string[] {
  const { requests, limits } = missingFrom(container, defaults);
  const describe = (what: string, list: Defaults['limits']) => {
    const names = Object.keys(list).sort();
    return names.length === 0 ? [] : [`${names.join(', ')} ${what} for ${role} ${textAt(container, 'name')}`];
  };
  return [...describe('request', requests), ...describe('limit', limits)];
}

function withDefaults(container: JsonObject, defaults: Defaults): JsonObject {
  const missing = missingFrom(container, defaults);
  const resources = objectAt(container, 'resources');
  const filled = (['requests', 'limits'] as const).reduce((changed, list) => {
    if (Object.keys(missing[list]).length === 0) return changed;
    return withMember(changed, list, { ...objectAt(resources, list), ...missing[list] });
  }, resources ?? {});
  return filled === resources ? container : withMember(container, 'resources', filled);
}

/** The part of the defaults that a container does not say itself. */
function missingFrom(container: JsonObject, defaults: Defaults): Defaults {
  const resources = objectAt(container, 'resources');
  const [requests, limits] = [objectAt(resources, 'requests') ?? {}, objectAt(resources, 'limits') ?? {}];
  return {
    requests: without(defaults.requests, { ...limits, ...requests }),
    limits: without(defaults.limits, limits),
  };
}

function without(list: Defaults['limits'], given: JsonObject): Defaults['limits'] {
  return Object.fromEntries(Object.entries(list).filter(([name]) => !Object.hasOwn(given, name)));
}
