import { describe, expect, it } from 'vitest';
import { AuthorizerValue, ResourceCheckValue, compile, createAdmissionEnvironment } from '../index.ts';
import type { Authorizer, AuthorizerAttributes, Value } from '../index.ts';

const environment = createAdmissionEnvironment();

/** Evaluates for alice, about pods/status of web in default, and tells what the authorizer was asked. */
function evaluate(expression: string, decide: Authorizer['authorize'] = () => ({ decision: 'noOpinion', reason: '' })) {
  const asked: AuthorizerAttributes[] = [];
  const authorizer = new AuthorizerValue(
    { username: 'alice' },
    {
      authorize: (attributes) => {
        asked.push(attributes);
        return decide(attributes);
      },
    },
  );
  const about = { group: '', resource: 'pods', subresource: 'status', namespace: 'default', name: 'web' };
  const compiled = compile(expression, environment);
  if (!compiled.ok) throw new Error(compiled.message);
  const result = compiled.program.evaluate(
    new Map<string, Value>([
      ['authorizer', authorizer],
      ['authorizer.requestResource', new ResourceCheckValue(authorizer, about)],
    ]),
  );
  return { asked, result };
}

const nothing = {
  user: { username: 'alice' },
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

describe('authzLibrary asks', () => {
  it.each([
    ['authorizer.path("/healthz").check("get")', { verb: 'get', path: '/healthz' }],
    [
      'authorizer.group("apps").resource("deployments").check("create")',
      { verb: 'create', resourceRequest: true, apiGroup: 'apps', apiVersion: '*', resource: 'deployments' },
    ],
    [
      'authorizer.group("").resource("pods").subresource("log").namespace("a").name("x").namespace("b").check("get")',
      {
        verb: 'get',
        resourceRequest: true,
        apiVersion: '*',
        resource: 'pods',
        subresource: 'log',
        namespace: 'b',
        name: 'x',
      },
    ],
    [
      'authorizer.requestResource.subresource("").check("update")',
      { verb: 'update', resourceRequest: true, apiVersion: '*', resource: 'pods', namespace: 'default', name: 'web' },
    ],
    [
      'authorizer.serviceAccount("ci", "builder").path("/").check("get")',
      {
        user: {
          username: 'system:serviceaccount:ci:builder',
          groups: ['system:serviceaccounts', 'system:serviceaccounts:ci'],
        },
        verb: 'get',
        path: '/',
      },
    ],
  ])('%s', (expression, attributes) => {
    expect(evaluate(expression).asked).toEqual([{ ...nothing, ...attributes }]);
  });

  it('with the requirements of the last selectors that can be read', () => {
    const [asked] = evaluate(
      'authorizer.group("").resource("pods").fieldSelector("x").fieldSelector("spec.nodeName=n1").labelSelector("b,a in (z,y)").check("list")',
    ).asked;
    expect(asked?.fieldSelector).toEqual([{ field: 'spec.nodeName', operator: '=', value: 'n1' }]);
    expect(String(asked?.labelSelector)).toBe('a in (y,z),b');
  });

  it('without selectors that cannot be read', () => {
    const check = 'authorizer.group("").resource("pods").fieldSelector("a=b=c").labelSelector("=").check("list")';
    expect(evaluate(check).asked).toMatchObject([{ fieldSelector: undefined, labelSelector: undefined }]);
  });
});

describe('authzLibrary answers', () => {
  const check = 'authorizer.path("/").check("get")';

  it.each([
    [`${check}.allowed()`, { decision: 'allow', reason: '' }, true],
    [`${check}.allowed()`, { decision: 'deny', reason: '' }, false],
    [`${check}.allowed()`, { decision: 'noOpinion', reason: '' }, false],
    [`${check}.reason()`, { decision: 'deny', reason: 'frozen' }, 'frozen'],
    [`${check}.errored()`, { decision: 'allow', reason: '' }, false],
    [`${check}.errored()`, { decision: 'allow', reason: '', error: 'stale' }, true],
    [`${check}.error()`, { decision: 'allow', reason: '', error: 'stale' }, 'stale'],
    [`${check}.error()`, { decision: 'allow', reason: '' }, ''],
  ] as const)('%s to %j with %j', (expression, decision, value) => {
    expect(evaluate(expression, () => decision).result).toMatchObject({ ok: true, value });
  });

  it.each([
    ['authorizer.path(" \\t\\u3000")', 'path must not be empty'],
    ['authorizer.group("").resource("")', 'resource must not be empty'],
    ['authorizer.serviceAccount("Default", "a")', 'Invalid service account namespace'],
    ['authorizer.serviceAccount("default", "a_b")', 'Invalid service account name'],
    ['authorizer == authorizer', 'no such overload'],
  ])('%s with an error: %s', (expression, message) => {
    expect(evaluate(expression).result).toMatchObject({ ok: false, error: { message } });
  });

  it('within its budget twice, not three times', () => {
    expect(evaluate(`${check}.allowed() == ${check}.allowed()`).result).toMatchObject({ ok: true, cost: 700_007 });
    expect(evaluate(`[${check}, ${check}, ${check}].size() == 3`).result).toMatchObject({
      ok: false,
      error: { message: 'operation cancelled: actual cost limit exceeded' },
    });
  });
});
