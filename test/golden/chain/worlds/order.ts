import { widgets } from '../cluster.ts';
import type { World } from '../scenario.ts';
import {
  allow,
  behaviours,
  configMap,
  configMaps,
  coreNamespaces,
  create,
  deny,
  mutates,
  mutating,
  namespaceObject,
  patches,
  remove,
  request,
  rule,
  sets,
  update,
  validating,
  webhook,
  widget,
} from './build.ts';

const appends = (value: string) =>
  mutates(
    { when: [{ absent: '/spec/order' }], operations: [sets('order', [value])] },
    { when: [{ present: '/spec/order' }], operations: [{ op: 'add', path: '/spec/order/-', value }] },
  );

export const order: readonly World[] = [
  {
    name: 'order-names',
    about: 'configurations go by the bytes of their names, webhooks as they are listed',
    mutating: [
      mutating('order-b', [webhook('b')]),
      mutating('order-a.b', [webhook('a-dot-b')]),
      mutating('order-a', [webhook('a2'), webhook('a1')]),
      mutating('order-a-b', [webhook('a-dash-b')]),
      mutating('order-a0', [webhook('a-zero')]),
      mutating('order-10', [webhook('ten')]),
      mutating('order-9', [webhook('nine')]),
    ],
    behaviours: behaviours({
      b: appends('b'),
      'a-dot-b': appends('a.b'),
      a1: appends('a1'),
      a2: appends('a2'),
      'a-dash-b': appends('a-b'),
      'a-zero': appends('a0'),
      ten: appends('10'),
      nine: appends('9'),
    }),
    requests: [create('order-names')],
  },
  {
    name: 'order-index',
    about: 'audit annotations count the whole list for mutating webhooks, the matching ones for validating',
    mutating: [
      mutating('order-index-a', [
        webhook('m0', { rules: [rule({ resources: ['gadgets'] })] }),
        webhook('m1', { failurePolicy: 'Ignore' }),
      ]),
      mutating('order-index-b', [webhook('m2', { objectSelector: { matchLabels: { no: 'match' } } }), webhook('m3')]),
    ],
    validating: [
      validating('order-index-v', [
        webhook('v0', { rules: [rule({ resources: ['gadgets'] })] }),
        webhook('v1', { failurePolicy: 'Ignore' }),
        webhook('v2', { namespaceSelector: { matchLabels: { no: 'match' } } }),
        webhook('v3', { failurePolicy: 'Ignore' }),
      ]),
    ],
    behaviours: behaviours({
      m0: allow,
      m1: { kind: 'raw', status: 500 },
      m2: allow,
      m3: allow,
      v0: allow,
      v1: { kind: 'raw', status: 500 },
      v2: allow,
      v3: { kind: 'raw', status: 500 },
    }),
    requests: [create('order-index')],
  },
  {
    name: 'order-first-refusal',
    about: 'the first refusal ends the walk; validating webhooks come after all mutating ones',
    mutating: [mutating('order-first-refusal', [webhook('m0'), webhook('m1'), webhook('m2')])],
    validating: [validating('order-first-refusal', [webhook('v0')])],
    behaviours: behaviours({ m0: patches(sets('a', 1)), m1: deny({ message: 'second' }), m2: allow, v0: allow }),
    requests: [create('order-first-refusal')],
  },
  {
    name: 'order-schema',
    about: 'what the mutating walk made of the object is checked before the validating walk, whatever was sent',
    mutating: [mutating('order-schema', [webhook('m0')])],
    validating: [validating('order-schema', [webhook('v0')])],
    behaviours: behaviours({
      m0: mutates({
        when: [{ present: '/spec/broken' }],
        operations: [sets('flavour', 5)],
      }),
      v0: allow,
    }),
    requests: [
      create('order-schema-valid'),
      create('order-schema-broken', { spec: { broken: true } }),
      update('order-schema-broken-update', { spec: { broken: true } }),
    ],
  },
  {
    name: 'order-verbs',
    about:
      'every write walks both lists; apply is CREATE or UPDATE; a deleted collection goes object by object, without a name',
    mutating: [mutating('order-verbs', [webhook('m0')])],
    validating: [validating('order-verbs', [webhook('v0')])],
    behaviours: behaviours({ m0: allow, v0: allow }),
    requests: [
      create('order-verbs-create'),
      update('order-verbs-update', { spec: { x: 1 } }),
      remove('order-verbs-delete'),
      request('order-verbs-apply-new', 'apply', widgets(), {
        namespace: 'plain',
        objectName: 'order-verbs-apply-new',
        query: { fieldManager: 'tester', force: 'true' },
        body: widget('order-verbs-apply-new', { spec: { x: 1 } }),
      }),
      request('order-verbs-apply-old', 'apply', widgets(), {
        namespace: 'plain',
        objectName: 'order-verbs-apply-old',
        existing: widget('order-verbs-apply-old'),
        query: { fieldManager: 'tester', force: 'true' },
        body: widget('order-verbs-apply-old', { spec: { x: 2 } }),
      }),
      create('order-verbs-manager', { query: { fieldManager: 'me', fieldValidation: 'Strict' } }),
    ],
  },
  {
    name: 'order-delete-refused',
    about: 'a mutating webhook may refuse a deletion, and so may a validating one',
    mutating: [
      mutating('order-delete-refused', [webhook('m0', { objectSelector: { matchLabels: { by: 'mutating' } } })]),
    ],
    validating: [validating('order-delete-refused', [webhook('v0')])],
    behaviours: behaviours({ m0: deny({ message: 'not this one' }), v0: deny({ message: 'nor that one' }) }),
    requests: [
      remove('order-delete-by-mutating', { stored: { labels: { by: 'mutating' } } }),
      remove('order-delete-by-validating'),
      remove('order-delete-options', { query: { propagationPolicy: 'Orphan' } }),
    ],
  },
  {
    name: 'order-namespaces',
    about: 'the namespace of a request for a namespace is its own name',
    validating: [
      validating('order-namespaces', [
        webhook('v0', { rules: [rule({ apiGroups: [''], resources: ['namespaces', 'configmaps'] })] }),
      ]),
    ],
    behaviours: behaviours({ v0: allow }),
    requests: [
      request('order-namespaces-create', 'create', coreNamespaces, {
        body: namespaceObject('order-namespaces-create'),
      }),
      request('order-namespaces-configmap', 'create', configMaps, {
        namespace: 'plain',
        body: configMap('order-namespaces-configmap'),
      }),
    ],
  },
];
