import { describe, expect, it } from 'vitest';
import {
  AuthorizerValue,
  ResourceCheckValue,
  StringType,
  compile,
  createAdmissionEnvironment,
  fromJson,
} from './index.ts';
import type { Authorizer, Value } from './index.ts';

const environment = createAdmissionEnvironment({ params: StringType });

const authorizer: Authorizer = {
  authorize: ({ verb }) => ({ decision: verb === 'get' ? 'allow' : 'noOpinion', reason: '' }),
};
const user = new AuthorizerValue({ username: 'jane', groups: [] }, authorizer);

const variables = new Map<string, Value>([
  ['object', fromJson({ metadata: { name: 'web' }, spec: { replicas: 3 } })],
  ['oldObject', null],
  [
    'request',
    fromJson({
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      name: 'web',
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: { username: 'jane', groups: ['dev'], extra: { scopes: ['a', 'b'] } },
    }),
  ],
  ['namespaceObject', fromJson({ metadata: { name: 'shop', labels: { team: 'shop' } } })],
  ['params', 'parameter'],
  ['authorizer', user],
  [
    'authorizer.requestResource',
    new ResourceCheckValue(user, {
      group: 'apps',
      resource: 'deployments',
      subresource: '',
      namespace: 'shop',
      name: 'web',
    }),
  ],
]);

function evaluate(expression: string) {
  const compiled = compile(expression, environment);
  if (!compiled.ok) return compiled.message;
  const result = compiled.program.evaluate(variables);
  return result.ok ? result.value : result.error.message;
}

describe('createAdmissionEnvironment()', () => {
  it.each([
    ['object.spec.replicas <= 5 && oldObject == null', true],
    ['request.operation == "CREATE" && request.userInfo.groups.exists(group, group == "dev")', true],
    ['request.userInfo.extra["scopes"].size() == 2', true],
    ['namespaceObject.metadata.labels["team"] == request.namespace', true],
    ['params == "parameter"', true],
    ['authorizer.requestResource.check("get").allowed()', true],
    ['authorizer.requestResource.check("delete").allowed()', false],
    ['authorizer.group("").resource("pods").check("get").allowed()', true],
  ])('%s', (expression, value) => {
    expect(evaluate(expression)).toBe(value);
  });

  it('has no key where the request has no value', () => {
    expect(evaluate('has(request.subResource)')).toBe(false);
    expect(evaluate('has(request.dryRun)')).toBe(false);
    expect(evaluate('request.?subResource.orValue("none")')).toBe('none');
    expect(evaluate('request.subResource')).toBe('no such key: subResource');
  });

  it.each([
    ['request.object', "undefined field 'object'"],
    ['request.uid', "undefined field 'uid'"],
    ['request.operation == 1', "found no matching overload for '_==_' applied to '(string, int)'"],
    ['namespaceObject.metadata.ownerReferences', "undefined field 'ownerReferences'"],
    ['variables.x', "undeclared reference to 'variables'"],
    ['cel.bind(x, 1, x)', "undeclared reference to 'cel'"],
    ['math.greatest(1, 2)', "undeclared reference to 'math'"],
    ['base64.encode(b"a")', "undeclared reference to 'base64'"],
    ['"a".reverse()', "found no matching overload for 'reverse' applied to 'string.()'"],
    ['jsonpatch.escapeKey("a")', "undeclared reference to 'jsonpatch'"],
    ['[1].existsOne(x, x == 1)', "undeclared reference to 'existsOne'"],
  ])('knows no %s', (expression, message) => {
    expect(evaluate(expression)).toMatch(message);
  });
});
