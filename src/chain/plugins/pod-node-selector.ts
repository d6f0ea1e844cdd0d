import { quote } from '../../api/go-quote.ts';
import { labelValueProblems, qualifiedNameProblems } from '../../api/names.ts';
import type { Status } from '../../api/status.ts';
import type { JsonObject } from '../../json/json-value.ts';
import type { Attributes } from '../attributes.ts';
import type { ClusterState } from '../cluster-state.ts';
import { admitted, refused, validated, type AdmissionPlugin } from '../plugin.ts';
import { newForbidden, newInternalError, newUnknownError } from '../status-error.ts';
import { metadataText, objectAt, withMember } from './object-fields.ts';
import { withPodSpec } from './pod-containers.ts';
import { isForResource } from './requested-type.ts';

const nodeSelectorAnnotation = 'scheduler.alpha.kubernetes.io/node-selector';

/**
 * Adds the node selector that an annotation of the namespace gives to each new Pod, and refuses Pods that contradict it.
 *
 * Not copied: the plug-in's configuration, with a selector for all namespaces and a whitelist for each; without one there
 * is neither. The live look-up of a namespace that the cache does not have: the cluster's state is taken to be up to date.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/podnodeselector/admission.go.
 */
export const podNodeSelectorPlugin: AdmissionPlugin = {
  name: 'PodNodeSelector',
  handles: (operation) => operation === 'CREATE',
  admit(attributes, { state }) {
    const { object } = attributes;
    if (object === null || shouldIgnore(attributes)) return admitted(object);
    const judged = judge(attributes, object, state);
    if (judged.kind === 'refused') return refused(judged.status);
    const { required } = judged;
    const missing = Object.keys(required).some((key) => !Object.hasOwn(nodeSelectorOf(object), key));
    return admitted(
      missing
        ? withPodSpec(object, (spec) => withMember(spec, 'nodeSelector', { ...required, ...nodeSelectorOf(object) }))
        : object,
    );
  },
  validate(attributes, { state }) {
    const { object } = attributes;
    if (object === null || shouldIgnore(attributes)) return validated;
    const judged = judge(attributes, object, state);
    return judged.kind === 'refused' ? refused(judged.status) : validated;
  },
};

function shouldIgnore(attributes: Attributes): boolean {
  return attributes.subresource !== '' || !isForResource(attributes, 'pods');
}

type Judged =
  { readonly kind: 'agrees'; readonly required: NodeSelector } | { readonly kind: 'refused'; readonly status: Status };

interface NodeSelector {
  readonly [key: string]: string;
}

/** Whether the Pod agrees with its namespace's selector. */
function judge({ namespace, resource }: Attributes, pod: JsonObject, state: ClusterState): Judged {
  const stored = state.get('namespaces', namespace);
  if (stored === undefined) {
    return { kind: 'refused', status: newInternalError(`namespace ${namespace} does not exist`) };
  }
  const required = parseNodeSelector(stored.metadata?.annotations?.[nodeSelectorAnnotation] ?? '');
  if (typeof required === 'string') return { kind: 'refused', status: newUnknownError(required) };
  const given = nodeSelectorOf(pod);
  const conflicts = Object.entries(required).some(([key, value]) => Object.hasOwn(given, key) && given[key] !== value);
  if (!conflicts) return { kind: 'agrees', required };
  const reason = 'pod node label selector conflicts with its namespace node label selector';
  return { kind: 'refused', status: newForbidden(resource, metadataText(pod, 'name'), reason) };
}

function nodeSelectorOf(pod: JsonObject): JsonObject {
  return objectAt(objectAt(pod, 'spec'), 'nodeSelector') ?? {};
}

/**
 * `key=value,…` as a map, or what is wrong with it. The fields of these errors have no name.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/labels/labels.go, ConvertSelectorToLabelsMap.
 */
function parseNodeSelector(text: string): NodeSelector | string {
  if (text === '') return {};
  const selector: Record<string, string> = {};
  for (const label of text.split(',')) {
    const parts = label.split('=');
    const [key = '', value = ''] = parts.map((part) => part.trim());
    if (parts.length !== 2) return `invalid selector: [${parts.join(' ')}]`;
    const keyProblems = qualifiedNameProblems(key);
    if (keyProblems.length > 0) return `<nil>: Invalid value: ${quote(key)}: ${keyProblems.join('; ')}`;
    const valueProblems = labelValueProblems(value);
    if (valueProblems.length > 0) return `[${key}]: Invalid value: ${quote(value)}: ${valueProblems.join('; ')}`;
    selector[key] = value;
  }
  return selector;
}
