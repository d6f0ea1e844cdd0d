/**
 * Which types fit where, and what type parameters stand for.
 *
 * Source: cel-go v0.29.2 checker/types.go and checker/mapping.go. There each attempt works on a copy of the
 * substitutions; here a failed attempt is taken back, so that checking long expressions stays linear.
 */
import { DynType, isExactType, isEquivalentType } from '../types.ts';
import { Type } from '../types.ts';

/** Substitutions of type parameters found so far. */
export class Substitutions {
  readonly #types = new Map<string, Type>();
  /** What to undo, newest last: a parameter and what it stood for before. */
  #trail: (readonly [string, Type | undefined])[] = [];

  /** Is a value of type `from` accepted where `to` is wanted? Remembers the substitutions that make it so. */
  isAssignable(to: Type, from: Type): boolean {
    return this.#attempt(() => this.#isAssignable(to, from));
  }

  /** {@link isAssignable} for argument lists, all or nothing. */
  areAssignable(to: readonly Type[], from: readonly Type[]): boolean {
    return this.#attempt(() => this.#areAssignable(to, from));
  }

  /** `type` with its parameters replaced; those that stand for nothing become dyn if `unboundToDyn`. */
  apply(type: Type, unboundToDyn: boolean): Type {
    if (type.kind === 'parameter') {
      const bound = this.#types.get(type.name);
      if (bound !== undefined) return this.apply(bound, unboundToDyn);
      return unboundToDyn ? DynType : type;
    }
    if (type.parameters.length === 0) return type;
    const parameters = type.parameters.map((parameter) => this.apply(parameter, unboundToDyn));
    return new Type(type.kind, type.name, parameters, type.fields);
  }

  #attempt(test: () => boolean): boolean {
    this.#trail = [];
    if (test()) return true;
    for (const [name, previous] of this.#trail.reverse()) {
      if (previous === undefined) this.#types.delete(name);
      else this.#types.set(name, previous);
    }
    return false;
  }

  #bind(parameter: Type, type: Type): void {
    this.#trail.push([parameter.name, this.#types.get(parameter.name)]);
    this.#types.set(parameter.name, type);
  }

  #areAssignable(to: readonly Type[], from: readonly Type[]): boolean {
    return (
      to.length === from.length &&
      to.every((type, index) => {
        const other = from[index];
        return other !== undefined && this.#isAssignable(type, other);
      })
    );
  }

  #isAssignable(a: Type, b: Type): boolean {
    if (b.kind === 'parameter') {
      const { valid, bound } = this.#substitute(b, a);
      if (valid) return true;
      if (bound) return false;
    }
    if (a.kind === 'parameter') return this.#substitute(a, b).valid;
    if (isDynOrError(a) || isDynOrError(b)) return true;
    if (a.kind === 'null') return isNullable(b);
    if (b.kind === 'null') return isNullable(a);
    switch (a.kind) {
      case 'type':
        return b.kind === 'type';
      case 'opaque':
      case 'list':
      case 'map':
        return a.kind === b.kind && a.name === b.name && this.#areAssignable(a.parameters, b.parameters);
      default:
        return a.kind === b.kind && a.name === b.name;
    }
  }

  /** May `parameter` stand for `type`? `bound`: it stands for something already. cel-go: isValidTypeSubstitution. */
  #substitute(parameter: Type, type: Type): { readonly valid: boolean; readonly bound: boolean } {
    if (type.kind === 'parameter' && isExactType(type, parameter)) return { valid: true, bound: true };
    const bound = this.#types.get(parameter.name);
    if (bound !== undefined) {
      if (isExactType(type, bound)) return { valid: true, bound: true };
      if (!this.#isAssignable(type, bound)) return { valid: false, bound: true };
      const general = mostGeneral(type, bound);
      if (this.#isFree(parameter, general)) this.#bind(parameter, general);
      return { valid: true, bound: true };
    }
    if (!this.#isFree(parameter, type)) return { valid: false, bound: false };
    this.#bind(parameter, type);
    return { valid: true, bound: false };
  }

  /** Does `parameter` not occur within `type`? cel-go: notReferencedIn. */
  #isFree(parameter: Type, type: Type): boolean {
    if (isExactType(parameter, type)) return false;
    if (type.kind === 'parameter') {
      const bound = this.#types.get(type.name);
      return bound === undefined || this.#isFree(parameter, bound);
    }
    return type.parameters.every((inner) => this.#isFree(parameter, inner));
  }
}

/** The wider of two types that fit each other. */
export function mostGeneral(a: Type, b: Type): Type {
  return isEqualOrLessSpecific(a, b) ? a : b;
}

/** dyn itself; a type parameter may still become something else. */
export function isDyn(type: Type): boolean {
  return type.kind === 'dyn';
}

function isDynOrError(type: Type): boolean {
  return type.kind === 'dyn' || type.kind === 'error';
}

function isNullable(type: Type): boolean {
  return ['opaque', 'object', 'duration', 'timestamp', 'null', 'dyn', 'parameter'].includes(type.kind);
}

function isEqualOrLessSpecific(a: Type, b: Type): boolean {
  if (isDyn(a) || a.kind === 'parameter') return true;
  if (isDyn(b) || b.kind === 'parameter' || a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'opaque':
      if (a.name !== b.name || a.parameters.length !== b.parameters.length) return false;
      break;
    case 'list':
    case 'map':
      break;
    case 'type':
      return true;
    default:
      return isEquivalentType(a, b);
  }
  return a.parameters.every((parameter, index) => {
    const other = b.parameters[index];
    return other !== undefined && isEqualOrLessSpecific(parameter, other);
  });
}
