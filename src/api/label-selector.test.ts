import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  labelRequirement,
  LabelSelectorError,
  parseLabelSelector,
  parseLabelSelectorText,
  type LabelMatcher,
  type Labels,
} from './label-selector.ts';
import type { LabelSelector } from './webhook-configuration.ts';

interface GoldenSelector<Selector> {
  readonly selector: Selector;
  readonly error?: string;
  readonly string: string;
  readonly empty: boolean;
  /** One for each of `labelSets`. */
  readonly matches?: readonly boolean[];
}

/** What tools/control-plane/cmd/golden-labels writes. */
interface Golden {
  readonly labelSets: readonly Labels[];
  readonly selectors: readonly GoldenSelector<LabelSelector | null>[];
  readonly texts: readonly GoldenSelector<string>[];
}

const golden = JSON.parse(readFileSync(new URL('../../test/golden/labels.json', import.meta.url), 'utf8')) as Golden;

function outcome<Selector>(selector: Selector, parse: (selector: Selector) => LabelMatcher): GoldenSelector<Selector> {
  try {
    const matcher = parse(selector);
    const matches = golden.labelSets.map((labels) => matcher.matches(labels));
    return { selector, string: matcher.toString(), empty: matcher.isEmpty, matches };
  } catch (error) {
    if (error instanceof LabelSelectorError) return { selector, error: error.message, string: '', empty: false };
    throw error;
  }
}

test('parseLabelSelector() agrees with the Go library', () => {
  expect(golden.selectors.map(({ selector }) => outcome(selector, parseLabelSelector))).toEqual(golden.selectors);
});

test('parseLabelSelectorText() agrees with the Go library', () => {
  expect(golden.texts.map(({ selector }) => outcome(selector, parseLabelSelectorText))).toEqual(golden.texts);
  expect(golden.texts.filter(({ error }) => error === undefined).length).toBeGreaterThan(80);
});

describe('a LabelMatcher', () => {
  test('of no selector matches nothing, of an empty one everything', () => {
    expect(parseLabelSelector(undefined).matches({ a: '1' })).toBe(false);
    expect(parseLabelSelector(undefined).isEmpty).toBe(false);
    expect(parseLabelSelector({}).matches(undefined)).toBe(true);
    expect(parseLabelSelector({}).isEmpty).toBe(true);
  });

  test('takes no labels for an empty map', () => {
    expect(parseLabelSelectorText('!a').matches(null)).toBe(true);
    expect(parseLabelSelectorText('a').matches(undefined)).toBe(false);
  });

  test('does not see what every JavaScript object has', () => {
    expect(parseLabelSelectorText('constructor').matches({})).toBe(false);
    expect(parseLabelSelectorText('!toString').matches({})).toBe(true);
  });

  test('prints a text that means the same', () => {
    const key = fc.constantFrom('a', 'b', 'in', 'example.com/c');
    const value = fc.constantFrom('', '1', 'x', 'in', '10');
    const expression = fc.oneof(
      fc.record({
        key,
        operator: fc.constantFrom('In' as const, 'NotIn' as const),
        values: fc.array(value, { minLength: 1 }),
      }),
      fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
    );
    const selector = fc.record({ matchLabels: fc.dictionary(key, value), matchExpressions: fc.array(expression) });
    fc.assert(
      fc.property(selector, fc.dictionary(key, value), (each, labels) => {
        const matcher = parseLabelSelector(each);
        const reread = parseLabelSelectorText(matcher.toString());
        expect(reread.matches(labels)).toBe(matcher.matches(labels));
        expect(reread.isEmpty).toBe(matcher.isEmpty);
      }),
    );
  });
});

test('labelRequirement() is one requirement', () => {
  expect(labelRequirement('PriorityClass', 'In', ['high']).matches({ PriorityClass: 'high' })).toBe(true);
  expect(labelRequirement('PriorityClass', 'NotIn', ['high']).matches({})).toBe(true);
  expect(() => labelRequirement('PriorityClass', 'In', [])).toThrow(
    "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
  );
});

test.each([' *', 'a*', '!*', '(*', 'a in (*', 'a,*', 'a=1,*'])(
  'parseLabelSelectorText() answers in linear time: %s',
  (pattern) => {
    const text = pattern.replace(/(.)\*/, (_, character: string) => character.repeat(200_000));
    const start = performance.now();
    try {
      parseLabelSelectorText(text);
    } catch (error) {
      expect(error).toBeInstanceOf(LabelSelectorError);
    }
    expect(performance.now() - start).toBeLessThan(10_000);
  },
);
