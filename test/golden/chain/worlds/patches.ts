import type { JsonObject, JsonValue } from '../../../../src/json/json-value.ts';
import type { Behaviour } from '../behaviour.ts';
import type { World } from '../scenario.ts';
import { behaviours, cases, create, mutating, patches, patchText, remove, sets, update, webhook } from './build.ts';

/** What every patch is applied to. */
const spec: JsonObject = {
  list: [1, 2, { deep: [true, null] }],
  empty: [],
  map: { a: { b: 'c' }, 'x/y': 1, 'm~n': 2, '': 3 },
  text: 'plain <b> "q"',
  number: 1,
  nothing: null,
  nulls: [null],
};

const op = (name: string, path: string, ...value: JsonValue[]): JsonObject => ({
  op: name,
  path,
  ...(value.length === 0 ? {} : { value: value[0] ?? null }),
});
const from = (name: string, source: string, path: string): JsonObject => ({ op: name, from: source, path });

const operations: { readonly [name: string]: JsonObject[] } = {
  add: [op('add', '/spec/new', 1)],
  'add-over': [op('add', '/spec/number', 2)],
  'add-element': [op('add', '/spec/list/1', 'x')],
  'add-end': [op('add', '/spec/list/-', 'x')],
  'add-at-length': [op('add', '/spec/list/3', 'x')],
  'add-beyond': [op('add', '/spec/list/4', 'x')],
  'add-negative': [op('add', '/spec/list/-1', 'x')],
  'add-far-negative': [op('add', '/spec/list/-9', 'x')],
  'add-leading-zero': [op('add', '/spec/list/01', 'x')],
  'add-plus': [op('add', '/spec/list/+1', 'x')],
  'add-word': [op('add', '/spec/list/one', 'x')],
  'add-no-parent': [op('add', '/spec/no/where', 1)],
  'add-no-value': [op('add', '/spec/new')],
  'add-null': [op('add', '/spec/new', null)],
  'add-no-path': [{ op: 'add', value: 1 }],
  'add-number-path': [{ op: 'add', path: 1, value: 1 }],
  'add-root': [op('add', '', {})],
  'add-noslash': [op('add', 'noslash', 1)],
  'add-noslash-deep': [op('add', 'x/spec/new', 1)],
  'add-into-text': [op('add', '/spec/text/x', 1)],
  'add-into-null': [op('add', '/spec/nothing/x', 1)],
  'add-escaped': [op('add', '/spec/map/x~1y', 2), op('add', '/spec/map/m~0n', 3)],
  'add-odd-escape': [op('add', '/spec/map/a~2b', 2), op('add', '/spec/map/~', 3)],
  'add-empty-key': [op('add', '/spec/map/', 4)],
  remove: [op('remove', '/spec/number')],
  'remove-element': [op('remove', '/spec/list/0')],
  'remove-last': [op('remove', '/spec/list/-1')],
  'remove-dash': [op('remove', '/spec/list/-')],
  'remove-missing': [op('remove', '/spec/missing')],
  'remove-beyond': [op('remove', '/spec/list/3')],
  'remove-root': [op('remove', '')],
  'remove-defaulted': [op('remove', '/spec/flavour')],
  'remove-kind': [op('remove', '/kind')],
  'remove-api-version': [op('remove', '/apiVersion')],
  'remove-metadata-labels': [op('remove', '/metadata/labels')],
  replace: [op('replace', '/spec/number', 2)],
  'replace-missing': [op('replace', '/spec/missing', 2)],
  'replace-missing-index': [op('replace', '/spec/list/7', 2)],
  'replace-negative': [op('replace', '/spec/list/-1', 2)],
  'replace-no-parent': [op('replace', '/spec/no/where', 2)],
  'replace-same': [op('replace', '/spec/number', 1)],
  'replace-fraction': [op('replace', '/spec/number', 1.5)],
  'replace-root': [
    op('replace', '', {
      apiVersion: 'golden.sallyport.dev/v1',
      kind: 'Widget',
      metadata: { name: 'patches-replace-root', namespace: 'plain', labels: { case: 'replace-root' } },
      spec: { flavour: 'swapped' },
    }),
  ],
  'replace-root-list': [op('replace', '', [1])],
  'replace-root-text': [op('replace', '', 'x')],
  'replace-root-null': [op('replace', '', null)],
  'replace-kind': [op('replace', '/kind', 'Gadget')],
  'replace-kind-number': [op('replace', '/kind', 7)],
  'replace-version': [op('replace', '/apiVersion', 'golden.sallyport.dev/v1beta1')],
  'replace-unserved': [op('replace', '/apiVersion', 'golden.sallyport.dev/v9')],
  'replace-group': [op('replace', '/apiVersion', 'example.com/v1')],
  'replace-three-parts': [op('replace', '/apiVersion', 'a/b/c')],
  move: [from('move', '/spec/number', '/spec/moved')],
  'move-element': [from('move', '/spec/list/0', '/spec/list/-')],
  'move-missing': [from('move', '/spec/missing', '/spec/moved')],
  'move-no-from': [op('move', '/spec/moved')],
  'move-into-nowhere': [from('move', '/spec/number', '/spec/no/where')],
  copy: [from('copy', '/spec/map', '/spec/copied')],
  'copy-missing': [from('copy', '/spec/missing', '/spec/copied')],
  'copy-no-parent': [from('copy', '/spec/no/where', '/spec/copied')],
  'copy-then-change': [
    from('copy', '/spec/map', '/spec/copied'),
    op('add', '/spec/copied/z', 1),
    op('test', '/spec/map', { a: { b: 'c' }, 'x/y': 1, 'm~n': 2, '': 3 }),
  ],
  'test-passes': [op('test', '/spec/map/a', { b: 'c' }), op('add', '/spec/passed', true)],
  'test-fails': [op('test', '/spec/number', 2), op('add', '/spec/passed', true)],
  'test-missing-null': [op('test', '/spec/missing', null), op('add', '/spec/passed', true)],
  'test-missing-value': [op('test', '/spec/missing', 1)],
  'test-no-value': [op('test', '/spec/number')],
  'test-missing-no-value': [op('test', '/spec/missing')],
  'test-null': [op('test', '/spec/nothing', null), op('add', '/spec/passed', true)],
  'test-text': [op('test', '/spec/text', 'plain <b> "q"')],
  'test-null-element': [op('test', '/spec/nulls', [null])],
  'test-key-order': [
    op('test', '/spec/map', { '': 3, 'm~n': 2, 'x/y': 1, a: { b: 'c' } }),
    op('add', '/spec/passed', true),
  ],
  'test-list-order': [op('test', '/spec/list', [2, 1])],
  unknown: [op('frob', '/spec/number', 1)],
  capital: [op('Add', '/spec/number', 1)],
  'no-op': [{ path: '/spec/number', value: 1 }],
  'number-op': [{ op: 1, path: '/spec/number', value: 1 }],
  'capital-keys': [{ Op: 'add', Path: '/spec/number', Value: 1 }],
  'extra-keys': [{ op: 'add', path: '/spec/new', value: 1, comment: 'why' }],
  'second-fails': [op('add', '/spec/new', 1), op('remove', '/spec/missing')],
  'change-and-back': [op('add', '/spec/new', 1), op('remove', '/spec/new')],
};

