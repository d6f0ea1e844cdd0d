import type { PriorityClass } from '../../api/generated/scheduling.v1.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { isRawNumber, numberText } from '../../json/raw-number.ts';
import type { Attributes } from '../attributes.ts';
import type { ClusterState } from '../cluster-state.ts';
import {
  admitted,
  refused,
  validated,
  type AdmissionPlugin,
  type AdmitResult,
  type ValidateResult,
} from '../plugin.ts';
import { newAdmissionForbidden } from '../status-error.ts';
import { integerAt, metadataText, objectAt, textAt, withMember } from './object-fields.ts';
import { withPodSpec } from './pod-containers.ts';
import { isForResource } from './requested-type.ts';

/**
 * Writes into new Pods the priority and preemption policy of their PriorityClass, or of the default one; refuses Pods
 * that name no known class or say otherwise than it, and a second default class.
 *
 * The classes `system-cluster-critical` and `system-node-critical` are found also where the cluster's state does not list
 * them: every API server creates them and lets nobody delete them. A class without a preemption policy has the one that
 * the API server defaults it to.
 *
 * Not copied: PodGroups and CompositePodGroups, whose feature gates are off by default.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/priority/admission.go.
 */
export const priorityPlugin: AdmissionPlugin = {
  name: 'Priority',
  handles: (operation) => operation !== 'CONNECT',
  admit(attributes, { state }) {
    const { object, oldObject, operation, subresource } = attributes;
    if (object === null || subresource !== '' || !isForResource(attributes, 'pods')) return admitted(object);
    if (operation === 'CREATE') return admitNewPod(attributes, object, state);
    return admitted(operation === 'UPDATE' ? keepPriority(object, oldObject) : object);
  },
  validate(attributes, { state }) {
    const { operation, subresource } = attributes;
    if (subresource !== '' || operation === 'DELETE') return validated;
    if (!isForResource(attributes, 'priorityclasses', 'scheduling.k8s.io')) return validated;
    return validatePriorityClass(attributes, state);
  },
};

interface EstablishedPriority {
  readonly className: string;
  readonly priority: number;
  readonly preemptionPolicy: string;
}

/** Go: admitPod, on create. */
function admitNewPod(attributes: Attributes, pod: JsonObject, state: ClusterState): AdmitResult {
  const spec = objectAt(pod, 'spec');
  const wantedClass = textAt(spec, 'priorityClassName');
  const established = establishPriority(wantedClass, state);
  if (established === undefined) {
    return refused(newAdmissionForbidden(attributes, `no PriorityClass with name ${wantedClass} was found`));
  }
  const { className, priority, preemptionPolicy } = established;
  const givenPriority = integerAt(spec, 'priority');
  if (givenPriority !== undefined && givenPriority !== priority) {
    const reason = `the integer value of priority (${givenPriority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`;
    return refused(newAdmissionForbidden(attributes, reason));
  }
  const givenPolicy = textAt(spec, 'preemptionPolicy');
  if (givenPolicy !== '' && givenPolicy !== preemptionPolicy) {
    const reason = `the string value of PreemptionPolicy (${givenPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`;
    return refused(newAdmissionForbidden(attributes, reason));
  }
  const isComplete = className === wantedClass && givenPriority !== undefined && givenPolicy !== '';
  if (isComplete) return admitted(pod);
  const named = className === wantedClass ? {} : { priorityClassName: className };
  return admitted(withPodSpec(pod, (given) => ({ ...given, ...named, priority, preemptionPolicy })));
}

/** An update that leaves them out keeps them. Go: admitPod, on update. */
function keepPriority(pod: JsonObject, oldPod: JsonObject | null): JsonObject {
  const old = objectAt(oldPod, 'spec');
  return withPodSpec(pod, (spec) =>
    ['priority', 'preemptionPolicy'].reduce((kept, field) => {
      const value = old?.[field] ?? null;
      return (kept[field] ?? null) === null && value !== null ? withMember(kept, field, value) : kept;
    }, spec),
  );
}

/** Go: validatePriorityClass. */
function validatePriorityClass(attributes: Attributes, state: ClusterState): ValidateResult {
  const { object, operation } = attributes;
  if (object?.['globalDefault'] !== true) return validated;
  const defaultName = defaultPriorityClass(state)?.metadata?.name;
  if (defaultName === undefined) return validated;
  if (operation === 'UPDATE' && defaultName === metadataText(object, 'name')) return validated;
  const reason = `PriorityClass ${defaultName} is already marked as default. Only one default can exist`;
  return refused(newAdmissionForbidden(attributes, reason));
}

/** Undefined when there is no class of this name. */
function establishPriority(className: string, state: ClusterState): EstablishedPriority | undefined {
  if (className !== '') {
    const found = state.get('priorityclasses.scheduling.k8s.io', className);
    return found === undefined ? systemPriorities.get(className) : establishedBy(found);
  }
  const byDefault = defaultPriorityClass(state);
  // Source: pkg/apis/scheduling/types.go, DefaultPriorityWhenNoDefaultClassExists.
  return byDefault === undefined
    ? { className: '', priority: 0, preemptionPolicy: 'PreemptLowerPriority' }
    : establishedBy(byDefault);
}

/** Of several default classes the one with the lowest value. */
function defaultPriorityClass(state: ClusterState): PriorityClass | undefined {
  return state
    .list('priorityclasses.scheduling.k8s.io')
    .filter(({ globalDefault }) => globalDefault === true)
    .reduce<PriorityClass | undefined>(
      (lowest, each) => (lowest !== undefined && valueOf(lowest) <= valueOf(each) ? lowest : each),
      undefined,
    );
}

function establishedBy(priorityClass: PriorityClass): EstablishedPriority {
  return {
    className: priorityClass.metadata?.name ?? '',
    priority: valueOf(priorityClass),
    // Source: pkg/apis/scheduling/v1/defaults.go, SetDefaults_PriorityClass.
    preemptionPolicy: priorityClass.preemptionPolicy ?? 'PreemptLowerPriority',
  };
}

function valueOf({ value = 0 }: PriorityClass): number {
  return isRawNumber(value) ? Number(numberText(value)) : value;
}

/** Source: k8s.io/kubernetes v1.37.2 pkg/apis/scheduling/v1/helpers.go, systemPriorityClasses. */
const systemPriorities: ReadonlyMap<string, EstablishedPriority> = new Map(
  [
    { className: 'system-node-critical', priority: 2_000_001_000 },
    { className: 'system-cluster-critical', priority: 2_000_000_000 },
  ].map((each) => [each.className, { ...each, preemptionPolicy: 'PreemptLowerPriority' }]),
);
