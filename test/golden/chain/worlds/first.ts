import type { World } from '../scenario.ts';
import { allow, behaviours, create, deny, mutating, patches, remove, scale, sets, update, validating, webhook } from './build.ts';

export const first: readonly World[] = [
  {
    name: 'first-allow',
    about: 'a try',
    mutating: [mutating('first-m', [webhook('m0'), webhook('m1')])],
    validating: [validating('first-v', [webhook('v0'), webhook('v1')])],
    behaviours: behaviours({ m0: patches(sets('a', 1)), m1: allow, v0: allow, v1: { kind: 'answer', response: { warnings: ['w'] } } }),
    requests: [create('first-c'), update('first-u', { spec: { x: 1 } }), remove('first-d'), scale('first-s', 3), create('first-dry', { dryRun: true })],
  },
  {
    name: 'first-deny',
    about: 'a try',
    validating: [validating('first-v', [webhook('v0'), webhook('v1')])],
    behaviours: behaviours({ v0: deny({ message: 'no', code: 403, reason: 'Forbidden' }), v1: allow }),
    requests: [create('first-denied'), create('first-denied', { version: 'v1beta1' })],
  },
];
