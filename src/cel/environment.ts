/**
 * An environment: which variables, functions, macros and type names an expression may use.
 *
 * Source: cel-go v0.29.2 cel/env.go; k8s.io/apiserver v0.37.2 pkg/cel/environment/base.go.
 */
import type { FunctionDeclaration } from './function.ts';
import type { Macro } from './macro.ts';
import type { Type } from './types.ts';

/** A named set of functions, macros and types that can be added to an environment. */
export interface Library {
  /** As cel-go names it, for example `kubernetes.url`. */
  readonly name: string;
  readonly functions: readonly FunctionDeclaration[];
  readonly macros?: readonly Macro[];
  /** Types whose names are identifiers in expressions: `type(x) == net.IP`. */
  readonly types?: readonly Type[];
}

/** What {@link createEnvironment} takes, besides the standard library, which is always there. */
export interface EnvironmentOptions {
  /** Variables and their types by name; a name may hold dots (`authorizer.requestResource`). */
  readonly variables: Readonly<Record<string, Type>>;
  readonly libraries: readonly Library[];
}
