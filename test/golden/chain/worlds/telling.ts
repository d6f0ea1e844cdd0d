import type { Behaviour } from '../behaviour.ts';
import type { World } from '../scenario.ts';
import {
  allow,
  behaviours,
  cases,
  create,
  deny,
  mutating,
  patches,
  patchText,
  sets,
  update,
  validating,
  webhook,
} from './build.ts';

const warns = (...warnings: string[]) => ({ kind: 'answer', response: { warnings } }) as const;
const annotates = (auditAnnotations: { [key: string]: string }) =>
  ({ kind: 'answer', response: { auditAnnotations } }) as const;

const warnings: { readonly [name: string]: Behaviour } = {
  none: warns(),
  one: warns('careful'),
  several: warns('one', 'two', 'three'),
  empty: warns('', 'one', ''),
  repeated: warns('same', 'same', 'other', 'same'),
  quoted: warns('a "quoted" text', 'back\\slash', "it's"),
  control: warns('line\nbreak', 'tab\tbed', 'fine', 'nul\u0000', 'del\u007f', 'next\u0085line'),
  unicode: warns('grün ☃ 🚀', '日本'),
  'long-one': warns('x'.repeat(300)),
  'at-limit': warns('a'.repeat(4000), 'b'.repeat(96)),
  'over-limit': warns('a'.repeat(4000), 'b'.repeat(97)),
  'far-over': warns('a'.repeat(5000), 'short', 'b'.repeat(300)),
  'many-long': warns(...Array.from({ length: 30 }, (_, index) => `${index}-${'y'.repeat(290)}`)),
  'cut-control': warns('a'.repeat(4090), `${'b'.repeat(256)}\n`, 'c'),
  'unicode-cut': warns('a'.repeat(4090), '🚀'.repeat(300)),
  denied: { kind: 'answer', response: { allowed: false, warnings: ['before you go'], status: { message: 'no' } } },
};

const annotations: { readonly [name: string]: Behaviour } = {
  plain: annotates({ key: 'value' }),
  several: annotates({ a: '1', b: '2' }),
  'empty-value': annotates({ a: '' }),
  'with-slash': annotates({ 'a/b': 'x' }),
  'with-space': annotates({ 'a b': 'x' }),
  'empty-key': annotates({ '': 'x' }),
  'odd-key': annotates({ '-a': 'x', 'a-': 'x', 'a.b_c-D': 'x' }),
  'long-key': annotates({ ['k'.repeat(63)]: 'x', ['l'.repeat(64)]: 'x' }),
  'long-value': annotates({ a: 'v'.repeat(2000) }),
  multiline: annotates({ a: 'one\ntwo' }),
  denied: { kind: 'answer', response: { allowed: false, auditAnnotations: { why: 'because' } } },
};

const warningCases = cases('warnings', warnings);
const validatingWarningCases = cases('warnings-v', warnings);
const annotationCases = cases('annotations', annotations);
const validatingAnnotationCases = cases('annotations-v', annotations);

export const telling: readonly World[] = [
  {
    name: 'warnings',
    about: 'which warnings reach the client',
    mutating: [mutating('warnings', warningCases.webhooks)],
    behaviours: warningCases.behaviours,
    requests: warningCases.requests,
  },
  {
    name: 'warnings-v',
    about: 'which warnings reach the client',
    validating: [validating('warnings-v', validatingWarningCases.webhooks)],
    behaviours: validatingWarningCases.behaviours,
    requests: validatingWarningCases.requests,
  },
  {
    name: 'annotations',
    about: 'which audit annotations are written',
    mutating: [mutating('annotations', annotationCases.webhooks)],
    behaviours: annotationCases.behaviours,
    requests: annotationCases.requests,
  },
  {
    name: 'annotations-v',
    about: 'which audit annotations are written',
    validating: [validating('annotations-v', validatingAnnotationCases.webhooks)],
    behaviours: validatingAnnotationCases.behaviours,
    requests: validatingAnnotationCases.requests,
  },
  {
    name: 'telling-together',
    about: 'warnings of all webhooks in their order, repetitions once; annotations by webhook',
    mutating: [mutating('telling-together', [webhook('m0'), webhook('m1')])],
    validating: [validating('telling-together', [webhook('v0')])],
    behaviours: behaviours({
      m0: { kind: 'answer', response: { warnings: ['a', 'b'], auditAnnotations: { x: '1' } } },
      m1: { kind: 'answer', response: { warnings: ['b', 'c'], auditAnnotations: { x: '2' } } },
      v0: { kind: 'answer', response: { warnings: ['c', 'd'], auditAnnotations: { x: '3' } } },
    }),
    requests: [create('telling-together'), update('telling-together-update', { spec: { x: 1 } })],
  },
  {
    name: 'telling-patches',
    about: 'audit annotations of patches, applied or not',
    mutating: [
      mutating('telling-patches', [
        webhook('changes'),
        webhook('changes-nothing'),
        webhook('empty'),
        webhook('html'),
        webhook('ignored', { failurePolicy: 'Ignore' }),
        webhook('refused', { objectSelector: { matchLabels: { case: 'refused' } } }),
        webhook('denied', { objectSelector: { matchLabels: { case: 'denied' } } }),
      ]),
    ],
    behaviours: behaviours({
      changes: patches(sets('a', { b: [1, 'x', null] })),
      'changes-nothing': patches({ op: 'add', path: '/spec/flavour', value: 'plain' }),
      empty: patchText('[]'),
      html: patchText('[ { "path": "/spec/html", "op": "add", "value": "<&> \\u2028" } ]'),
      ignored: { kind: 'raw', status: 500 },
      refused: patches({ op: 'remove', path: '/spec/missing' }),
      denied: deny({ message: 'no' }),
    }),
    requests: [
      create('telling-patches'),
      create('telling-patches-refused', { labels: { case: 'refused' } }),
      create('telling-patches-denied', { labels: { case: 'denied' } }),
    ],
  },
  {
    name: 'telling-parallel',
    about: 'all matching validating webhooks are called, on the same object, though one refuses',
    mutating: [mutating('telling-parallel', [webhook('m0')])],
    validating: [
      validating('telling-parallel-a', [webhook('v0'), webhook('v1')]),
      validating('telling-parallel-b', [webhook('v2'), webhook('v3')]),
    ],
    behaviours: behaviours({
      m0: patches(sets('a', 1)),
      v0: allow,
      v1: deny({ message: 'only one' }),
      v2: allow,
      v3: { kind: 'answer', response: { warnings: ['heard'] } },
    }),
    requests: [create('telling-parallel'), update('telling-parallel-update', { spec: { x: 1 } })],
  },
];
