import type { ReinvocationPolicy } from '../../../../src/api/webhook-configuration.ts';
import type { Behaviour } from '../behaviour.ts';
import type { World } from '../scenario.ts';
import {
  allow,
  behaviours,
  create,
  deny,
  mutates,
  mutating,
  patches,
  rule,
  sets,
  update,
  validating,
  webhook,
} from './build.ts';

/** Appends to `spec.order` at every call. */
const appends = (value: string): Behaviour =>
  mutates(
    { when: [{ absent: '/spec/order' }], operations: [sets('order', [value])] },
    { when: [{ present: '/spec/order' }], operations: [{ op: 'add', path: '/spec/order/-', value }] },
  );

/** Sets a field the first time only. */
const once = (key: string): Behaviour => mutates({ when: [{ absent: `/spec/${key}` }], operations: [sets(key, true)] });

interface Hook {
  readonly policy: ReinvocationPolicy;
  readonly does: Behaviour;
  readonly over?: Parameters<typeof webhook>[1];
}

function world(
  name: string,
  about: string,
  hooks: { readonly [name: string]: Hook },
  more: Partial<World> = {},
): World {
  return {
    name: `reinvocation-${name}`,
    about,
    mutating: [
      mutating(
        `reinvocation-${name}`,
        Object.entries(hooks).map(([each, { policy, over }]) => webhook(each, { reinvocationPolicy: policy, ...over })),
      ),
    ],
    behaviours: behaviours(Object.fromEntries(Object.entries(hooks).map(([each, { does }]) => [each, does]))),
    requests: [create(`reinvocation-${name}`), update(`reinvocation-${name}-update`, { spec: { x: 1 } })],
    ...more,
  };
}

const ifNeeded = (does: Behaviour, over?: Hook['over']): Hook => ({
  policy: 'IfNeeded',
  does,
  ...(over === undefined ? {} : { over }),
});
const never = (does: Behaviour, over?: Hook['over']): Hook => ({
  policy: 'Never',
  does,
  ...(over === undefined ? {} : { over }),
});

export const reinvocation: readonly World[] = [
  world('none', 'nothing changes, nobody is called again', { a: ifNeeded(allow), b: ifNeeded(allow) }),
  world('first-changes', "a webhook's own change does not call it again", {
    a: ifNeeded(appends('a')),
    b: ifNeeded(allow),
  }),
  world('later-changes', 'a later change calls the earlier ones again that wish it', {
    a: ifNeeded(appends('a')),
    b: never(appends('b')),
    c: never(appends('c')),
  }),
  world('never', 'without the wish nobody is called again', { a: never(appends('a')), b: never(appends('b')) }),
  world('both', 'in the second round the later ones are called again after a change in it', {
    a: ifNeeded(appends('a')),
    b: ifNeeded(appends('b')),
  }),
  world('chain', 'changes in the second round reach only those after them', {
    a: ifNeeded(appends('a')),
    b: ifNeeded(once('b')),
    c: ifNeeded(appends('c')),
  }),
  world('settled', 'a second round without changes calls nobody after', {
    a: ifNeeded(once('a')),
    b: ifNeeded(once('b')),
    c: ifNeeded(once('c')),
  }),
  world('no-third', 'there is never a third round', {
    a: ifNeeded(appends('a')),
    b: ifNeeded(appends('b')),
    c: ifNeeded(appends('c')),
  }),
  world('middle', 'only those before the change are called again', {
    a: ifNeeded(allow),
    b: never(once('b')),
    c: ifNeeded(allow),
  }),
  world('skipped-first', 'a webhook skipped in the first round is not called in the second', {
    a: ifNeeded(allow, { objectSelector: { matchLabels: { added: 'yes' } } }),
    b: ifNeeded(allow),
    c: never(patches({ op: 'add', path: '/metadata/labels', value: { added: 'yes' } })),
  }),
  world('no-longer', 'a webhook that does not match any more is not called again', {
    a: ifNeeded(allow, { objectSelector: { matchExpressions: [{ key: 'added', operator: 'DoesNotExist' }] } }),
    b: ifNeeded(allow),
    c: never(patches({ op: 'add', path: '/metadata/labels', value: { added: 'yes' } })),
  }),
  world('condition', 'conditions are asked again in the second round', {
    a: ifNeeded(allow, { matchConditions: [{ name: 'c', expression: '!has(object.spec.done)' }] }),
    b: never(once('done')),
  }),
  world('no-op-patch', 'a patch that changes nothing calls nobody again', {
    a: ifNeeded(allow),
    b: never(patches({ op: 'add', path: '/spec/flavour', value: 'plain' })),
  }),
  world('undone', 'a change that is undone later has been one all the same', {
    a: ifNeeded(allow),
    b: never(patches(sets('tmp', 1))),
    c: never(mutates({ when: [{ present: '/spec/tmp' }], operations: [{ op: 'remove', path: '/spec/tmp' }] })),
  }),
  world('default-returns', 'what defaulting puts back counts as changed by the patch that took it away', {
    a: ifNeeded(allow),
    b: never(patches({ op: 'remove', path: '/spec/flavour' })),
  }),
  world('denied-again', 'a webhook may deny in the second round', {
    a: ifNeeded({ kind: 'sequence', steps: [allow, deny({ message: 'second thoughts' })] }),
    b: never(once('b')),
  }),
  world('failed-again', 'failures in the second round are told as such', {
    a: ifNeeded({ kind: 'sequence', steps: [allow, { kind: 'raw', status: 500 }] }, { failurePolicy: 'Ignore' }),
    b: never(once('b')),
  }),
  world('failed-first', 'a webhook that failed open in the first round is called again in the second', {
    a: ifNeeded({ kind: 'sequence', steps: [{ kind: 'raw', status: 500 }, allow] }, { failurePolicy: 'Ignore' }),
    b: never(once('b')),
  }),
  world('annotations', 'of an audit annotation the first value stays; warnings come once', {
    a: ifNeeded({
      kind: 'sequence',
      steps: [
        { kind: 'answer', response: { auditAnnotations: { seen: 'one', same: 'x' }, warnings: ['one', 'same'] } },
        { kind: 'answer', response: { auditAnnotations: { seen: 'two', same: 'x' }, warnings: ['two', 'same'] } },
      ],
    }),
    b: never(once('b')),
  }),
  world('equivalent', 'webhooks called again get the object in the version they ask for', {
    a: ifNeeded(appends('a'), { rules: [rule({ apiVersions: ['v1alpha1'] })] }),
    b: ifNeeded(appends('b'), { rules: [rule({ apiVersions: ['v1beta1'] })] }),
  }),
  {
    ...world('across', 'configurations do not matter to who is called again', { b: ifNeeded(appends('b')) }),
    mutating: [
      mutating('reinvocation-across-1', [webhook('a', { reinvocationPolicy: 'IfNeeded' })]),
      mutating('reinvocation-across-2', [webhook('b', { reinvocationPolicy: 'IfNeeded' }), webhook('c')]),
    ],
    validating: [validating('reinvocation-across', [webhook('v')])],
    behaviours: behaviours({ a: once('a'), b: appends('b'), c: once('c'), v: allow }),
  },
];
