import type { LabelSelector } from '../../../../src/api/webhook-configuration.ts';
import { clusterWidgets, foreignNamespaces } from '../cluster.ts';
import type { RequestSpec, World } from '../scenario.ts';
import {
  allow,
  behaviours,
  configMap,
  configMaps,
  coreNamespaces,
  create,
  custom,
  deny,
  mutating,
  namespaceObject,
  patches,
  pod,
  pods,
  remove,
  request,
  rule,
  scale,
  update,
  validating,
  webhook,
} from './build.ts';

const selectors: { readonly [name: string]: LabelSelector } = {
  empty: {},
  'env-prod': { matchLabels: { env: 'prod' } },
  'env-in': { matchExpressions: [{ key: 'env', operator: 'In', values: ['prod', 'test'] }] },
  'env-not-in': { matchExpressions: [{ key: 'env', operator: 'NotIn', values: ['prod'] }] },
  'env-exists': { matchExpressions: [{ key: 'env', operator: 'Exists' }] },
  'env-absent': { matchExpressions: [{ key: 'env', operator: 'DoesNotExist' }] },
  both: { matchLabels: { env: 'prod' }, matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] },
  contradiction: { matchLabels: { env: 'prod' }, matchExpressions: [{ key: 'env', operator: 'DoesNotExist' }] },
  name: { matchLabels: { 'kubernetes.io/metadata.name': 'dev' } },
};

const everything = { rules: [rule({ apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] })] };

function bySelector(
  name: string,
  about: string,
  field: 'namespaceSelector' | 'objectSelector',
  requests: readonly RequestSpec[],
): World {
  const names = Object.keys(selectors);
  return {
    name,
    about,
    validating: [
      validating(
        name,
        names.map((each) => webhook(each, { ...everything, [field]: selectors[each] ?? {} })),
      ),
    ],
    behaviours: behaviours(Object.fromEntries(names.map((each) => [each, allow]))),
    requests,
  };
}

export const selectorWorlds: readonly World[] = [
  bySelector(
    'selectors-namespace',
    'the labels of the stored namespace are tested; cluster-scoped requests always pass',
    'namespaceSelector',
    [
      create('selectors-namespace-plain'),
      create('selectors-namespace-prod', { namespace: 'prod' }),
      create('selectors-namespace-dev', { namespace: 'dev', labels: { env: 'prod' } }),
      update('selectors-namespace-update', { namespace: 'prod', spec: { x: 1 } }),
      remove('selectors-namespace-delete', { namespace: 'prod' }),
      scale('selectors-namespace-scale', 3, { namespace: 'dev' }),
      request('selectors-namespace-cluster', 'create', clusterWidgets, {
        body: custom('ClusterWidget', 'selectors-namespace-cluster'),
      }),
      request('selectors-namespace-configmap', 'create', configMaps, {
        namespace: 'prod',
        body: configMap('selectors-namespace-configmap'),
      }),
    ],
  ),
  bySelector(
    'selectors-of-namespaces',
    'of a namespace being written the new labels are tested, otherwise the stored ones',
    'namespaceSelector',
    [
      request('selectors-ns-create', 'create', coreNamespaces, {
        body: namespaceObject('selectors-ns-create', { env: 'prod' }),
      }),
      request('selectors-ns-update', 'patch', coreNamespaces, {
        objectName: 'selectors-ns-update',
        existing: namespaceObject('selectors-ns-update', { env: 'prod' }),
        body: { metadata: { labels: { env: 'dev' } } },
      }),
      request('selectors-foreign-create', 'create', foreignNamespaces, {
        body: custom('Namespace', 'selectors-foreign-create', { env: 'prod' }),
      }),
    ],
  ),
  bySelector('selectors-object', 'an object passes when its new or its old labels match', 'objectSelector', [
    create('selectors-object-none'),
    create('selectors-object-prod', { labels: { env: 'prod' } }),
    create('selectors-object-team', { labels: { env: 'prod', team: 'a' } }),
    update('selectors-object-gains', { labels: { env: 'prod' } }),
    update('selectors-object-loses', { stored: { labels: { env: 'prod' } } }),
    update('selectors-object-changes', { labels: { env: 'dev' }, stored: { labels: { env: 'prod' } } }),
    remove('selectors-object-delete', { stored: { labels: { env: 'prod' } } }),
    remove('selectors-object-delete-none'),
    scale('selectors-object-scale', 2, { stored: { labels: { env: 'prod' } } }),
    request('selectors-object-exec', 'connect', pods, {
      namespace: 'plain',
      objectName: 'selectors-object-exec',
      subresource: 'exec',
      existing: pod('selectors-object-exec', { env: 'prod' }),
      query: { command: 'ls', stdout: 'true' },
      body: { kind: 'PodExecOptions', apiVersion: 'v1', stdout: true, command: ['ls'] },
    }),
  ]),
  {
    name: 'selectors-after-mutation',
    about: 'selectors test the object as the webhooks before left it; validating ones its final form',
    mutating: [
      mutating('selectors-after-mutation', [
        webhook('m0'),
        webhook('m1', { objectSelector: { matchLabels: { added: 'yes' } } }),
        webhook('m2', { objectSelector: { matchExpressions: [{ key: 'added', operator: 'DoesNotExist' }] } }),
      ]),
    ],
    validating: [
      validating('selectors-after-mutation', [
        webhook('v0', { objectSelector: { matchLabels: { added: 'yes' } } }),
        webhook('v1', { objectSelector: { matchExpressions: [{ key: 'added', operator: 'DoesNotExist' }] } }),
      ]),
    ],
    behaviours: behaviours({
      m0: patches({ op: 'add', path: '/metadata/labels', value: { added: 'yes' } }),
      m1: patches({ op: 'add', path: '/spec/seen', value: true }),
      m2: allow,
      v0: allow,
      v1: allow,
    }),
    requests: [create('selectors-after-mutation'), update('selectors-after-update', { spec: { x: 1 } })],
  },
  {
    name: 'selectors-both',
    about: 'all of namespaceSelector, objectSelector and rules must match',
    validating: [
      validating('selectors-both', [
        webhook('v0', {
          namespaceSelector: { matchLabels: { env: 'prod' } },
          objectSelector: { matchLabels: { a: 'b' } },
        }),
        webhook('v1', { namespaceSelector: { matchLabels: { env: 'prod' } } }),
        webhook('v2', { objectSelector: { matchLabels: { a: 'b' } }, rules: [rule({ operations: ['UPDATE'] })] }),
      ]),
    ],
    behaviours: behaviours({ v0: deny({ message: 'zero' }), v1: allow, v2: deny({ message: 'two' }) }),
    requests: [
      create('selectors-both-neither'),
      create('selectors-both-namespace', { namespace: 'prod' }),
      create('selectors-both-object', { labels: { a: 'b' } }),
      create('selectors-both-all', { namespace: 'prod', labels: { a: 'b' } }),
    ],
  },
];
