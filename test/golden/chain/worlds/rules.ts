import type { RuleWithOperations } from '../../../../src/api/webhook-configuration.ts';
import { clusterWidgets, foreignNamespaces, goldenGroup } from '../cluster.ts';
import type { RequestSpec, World } from '../scenario.ts';
import {
  allow,
  behaviours,
  configMap,
  configMaps,
  coreNamespaces,
  create,
  custom,
  mutating,
  namespaceObject,
  patch,
  patches,
  remove,
  request,
  rule,
  scale,
  sets,
  update,
  validating,
  webhook,
  widget,
} from './build.ts';

/** One validating webhook for each rule; who is called tells which rules match. */
function matching(
  name: string,
  about: string,
  rules: { readonly [name: string]: Partial<RuleWithOperations> },
  requests: readonly RequestSpec[],
): World {
  const names = Object.keys(rules);
  return {
    name,
    about,
    validating: [
      validating(
        name,
        names.map((each) => webhook(each, { rules: [rule(rules[each] ?? {})], matchPolicy: 'Exact' })),
      ),
    ],
    behaviours: behaviours(Object.fromEntries(names.map((each) => [each, allow]))),
    requests,
  };
}

const statusBody = (name: string) => ({ ...widget(name), status: { replicas: 2 } });

const everyOperation = (prefix: string): RequestSpec[] => [
  create(`${prefix}-create`),
  update(`${prefix}-update`, { spec: { x: 1 } }),
  patch(`${prefix}-patch`, { spec: { x: 2 } }),
  remove(`${prefix}-delete`),
];

