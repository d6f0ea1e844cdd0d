/**
 * The type checker: finds what names and calls mean, and whether types fit.
 *
 * Source: cel-go v0.29.2 checker/checker.go and checker/env.go, with an empty container.
 */
import type { DeclaredFunction, Environment } from '../environment.ts';
import type { Overload } from '../function.ts';
import type {
  CallExpression,
  ComprehensionExpression,
  Expression,
  ListExpression,
  MapExpression,
  ObjectExpression,
  SelectExpression,
} from '../syntax/ast.ts';
import * as operators from '../syntax/operators.ts';
import type { ParsedExpression } from '../syntax/parser.ts';
import type { CompileIssue } from '../syntax/source.ts';
import { typeOf } from '../type-of.ts';
import {
  BoolType,
  DynType,
  ErrorType,
  IntType,
  isExactType,
  listType,
  mapType,
  optionalType,
  typeOfType,
  typeParameter,
} from '../types.ts';
import type { Type } from '../types.ts';
import { Substitutions, isDyn, mostGeneral } from './assignability.ts';
import { formatArguments, formatType } from './format-type.ts';

/** A syntax tree that is well typed, and what was found out about its nodes, by node id. */
export interface CheckedExpression extends ParsedExpression {
  /** Static type of every expression; no type parameters are left. */
  readonly types: ReadonlyMap<number, Type>;
  /**
   * Identifiers and selections that name a variable or type: its full name, with a leading dot where a comprehension
   * variable hides it.
   */
  readonly names: ReadonlyMap<number, string>;
  readonly calls: ReadonlyMap<number, ResolvedCall>;
}

/** What a call calls. */
export interface ResolvedCall {
  readonly function: DeclaredFunction;
  /** Undefined also when the target was the first part of the function's name: `sets.contains(…)`. */
  readonly target: Expression | undefined;
  /** Overloads that fit the static types; more than one when only the run-time types decide. */
  readonly overloads: readonly Overload[];
}

export type CheckResult =
  | { readonly ok: true; readonly checked: CheckedExpression }
  | { readonly ok: false; readonly issues: readonly CompileIssue[] };

/** Checks `parsed` in `environment`. */
export function check(parsed: ParsedExpression, environment: Environment): CheckResult {
  const checker = new Checker(parsed, environment);
  checker.check(parsed.root);
  if (checker.issues.length > 0) return { ok: false, issues: checker.issues };
  return { ok: true, checked: { ...parsed, types: checker.finalTypes(), names: checker.names, calls: checker.calls } };
}

/** Variables of comprehensions, innermost scope last. */
type Scope = ReadonlyMap<string, Type>;

class Checker {
  readonly issues: CompileIssue[] = [];
  readonly names = new Map<number, string>();
  readonly calls = new Map<number, ResolvedCall>();
  readonly #types = new Map<number, Type>();
  readonly #substitutions = new Substitutions();
  readonly #parsed: ParsedExpression;
  readonly #environment: Environment;
  readonly #scopes: Scope[] = [];
  #freshTypes = 0;

  constructor(parsed: ParsedExpression, environment: Environment) {
    this.#parsed = parsed;
    this.#environment = environment;
  }

  finalTypes(): ReadonlyMap<number, Type> {
    return new Map([...this.#types].map(([id, type]) => [id, this.#substitutions.apply(type, true)]));
  }

  /** Types `expression` and everything in it; gives ErrorType after an issue, so that checking can go on. */
  check(expression: Expression): Type {
    const type = this.#typeOf(expression);
    this.#types.set(expression.id, type);
    return type;
  }

  #typeOf(expression: Expression): Type {
    switch (expression.kind) {
      case 'literal':
        return typeOf(expression.value);
      case 'identifier':
        return this.#identifier(expression.id, expression.name);
      case 'select':
        return this.#select(expression);
      case 'call':
        return expression.function === operators.OPTIONAL_SELECT
          ? this.#optionalSelect(expression)
          : this.#call(expression);
      case 'list':
        return this.#list(expression);
      case 'map':
        return this.#map(expression);
      case 'object':
        return this.#object(expression);
      case 'comprehension':
        return this.#comprehension(expression);
    }
  }

  #identifier(id: number, name: string): Type {
    const found = this.#resolve(name);
    if (found !== undefined) {
      this.names.set(id, found.name);
      return found.type;
    }
    return this.#undeclared(id, name);
  }

