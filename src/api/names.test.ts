import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { quote } from './go-quote.ts';
import {
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from './names.ts';

/** What tools/control-plane/cmd/golden-labels writes. */
interface Golden {
  readonly names: readonly {
    readonly value: string;
    readonly dns1123Label: readonly string[];
    readonly dns1123Subdomain: readonly string[];
    readonly dns1035Label: readonly string[];
    readonly qualifiedName: readonly string[];
    readonly labelValue: readonly string[];
  }[];
  readonly quoted: readonly { readonly text: string; readonly quoted: string }[];
}

const golden = JSON.parse(readFileSync(new URL('../../test/golden/labels.json', import.meta.url), 'utf8')) as Golden;

describe('names as the Go library judges them', () => {
  test.each([
    ['dns1123LabelProblems', dns1123LabelProblems, 'dns1123Label'],
    ['dns1123SubdomainProblems', dns1123SubdomainProblems, 'dns1123Subdomain'],
    ['dns1035LabelProblems', dns1035LabelProblems, 'dns1035Label'],
    ['qualifiedNameProblems', qualifiedNameProblems, 'qualifiedName'],
    ['labelValueProblems', labelValueProblems, 'labelValue'],
  ] as const)('%s()', (_, problemsOf, rule) => {
    expect(golden.names.map(({ value }) => [value, problemsOf(value)])).toEqual(
      golden.names.map((name) => [name.value, name[rule]]),
    );
    expect(golden.names.some((name) => name[rule].length === 0)).toBe(true);
    expect(golden.names.some((name) => name[rule].length > 0)).toBe(true);
  });

  test.each([
    ['dns1123SubdomainProblems', dns1123SubdomainProblems],
    ['qualifiedNameProblems', qualifiedNameProblems],
    ['labelValueProblems', labelValueProblems],
  ])('%s() answers in linear time', (_, problemsOf) => {
    const start = performance.now();
    for (const unit of ['a', 'a.', 'a-', '-']) expect(problemsOf(`${unit.repeat(400_000)}!`)).not.toEqual([]);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe('quote()', () => {
  test.each(golden.quoted)('$quoted', ({ text, quoted }) => {
    expect(quote(text)).toBe(quoted);
  });

  test('half a surrogate pair', () => {
    expect(quote('a\ud800')).toBe('"a\ufffd"');
  });
});
