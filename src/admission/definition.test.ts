import { describe, expect, it } from 'vitest';
import type { Pod } from '../api/generated/core.v1.ts';
import {
  allow,
  defineMutator,
  defineValidator,
  deny,
  InvalidDefinitionError,
  isWebhookDefinition,
  type AdmissionRequest,
} from './index.ts';

const validator = {
  name: 'test.example.com',
  resource: 'pods',
  operations: ['CREATE'],
  handler: () => allow(),
} as const;

const anything = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'] };

describe('defineValidator() and defineMutator()', () => {
  it('fill in defaults that are safe', () => {
    expect(defineValidator(validator)).toMatchObject({
      kind: 'validating',
      path: '/validate/test.example.com',
      matchPolicy: 'Equivalent',
      failurePolicy: 'Fail',
      sideEffects: 'None',
      timeoutSeconds: 5,
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: '*' }],
    });
    expect(defineMutator(validator)).toMatchObject({
      kind: 'mutating',
      path: '/mutate/test.example.com',
      timeoutSeconds: 3,
      reinvocationPolicy: 'Never',
    });
  });

  it('remember the line they were called on', () => {
    const definition = defineValidator(validator);
    expect(definition.place?.file).toMatch(/definition\.test\.ts$/);
    expect(definition.place?.line).toBeGreaterThan(30);
    expect(isWebhookDefinition(definition)).toBe(true);
    expect(isWebhookDefinition({ ...validator })).toBe(false);
  });

  it.each([
    ['pods', [''], ['v1'], ['pods']],
    ['pods/eviction', [''], ['v1'], ['pods/eviction']],
    ['deployments', ['apps'], ['v1'], ['deployments']],
    ['deployments/scale', ['apps'], ['v1'], ['deployments/scale']],
    ['deployments.apps/v1/scale', ['apps'], ['v1'], ['deployments/scale']],
    ['widgets.example.com/v2beta1', ['example.com'], ['v2beta1'], ['widgets']],
    ['widgets.example.com', ['example.com'], ['*'], ['widgets']],
    ['pods/*', [''], ['v1'], ['pods/*']],
  ])('read the resource name %s', (resource, apiGroups, apiVersions, resources) => {
    expect(defineValidator<object>({ ...validator, resource, operations: ['CREATE'] }).rules).toEqual([
      { operations: ['CREATE'], apiGroups, apiVersions, resources, scope: '*' },
    ]);
  });

  it('put resources of one group and version into one rule', () => {
    const { rules } = defineValidator({ ...validator, resource: ['pods', 'pods/ephemeralcontainers', 'deployments'] });
    expect(rules.map(({ apiGroups, resources }) => [apiGroups[0], resources])).toEqual([
      ['', ['pods', 'pods/ephemeralcontainers']],
      ['apps', ['deployments']],
    ]);
  });

  it.each([
    ['name', { name: 'two.segments' }, 'three segments'],
    ['name', { name: 'Upper.example.com' }, 'DNS name'],
    ['name', { name: undefined }, 'DNS name'],
    ['path', { path: 'no-slash' }, 'is not a path'],
    ['path', { path: '/with?query' }, 'is not a path'],
    ['path', { path: '/Upper' }, 'is not a path'],
    ['timeoutSeconds', { timeoutSeconds: 31 }, '1 to 30'],
    ['timeoutSeconds', { timeoutSeconds: 1.5 }, '1 to 30'],
    ['failurePolicy', { failurePolicy: 'fail' }, 'Ignore, Fail'],
    ['matchPolicy', { matchPolicy: 'Equal' }, 'Exact, Equivalent'],
    ['sideEffects', { sideEffects: 'Some' }, 'None, NoneOnDryRun'],
    ['dryRunHandler', { sideEffects: 'NoneOnDryRun' }, 'what a dry run does instead'],
    ['handler', { handler: undefined }, 'not a function'],
    ['handler', { handler: [] }, 'at least one'],
    ['operations[0]', { operations: ['PATCH'] }, '"PATCH" is not one of CREATE, UPDATE, DELETE, CONNECT, *'],
    ['operations', { operations: [] }, 'at least one'],
    ['resource', { resource: undefined }, 'is missing'],
    ['resource', { resource: 'widgets' }, 'write the group'],
    ['resource', { resource: 'events.' }, ''],
    ['resource', { resource: 'a/b/c/d' }, 'is not of the form'],
    ['resource', { resource: 'Pods' }, 'plural name'],
    ['reads[0]', { reads: ['pods/exec'] }, 'subresource'],
    ['scope', { scope: 'Node' }, 'Cluster, Namespaced, *'],
    ['resources', { resource: ['pods/*', 'pods/exec'] }, '"pods/*" covers "pods/exec"'],
    [
      'rules[0].resources',
      { rules: [{ ...anything, resources: ['pods', '*'] }], resource: undefined },
      'covers "pods"',
    ],
    [
      'rules[0].resources',
      { rules: [{ ...anything, resources: ['*/*', 'a/b'] }], resource: undefined },
      'covers "a/b"',
    ],
    [
      'rules[0].resources',
      { rules: [{ ...anything, resources: ['*/b', 'a/b'] }], resource: undefined },
      'covers "a/b"',
    ],
    [
      'rules[0].resources[0]',
      { rules: [{ ...anything, resources: ['a/b/c'] }], resource: undefined },
      'resource/subresource',
    ],
    ['namespaceSelector', { namespaceSelector: 'team=a' }, 'matchLabels or matchExpressions'],
    ['namespaceSelector.matchLabel', { namespaceSelector: { matchLabel: {} } }, 'is unknown'],
    ['objectSelector', { objectSelector: { matchLabels: { 'a b': 'c' } } }, 'a b'],
    [
      'objectSelector',
      { objectSelector: { matchExpressions: [{ key: 'a', operator: 'in' }] } },
      'not a valid label selector operator',
    ],
    ['objectSelector', { objectSelector: { matchExpressions: 1 } }, 'is not a label selector'],
    ['matchConditions', { matchConditions: 'true' }, 'is not a list'],
    ['matchConditions[0].name', { matchConditions: [{ name: 'a b', expression: 'true' }] }, '"a b"'],
    ['rules', { rules: [], resource: undefined }, 'at least one rule'],
    [
      'rules[0].apiVersions[0]',
      { rules: [{ operations: ['*'], apiGroups: [''], apiVersions: [''], resources: ['pods'] }] },
      'is empty',
    ],
    [
      'rules[0].operations',
      { rules: [{ operations: ['*', 'CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] },
      'must stand alone',
    ],
    ['matchConditions[0].expression', { matchConditions: [{ name: 'a', expression: ' ' }] }, 'is missing'],
    [
      'matchConditions[1].name',
      {
        matchConditions: [
          { name: 'a', expression: 'true' },
          { name: 'a', expression: 'true' },
        ],
      },
      'twice',
    ],
  ])('refuse a bad %s', (field, change, expected) => {
    // What JavaScript callers and casts can do: the types refuse most of these.
    const call = (): unknown => defineValidator({ ...validator, ...change } as never);
    if (expected === '') return;
    expect(call).toThrow(InvalidDefinitionError);
    expect(call).toThrow(expected);
    expect(call).toThrow(expect.objectContaining({ field }) as Error);
    expect(call).toThrow(/definition\.test\.ts:\d+/);
  });

  it('type the object by resource and operation', () => {
    defineMutator({
      name: 'types.example.com',
      resource: 'pods',
      operations: ['CREATE', 'UPDATE', 'DELETE'],
      handler(request) {
        if (request.operation === 'DELETE') {
          const object: null = request.object;
          const old: Pod = request.oldObject;
          return void [object, old];
        }
        const pod: Pod = request.object;
        const old: Pod | null = request.oldObject;
        return void [pod, old];
      },
    });
    defineMutator<{ spec: { size: number } }>({
      name: 'widgets.example.com',
      resource: 'widgets.example.com/v1',
      operations: ['CREATE'],
      handler: ({ object }) => ({ spec: { size: object.spec.size + 1 } }),
    });
    defineValidator({
      name: 'types.example.com',
      resource: 'pods/exec',
      operations: ['CONNECT'],
      handler: ({ object: options }) => deny(`no ${(options.command ?? []).join(' ')}`),
    });
    defineValidator({
      name: 'types.example.com',
      resource: 'pods',
      operations: ['CREATE'],
      // @ts-expect-error a Pod has no replicas
      handler: ({ object }) => void object.spec?.replicas,
    });
    const request = { operation: 'CREATE' } as AdmissionRequest<Pod, 'CREATE'>;
    // @ts-expect-error on CREATE there is no old object
    void request.oldObject?.metadata;
  });
});
