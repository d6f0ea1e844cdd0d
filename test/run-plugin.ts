import type { Operation } from '../src/api/admission-review.ts';
import { guessResource } from '../src/api/kind.ts';
import type { KubernetesObject } from '../src/api/object-meta.ts';
import { parseApiVersion } from '../src/api/resource.ts';
import {
  AdmissionChain,
  InMemoryClusterState,
  noOpinionAuthorizer,
  ResourceCatalog,
  validated,
  type AdmissionPlugin,
} from '../src/chain/index.ts';
import type { Authorizer, ClusterState, Outcome } from '../src/chain/index.ts';
import { equal } from '../src/json/equal.ts';
import type { JsonObject } from '../src/json/json-value.ts';

/** A request for one plug-in. What is not said is derived from the object. */
export interface PluginRequest {
  /** The object as it shall be, for DELETE as it is. */
  readonly object: KubernetesObject;
  /** Default: UPDATE when there is an old object, else CREATE. */
  readonly operation?: Operation;
  readonly oldObject?: KubernetesObject;
  readonly subresource?: string;
  /** Objects of the cluster. Default: the namespace of the object, and nothing else. */
  readonly cluster?: ClusterState | readonly KubernetesObject[];
  readonly dryRun?: boolean;
  /** Default: has no opinion on anything. */
  readonly authorizer?: Authorizer;
}

/** Namespace of requests whose object names none. */
export const testNamespace = 'team';

/** Sends a request through a chain that has nothing but `plugin`. */
export async function runPlugin(plugin: AdmissionPlugin, request: PluginRequest): Promise<Outcome> {
  const { object, oldObject, subresource = '', cluster, dryRun = false, authorizer = noOpinionAuthorizer } = request;
  const operation = request.operation ?? (oldObject === undefined ? 'CREATE' : 'UPDATE');
  const kind = { ...parseApiVersion(object.apiVersion ?? ''), kind: object.kind ?? '' };
  const { namespaced, ...resource } = guessResource(kind);
  const name = object.metadata?.name ?? '';
  const namespace = object.metadata?.namespace ?? testNamespace;
  const isNamespace = resource.group === '' && resource.resource === 'namespaces';
  const catalog = new ResourceCatalog();
  const chain = new AdmissionChain({
    plugins: [plugin],
    state: cluster === undefined || Array.isArray(cluster) ? clusterOf(cluster ?? []) : (cluster as ClusterState),
    objectInterfaces: (attributes) => catalog.objectInterfaces(attributes.resource),
    authorizer,
  });
  return chain.run({
    operation,
    kind,
    resource,
    subresource,
    name,
    namespace: isNamespace ? name : namespaced ? namespace : '',
    // Objects of a test are written as JSON.
    object: operation === 'DELETE' ? null : (object as JsonObject),
    oldObject: operation === 'DELETE' ? (object as JsonObject) : ((oldObject as JsonObject | undefined) ?? null),
    options: null,
    dryRun,
    userInfo: { username: 'alice' },
  });
}

/** A plug-in in the validating walk alone, which then sees what a webhook might have made of the object after its `admit`. */
export function validatingOnly(plugin: AdmissionPlugin): AdmissionPlugin {
  return {
    name: plugin.name,
    handles: (operation) => plugin.handles(operation),
    validate: (attributes, context) => plugin.validate?.(attributes, context) ?? validated,
  };
}

/** What the outcome tells: the refusal's text, `unchanged`, or the object as it came out. */
export function summaryOf({ allowed, status, object }: Outcome, given: KubernetesObject): unknown {
  if (!allowed) return `${status?.code} ${status?.reason ?? ''}: ${status?.message}`;
  return object === null || equal(object, given as JsonObject) ? 'unchanged' : object;
}

export function clusterOf(objects: readonly KubernetesObject[]): InMemoryClusterState {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: testNamespace } };
  return new InMemoryClusterState([namespace, ...objects]);
}
