/**
 * An environment: which variables, functions, macros and type names an expression may use.
 *
 * Source: cel-go v0.29.2 cel/env.go; k8s.io/apiserver v0.37.2 pkg/cel/environment/base.go.
 */
import { DuplicateOverloadError } from './duplicate-overload-error.ts';
import type { ConstantArgument, FunctionCost, FunctionDeclaration, Overload } from './function.ts';
import { standardLibrary } from './standard/library.ts';
import { macroKey } from './syntax/parser.ts';
import type { Macro } from './syntax/macro.ts';
import type { MacroTable } from './syntax/parser.ts';
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

/** Everything declared; made by {@link createEnvironment}, read by the compiler. */
export interface Environment {
  readonly variables: ReadonlyMap<string, Type>;
  readonly functions: ReadonlyMap<string, DeclaredFunction>;
  readonly macros: MacroTable;
  /** Types whose name is an identifier. */
  readonly types: ReadonlyMap<string, Type>;
  /** Object types with fields that variables have, at any depth. */
  readonly objectTypes: ReadonlyMap<string, Type>;
}

/** A function with the overloads of all libraries that declare it. */
export interface DeclaredFunction {
  readonly name: string;
  readonly overloads: readonly Overload[];
  readonly cost: FunctionCost | undefined;
  readonly constantArgument: ConstantArgument | undefined;
  readonly unguarded: boolean;
}

/**
 * An environment with the standard library, `libraries` and `variables`.
 *
 * Throws {@link DuplicateOverloadError} when two libraries declare one overload id.
 */
export function createEnvironment({ variables, libraries }: EnvironmentOptions): Environment {
  const functions = new Map<string, DeclaredFunction>();
  const overloadIds = new Set<string>();
  const macros = new Map<string, Macro>();
  const types = new Map<string, Type>();
  for (const library of [standardLibrary, ...libraries]) {
    for (const declaration of library.functions) {
      for (const { id } of declaration.overloads) {
        if (overloadIds.has(id)) throw new DuplicateOverloadError(id, library.name);
        overloadIds.add(id);
      }
      functions.set(declaration.name, merge(functions.get(declaration.name), declaration));
    }
    for (const macro of library.macros ?? [])
      macros.set(macroKey(macro.name, macro.argumentCount, macro.member), macro);
    for (const type of library.types ?? []) types.set(type.name, type);
  }
  const objectTypes = new Map<string, Type>();
  for (const type of Object.values(variables)) collectObjectTypes(type, objectTypes);
  return { variables: new Map(Object.entries(variables)), functions, macros, types, objectTypes };
}

/** Costs and constant arguments belong to the name, so libraries that share one say the same: the first is taken. */
function merge(known: DeclaredFunction | undefined, declaration: FunctionDeclaration): DeclaredFunction {
  const { name, overloads, cost, constantArgument, unguarded = false } = declaration;
  if (known === undefined) return { name, overloads, cost, constantArgument, unguarded };
  return {
    name,
    overloads: [...known.overloads, ...overloads],
    cost: known.cost ?? cost,
    constantArgument: known.constantArgument ?? constantArgument,
    unguarded: known.unguarded && unguarded,
  };
}

function collectObjectTypes(type: Type, found: Map<string, Type>): void {
  for (const parameter of type.parameters) collectObjectTypes(parameter, found);
  if (type.fields === undefined || type.fields.size === 0 || found.has(type.name)) return;
  found.set(type.name, type);
  for (const field of type.fields.values()) collectObjectTypes(field, found);
}
