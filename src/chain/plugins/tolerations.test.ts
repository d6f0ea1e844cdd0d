import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../json/json-value.ts';
import { mergeTolerations, satisfiesWhitelist } from './tolerations.ts';

const exists = (key: string, over: JsonObject = {}): JsonObject => ({ key, operator: 'Exists', ...over });
const equals = (key: string, value: string, over: JsonObject = {}): JsonObject => ({
  key,
  operator: 'Equal',
  value,
  ...over,
});
const noExecute = (tolerationSeconds?: number): JsonObject =>
  exists('a', { effect: 'NoExecute', ...(tolerationSeconds !== undefined && { tolerationSeconds }) });

describe('satisfiesWhitelist()', () => {
  test.each<[string, JsonObject, JsonObject, boolean]>([
    ['the same', exists('a'), exists('a'), true],
    ['another key', exists('a'), exists('b'), false],
    ['every key', exists('a'), exists(''), true],
    ['every key with one value', equals('a', 'x'), equals('', 'x'), false],
    ['every effect', exists('a', { effect: 'NoSchedule' }), exists('a'), true],
    ['one effect only', exists('a'), exists('a', { effect: 'NoSchedule' }), false],
    ['another effect', noExecute(), exists('a', { effect: 'NoSchedule' }), false],
    ['every value', equals('a', 'x'), exists('a'), true],
    ['one value only', exists('a'), equals('a', 'x'), false],
    ['the value of one effect', equals('a', 'x', { effect: 'NoSchedule' }), equals('a', 'x'), true],
    ['another value', equals('a', 'x'), equals('a', 'y'), false],
    ['equality by default', equals('a', 'x'), { key: 'a', value: 'x' }, true],
    ['equality asked by default', { key: 'a', value: 'x' }, equals('a', 'x'), false],
    [
      'an operator of numbers',
      { key: 'a', operator: 'Gt', value: '2' },
      { key: 'a', operator: 'Gt', value: '1' },
      false,
    ],
    ['longer', noExecute(5), noExecute(6), true],
    ['for ever', noExecute(5), noExecute(), true],
    ['shorter', noExecute(5), noExecute(4), false],
    ['not for ever', noExecute(), noExecute(4), false],
    ['seconds that do not count', noExecute(), exists('a', { tolerationSeconds: 4 }), true],
  ])('with %s', (_, toleration, allowed, expected) => {
    expect(satisfiesWhitelist([toleration], [allowed])).toBe(expected);
  });

  test('allows everything by an empty list, and asks for each toleration', () => {
    expect(satisfiesWhitelist([exists('a')], [])).toBe(true);
    expect(satisfiesWhitelist([exists('a'), exists('b')], [exists('a')])).toBe(false);
    expect(satisfiesWhitelist([], [exists('a')])).toBe(true);
  });
});

describe('mergeTolerations()', () => {
  test.each<[string, JsonObject[], JsonObject[], JsonObject[]]>([
    ['nothing', [], [], []],
    ['both', [exists('a')], [exists('b')], [exists('a'), exists('b')]],
    ['the first of equal ones', [exists('a')], [exists('a', { value: '' }), exists('b')], [exists('a'), exists('b')]],
    ['the wider one', [equals('a', 'x')], [exists('a')], [exists('a')]],
    ['the wider one that came first', [exists('')], [exists('a'), equals('b', 'x')], [exists('')]],
    ['equal ones of one list once', [exists('a'), exists('a')], [], [exists('a')]],
  ])('keeps %s', (_, first, second, expected) => {
    expect(mergeTolerations(first, second)).toEqual(expected);
  });

  test('gives the first list itself when nothing is added or dropped', () => {
    const first = [exists('a'), exists('b')];
    expect(mergeTolerations(first, [exists('b')])).toBe(first);
  });
});
