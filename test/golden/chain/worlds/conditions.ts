import type { FailurePolicy } from '../../../../src/api/webhook-configuration.ts';
import { clusterWidgets } from '../cluster.ts';
import type { World } from '../scenario.ts';
import {
  allow,
  behaviours,
  create,
  custom,
  deny,
  mutating,
  patches,
  pod,
  pods,
  remove,
  request,
  rule,
  scale,
  sets,
  update,
  validating,
  webhook,
} from './build.ts';

/** Each list of conditions belongs to one webhook, chosen by the label `case`. */
const lists: { readonly [name: string]: readonly string[] } = {
  true: ['true'],
  false: ['false'],
  'first-false': ['false', 'true'],
  'last-false': ['true', 'false'],
  error: ['object.spec.nothing == 1'],
  'error-then-false': ['object.spec.nothing == 1', 'false'],
  'false-then-error': ['false', 'object.spec.nothing == 1'],
  'two-errors': ['object.spec.nothing == 1', 'object.spec.other == 2'],
  'same-error-twice': ['object.spec.nothing == 1', 'true', 'object.spec.nothing == 1'],
  'by-user': ["request.userInfo.username == 'alice'"],
  'by-group': ["'system:masters' in request.userInfo.groups"],
  'by-operation': ["request.operation in ['UPDATE', 'DELETE']"],
  'subresource-absent': ["request.subResource == ''"],
  'has-subresource': ['!has(request.subResource)'],
  'namespace-is': ["request.namespace == 'plain'"],
  'name-is': ["request.name.startsWith('conditions-')"],
  'old-is-null': ['oldObject == null'],
  'object-is-null': ['object == null'],
  'has-label': ["has(object.metadata.labels) && object.metadata.labels['case'] == 'has-label'"],
  'namespace-object': ["namespaceObject.metadata.name == 'plain'"],
  'options-kind': ["request.options.kind == 'CreateOptions'"],
  'dry-run': ['request.dryRun'],
  'not-dyn': ['!object.spec.paused'],
  authorizer: ["authorizer.requestResource.check('create').allowed()"],
  'authorizer-group': ["authorizer.group('').resource('pods').namespace('plain').check('delete').allowed()"],
  kind: [
    "request.kind.version == 'v1' && request.resource.resource == 'widgets' && request.requestKind.kind == 'Widget'",
  ],
  regex: ["object.metadata.name.matches('^conditions-[a-z-]+$')"],
  division: ['object.spec.count / 0 == 1'],
  'int-and-double': ['object.spec.count == 3 && object.spec.ratio == 1.5'],
  macro: ['object.spec.list.all(x, x > 0) && object.spec.list.exists(x, x == 2)'],
  optional: ["object.spec.?nothing.orValue('none') == 'none'"],
  format: ["'%s-%d'.format([object.metadata.name, object.spec.count]) == object.metadata.name + '-3'"],
  quantity: ["quantity(object.spec.memory).isGreaterThan(quantity('100Mi'))"],
};

/** Questions about what is there. */
const presence: { readonly [name: string]: string } = {
  ...Object.fromEntries(
    [
      'kind',
      'resource',
      'subResource',
      'requestKind',
      'requestResource',
      'requestSubResource',
      'name',
      'namespace',
      'operation',
      'userInfo',
      'dryRun',
      'options',
    ].map((member) => [`has-${member.toLowerCase()}`, `has(request.${member})`]),
  ),
  ...Object.fromEntries(
    ['username', 'uid', 'groups', 'extra'].map((member) => [`has-user-${member}`, `has(request.userInfo.${member})`]),
  ),
  'group-empty': "request.kind.group == ''",
  'has-group': 'has(request.kind.group)',
  'options-null': 'request.options == null',
  'options-apiversion': "request.options.apiVersion == 'meta.k8s.io/v1'",
  'object-kind': "object.kind != ''",
  'object-null': 'object == null',
  'old-null': 'oldObject == null',
  'namespace-object-null': 'namespaceObject == null',
  'has-metadata': 'has(object.metadata)',
  'has-status': 'has(object.status)',
  'dry-run-false': 'request.dryRun == false',
  'extra-a': "request.userInfo.extra['a'] == ['b']",
};