  #select(expression: SelectExpression): Type {
    const qualifiedName = expression.testOnly ? undefined : this.#qualifiedName(expression);
    if (qualifiedName !== undefined) {
      const found = this.#resolveQualified(qualifiedName);
      if (found !== undefined) {
        this.names.set(expression.id, found.name);
        return found.type;
      }
    }
    const type = this.#selectField(expression.id, expression.operand, expression.field, false);
    return expression.testOnly ? BoolType : this.#substitutions.apply(type, false);
  }

  #optionalSelect({ id, args: [operand, field] }: CallExpression): Type {
    if (operand === undefined || field?.kind !== 'literal' || typeof field.value !== 'string') return ErrorType;
    this.#types.set(field.id, typeOf(field.value));
    return this.#substitutions.apply(this.#selectField(id, operand, field.value, true), false);
  }

  #selectField(id: number, operand: Expression, field: string, optional: boolean): Type {
    const operandType = this.#substitutions.apply(this.check(operand), false);
    const unwrapped = unwrapOptional(operandType);
    const type = this.#fieldOf(id, unwrapped ?? operandType, field);
    return optional || unwrapped !== undefined ? optionalType(type) : type;
  }

  #fieldOf(id: number, type: Type, field: string): Type {
    switch (type.kind) {
      case 'map':
        return type.parameters[1] ?? DynType;
      case 'object':
        return this.#declaredField(id, type.name, field) ?? ErrorType;
      case 'parameter':
        // The operand must stay dyn: it may turn out to be anything that has the field.
        this.#substitutions.isAssignable(DynType, type);
        return DynType;
      case 'dyn':
      case 'error':
        return DynType;
      default:
        this.#report(id, `type '${formatType(type)}' does not support field selection`);
        return DynType;
    }
  }

  #declaredField(id: number, typeName: string, field: string): Type | undefined {
    const type = this.#environment.objectTypes.get(typeName);
    if (type === undefined) {
      this.#report(id, `unexpected failed resolution of '${typeName}'`);
      return undefined;
    }
    const fieldType = type.fields?.get(field);
    if (fieldType === undefined) this.#report(id, `undefined field '${field}'`);
    return fieldType;
  }

  #call(expression: CallExpression): Type {
    const { id, target, args } = expression;
    for (const arg of args) this.check(arg);
    if (target !== undefined) {
      const prefix = this.#qualifiedName(target);
      const qualified = prefix === undefined ? undefined : this.#function(`${prefix}.${expression.function}`);
      if (qualified !== undefined) return this.#resolveOverload(id, qualified, undefined, args);
      this.check(target);
    }
    const declared = this.#function(expression.function);
    if (declared === undefined) return this.#undeclared(id, expression.function);
    return this.#resolveOverload(id, declared, target, args);
  }

  #resolveOverload(
    id: number,
    declared: DeclaredFunction,
    target: Expression | undefined,
    args: readonly Expression[],
  ): Type {
    const operands = target === undefined ? args : [target, ...args];
    const argumentTypes = operands.map((operand) => this.#known(operand));
    const candidates = declared.overloads.filter((overload) => overload.member === (target !== undefined));
    if (declared.name === operators.LOGICAL_AND || declared.name === operators.LOGICAL_OR) {
      return this.#logical(id, declared, candidates, operands);
    }
    const overloads: Overload[] = [];
    let result: Type | undefined;
    for (const overload of candidates) {
      const signature = this.#instantiate(overload);
      if (!this.#substitutions.areAssignable(argumentTypes, signature.parameters)) continue;
      overloads.push(overload);
      const overloadResult = this.#substitutions.apply(signature.result, false);
      if (result === undefined) result = overloadResult;
      else if (!isDyn(result) && !isExactType(overloadResult, result)) result = DynType;
    }
    if (result === undefined) {
      const types = argumentTypes.map((type) => this.#substitutions.apply(type, true));
      const signature = formatArguments(types, target !== undefined);
      this.#report(id, `found no matching overload for '${declared.name}' applied to '${signature}'`);
      return ErrorType;
    }
    this.calls.set(id, { function: declared, target, overloads });
    return result;
  }

  #logical(id: number, declared: DeclaredFunction, overloads: readonly Overload[], terms: readonly Expression[]): Type {
    let type: Type = BoolType;
    for (const term of terms) {
      const termType = this.#known(term);
      if (this.#substitutions.isAssignable(termType, BoolType)) continue;
      this.#typeMismatch(term.id, BoolType, termType);
      type = ErrorType;
    }
    if (type === BoolType) this.calls.set(id, { function: declared, target: undefined, overloads });
    return type;
  }

  /** The signature of `overload` with a fresh type parameter for each of its own. */
  #instantiate({ parameters, result }: Overload): { readonly parameters: readonly Type[]; readonly result: Type } {
    const fresh = new Substitutions();
    const names = new Set<string>();
    for (const type of [result, ...parameters]) collectTypeParameters(type, names);
    if (names.size === 0) return { parameters, result };
    for (const name of names) fresh.isAssignable(this.#freshType(), typeParameter(name));
    return { parameters: parameters.map((type) => fresh.apply(type, false)), result: fresh.apply(result, false) };
  }

  #list({ elements, optionalIndexes }: ListExpression): Type {
    const optional = new Set(optionalIndexes);
    let joined: Type | undefined;
    for (const [index, element] of elements.entries()) {
      const elementType = this.check(element);
      const type = optional.has(index) ? this.#unwrapEntry(element, elementType) : elementType;
      joined = this.#join(joined, type);
    }
    return listType(joined ?? this.#freshType());
  }

  #map({ entries }: MapExpression): Type {
    let keys: Type | undefined;
    let values: Type | undefined;
    for (const { key, value, optional } of entries) {
      keys = this.#join(keys, this.check(key));
      const valueType = this.check(value);
      values = this.#join(values, optional ? this.#unwrapEntry(value, valueType) : valueType);
    }
    return mapType(keys ?? this.#freshType(), values ?? this.#freshType());
  }

  #object({ id, typeName, fields }: ObjectExpression): Type {
    const name = typeName.replace(/^\./, '');
    const identifier = this.#environment.types.get(name) ?? this.#environment.objectTypes.get(name);
    if (identifier === undefined) return this.#undeclared(id, typeName);
    this.names.set(id, name);
    if (identifier.kind !== 'object') this.#report(id, `'${identifier.name}' is not a message type`);
    for (const field of fields) {
      const valueType = this.check(field.value);
      const fieldType = this.#declaredField(field.id, name, field.name) ?? ErrorType;
      const given = field.optional ? this.#unwrapEntry(field.value, valueType) : valueType;
      if (this.#substitutions.isAssignable(fieldType, given)) continue;
      const [wanted, found] = [formatType(fieldType), formatType(given)];
      this.#report(field.id, `expected type of field '${field.name}' is '${wanted}' but provided type is '${found}'`);
    }
    return identifier.kind === 'object' ? identifier : ErrorType;
  }

  #comprehension(fold: ComprehensionExpression): Type {
    this.check(fold.range);
    const accumulatorType = this.check(fold.accumulatorInit);
    const rangeType = this.#substitutions.apply(this.#known(fold.range), false);
    this.#scopes.push(new Map([[fold.accumulatorVariable, accumulatorType]]));
    this.#scopes.push(this.#iterationScope(fold, rangeType));
    this.check(fold.loopCondition);
    this.#assertType(fold.loopCondition, BoolType);
    this.check(fold.loopStep);
    this.#assertType(fold.loopStep, accumulatorType);
    this.#scopes.pop();
    const type = this.check(fold.result);
    this.#scopes.pop();
    return this.#substitutions.apply(type, false);
  }

  #iterationScope(fold: ComprehensionExpression, rangeType: Type): Scope {
    const [first, second] = this.#iterationTypes(fold, rangeType);
    const scope = new Map([[fold.iterationVariable, first]]);
    if (fold.iterationVariable2 !== undefined) scope.set(fold.iterationVariable2, second);
    return scope;
  }

  /** Types of the two variables; the second counts only if there is one. */
  #iterationTypes({ range, iterationVariable2 }: ComprehensionExpression, rangeType: Type): readonly [Type, Type] {
    const [first = DynType, second = DynType] = rangeType.parameters;
    switch (rangeType.kind) {
      case 'list':
        return iterationVariable2 === undefined ? [first, first] : [IntType, first];
      case 'map':
        return [first, second];
      case 'dyn':
      case 'error':
      case 'parameter':
        this.#substitutions.isAssignable(DynType, rangeType);
        return [DynType, DynType];
      default:
        this.#report(
          range.id,
          `expression of type '${formatType(rangeType)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        );
        return [ErrorType, ErrorType];
    }
  }

  /** The type of what `?element` puts into a list, map or object. */
  #unwrapEntry(expression: Expression, type: Type): Type {
    const unwrapped = unwrapOptional(type);
    if (unwrapped !== undefined) return unwrapped;
    if (!isDyn(type)) this.#typeMismatch(expression.id, optionalType(type), type);
    return type;
  }

  #join(previous: Type | undefined, current: Type): Type {
    if (previous === undefined) return current;
    return this.#substitutions.isAssignable(previous, current) ? mostGeneral(previous, current) : DynType;
  }

  #assertType(expression: Expression, wanted: Type): void {
    const type = this.#known(expression);
    if (!this.#substitutions.isAssignable(wanted, type)) this.#typeMismatch(expression.id, wanted, type);
  }

  #known(expression: Expression): Type {
    return this.#types.get(expression.id) ?? ErrorType;
  }

  #freshType(): Type {
    return typeParameter(`_var${this.#freshTypes++}`);
  }

  #function(name: string): DeclaredFunction | undefined {
    return this.#environment.functions.get(name.replace(/^\./, ''));
  }

  /** `a.b.c` if the expression is nothing but names. */
  #qualifiedName(expression: Expression): string | undefined {
    if (expression.kind === 'identifier') return expression.name;
    if (expression.kind !== 'select' || expression.testOnly) return undefined;
    const prefix = this.#qualifiedName(expression.operand);
    return prefix === undefined ? undefined : `${prefix}.${expression.field}`;
  }

  #resolve(name: string): { readonly name: string; readonly type: Type } | undefined {
    const global = name.startsWith('.');
    const bare = global ? name.slice(1) : name;
    const local = this.#local(bare);
    if (local !== undefined && !global) return { name, type: local };
    const type = this.#global(bare);
    return type === undefined ? undefined : { name: local === undefined ? bare : `.${bare}`, type };
  }

  #resolveQualified(name: string): { readonly name: string; readonly type: Type } | undefined {
    const global = name.startsWith('.');
    const bare = global ? name.slice(1) : name;
    const local = this.#local(bare.slice(0, bare.indexOf('.')));
    if (local !== undefined && !global) return undefined;
    const type = this.#global(bare);
    return type === undefined ? undefined : { name: local === undefined ? bare : `.${bare}`, type };
  }

  #local(name: string): Type | undefined {
    return this.#scopes.findLast((scope) => scope.has(name))?.get(name);
  }

  #global(name: string): Type | undefined {
    const variable = this.#environment.variables.get(name);
    if (variable !== undefined) return variable;
    const type = this.#environment.types.get(name) ?? this.#environment.objectTypes.get(name);
    return type === undefined ? undefined : typeOfType(type);
  }

  #undeclared(id: number, name: string): Type {
    this.#report(id, `undeclared reference to '${name}' (in container '')`);
    return ErrorType;
  }

  #typeMismatch(id: number, expected: Type, actual: Type): void {
    this.#report(id, `expected type '${formatType(expected)}' but found '${formatType(actual)}'`);
  }

  #report(id: number, message: string): void {
    this.issues.push(this.#parsed.source.issue(message, this.#parsed.ids.offsetOf(id)));
  }
}

/** What an optional holds; undefined if `type` is no optional. */
function unwrapOptional(type: Type): Type | undefined {
  return type.kind === 'opaque' && type.name === 'optional_type' ? type.parameters[0] : undefined;
}

function collectTypeParameters(type: Type, names: Set<string>): void {
  if (type.kind === 'parameter') names.add(type.name);
  for (const parameter of type.parameters) collectTypeParameters(parameter, names);
}
