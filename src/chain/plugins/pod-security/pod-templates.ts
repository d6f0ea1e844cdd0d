import { formatGroupResource, type GroupVersionResource } from '../../../api/resource.ts';
import type { JsonValue } from '../../../json/json-value.ts';
import { podTemplateShape, type Pod } from './pod.ts';
import { decode, optional, struct, type Decoded, type Shape } from './shape.ts';

/** Where the objects of a workload resource say what Pods shall be made from them. */
export type PodTemplate = (object: JsonValue) => Decoded<Pod | undefined>;

/**
 * How to find the pod template in objects of this resource; undefined when they have none. The template itself is
 * undefined only in a ReplicationController without one; other kinds have an empty one then.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 admission/admission.go, DefaultPodSpecExtractor.
 */
export function podTemplateOf(resource: GroupVersionResource): PodTemplate | undefined {
  const shape = templates.get(formatGroupResource(resource));
  return shape === undefined ? undefined : (object) => decode(shape, object);
}

const specTemplate = at('spec', at('template', podTemplateShape));

const templates: ReadonlyMap<string, Shape<Pod | undefined>> = new Map([
  ['replicationcontrollers', at('spec', at('template', optional(podTemplateShape)))],
  ['podtemplates', at('template', podTemplateShape)],
  ['replicasets.apps', specTemplate],
  ['deployments.apps', specTemplate],
  ['statefulsets.apps', specTemplate],
  ['daemonsets.apps', specTemplate],
  ['jobs.batch', specTemplate],
  ['cronjobs.batch', at('spec', at('jobTemplate', specTemplate))],
]);

function at<Value>(field: string, shape: Shape<Value>): Shape<Value | undefined> {
  const outer = struct({ [field]: shape });
  return (value, path, problems) => outer(value, path, problems)[field];
}
