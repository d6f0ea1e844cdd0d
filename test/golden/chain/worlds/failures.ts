import type { World } from '../scenario.ts';
import {
  allow,
  behaviours,
  create,
  deny,
  mutating,
  patches,
  remove,
  sets,
  update,
  validating,
  webhook,
} from './build.ts';

const broken = { kind: 'raw', status: 500 } as const;

export const failures: readonly World[] = [
  {
    name: 'failures-mutating',
    about: 'Fail refuses, Ignore goes on; an absent failurePolicy is Fail',
    mutating: [
      mutating('failures-mutating', [
        webhook('ignored', { failurePolicy: 'Ignore' }),
        webhook('ok'),
        webhook('fails', { failurePolicy: 'Fail', objectSelector: { matchLabels: { case: 'fails' } } }),
        webhook('absent', { objectSelector: { matchLabels: { case: 'absent' } } }),
        webhook('last'),
      ]),
    ],
    behaviours: behaviours({
      ignored: broken,
      ok: patches(sets('ok', true)),
      fails: broken,
      absent: broken,
      last: allow,
    }),
    requests: [
      create('failures-mutating-none'),
      create('failures-mutating-fails', { labels: { case: 'fails' } }),
      create('failures-mutating-absent', { labels: { case: 'absent' } }),
    ],
  },
  {
    name: 'failures-validating',
    about: 'of several validating webhooks all are called, whatever the others say',
    validating: [
      validating('failures-validating', [
        webhook('ignored', { failurePolicy: 'Ignore' }),
        webhook('ok'),
        webhook('fails', { failurePolicy: 'Fail', objectSelector: { matchLabels: { case: 'fails' } } }),
        webhook('denies', { failurePolicy: 'Ignore', objectSelector: { matchLabels: { case: 'denies' } } }),
      ]),
    ],
    behaviours: behaviours({ ignored: broken, ok: allow, fails: broken, denies: deny({ message: 'no' }) }),
    requests: [
      create('failures-validating-none'),
      create('failures-validating-fails', { labels: { case: 'fails' } }),
      create('failures-validating-denies', { labels: { case: 'denies' } }),
    ],
  },
  {
    name: 'failures-slow',
    about: 'a webhook that takes longer than its timeout has failed',
    mutating: [
      mutating('failures-slow', [
        webhook('m-ignored', { failurePolicy: 'Ignore', timeoutSeconds: 1 }),
        webhook('m-fails', { timeoutSeconds: 2, objectSelector: { matchLabels: { case: 'mutating' } } }),
      ]),
    ],
    validating: [
      validating('failures-slow', [
        webhook('v-ignored', { failurePolicy: 'Ignore', timeoutSeconds: 1 }),
        webhook('v-fails', { timeoutSeconds: 1, objectSelector: { matchLabels: { case: 'validating' } } }),
      ]),
    ],
    behaviours: behaviours({
      'm-ignored': { kind: 'hang' },
      'm-fails': { kind: 'hang' },
      'v-ignored': { kind: 'hang' },
      'v-fails': { kind: 'hang' },
    }),
    requests: [
      create('failures-slow-none'),
      create('failures-slow-mutating', { labels: { case: 'mutating' } }),
      create('failures-slow-validating', { labels: { case: 'validating' } }),
    ],
  },
  {
    name: 'failures-dropped',
    about: 'a connection that is dropped is a call error',
    mutating: [
      mutating('failures-dropped', [
        webhook('ignored', { failurePolicy: 'Ignore' }),
        webhook('fails', { objectSelector: { matchLabels: { case: 'fails' } } }),
      ]),
    ],
    behaviours: behaviours({ ignored: { kind: 'drop' }, fails: { kind: 'drop' } }),
    requests: [create('failures-dropped-none'), create('failures-dropped-fails', { labels: { case: 'fails' } })],
  },
  {
    name: 'failures-retried',
    about:
      '429 and 5xx with Retry-After are sent again, the same bytes; without it, or with a time for it, they are not',
    mutating: [
      mutating('failures-retried', [
        webhook('m-429', { objectSelector: { matchLabels: { case: 'm-429' } } }),
        webhook('m-503', { objectSelector: { matchLabels: { case: 'm-503' } } }),
        webhook('m-404', { objectSelector: { matchLabels: { case: 'm-404' } } }),
        webhook('m-date', { objectSelector: { matchLabels: { case: 'm-date' } } }),
        webhook('m-always', { objectSelector: { matchLabels: { case: 'm-always' } } }),
        webhook('m-too-late', { objectSelector: { matchLabels: { case: 'm-too-late' } }, timeoutSeconds: 1 }),
      ]),
    ],
    behaviours: behaviours({
      'm-429': { kind: 'sequence', steps: [{ kind: 'raw', status: 429, headers: { 'retry-after': '0' } }, allow] },
      'm-503': {
        kind: 'sequence',
        steps: [
          { kind: 'raw', status: 503, headers: { 'retry-after': '0' } },
          { kind: 'raw', status: 500, headers: { 'retry-after': '0' } },
          deny(),
        ],
      },
      'm-404': { kind: 'sequence', steps: [{ kind: 'raw', status: 404, headers: { 'retry-after': '0' } }, allow] },
      'm-date': {
        kind: 'sequence',
        steps: [{ kind: 'raw', status: 503, headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } }, allow],
      },
      'm-always': { kind: 'raw', status: 503, headers: { 'retry-after': '0' } },
      'm-too-late': { kind: 'raw', status: 503, headers: { 'retry-after': '5' } },
    }),
    requests: ['m-429', 'm-503', 'm-404', 'm-date', 'm-always', 'm-too-late'].map((each) =>
      create(`failures-retried-${each}`, { labels: { case: each } }),
    ),
  },
  {
    name: 'failures-dry-run',
    about: 'webhooks without side effects are called in a dry run, and told so',
    mutating: [
      mutating('failures-dry-run', [
        webhook('none', { sideEffects: 'None' }),
        webhook('on-dry-run', { sideEffects: 'NoneOnDryRun' }),
      ]),
    ],
    validating: [
      validating('failures-dry-run', [
        webhook('v-none', { sideEffects: 'None' }),
        webhook('v-on-dry-run', { sideEffects: 'NoneOnDryRun' }),
      ]),
    ],
    behaviours: behaviours({
      none: patches(sets('a', 1)),
      'on-dry-run': allow,
      'v-none': allow,
      'v-on-dry-run': allow,
    }),
    requests: [
      create('failures-dry-run-create', { dryRun: true }),
      update('failures-dry-run-update', { dryRun: true, spec: { x: 1 } }),
      remove('failures-dry-run-delete', { dryRun: true }),
    ],
  },
];