/** Patches whose text matters. */
const texts: { readonly [name: string]: string } = {
  'test-one-point-nought': '[{"op":"test","path":"/spec/number","value":1.0}]',
  'test-escaped-text':
    '[{"op":"test","path":"/spec/text","value":"plain \\u003cb\\u003e \\"q\\""},{"op":"add","path":"/spec/passed","value":true}]',
  'add-one-point-nought': '[{"op":"add","path":"/spec/new","value":1.0}]',
  'add-exponent': '[{"op":"add","path":"/spec/new","value":1e3}]',
  'replace-as-float': '[{"op":"replace","path":"/spec/number","value":1.0}]',
  'add-large': '[{"op":"add","path":"/spec/new","value":9007199254740993}]',
  'add-beyond-int64': '[{"op":"add","path":"/spec/new","value":9223372036854775808}]',
  'duplicate-keys': '[{"op":"add","op":"remove","path":"/spec/x","path":"/spec/number"}]',
  'duplicate-value-keys': '[{"op":"add","path":"/spec/new","value":{"a":1,"a":2}}]',
  spaces: ' [ { "op" : "add" , "path" : "/spec/new" , "value" : { "a" : [ 1 , 2 ] } } ] ',
  html: '[{"op":"add","path":"/spec/new","value":"<&>"}]',
};

