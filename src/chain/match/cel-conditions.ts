import type { UserInfo } from '../../api/admission-review.ts';
import type { GroupVersionResource } from '../../api/resource.ts';
import type { FailurePolicy, MatchCondition } from '../../api/webhook-configuration.ts';
import {
  AuthorizerValue,
  BoolType,
  compile,
  createAdmissionEnvironment,
  fromJson,
  ResourceCheckValue,
  type Activation,
  type Environment,
  type Value,
} from '../../cel/index.ts';
import {
  compileMatchConditions,
  evaluateConditions,
  type CompiledCondition,
  type ConditionCompiler,
  type ConditionsMatch,
  type ConditionVariables,
} from './match-conditions.ts';

/**
 * Compiles match conditions with the API server's CEL. Make one and keep it: its environment is made when it is first
 * used.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/admission/plugin/cel/compile.go and activation.go.
 */
export function createConditionCompiler(): ConditionCompiler {
  let environment: Environment | undefined;
  return {
    compile(expression): CompiledCondition {
      environment ??= createAdmissionEnvironment();
      const compiled = compile(expression, environment, { resultType: BoolType });
      if (!compiled.ok) return { kind: 'uncompilable', error: compiled.message };
      return {
        kind: 'program',
        evaluate(variables) {
          const result = compiled.program.evaluate(new ConditionActivation(variables));
          if (!result.ok) return { kind: 'error', error: result.error.message, cost: result.cost };
          // The static type of the expression is bool.
          return { kind: 'value', value: result.value === true, cost: result.cost };
        },
      };
    },
  };
}

/**
 * Whether a webhook's `matchConditions` let a request pass; see {@link ConditionsMatch} for the ways they may not.
 *
 * `variables.request` is the AdmissionRequest without uid, object and oldObject, empty members left out. Compiles the
 * conditions anew on each call: for many requests use {@link createConditionCompiler} and {@link evaluateConditions}.
 */
export function evaluateMatchConditions(
  conditions: readonly MatchCondition[],
  variables: ConditionVariables,
  failurePolicy?: FailurePolicy,
): ConditionsMatch {
  return evaluateConditions(compileMatchConditions(conditions, createConditionCompiler()), variables, failurePolicy);
}

/** Variables are made when an expression asks for them. */
class ConditionActivation implements Activation {
  readonly #variables: ConditionVariables;

  constructor(variables: ConditionVariables) {
    this.#variables = variables;
  }

  get(name: string): Value | undefined {
    const { request, object, oldObject } = this.#variables;
    switch (name) {
      case 'request':
        return fromJson(request);
      case 'object':
        return fromJson(object);
      case 'oldObject':
        return fromJson(oldObject);
      // Declared, but webhooks are never told the namespace.
      case 'namespaceObject':
        return null;
      case 'authorizer':
        return this.#authorizer();
      case 'authorizer.requestResource':
        return this.#requestResource();
      default:
        return undefined;
    }
  }

  #authorizer(): AuthorizerValue {
    const { request, authorizer } = this.#variables;
    // The request is made by conditionRequest.
    return new AuthorizerValue((request['userInfo'] ?? {}) as UserInfo, authorizer);
  }

  /** Source: k8s.io/apiserver v0.37.2 pkg/cel/library/authz.go, NewResourceAuthorizerVal. */
  #requestResource(): ResourceCheckValue {
    const {
      requestResource,
      requestSubResource = '',
      namespace = '',
      name = '',
    } = this.#variables.request as unknown as {
      readonly requestResource: GroupVersionResource;
      readonly requestSubResource?: string;
      readonly namespace?: string;
      readonly name?: string;
    };
    const { group, resource } = requestResource;
    return new ResourceCheckValue(this.#authorizer(), {
      group,
      resource,
      subresource: requestSubResource,
      namespace,
      name,
    });
  }
}
