import type { World } from '../scenario.ts';
import { allow, behaviours, create, mutating, patch, remove, scale, update, validating, webhook } from './build.ts';

export const review: readonly World[] = [
  {
    name: 'review-versions',
    about: 'the first known AdmissionReview version in the order of the webhook is sent',
    validating: [
      validating('review-versions', [
        webhook('v1', { admissionReviewVersions: ['v1'] }),
        webhook('v1beta1', { admissionReviewVersions: ['v1beta1'] }),
        webhook('both', { admissionReviewVersions: ['v1', 'v1beta1'] }),
        webhook('beta-first', { admissionReviewVersions: ['v1beta1', 'v1'] }),
        webhook('unknown-first', { admissionReviewVersions: ['v2', 'v1beta1', 'v1'] }),
      ]),
    ],
    behaviours: behaviours({ v1: allow, v1beta1: allow, both: allow, 'beta-first': allow, 'unknown-first': allow }),
    requests: [create('review-versions')],
  },
  {
    name: 'review-users',
    about: 'who asks is told in full, empty parts left out',
    mutating: [mutating('review-users', [webhook('m0')])],
    behaviours: behaviours({ m0: allow }),
    requests: [
      create('review-users-plain'),
      create('review-users-full', {
        user: {
          username: 'system:serviceaccount:plain:builder',
          uid: '1234',
          groups: ['system:masters', 'system:authenticated'],
          extra: { scopes: ['a', 'b'], 'example.com/team': ['c'] },
        },
      }),
      create('review-users-odd', {
        user: { username: 'jürgen "x" <y>', groups: ['system:masters', 'system:authenticated'] },
      }),
    ],
  },
  {
    name: 'review-objects',
    about: 'what object, oldObject and options are for each operation',
    mutating: [
      mutating('review-objects', [
        webhook('m0', {
          rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['v1'], resources: ['widgets/*'] }],
        }),
      ]),
    ],
    behaviours: behaviours({ m0: allow }),
    requests: [
      create('review-objects-create', { query: { fieldManager: 'tester' } }),
      create('review-objects-dry', { dryRun: true }),
      update('review-objects-update', { spec: { x: 1 }, query: { fieldManager: 'tester', fieldValidation: 'Warn' } }),
      update('review-objects-update-dry', { spec: { x: 1 }, dryRun: true }),
      patch('review-objects-patch', { spec: { x: 2, y: null } }, { query: { fieldManager: 'tester' } }),
      patch('review-objects-patch-dry', { spec: { x: 2 } }, { dryRun: true }),
      remove('review-objects-delete'),
      remove('review-objects-delete-dry', { dryRun: true }),
      scale('review-objects-scale', 4),
      {
        ...remove('review-objects-delete-options'),
        body: { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, propagationPolicy: 'Background' },
      },
    ],
  },
  {
    name: 'review-values',
    about: 'values of every kind arrive as they were sent',
    mutating: [mutating('review-values', [webhook('m0')])],
    behaviours: behaviours({
      m0: { kind: 'mutate', rules: [{ operations: [{ op: 'add', path: '/spec/touched', value: true }] }] },
    }),
    requests: [
      create('review-values', {
        spec: {
          text: 'ü "quoted" <html> & \u2028 \\ / \u0001',
          large: 9007199254740991,
          negative: -12,
          fraction: 1.5,
          tiny: 1e-9,
          huge: 1e21,
          empty: {},
          list: [],
          nothing: null,
          nested: { list: [{ a: [null, 1, 'x'] }] },
        },
      }),
    ],
  },
];
