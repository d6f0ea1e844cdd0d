import type { Operation, UserInfo } from '../api/admission-review.ts';
import { guessResource } from '../api/kind.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import type { GroupVersionKind, GroupVersionResource } from '../api/resource.ts';
import type { Attributes } from '../chain/attributes.ts';
import type { JsonObject } from '../json/index.ts';

/** How an object is asked for; what the command line says of it. */
export interface RequestOptions {
  /** Default CREATE, or UPDATE when there is an old object. */
  readonly operation?: Operation | undefined;
  /** As it is stored: for UPDATE, and for DELETE where it differs from the object. */
  readonly oldObject?: KubernetesObject | undefined;
  /** `""` for the resource itself. */
  readonly subresource?: string | undefined;
  /** The parent of a subresource whose body is of another kind: `deployments.apps/v1` for a Scale. */
  readonly resource?: GroupVersionResource | undefined;
  /** Default: `kubernetes-admin` in `system:masters`. */
  readonly user?: UserInfo | undefined;
  readonly dryRun?: boolean | undefined;
}

export const defaultUser: UserInfo = {
  username: 'kubernetes-admin',
  groups: ['system:masters', 'system:authenticated'],
};

const optionsKinds = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const;

/** A resource with its scope, for kinds that CustomResourceDefinitions describe. */
export type ResourceOf = (
  kind: GroupVersionKind,
) => (GroupVersionResource & { readonly namespaced: boolean }) | undefined;

/**
 * The request that the API server would make of an object. A namespaced object without a namespace goes to `default`, as
 * kubectl sends it.
 */
export function attributesOf(
  object: KubernetesObject,
  kind: GroupVersionKind,
  options: RequestOptions,
  resourceOf: ResourceOf,
): Attributes {
  const { oldObject, subresource = '', user = defaultUser, dryRun = false } = options;
  const operation = options.operation ?? (oldObject === undefined ? 'CREATE' : 'UPDATE');
  const { namespaced, ...known } = resourceOf(kind) ?? guessResource(kind);
  const resource = options.resource ?? known;
  const name = object.metadata?.name ?? '';
  const isNamespace = resource.group === '' && resource.resource === 'namespaces';
  const namespace = isNamespace ? name : namespaced ? (object.metadata?.namespace ?? 'default') : '';
  // Manifests are JSON by the way they are read.
  const sent = withNamespace(object, namespaced ? namespace : undefined) as KubernetesObject & JsonObject;
  const stored = oldObject as (KubernetesObject & JsonObject) | undefined;
  return {
    operation,
    kind,
    resource,
    subresource,
    name,
    namespace,
    object: operation === 'DELETE' ? null : sent,
    oldObject: operation === 'DELETE' ? (stored ?? sent) : operation === 'UPDATE' ? (stored ?? null) : null,
    options:
      operation === 'CONNECT'
        ? null
        : { kind: optionsKinds[operation], apiVersion: 'meta.k8s.io/v1', ...(dryRun && { dryRun: ['All'] }) },
    dryRun,
    userInfo: user,
  };
}

function withNamespace(object: KubernetesObject, namespace: string | undefined): KubernetesObject {
  if (namespace === undefined || object.metadata?.namespace !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}
