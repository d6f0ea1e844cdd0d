import { randomUUID } from 'node:crypto';
import type { AdmissionRequestBody, Operation, UserInfo } from '../api/admission-review.ts';
import type { KubernetesObject } from '../api/object-meta.ts';
import { guessResource } from '../api/kind.ts';
import {
  formatApiVersion,
  parseApiVersion,
  type GroupVersionKind,
  type GroupVersionResource,
} from '../api/resource.ts';

export interface ReviewOptions {
  /** Default: CREATE, or UPDATE when there is an `oldObject`. */
  readonly operation?: Operation;
  /** The object as it is stored: for UPDATE and DELETE. Default for DELETE: the object itself. */
  readonly oldObject?: KubernetesObject;
  /** `"scale"`, `"eviction"`, … Default: the resource itself. */
  readonly subresource?: string;
  /** The resource, where it does not follow from the kind: for subresources and custom plurals. */
  readonly resource?: GroupVersionResource;
  /** Default: `{ username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] }`. */
  readonly user?: UserInfo;
  /** Default: false. */
  readonly dryRun?: boolean;
  /** Default: the object's own, else `default` for namespaced kinds. */
  readonly namespace?: string;
  /** Default: the object's own. */
  readonly name?: string;
  /** Default: a random one. */
  readonly uid?: string;
}

const optionsKinds = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const;

/**
 * The AdmissionRequest that the API server would send for an object. The resource is that of the object's kind; for a
 * custom kind the plural is guessed as kubectl would, unless `resource` says it.
 *
 * Throws a TypeError when the object has no apiVersion or kind.
 */
export function buildRequest(object: KubernetesObject, options: ReviewOptions = {}): AdmissionRequestBody {
  const kind = kindOf(object);
  const guess = guessResource(kind);
  const resource = options.resource ?? { group: guess.group, version: guess.version, resource: guess.resource };
  const operation = options.operation ?? (options.oldObject === undefined ? 'CREATE' : 'UPDATE');
  const name = options.name ?? object.metadata?.name ?? '';
  // A Namespace is in itself. Source: apiserver v0.37.2 pkg/endpoints/handlers/create.go.
  const own = resource.group === '' && resource.resource === 'namespaces' ? name : '';
  const namespace = options.namespace ?? object.metadata?.namespace ?? (guess.namespaced ? 'default' : own);
  const subresource = options.subresource ?? '';
  return {
    uid: options.uid ?? randomUUID(),
    kind,
    resource,
    ...(subresource !== '' && { subResource: subresource }),
    requestKind: kind,
    requestResource: resource,
    ...(subresource !== '' && { requestSubResource: subresource }),
    ...(name !== '' && { name }),
    ...(namespace !== '' && { namespace }),
    operation,
    userInfo: options.user ?? { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    object: operation === 'DELETE' ? null : object,
    oldObject: operation === 'DELETE' ? (options.oldObject ?? object) : (options.oldObject ?? null),
    dryRun: options.dryRun ?? false,
    options: operation === 'CONNECT' ? null : { kind: optionsKinds[operation], apiVersion: 'meta.k8s.io/v1' },
  };
}

function kindOf({ apiVersion, kind }: KubernetesObject): GroupVersionKind {
  if (apiVersion === undefined || kind === undefined) {
    throw new TypeError(
      `the object has no ${apiVersion === undefined ? 'apiVersion' : 'kind'}; expected one such as ${formatApiVersion({ group: 'apps', version: 'v1' })} Deployment`,
    );
  }
  return { ...parseApiVersion(apiVersion), kind };
}
