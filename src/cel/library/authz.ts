import { LabelSelectorError, parseLabelSelectorText } from '../../api/label-selector.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from '../../api/names.ts';
import { STRING_TRAVERSAL_COST_FACTOR, LIST_CREATE_BASE_COST, STRUCT_CREATE_BASE_COST, actualSize } from '../cost.ts';
import { memberOverload } from '../function.ts';
import { BoolType, StringType, objectType } from '../types.ts';
import { EvaluationError, OpaqueValue, noSuchOverload } from '../values.ts';
import { parseFieldSelector } from './field-selector.ts';
import type { UserInfo } from '../../api/admission-review.ts';
import type { LabelMatcher } from '../../api/label-selector.ts';
import type { Library } from '../environment.ts';
import type { Type } from '../types.ts';
import type { Value } from '../values.ts';
import type { Authorizer, AuthorizerAttributes, AuthorizerDecision } from './authorizer.ts';

/** What an expression may ask about a resource. */
interface ResourceQuestion {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** The values of this library have no equality: in the server `authorizer == authorizer` is an error. */
abstract class AuthorizationValue extends OpaqueValue {
  override equals(): EvaluationError {
    return noSuchOverload();
  }
}

/** The variable `authorizer`: asks for `user`. */
export class AuthorizerValue extends AuthorizationValue {
  override readonly type = AuthorizerType;
  readonly user: UserInfo;
  readonly authorizer: Authorizer;

  constructor(user: UserInfo, authorizer: Authorizer) {
    super();
    this.user = user;
    this.authorizer = authorizer;
  }
}

class PathCheckValue extends AuthorizationValue {
  override readonly type = PathCheckType;
  readonly authorizer: AuthorizerValue;
  readonly path: string;

  constructor(authorizer: AuthorizerValue, path: string) {
    super();
    this.authorizer = authorizer;
    this.path = path;
  }
}

class GroupCheckValue extends AuthorizationValue {
  override readonly type = GroupCheckType;
  readonly authorizer: AuthorizerValue;
  readonly group: string;

  constructor(authorizer: AuthorizerValue, group: string) {
    super();
    this.authorizer = authorizer;
    this.group = group;
  }
}

/** The variable `authorizer.requestResource`, and what `authorizer.group(…).resource(…)` gives. */
export class ResourceCheckValue extends AuthorizationValue {
  override readonly type = ResourceCheckType;
  readonly authorizer: AuthorizerValue;
  readonly question: ResourceQuestion & { readonly fieldSelector?: string; readonly labelSelector?: string };

  constructor(authorizer: AuthorizerValue, question: ResourceCheckValue['question']) {
    super();
    this.authorizer = authorizer;
    this.question = question;
  }
}

class DecisionValue extends AuthorizationValue {
  override readonly type = DecisionType;
  readonly decision: AuthorizerDecision;

