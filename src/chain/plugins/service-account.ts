import type { ServiceAccount } from '../../api/generated/core.v1.ts';
import { quote } from '../../api/go-quote.ts';
import type { Status } from '../../api/status.ts';
import type { JsonObject } from '../../json/json-value.ts';
import type { Attributes } from '../attributes.ts';
import type { ClusterState } from '../cluster-state.ts';
import { admitted, refused, validated, type AdmissionPlugin, type AdmitResult } from '../plugin.ts';
import { newAdmissionForbidden, newUnknownError } from '../status-error.ts';
import { booleanAt, metadataText, objectAt, objectsAt, textAt, withMember } from './object-fields.ts';
import { withPodSpec } from './pod-containers.ts';
import { podSecretNames } from './pod-secret-names.ts';
import { isForResource } from './requested-type.ts';
import { forbiddenEphemeralSecret, forbiddenSecret, shouldEnforceMountableSecrets } from './service-account-secrets.ts';
import { mountToken } from './service-account-token.ts';

/** What the plug-in is made with. */
export interface ServiceAccountOptions {
  /** A number from 0 up to 1, for the names of token volumes: `Math.random`, or something that can be repeated. */
  readonly random: () => number;
}

/**
 * Gives new Pods the service account `default` when they name none, mounts its token, and copies its image pull secrets;
 * refuses Pods whose service account does not exist or does not list the secrets they use.
 *
 * Mirror Pods are left as they are and may use neither service accounts nor secrets. `serviceAccount` counts as
 * `serviceAccountName` where that is absent, as in the API server's defaulting.
 *
 * Not copied: the live look-ups and their repetition when the cache does not have the account, and what is answered when
 * they fail. The API server takes the controller to create `default`; here the cluster's state must have it.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/serviceaccount/admission.go.
 */
export function serviceAccountPlugin({ random }: ServiceAccountOptions): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes, { state }) {
      const { object, operation } = attributes;
      if (object === null || operation !== 'CREATE' || shouldIgnore(attributes)) return admitted(object);
      return admitNewPod(attributes, object, state, random);
    },
    validate(attributes, { state }) {
      const { object, operation, subresource } = attributes;
      if (object === null || shouldIgnore(attributes)) return validated;
      let refusal: Status | undefined;
      if (operation === 'CREATE') refusal = refusalOf(attributes, object, state);
      else if (subresource === 'ephemeralcontainers') refusal = ephemeralRefusalOf(attributes, object, state);
      return refusal === undefined ? validated : refused(refusal);
    },
  };
}

function shouldIgnore(attributes: Attributes): boolean {
  return !isForResource(attributes, 'pods') || !['', 'ephemeralcontainers'].includes(attributes.subresource);
}

/** Go: Admit. It judges what it made at once, and again in the validating walk. */
function admitNewPod(
  attributes: Attributes,
  given: JsonObject,
  state: ClusterState,
  random: () => number,
): AdmitResult {
  let pod = given;
  if (!isMirrorPod(given)) {
    pod = withServiceAccountName(given);
    const serviceAccount = serviceAccountOf(attributes, pod, state);
    if (serviceAccount === undefined) return refused(notFound(attributes, pod));
    if (shouldAutomount(serviceAccount, pod)) pod = withPodSpec(pod, (spec) => mountToken(spec, random));
    pod = withImagePullSecrets(pod, serviceAccount);
  }
  const refusal = refusalOf(attributes, pod, state);
  return refusal === undefined ? admitted(pod) : refused(refusal);
}

/** Go: Validate, on create. */
function refusalOf(attributes: Attributes, pod: JsonObject, state: ClusterState): Status | undefined {
  if (isMirrorPod(pod)) {
    const problem = mirrorPodProblem(pod);
    return problem === undefined ? undefined : newAdmissionForbidden(attributes, problem);
  }
  if (serviceAccountName(pod) === '') return unnamed(attributes, pod);
  const serviceAccount = serviceAccountOf(attributes, pod, state);
  if (serviceAccount === undefined) return notFound(attributes, pod);
  if (!shouldEnforceMountableSecrets(serviceAccount)) return undefined;
  const problem = forbiddenSecret(serviceAccount, pod);
  return problem === undefined ? undefined : newAdmissionForbidden(attributes, problem);
}

