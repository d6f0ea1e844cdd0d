import { describe, expect, it } from 'vitest';
import { parseFieldSelector } from './field-selector.ts';

describe('parseFieldSelector()', () => {
  it.each([
    ['', []],
    [',', []],
    ['spec.nodeName=n1', [{ field: 'spec.nodeName', operator: '=', value: 'n1' }]],
    ['a==b', [{ field: 'a', operator: '=', value: 'b' }]],
    [
      'b=1,a!=2',
      [
        { field: 'a', operator: '!=', value: '2' },
        { field: 'b', operator: '=', value: '1' },
      ],
    ],
    ['a=', [{ field: 'a', operator: '=', value: '' }]],
    ['=a', [{ field: '', operator: '=', value: 'a' }]],
    ['=,a=b', [{ field: 'a', operator: '=', value: 'b' }]],
    [' a = b ', [{ field: ' a ', operator: '=', value: ' b ' }]],
    ['a=b\\,c\\=\\\\', [{ field: 'a', operator: '=', value: 'b,c=\\' }]],
    ['a\\=b', [{ field: 'a\\', operator: '=', value: 'b' }]],
  ])('reads %j', (text, requirements) => {
    expect(parseFieldSelector(text)).toEqual(requirements);
  });

  it.each(['a', 'a=b,c', 'a=b=c', 'a===b', 'a=\\', 'a=\\x', '!a'])('refuses %j', (text) => {
    expect(parseFieldSelector(text)).toBeUndefined();
  });
});