  constructor(decision: AuthorizerDecision) {
    super();
    this.decision = decision;
  }
}

/** The type of the variable `authorizer`. */
export const AuthorizerType: Type<AuthorizerValue> = objectType('kubernetes.authorization.Authorizer');
/** The type of the variable `authorizer.requestResource`. */
export const ResourceCheckType: Type<ResourceCheckValue> = objectType('kubernetes.authorization.ResourceCheck');
const PathCheckType: Type<PathCheckValue> = objectType('kubernetes.authorization.PathCheck');
const GroupCheckType: Type<GroupCheckValue> = objectType('kubernetes.authorization.GroupCheck');
const DecisionType: Type<DecisionValue> = objectType('kubernetes.authorization.Decision');

/**
 * `path`, `group`, `serviceAccount`, `resource`, `subresource`, `namespace`, `name`, `check`, `allowed`, `reason`,
 * `errored`, `error`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/authz.go, Authz.
 */
export const authzLibrary: Library = {
  name: 'kubernetes.authz',
  functions: [
    {
      name: 'path',
      cost: () => 1,
      overloads: [
        memberOverload('authorizer_path', [AuthorizerType, StringType], PathCheckType, (authorizer, path) =>
          isBlank(path) ? new EvaluationError('path must not be empty') : new PathCheckValue(authorizer, path),
        ),
      ],
    },
    {
      name: 'group',
      cost: () => 1,
      overloads: [
        memberOverload(
          'authorizer_group',
          [AuthorizerType, StringType],
          GroupCheckType,
          (authorizer, group) => new GroupCheckValue(authorizer, group),
        ),
      ],
    },
    {
      name: 'serviceAccount',
      cost: () => 1,
      overloads: [
        memberOverload(
          'authorizer_serviceaccount',
          [AuthorizerType, StringType, StringType],
          AuthorizerType,
          forServiceAccount,
        ),
      ],
    },
    {
      name: 'resource',
      cost: () => 1,
      overloads: [
        memberOverload('groupcheck_resource', [GroupCheckType, StringType], ResourceCheckType, checkResource),
      ],
    },
    narrowing('subresource', 'resourcecheck_subresource'),
    narrowing('namespace', 'resourcecheck_namespace'),
    narrowing('name', 'resourcecheck_name'),
    {
      name: 'check',
      // So that an expression within its budget of 1,000,000 can ask twice.
      cost: () => 350_000,
      overloads: [
        memberOverload('pathcheck_check', [PathCheckType, StringType], DecisionType, askAboutPath),
        memberOverload('resourcecheck_check', [ResourceCheckType, StringType], DecisionType, askAboutResource),
      ],
    },
    {
      name: 'errored',
      cost: () => 1,
      overloads: [
        memberOverload('decision_errored', [DecisionType], BoolType, ({ decision }) => decision.error !== undefined),
      ],
    },
    {
      name: 'error',
      cost: () => 1,
      overloads: [memberOverload('decision_error', [DecisionType], StringType, ({ decision }) => decision.error ?? '')],
    },
    {
      name: 'allowed',
      cost: () => 1,
      overloads: [
        memberOverload('decision_allowed', [DecisionType], BoolType, ({ decision }) => decision.decision === 'allow'),
      ],
    },
    {
      name: 'reason',
      cost: () => 1,
      overloads: [memberOverload('decision_reason', [DecisionType], StringType, ({ decision }) => decision.reason)],
    },
  ],
};

/**
 * `fieldSelector` and `labelSelector`.
 *
 * Source: k8s.io/apiserver v0.37.2 pkg/cel/library/authz.go, AuthzSelectors.
 */
export const authzSelectorsLibrary: Library = {
  name: 'kubernetes.authzSelectors',
  functions: [
    { ...narrowing('fieldSelector', 'authorizer_fieldselector'), cost: selectorCost },
    { ...narrowing('labelSelector', 'authorizer_labelselector'), cost: selectorCost },
  ],
};

/** A function that gives the same question with one more thing said. */
function narrowing(name: keyof ResourceCheckValue['question'], overloadId: string): Library['functions'][number] {
  return {
    name,
    cost: () => 1,
    overloads: [
      memberOverload(
        overloadId,
        [ResourceCheckType, StringType],
        ResourceCheckType,
        (check, text) => new ResourceCheckValue(check.authorizer, { ...check.question, [name]: text }),
      ),
    ],
  };
}

/** Reading the text, a list, and for every two characters a requirement with its list of values. */
function selectorCost(_overloadId: string, [, selector = '']: readonly Value[]): number {
  const length = actualSize(selector);
  const requirements = Math.ceil(length * 0.5);
  return (
    LIST_CREATE_BASE_COST +
    Math.ceil(length * STRING_TRAVERSAL_COST_FACTOR) +
    requirements * (LIST_CREATE_BASE_COST + STRUCT_CREATE_BASE_COST)
  );
}

function forServiceAccount(asker: AuthorizerValue, namespace: string, name: string): AuthorizerValue | EvaluationError {
  if (dns1123SubdomainProblems(name).length > 0) return new EvaluationError('Invalid service account name');
  if (dns1123LabelProblems(namespace).length > 0) return new EvaluationError('Invalid service account namespace');
  // k8s.io/apiserver pkg/authentication/serviceaccount/util.go, ServiceAccountInfo.UserInfo.
  const user = {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
  };
  return new AuthorizerValue(user, asker.authorizer);
}

function checkResource({ authorizer, group }: GroupCheckValue, resource: string): ResourceCheckValue | EvaluationError {
  if (isBlank(resource)) return new EvaluationError('resource must not be empty');
  return new ResourceCheckValue(authorizer, { group, resource, subresource: '', namespace: '', name: '' });
}

function askAboutPath({ authorizer, path }: PathCheckValue, verb: string): DecisionValue {
  return ask(authorizer, verb, { path });
}

function askAboutResource({ authorizer, question }: ResourceCheckValue, verb: string): DecisionValue {
  const { group, resource, subresource, namespace, name, fieldSelector = '', labelSelector = '' } = question;
  return ask(authorizer, verb, {
    resource,
    subresource,
    namespace,
    name,
    resourceRequest: true,
    apiGroup: group,
    apiVersion: '*',
    fieldSelector: fieldSelector === '' ? undefined : parseFieldSelector(fieldSelector),
    labelSelector: labelSelector === '' ? undefined : labelMatcher(labelSelector),
  });
}

function ask({ user, authorizer }: AuthorizerValue, verb: string, about: Partial<AuthorizerAttributes>): DecisionValue {
  return new DecisionValue(authorizer.authorize({ ...NOTHING_ASKED, ...about, user, verb }));
}

const NOTHING_ASKED: Omit<AuthorizerAttributes, 'user' | 'verb'> = {
  resourceRequest: false,
  apiGroup: '',
  apiVersion: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  fieldSelector: undefined,
  labelSelector: undefined,
  path: '',
};

function labelMatcher(text: string): LabelMatcher | undefined {
  try {
    return parseLabelSelectorText(text);
  } catch (error) {
    if (error instanceof LabelSelectorError) return undefined;
    throw error;
  }
}

function isBlank(text: string): boolean {
  return /^\p{White_Space}*$/u.test(text);
}
