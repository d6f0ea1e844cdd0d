/** The functions that Kubernetes 1.37 adds to CEL, for every place that takes an expression. */
import { authzLibrary, authzSelectorsLibrary } from './authz.ts';
import { cidrLibrary } from './cidr.ts';
import { formatLibrary } from './format.ts';
import { ipLibrary } from './ip.ts';
import { listsLibrary } from './lists.ts';
import { quantityLibrary } from './quantity.ts';
import { regexLibrary } from './regex.ts';
import { semverLibrary } from './semver.ts';
import { urlLibrary } from './url.ts';
import type { Library } from '../environment.ts';

export { AuthorizerType, AuthorizerValue, ResourceCheckType, ResourceCheckValue } from './authz.ts';
export type { Authorizer, AuthorizerAttributes, AuthorizerDecision } from './authorizer.ts';

/**
 * All Kubernetes libraries of the base environment, in its order. `jsonpatch` is not among them: the server offers it
 * to mutating policies only.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/environment/base.go, baseOpts at version 1.37.
 */
export const kubernetesLibraries: readonly Library[] = [
  urlLibrary,
  regexLibrary,
  authzLibrary,
  quantityLibrary,
  ipLibrary,
  cidrLibrary,
  formatLibrary,
  authzSelectorsLibrary,
  semverLibrary,
  listsLibrary,
];
