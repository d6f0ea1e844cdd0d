import { describe, expect, it } from 'vitest';
import type { RuleWithOperations } from '../../api/webhook-configuration.ts';
import { isExemptAdmissionConfigurationResource, matchesRule, type RuleAttributes } from '../index.ts';

const anything: RuleWithOperations = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] };

function request(
  over: Partial<RuleAttributes> & { readonly plural?: string; readonly group?: string; readonly version?: string },
): RuleAttributes {
  const { plural = 'pods', group = '', version = 'v1', ...rest } = over;
  return {
    operation: 'CREATE',
    resource: { group, version, resource: plural },
    subresource: '',
    namespace: 'web',
    ...rest,
  };
}

interface Table {
  readonly rule: Partial<RuleWithOperations>;
  readonly match: readonly Parameters<typeof request>[0][];
  readonly noMatch: readonly Parameters<typeof request>[0][];
}

const tables: { readonly [name: string]: Table } = {
  'an operation': {
    rule: { operations: ['CREATE'] },
    match: [{ operation: 'CREATE' }],
    noMatch: [{ operation: 'UPDATE' }, { operation: 'DELETE' }, { operation: 'CONNECT' }],
  },
  'no operation': { rule: { operations: [] }, match: [], noMatch: [{}] },
  'the core group': { rule: { apiGroups: [''] }, match: [{}], noMatch: [{ group: 'apps' }] },
  'no group': { rule: { apiGroups: [] }, match: [], noMatch: [{}] },
  'groups, without globs': {
    rule: { apiGroups: ['apps', 'batch*'] },
    match: [{ group: 'apps' }],
    noMatch: [{ group: 'batch' }, {}],
  },
  'a version': { rule: { apiVersions: ['v1beta1'] }, match: [{ version: 'v1beta1' }], noMatch: [{ version: 'v1' }] },
  'no version': { rule: { apiVersions: [] }, match: [], noMatch: [{}] },
  'a resource': {
    rule: { resources: ['pods'] },
    match: [{}],
    noMatch: [{ subresource: 'exec' }, { plural: 'services' }],
  },
  'an asterisk': {
    rule: { resources: ['*'] },
    match: [{}, { plural: 'services' }],
    noMatch: [{ subresource: 'exec' }],
  },
  'a resource with all subresources': {
    rule: { resources: ['pods/*'] },
    match: [{}, { subresource: 'exec' }],
    noMatch: [{ plural: 'services' }],
  },
  'a subresource of all': {
    rule: { resources: ['*/scale'] },
    match: [{ plural: 'deployments', subresource: 'scale' }],
    noMatch: [{ plural: 'deployments' }, { subresource: 'exec' }],
  },
  everything: { rule: { resources: ['*/*'] }, match: [{}, { subresource: 'exec' }], noMatch: [] },
  'a slash at the end': { rule: { resources: ['pods/'] }, match: [{}], noMatch: [{ subresource: 'exec' }] },
  'a second slash': {
    rule: { resources: ['pods/a/b'] },
    match: [{ subresource: 'a/b' }],
    noMatch: [{ subresource: 'a' }],
  },
  'no resource': { rule: { resources: [] }, match: [], noMatch: [{}] },
  'scope Namespaced': {
    rule: { scope: 'Namespaced' },
    match: [{}, { plural: 'namespaces', group: 'example.com' }],
    noMatch: [{ namespace: '' }, { plural: 'namespaces' }],
  },
  'scope Cluster': {
    rule: { scope: 'Cluster' },
    match: [{ namespace: '' }, { plural: 'namespaces' }],
    noMatch: [{}, { plural: 'namespaces', version: 'v2' }, { plural: 'namespaces', group: 'example.com' }],
  },
  'any scope': { rule: { scope: '*' }, match: [{}, { namespace: '' }, { plural: 'namespaces' }], noMatch: [] },
};

describe.each(Object.entries(tables))('matchesRule() with %s', (_, { rule, match, noMatch }) => {
  it.each(match.map((each) => [JSON.stringify(each), each] as const))('matches %s', (__, attributes) => {
    expect(matchesRule({ ...anything, ...rule }, request(attributes))).toBe(true);
  });

  it.each(noMatch.map((each) => [JSON.stringify(each), each] as const))('does not match %s', (__, attributes) => {
    expect(matchesRule({ ...anything, ...rule }, request(attributes))).toBe(false);
  });
});

it('matchesRule() never matches a scope it does not know', () => {
  const rule = { ...anything, scope: 'Everywhere' } as unknown as RuleWithOperations;
  expect(matchesRule(rule, request({}))).toBe(false);
});

it.each([
  ['MutatingWebhookConfiguration', 'admissionregistration.k8s.io', true],
  ['ValidatingAdmissionPolicyBinding', 'admissionregistration.k8s.io', true],
  ['MutatingWebhookConfiguration', 'example.com', false],
  ['Pod', '', false],
])('isExemptAdmissionConfigurationResource() of %s in %j is %j', (kind, group, exempt) => {
  expect(isExemptAdmissionConfigurationResource({ kind: { group, version: 'v1', kind } })).toBe(exempt);
});
