/**
 * CEL as admission offers it: the base environment of Kubernetes 1.37 with the variables of ValidatingAdmissionPolicy
 * and matchConditions.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/environment/base.go; pkg/admission/plugin/cel/compile.go, BuildRequestType
 * and BuildNamespaceType.
 */
import { createEnvironment } from './environment.ts';
import type { Environment, Library } from './environment.ts';
import { listsLibrary } from './ext/lists.ts';
import { optionalLibrary } from './ext/optional.ts';
import { setsLibrary } from './ext/sets.ts';
import { stringsLibrary } from './ext/strings.ts';
import { twoVariableComprehensionsLibrary } from './ext/two-variable-comprehensions.ts';
import { AuthorizerType, ResourceCheckType, kubernetesLibraries } from './library/index.ts';
import { BoolType, DynType, IntType, StringType, TimestampType, listType, mapType, objectType } from './types.ts';
import type { Type } from './types.ts';

/** All libraries of the base environment, cel-go's and Kubernetes' own. */
export const baseLibraries: readonly Library[] = [
  optionalLibrary,
  stringsLibrary,
  setsLibrary,
  twoVariableComprehensionsLibrary,
  listsLibrary,
  ...kubernetesLibraries,
];

/**
 * The environment of admission expressions: `object`, `oldObject`, `request`, `namespaceObject`, `authorizer` and
 * `authorizer.requestResource`. `variables` adds others, such as `params`.
 *
 * Making it takes about a millisecond: make it once.
 */
export function createAdmissionEnvironment(variables: Readonly<Record<string, Type>> = {}): Environment {
  return createEnvironment({
    libraries: baseLibraries,
    variables: {
      object: DynType,
      oldObject: DynType,
      namespaceObject: namespaceType(),
      request: requestType(),
      authorizer: AuthorizerType,
      'authorizer.requestResource': ResourceCheckType,
      ...variables,
    },
  });
}

/** AdmissionRequest without uid, object and oldObject. Fields that are empty are missing keys at run time. */
function requestType(): Type {
  const kind = objectType('kubernetes.GroupVersionKind', {
    group: StringType,
    version: StringType,
    kind: StringType,
  });
  const resource = objectType('kubernetes.GroupVersionResource', {
    group: StringType,
    version: StringType,
    resource: StringType,
  });
  return objectType('kubernetes.AdmissionRequest', {
    kind,
    resource,
    subResource: StringType,
    requestKind: kind,
    requestResource: resource,
    requestSubResource: StringType,
    name: StringType,
    namespace: StringType,
    operation: StringType,
    userInfo: objectType('kubernetes.UserInfo', {
      username: StringType,
      uid: StringType,
      groups: listType(StringType),
      extra: mapType(StringType, listType(StringType)),
    }),
    dryRun: BoolType,
    options: DynType,
  });
}

/** Namespace without owner references and managed fields; `UID` is spelled so there. */
function namespaceType(): Type {
  return objectType('kubernetes.Namespace', {
    metadata: objectType('kubernetes.NamespaceMetadata', {
      name: StringType,
      generateName: StringType,
      namespace: StringType,
      labels: mapType(StringType, StringType),
      annotations: mapType(StringType, StringType),
      UID: StringType,
      creationTimestamp: TimestampType,
      deletionGracePeriodSeconds: IntType,
      deletionTimestamp: TimestampType,
      generation: IntType,
      resourceVersion: StringType,
      finalizers: listType(StringType),
    }),
    spec: objectType('kubernetes.NamespaceSpec', { finalizers: listType(StringType) }),
    status: objectType('kubernetes.NamespaceStatus', {
      conditions: listType(
        objectType('kubernetes.NamespaceCondition', {
          status: StringType,
          type: StringType,
          lastTransitionTime: TimestampType,
          message: StringType,
          reason: StringType,
        }),
      ),
      phase: StringType,
    }),
  });
}
