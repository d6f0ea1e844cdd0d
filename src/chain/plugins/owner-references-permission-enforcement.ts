import { quote } from '../../api/go-quote.ts';
import { formatApiVersion, parseApiVersion } from '../../api/resource.ts';
import type { JsonObject } from '../../json/json-value.ts';
import type { Attributes } from '../attributes.ts';
import type { Authorizer, AuthorizerAttributes } from '../authorizer.ts';
import type { ClusterState } from '../cluster-state.ts';
import { refused, validated, type AdmissionPlugin } from '../plugin.ts';
import { newAdmissionForbidden } from '../status-error.ts';
import { mappingOf } from './kind-mapping.ts';
import { booleanAt, objectAt, objectsAt, textAt } from './object-fields.ts';
import { isForResource } from './requested-type.ts';

/**
 * Lets the owners of an object be changed only by who may delete it, and lets an owner's deletion be blocked only by who
 * may set the owner's finalizers.
 *
 * Whom the authorizer has no opinion on may neither. The status of Pods is left alone.
 *
 * Not copied: waiting for the API server's knowledge of its own resources, and what is answered when that cannot be read.
 *
 * Source: k8s.io/kubernetes v1.37.2 plugin/pkg/admission/gc/gc_admission.go.
 */
export const ownerReferencesPermissionEnforcementPlugin: AdmissionPlugin = {
  name: 'OwnerReferencesPermissionEnforcement',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  validate(attributes, { authorizer, state }) {
    if (attributes.subresource === 'status' && isForResource(attributes, 'pods')) return validated;
    if (!isChangingOwnerReferences(attributes)) return validated;
    const problem = deletionProblem(attributes, authorizer) ?? blockingProblem(attributes, authorizer, state);
    return problem === undefined ? validated : refused(newAdmissionForbidden(attributes, problem));
  },
};

/** Who creates an object has no need of deleting it. */
function deletionProblem(attributes: Attributes, authorizer: Authorizer): string | undefined {
  const { operation, resource, subresource, namespace, name } = attributes;
  if (operation === 'CREATE') return undefined;
  const { group: apiGroup, version: apiVersion } = resource;
  const refusal = refusalOf(attributes, authorizer, {
    ...{ verb: 'delete', apiGroup, apiVersion, resource: resource.resource },
    ...{ subresource, namespace, name },
  });
  return refusal === undefined ? undefined : `cannot set an ownerRef on a resource you can't delete: ${refusal}`;
}

function blockingProblem(attributes: Attributes, authorizer: Authorizer, state: ClusterState): string | undefined {
  const references = newBlockingReferences(attributes);
  const finalizers = { verb: 'update', subresource: 'finalizers' };
  const anything = { apiGroup: '*', apiVersion: '*', resource: '*', namespace: '', name: '*' };
  if (references.length === 0 || refusalOf(attributes, authorizer, { ...finalizers, ...anything }) === undefined) {
    return undefined;
  }
  for (const reference of references) {
    const [apiVersion, kind] = [textAt(reference, 'apiVersion'), textAt(reference, 'kind')];
    const groupVersion = parseApiVersion(apiVersion);
    const mapping = mappingOf({ ...groupVersion, kind }, state);
    if (mapping === undefined) {
      const error = `no matches for kind ${quote(kind)} in version ${quote(formatApiVersion(groupVersion))}`;
      return `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${apiVersion} Kind ${kind}: ${error}`;
    }
    const refusal = refusalOf(attributes, authorizer, {
      ...finalizers,
      ...{ apiGroup: mapping.group, apiVersion: mapping.version, resource: mapping.resource },
      // An owner in a namespace is in that of the object.
      namespace: mapping.namespaced ? attributes.namespace : '',
      name: textAt(reference, 'name'),
    });
    if (refusal !== undefined) {
      return `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${refusal}`;
    }
  }
  return undefined;
}

type Asked = Pick<
  AuthorizerAttributes,
  'verb' | 'apiGroup' | 'apiVersion' | 'resource' | 'subresource' | 'namespace' | 'name'
>;

/** Why the user of the request may not do this, undefined when allowed. Go prints an absent error as `<nil>`. */
function refusalOf({ userInfo }: Attributes, authorizer: Authorizer, asked: Asked): string | undefined {
  const { decision, reason, error } = authorizer.authorize({
    ...asked,
    ...{ user: userInfo, resourceRequest: true, path: '', fieldSelector: undefined, labelSelector: undefined },
  });
  return decision === 'allow' ? undefined : `${reason}, ${error ?? '<nil>'}`;
}

/** Go: isChangingOwnerReference. */
function isChangingOwnerReferences({ object, oldObject }: Attributes): boolean {
  const references = ownerReferencesOf(object);
  const oldReferences = ownerReferencesOf(oldObject);
  if (references.length !== oldReferences.length) return true;
  return references.some((each, index) => !areEqual(each, oldReferences[index]));
}

function areEqual(a: JsonObject, b: JsonObject | undefined): boolean {
  return (
    ['apiVersion', 'kind', 'name', 'uid'].every((field) => textAt(a, field) === textAt(b, field)) &&
    // To say no is not the same as to say nothing.
    ['controller', 'blockOwnerDeletion'].every((field) => booleanAt(a, field) === booleanAt(b, field))
  );
}

/** Those that block and did not before. Owners are told apart by uid. Go: newBlockingOwnerDeletionRefs. */
function newBlockingReferences({ object, oldObject }: Attributes): JsonObject[] {
  const blockedBefore = new Map(ownerReferencesOf(oldObject).map((each) => [textAt(each, 'uid'), isBlocking(each)]));
  return ownerReferencesOf(object).filter(
    (each) => isBlocking(each) && blockedBefore.get(textAt(each, 'uid')) !== true,
  );
}

function isBlocking(reference: JsonObject): boolean {
  return booleanAt(reference, 'blockOwnerDeletion') === true;
}

function ownerReferencesOf(object: JsonObject | null): readonly JsonObject[] {
  return objectsAt(objectAt(object, 'metadata'), 'ownerReferences');
}