export const rules: readonly World[] = [
  matching(
    'rules-operations',
    'operations are compared exactly; an asterisk is all of them',
    {
      create: { operations: ['CREATE'] },
      update: { operations: ['UPDATE'] },
      delete: { operations: ['DELETE'] },
      connect: { operations: ['CONNECT'] },
      both: { operations: ['DELETE', 'CREATE'] },
      all: { operations: ['*'] },
    },
    everyOperation('rules-operations'),
  ),
  matching(
    'rules-groups',
    'groups and versions are compared exactly, without globs',
    {
      exact: {},
      'any-group': { apiGroups: ['*'] },
      'core-group': { apiGroups: [''] },
      'glob-group': { apiGroups: ['*.sallyport.dev'] },
      'some-groups': { apiGroups: ['apps', goldenGroup] },
      'any-version': { apiVersions: ['*'] },
      'other-version': { apiVersions: ['v1beta1'] },
      'glob-version': { apiVersions: ['v1*'] },
      'some-versions': { apiVersions: ['v2', 'v1'] },
    },
    [create('rules-groups-v1'), create('rules-groups-v1beta1', { version: 'v1beta1' })],
  ),
  matching(
    'rules-resources',
    'an asterisk is every resource without its subresources; the text is split at the first slash',
    {
      plain: { resources: ['widgets'] },
      star: { resources: ['*'] },
      'star-star': { resources: ['*/*'] },
      'widgets-star': { resources: ['widgets/*'] },
      'star-scale': { resources: ['*/scale'] },
      'star-status': { resources: ['*/status'] },
      'widgets-scale': { resources: ['widgets/scale'] },
      'widgets-slash': { resources: ['widgets/'] },
      'star-slash': { resources: ['*/'] },
      other: { resources: ['gadgets'] },
      'two-slashes': { resources: ['widgets/scale/x'] },
      several: { resources: ['gadgets', 'widgets/status'] },
    },
    [
      create('rules-resources-create'),
      scale('rules-resources-scale', 2),
      {
        ...update('rules-resources-status'),
        subresource: 'status',
        body: statusBody('rules-resources-status'),
      },
      request('rules-resources-cluster', 'create', clusterWidgets, {
        body: custom('ClusterWidget', 'rules-resources-cluster'),
      }),
    ],
  ),
  matching(
    'rules-scope',
    'Cluster and Namespaced look at the namespace of the request; core namespaces count as cluster-scoped',
    {
      any: { apiGroups: ['*'], resources: ['*/*'], scope: '*' },
      namespaced: { apiGroups: ['*'], resources: ['*/*'], scope: 'Namespaced' },
      cluster: { apiGroups: ['*'], resources: ['*/*'], scope: 'Cluster' },
    },
    [
      create('rules-scope-namespaced'),
      request('rules-scope-cluster', 'create', clusterWidgets, {
        body: custom('ClusterWidget', 'rules-scope-cluster'),
      }),
      request('rules-scope-namespace', 'create', coreNamespaces, { body: namespaceObject('rules-scope-namespace') }),
      request('rules-scope-namespace-update', 'patch', coreNamespaces, {
        objectName: 'rules-scope-namespace-update',
        existing: namespaceObject('rules-scope-namespace-update'),
        body: { metadata: { labels: { a: 'b' } } },
      }),
      request('rules-scope-foreign', 'create', foreignNamespaces, {
        body: custom('Namespace', 'rules-scope-foreign'),
      }),
      request('rules-scope-configmap', 'create', configMaps, {
        namespace: 'plain',
        body: configMap('rules-scope-configmap'),
      }),
    ],
  ),
  {
    name: 'rules-finalize',
    about: 'subresources of namespaces count as cluster-scoped',
    validating: [
      validating('rules-finalize', [
        webhook('namespaced', { rules: [rule({ apiGroups: [''], resources: ['namespaces/*'], scope: 'Namespaced' })] }),
        webhook('cluster', { rules: [rule({ apiGroups: [''], resources: ['namespaces/*'], scope: 'Cluster' })] }),
      ]),
    ],
    behaviours: behaviours({ namespaced: allow, cluster: allow }),
    requests: [
      request('rules-finalize', 'update', coreNamespaces, {
        objectName: 'rules-finalize',
        subresource: 'status',
        existing: namespaceObject('rules-finalize'),
        body: namespaceObject('rules-finalize'),
      }),
    ],
  },
  {
    name: 'rules-first-wins',
    about: 'the first rule that matches says under which resource the webhook is called',
    validating: [
      validating('rules-first-wins', [
        webhook('beta-then-exact', { rules: [rule({ apiVersions: ['v1beta1'] }), rule({ apiVersions: ['v1'] })] }),
        webhook('alpha-then-beta', {
          rules: [rule({ apiVersions: ['v1alpha1'] }), rule({ apiVersions: ['v1beta1'] })],
        }),
        webhook('both-in-one', { rules: [rule({ apiVersions: ['v1alpha1', 'v1beta1'] })] }),
        webhook('no-rules', { rules: [] }),
      ]),
    ],
    behaviours: behaviours({
      'beta-then-exact': allow,
      'alpha-then-beta': allow,
      'both-in-one': allow,
      'no-rules': allow,
    }),
    requests: [
      create('rules-first-wins-v1'),
      create('rules-first-wins-v1beta1', { version: 'v1beta1' }),
      create('rules-first-wins-v1alpha1', { version: 'v1alpha1' }),
    ],
  },
  {
    name: 'rules-equivalent',
    about: 'with matchPolicy Equivalent a webhook gets the object in the version it asks for',
    mutating: [
      mutating('rules-equivalent-m', [
        webhook('m-exact', { rules: [rule({ apiVersions: ['v1alpha1'] })], matchPolicy: 'Exact' }),
        webhook('m-alpha', { rules: [rule({ apiVersions: ['v1alpha1'] })], matchPolicy: 'Equivalent' }),
        webhook('m-beta', { rules: [rule({ apiVersions: ['v1beta1'] })] }),
        webhook('m-v1', {}),
      ]),
    ],
    validating: [
      validating('rules-equivalent-v', [
        webhook('v-exact', { rules: [rule({ apiVersions: ['v1beta1'] })], matchPolicy: 'Exact' }),
        webhook('v-beta', { rules: [rule({ apiVersions: ['v1beta1'] })] }),
        webhook('v-scale', { rules: [rule({ apiVersions: ['v1alpha1'], resources: ['widgets/scale'] })] }),
        webhook('v-status', { rules: [rule({ apiVersions: ['v1alpha1'], resources: ['widgets/status'] })] }),
        webhook('v-scope', { rules: [rule({ apiVersions: ['v1beta1'], scope: 'Cluster' })] }),
      ]),
    ],
    behaviours: behaviours({
      'm-exact': allow,
      'm-alpha': patches(sets('alpha', 1)),
      'm-beta': patches(sets('beta', 2)),
      'm-v1': patches(sets('v1', 3)),
      'v-exact': allow,
      'v-beta': allow,
      'v-scale': allow,
      'v-status': allow,
      'v-scope': allow,
    }),
    requests: [
      create('rules-equivalent-v1'),
      create('rules-equivalent-v1beta1', { version: 'v1beta1' }),
      create('rules-equivalent-v1alpha1', { version: 'v1alpha1' }),
      update('rules-equivalent-update', { version: 'v1alpha1', spec: { x: 1 } }),
      remove('rules-equivalent-delete', { version: 'v1beta1' }),
      scale('rules-equivalent-scale', 5),
      { ...update('rules-equivalent-status'), subresource: 'status', body: statusBody('rules-equivalent-status') },
    ],
  },
];
