import type { ServiceAccount } from '../../api/generated/core.v1.ts';
import type { JsonObject } from '../../json/json-value.ts';
import { objectAt, objectsAt, textAt } from './object-fields.ts';

/**
 * Whether Pods of a service account may use no secrets but those it lists.
 *
 * Source of this and the functions below: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/serviceaccount/admission.go.
 */
export function shouldEnforceMountableSecrets({ metadata }: ServiceAccount): boolean {
  const value = metadata?.annotations?.['kubernetes.io/enforce-mountable-secrets'];
  // What Go's strconv.ParseBool takes for true.
  return value !== undefined && ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value);
}

/** Why the Pod may not use one of its secrets; undefined when it may use them all. Go: limitSecretReferences. */
export function forbiddenSecret(serviceAccount: ServiceAccount, pod: JsonObject): string | undefined {
  const mountable = new Set((serviceAccount.secrets ?? []).map(({ name = '' }) => name));
  const pullable = new Set((serviceAccount.imagePullSecrets ?? []).map(({ name = '' }) => name));
  const account = serviceAccount.metadata?.name ?? '';
  const spec = objectAt(pod, 'spec');
  for (const volume of objectsAt(spec, 'volumes')) {
    const secret = objectAt(volume, 'secret');
    const name = textAt(secret, 'secretName');
    if (secret !== undefined && !mountable.has(name)) {
      return `volume with secret.secretName="${name}" is not allowed because service account ${account} does not reference that secret`;
    }
  }
  const ofContainers =
    forbiddenInContainers(objectsAt(spec, 'initContainers'), 'init container', mountable, account) ??
    forbiddenInContainers(objectsAt(spec, 'containers'), 'container', mountable, account);
  if (ofContainers !== undefined) return ofContainers;
  for (const [index, reference] of objectsAt(spec, 'imagePullSecrets').entries()) {
    const name = textAt(reference, 'name');
    if (!pullable.has(name)) {
      return `imagePullSecrets[${index}].name="${name}" is not allowed because service account ${account} does not reference that imagePullSecret`;
    }
  }
  return undefined;
}

/** The same for the ephemeral containers of a Pod. Go: limitEphemeralContainerSecretReferences. */
export function forbiddenEphemeralSecret(serviceAccount: ServiceAccount, pod: JsonObject): string | undefined {
  const mountable = new Set((serviceAccount.secrets ?? []).map(({ name = '' }) => name));
  const containers = objectsAt(objectAt(pod, 'spec'), 'ephemeralContainers');
  return forbiddenInContainers(containers, 'ephemeral container', mountable, serviceAccount.metadata?.name ?? '');
}

function forbiddenInContainers(
  containers: readonly JsonObject[],
  role: string,
  mountable: ReadonlySet<string>,
  account: string,
): string | undefined {
  for (const container of containers) {
    const subject = `${role} ${textAt(container, 'name')}`;
    const because = `is not allowed because service account ${account} does not reference that secret`;
    for (const variable of objectsAt(container, 'env')) {
      const reference = objectAt(objectAt(variable, 'valueFrom'), 'secretKeyRef');
      const name = textAt(reference, 'name');
      if (reference === undefined || mountable.has(name)) continue;
      return `${subject} with envVar ${textAt(variable, 'name')} referencing secret.secretName="${name}" ${because}`;
    }
    for (const source of objectsAt(container, 'envFrom')) {
      const reference = objectAt(source, 'secretRef');
      const name = textAt(reference, 'name');
      if (reference === undefined || mountable.has(name)) continue;
      return `${subject} with envFrom referencing secret.secretName="${name}" ${because}`;
    }
  }
  return undefined;
}