const all: { readonly [name: string]: Behaviour } = {
  ...Object.fromEntries(
    Object.entries(operations).map(([name, each]): [string, Behaviour] => [name, patches(...each)]),
  ),
  ...Object.fromEntries(Object.entries(texts).map(([name, text]): [string, Behaviour] => [name, patchText(text)])),
};

const { webhooks, ...rest } = cases('patches', all, { failurePolicy: 'Ignore' }, { spec });

export const patchWorlds: readonly World[] = [
  {
    name: 'patches',
    about:
      "patches are applied as the API server's library does; one that cannot be applied ends the request even under Ignore",
    mutating: [mutating('patches', webhooks)],
    ...rest,
  },
  {
    name: 'patches-on-delete',
    about: 'a patch on a deletion ends the request, an empty one does not',
    mutating: [
      mutating('patches-on-delete', [
        webhook('some', { objectSelector: { matchLabels: { case: 'some' } }, failurePolicy: 'Ignore' }),
        webhook('none', { objectSelector: { matchLabels: { case: 'none' } } }),
      ]),
    ],
    behaviours: behaviours({ some: patches(sets('a', 1)), none: patchText('[]') }),
    requests: [
      remove('patches-on-delete-some', { stored: { labels: { case: 'some' } } }),
      remove('patches-on-delete-none', { stored: { labels: { case: 'none' } } }),
    ],
  },
  {
    name: 'patches-in-turn',
    about: 'each webhook gets what the one before it left, in the version it asks for',
    mutating: [
      mutating('patches-in-turn', [
        webhook('m0'),
        webhook('m1', {
          rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['v1alpha1'], resources: ['widgets'] }],
        }),
        webhook('m2'),
        webhook('m3', {
          rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['v1beta1'], resources: ['widgets'] }],
        }),
      ]),
    ],
    behaviours: behaviours({
      m0: patches(sets('list', [1]), op('replace', '/metadata/labels', { a: 'b' })),
      m1: patches(op('add', '/spec/list/-', 2)),
      m2: patches(op('test', '/spec/list', [1, 2]), op('add', '/spec/list/-', 3)),
      m3: patches(op('test', '/metadata/labels/a', 'b'), op('remove', '/spec/list/0')),
    }),
    requests: [
      create('patches-in-turn', { labels: { z: 'y' } }),
      update('patches-in-turn-update', { labels: { c: 'd' }, version: 'v1beta1' }),
    ],
  },
  {
    name: 'patches-version-in-turn',
    about:
      'a webhook that rewrites apiVersion or kind is corrected when the object is converted back, or the request ends',
    mutating: [
      mutating('patches-version-in-turn', [
        webhook('to-beta', { objectSelector: { matchLabels: { case: 'to-beta' } } }),
        webhook('to-nowhere', { objectSelector: { matchLabels: { case: 'to-nowhere' } } }),
        webhook('last', {
          rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['v1alpha1'], resources: ['widgets'] }],
        }),
      ]),
    ],
    behaviours: behaviours({
      'to-beta': patches(op('replace', '/apiVersion', 'golden.sallyport.dev/v1beta1')),
      'to-nowhere': patches(op('replace', '/apiVersion', 'golden.sallyport.dev/v9')),
      last: patches(sets('last', true)),
    }),
    requests: [
      create('patches-to-beta', { labels: { case: 'to-beta' } }),
      create('patches-to-nowhere', { labels: { case: 'to-nowhere' } }),
    ],
  },
];
