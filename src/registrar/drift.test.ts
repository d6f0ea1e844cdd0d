import { describe, expect, it } from 'vitest';
import { covers } from './drift.ts';

describe('covers()', () => {
  it.each([
    ['equal', { a: 1, b: [1, 2] }, { a: 1, b: [1, 2] }],
    ['more members', { a: 1, foreign: 2 }, { a: 1 }],
    ['more named entries', { w: [{ name: 'x', v: 1 }, { name: 'y' }] }, { w: [{ name: 'x', v: 1 }] }],
    ['named entries in another order', { w: [{ name: 'y' }, { name: 'x' }] }, { w: [{ name: 'x' }, { name: 'y' }] }],
    ['an empty list that is absent', {}, { rules: [] }],
    ['an empty object that is absent', {}, { selector: {} }],
    ['a selector whose empty members are absent', { objectSelector: null }, { objectSelector: { matchLabels: {} } }],
    ['a member that is wanted undefined', {}, { a: undefined }],
  ])('yes: %s', (_name, actual, wanted) => {
    expect(covers(actual, wanted)).toBe(true);
  });

  it.each([
    ['another value', { a: 2 }, { a: 1 }],
    ['a missing member', {}, { a: 1 }],
    ['a longer plain list', { a: [1, 2] }, { a: [1] }],
    ['a plain list in another order', { a: [2, 1] }, { a: [1, 2] }],
    [
      'a requirement more in an empty selector',
      { objectSelector: { matchLabels: { a: 'b' } } },
      { objectSelector: {} },
    ],
    [
      'a label more in a selector',
      { namespaceSelector: { matchLabels: { a: 'b' }, matchExpressions: [] } },
      { namespaceSelector: { matchExpressions: [] } },
    ],
    ['a missing named entry', { w: [{ name: 'y' }] }, { w: [{ name: 'x' }] }],
    ['a changed named entry', { w: [{ name: 'x', v: 2 }] }, { w: [{ name: 'x', v: 1 }] }],
    ['nothing at all', undefined, { a: 1 }],
    ['a text for an object', 'a', { a: 1 }],
  ])('no: %s', (_name, actual, wanted) => {
    expect(covers(actual, wanted)).toBe(false);
  });
});