function byPolicy(failurePolicy: FailurePolicy): World {
  const name = `conditions-${failurePolicy.toLowerCase()}`;
  const names = Object.keys(lists);
  return {
    name,
    about: `any false condition skips the webhook, otherwise any error is for failurePolicy ${failurePolicy} to decide`,
    validating: [
      validating(
        name,
        names.map((each) =>
          webhook(each, {
            failurePolicy,
            objectSelector: { matchLabels: { case: each } },
            matchConditions: (lists[each] ?? []).map((expression, index) => ({ name: `c${index}`, expression })),
          }),
        ),
      ),
    ],
    behaviours: behaviours(Object.fromEntries(names.map((each) => [each, allow]))),
    requests: names.map((each) =>
      create(`conditions-${failurePolicy.toLowerCase()}-${each}`, {
        labels: { case: each },
        spec: { count: 3, ratio: 1.5, list: [1, 2, 3], memory: '128Mi', paused: false },
      }),
    ),
  };
}

export const conditions: readonly World[] = [
  byPolicy('Fail'),
  byPolicy('Ignore'),
  {
    name: 'conditions-requests',
    about: 'what request, object and oldObject are for each kind of request',
    validating: [
      validating('conditions-requests', [
        webhook('update', {
          matchConditions: [{ name: 'changed', expression: 'object.spec != oldObject.spec' }],
          rules: [rule({ operations: ['UPDATE'] })],
        }),
        webhook('delete', {
          matchConditions: [{ name: 'no-object', expression: 'object == null && oldObject != null' }],
          rules: [rule({ operations: ['DELETE'] })],
        }),
        webhook('scale', {
          matchConditions: [
            {
              name: 'scale',
              expression: "request.subResource == 'scale' && object.spec.replicas > oldObject.spec.replicas",
            },
          ],
          rules: [rule({ resources: ['widgets/scale'] })],
        }),
        webhook('cluster', {
          matchConditions: [{ name: 'cluster', expression: "request.namespace == ''" }],
          rules: [rule({ resources: ['clusterwidgets'] })],
        }),
        webhook('connect', {
          matchConditions: [{ name: 'exec', expression: "object.kind == 'PodExecOptions'" }],
          rules: [rule({ apiGroups: [''], resources: ['pods/exec'] })],
        }),
        webhook('equivalent', {
          rules: [rule({ operations: ['CREATE'], apiVersions: ['v1alpha1'] })],
          matchConditions: [
            { name: 'kind', expression: "request.kind.version == 'v1alpha1' && request.resource.version == 'v1'" },
            { name: 'object', expression: "object.apiVersion == 'golden.sallyport.dev/v1alpha1'" },
          ],
        }),
      ]),
    ],
    behaviours: behaviours({
      update: allow,
      delete: allow,
      scale: allow,
      cluster: allow,
      connect: allow,
      equivalent: allow,
    }),
    requests: [
      create('conditions-requests-create'),
      update('conditions-requests-same'),
      update('conditions-requests-changed', { spec: { x: 1 } }),
      remove('conditions-requests-delete'),
      scale('conditions-requests-up', 3),
      scale('conditions-requests-down', 0),
      request('conditions-requests-cluster', 'create', clusterWidgets, {
        body: custom('ClusterWidget', 'conditions-requests-cluster'),
      }),
      request('conditions-requests-exec', 'connect', pods, {
        namespace: 'plain',
        objectName: 'conditions-requests-exec',
        subresource: 'exec',
        existing: pod('conditions-requests-exec'),
        query: { command: 'ls', stdout: 'true' },
        body: { kind: 'PodExecOptions', apiVersion: 'v1', stdout: true, command: ['ls'] },
      }),
    ],
  },
  {
    name: 'conditions-presence',
    about: 'which members of request there are; who is called tells which questions are answered with yes',
    validating: [
      validating(
        'conditions-presence',
        Object.keys(presence).map((each) =>
          webhook(each, {
            rules: [rule({ apiGroups: ['*'], resources: ['widgets', 'widgets/scale', 'clusterwidgets', 'pods/exec'] })],
            failurePolicy: 'Ignore',
            matchConditions: [{ name: 'c', expression: presence[each] ?? '' }],
          }),
        ),
      ),
    ],
    behaviours: behaviours(Object.fromEntries(Object.keys(presence).map((each) => [each, allow]))),
    requests: [
      create('conditions-presence-create'),
      create('conditions-presence-user', {
        user: { username: 'bob', uid: '7', groups: ['system:masters', 'system:authenticated'], extra: { a: ['b'] } },
      }),
      remove('conditions-presence-delete'),
      scale('conditions-presence-scale', 2),
      request('conditions-presence-cluster', 'create', clusterWidgets, {
        body: custom('ClusterWidget', 'conditions-presence-cluster'),
      }),
      request('conditions-presence-exec', 'connect', pods, {
        namespace: 'plain',
        objectName: 'conditions-presence-exec',
        subresource: 'exec',
        existing: pod('conditions-presence-exec'),
        query: { command: 'ls', stdout: 'true' },
        body: { kind: 'PodExecOptions', apiVersion: 'v1', stdout: true, command: ['ls'] },
      }),
    ],
  },
  {
    name: 'conditions-mutating',
    about: 'conditions of mutating webhooks see the object as the webhooks before left it',
    mutating: [
      mutating('conditions-mutating', [
        webhook('m0'),
        webhook('m1', { matchConditions: [{ name: 'seen', expression: 'has(object.spec.first)' }] }),
        webhook('m2', { matchConditions: [{ name: 'unseen', expression: '!has(object.spec.first)' }] }),
      ]),
    ],
    behaviours: behaviours({
      m0: patches(sets('first', true)),
      m1: patches(sets('second', true)),
      m2: patches(sets('third', true)),
    }),
    requests: [create('conditions-mutating')],
  },
  {
    name: 'conditions-before-calls',
    about: 'a failing condition refuses before any validating webhook is called',
    validating: [
      validating('conditions-before-calls', [
        webhook('v0'),
        webhook('v1', { matchConditions: [{ name: 'broken', expression: 'object.spec.nothing == 1' }] }),
      ]),
    ],
    behaviours: behaviours({ v0: deny({ message: 'never heard' }), v1: allow }),
    requests: [create('conditions-before-calls')],
  },
  {
    name: 'conditions-cost',
    about: 'one expression may cost a million, all of one webhook two and a half',
    validating: [
      validating('conditions-cost', [
        webhook('one', {
          objectSelector: { matchLabels: { case: 'one' } },
          matchConditions: [
            {
              name: 'c',
              expression: 'object.spec.list.all(x, object.spec.list.all(y, object.spec.list.all(z, z >= 0)))',
            },
          ],
        }),
        webhook('together', {
          objectSelector: { matchLabels: { case: 'together' } },
          matchConditions: [0, 1, 2, 3].map((index) => ({
            name: `c${index}`,
            expression: `object.spec.list.all(x, object.spec.list.all(y, y >= 0 && x >= 0 || ${index} > 9))`,
          })),
        }),
        webhook('together-then-false', {
          objectSelector: { matchLabels: { case: 'together-then-false' } },
          matchConditions: [
            ...[0, 1, 2, 3].map((index) => ({
              name: `c${index}`,
              expression: `object.spec.list.all(x, object.spec.list.all(y, y >= 0 && x >= 0 || ${index} > 9))`,
            })),
            { name: 'false', expression: 'false' },
          ],
        }),
      ]),
    ],
    behaviours: behaviours({ one: allow, together: allow, 'together-then-false': allow }),
    requests: ['one', 'together', 'together-then-false'].map((each) =>
      create(`conditions-cost-${each}`, {
        labels: { case: each },
        spec: { list: Array.from({ length: each === 'one' ? 120 : 330 }, (_, index) => index) },
      }),
    ),
  },
];