/** Go: limitEphemeralContainerSecretReferences, whose refusals of secrets are bare errors: code 500, no reason. */
function ephemeralRefusalOf(attributes: Attributes, pod: JsonObject, state: ClusterState): Status | undefined {
  if (serviceAccountName(pod) === '') return unnamed(attributes, pod);
  const serviceAccount = serviceAccountOf(attributes, pod, state);
  if (serviceAccount === undefined) return notFound(attributes, pod);
  if (!shouldEnforceMountableSecrets(serviceAccount)) return undefined;
  const problem = forbiddenEphemeralSecret(serviceAccount, pod);
  return problem === undefined ? undefined : newUnknownError(problem);
}

/** Made by a kubelet to show a Pod that it runs from a file. */
function isMirrorPod(pod: JsonObject): boolean {
  const annotations = objectAt(objectAt(pod, 'metadata'), 'annotations');
  return annotations !== undefined && Object.hasOwn(annotations, 'kubernetes.io/config.mirror');
}

function mirrorPodProblem(pod: JsonObject): string | undefined {
  if (serviceAccountName(pod) !== '') return 'a mirror pod may not reference service accounts';
  if (podSecretNames(pod).length > 0) return 'a mirror pod may not reference secrets';
  const usesToken = objectsAt(objectAt(pod, 'spec'), 'volumes')
    .flatMap((volume) => objectsAt(objectAt(volume, 'projected'), 'sources'))
    .some((source) => objectAt(source, 'serviceAccountToken') !== undefined);
  return usesToken ? 'a mirror pod may not use ServiceAccountToken volume projections' : undefined;
}

/** Source: k8s.io/kubernetes v1.37.2 pkg/apis/core/v1/conversion.go, Convert_v1_PodSpec_To_core_PodSpec. */
function serviceAccountName(pod: JsonObject): string {
  const spec = objectAt(pod, 'spec');
  return textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount');
}

function withServiceAccountName(pod: JsonObject): JsonObject {
  if (serviceAccountName(pod) !== '') return pod;
  return withPodSpec(pod, (spec) => ({ ...spec, serviceAccountName: 'default', serviceAccount: 'default' }));
}

function serviceAccountOf({ namespace }: Attributes, pod: JsonObject, state: ClusterState): ServiceAccount | undefined {
  return state.get('serviceaccounts', serviceAccountName(pod), namespace);
}

function shouldAutomount({ automountServiceAccountToken }: ServiceAccount, pod: JsonObject): boolean {
  return booleanAt(objectAt(pod, 'spec'), 'automountServiceAccountToken') ?? automountServiceAccountToken ?? true;
}

function withImagePullSecrets(pod: JsonObject, { imagePullSecrets }: ServiceAccount): JsonObject {
  const names = (imagePullSecrets ?? []).map(({ name = '' }) => ({ name }));
  if (names.length === 0 || objectsAt(objectAt(pod, 'spec'), 'imagePullSecrets').length > 0) return pod;
  return withPodSpec(pod, (spec) => withMember(spec, 'imagePullSecrets', names));
}

function unnamed(attributes: Attributes, pod: JsonObject): Status {
  const reason = `no service account specified for pod ${attributes.namespace}/${metadataText(pod, 'name')}`;
  return newAdmissionForbidden(attributes, reason);
}

function notFound(attributes: Attributes, pod: JsonObject): Status {
  const name = serviceAccountName(pod);
  const reason = `error looking up service account ${attributes.namespace}/${name}: serviceaccount ${quote(name)} not found`;
  return newAdmissionForbidden(attributes, reason);
}
