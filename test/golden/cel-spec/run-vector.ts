/** Evaluates one vector of the specification. */
import {
  baseLibraries,
  compile,
  createEnvironment,
  globalOverload,
  memberOverload,
} from '../../../src/cel/index.ts';
import type { Environment, Library, Type, Value } from '../../../src/cel/index.ts';
import { encodeValue } from '../cel/encode-value.ts';
import type { EncodedValue } from '../cel/recorded.ts';
import { ForeignToKubernetes } from './foreign-to-kubernetes.ts';
import { toType } from './spec-types.ts';
import { toValue } from './spec-values.ts';
import type { SpecTest } from './vectors.ts';

/** What a vector gave, or should give. */
export type Outcome =
  | { readonly value: EncodedValue }
  | { readonly evaluationError: string }
  | { readonly compileError: string }
  | { readonly wellTyped: true }
  | { readonly foreign: string };

/** What the vector says must happen. Error texts are not part of the specification. */
export function expectedOutcome({ resultMatcher, checkOnly }: SpecTest): Outcome {
  return speaking(() => {
    switch (resultMatcher.case) {
      case undefined:
        return { value: encodeValue(true) };
      case 'value':
        return { value: encodeValue(toValue(resultMatcher.value)) };
      case 'evalError':
        return { evaluationError: '' };
      case 'typedResult':
        if (checkOnly) return { wellTyped: true };
        return { value: encodeValue(toValue(resultMatcher.value.result ?? unspoken('a result'))) };
      default:
        return unspoken(resultMatcher.case);
    }
  });
}

/** What happens, with all libraries of Kubernetes; always type-checked, since Kubernetes always does. */
export function actualOutcome(test: SpecTest): Outcome {
  return speaking(() => {
    const { resultMatcher } = test;
    const deduced = resultMatcher.case === 'typedResult' ? toType(resultMatcher.value.deducedType) : undefined;
    const options = deduced === undefined ? {} : { resultType: deduced };
    const compiled = compile(test.expr, environmentOf(test), options);
    if (!compiled.ok) return { compileError: compiled.message };
    if (test.checkOnly) return { wellTyped: true };
    const result = compiled.program.evaluate(bindingsOf(test));
    return result.ok ? { value: encodeValue(result.value) } : { evaluationError: result.error.message };
  });
}

/**
 * Is `actual` what `expected` says? Where the specification wants an error of the evaluation, Kubernetes may find it
 * earlier: it evaluates constants, and checks types also where the vector says not to.
 */
export function isAsExpected(expected: Outcome, actual: Outcome, { disableCheck }: SpecTest): boolean {
  if (!('evaluationError' in expected)) {
    return !('foreign' in expected) && JSON.stringify(actual) === JSON.stringify(expected);
  }
  if (!('compileError' in actual)) return 'evaluationError' in actual;
  return disableCheck || /^program instantiation failed|invalid (timestamp|duration) argument/.test(actual.compileError);
}

function speaking(outcome: () => Outcome): Outcome {
  try {
    return outcome();
  } catch (error) {
    if (error instanceof ForeignToKubernetes) return { foreign: error.message };
    throw error;
  }
}

function unspoken(what: string): never {
  throw new ForeignToKubernetes(what);
}

function environmentOf({ typeEnv }: SpecTest): Environment {
  const variables: Record<string, Type> = {};
  const functions: Library['functions'][number][] = [];
  for (const { name, declKind } of typeEnv) {
    if (declKind.case === 'ident') variables[name] = toType(declKind.value.type);
    if (declKind.case !== 'function') continue;
    const overloads = declKind.value.overloads.map(({ overloadId, params, resultType, isInstanceFunction }) => {
      const [receiver, ...others] = params.map(toType);
      const result = toType(resultType);
      if (receiver === undefined) return globalOverload(overloadId, [], result, neverCalled);
      const declare = isInstanceFunction ? memberOverload : globalOverload;
      return declare(overloadId, [receiver, ...others], result, neverCalled);
    });
    functions.push({ name, overloads });
  }
  const declared = { name: 'declared by the vector', functions };
  return createEnvironment({ variables, libraries: [...baseLibraries, declared] });
}

/** Vectors that declare functions are checked only. */
function neverCalled(): never {
  throw new Error('a function without implementation was called');
}

function bindingsOf({ bindings }: SpecTest): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (const [name, { kind }] of Object.entries(bindings)) {
    values.set(name, kind.case === 'value' ? toValue(kind.value) : unspoken(String(kind.case)));
  }
  return values;
}
