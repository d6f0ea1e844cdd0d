import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clone, equal, readExactJson, readJson, type JsonValue } from './index.ts';

const read = (text: string): JsonValue => readJson(text).value;
const nest = (depth: number, leaf: string): JsonValue =>
  read(`${'[{"a":'.repeat(depth / 2)}${leaf}${'}]'.repeat(depth / 2)}`);

describe('equal()', () => {
  it.each([
    ['null', 'null'],
    ['0', '-0'],
    ['1', '1.0'],
    ['1000', '1e3'],
    ['""', '""'],
    ['[]', '[]'],
    ['{}', '{}'],
    ['{"a":1,"b":[1,{"c":null}]}', '{"b":[1,{"c":null}],"a":1}'],
    ['{"1":1,"0":0}', '{"0":0,"1":1}'],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1}}'],
    ['{"a":1,"constructor":2}', '{"constructor":2,"a":1}'],
    ['{"rawJSON":"1"}', '{"rawJSON":"1"}'],
  ])('%s equals %s', (left, right) => {
    expect(equal(read(left), read(right))).toBe(true);
  });

  it.each([
    ['null', 'false'],
    ['null', '{}'],
    ['0', 'false'],
    ['0', '"0"'],
    ['""', 'null'],
    ['[]', '{}'],
    ['{}', '[]'],
    ['[1]', '{"0":1}'],
    ['[1,2]', '[2,1]'],
    ['[1]', '[1,1]'],
    ['[null]', '[]'],
    ['{"a":null}', '{}'],
    ['{"a":1}', '{"b":1}'],
    ['{"a":1,"b":2}', '{"a":1,"c":2}'],
    ['{"a":{"b":1}}', '{"a":{"b":2}}'],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":2}}'],
    ['{"__proto__":{}}', '{}'],
    ['{"__proto__":{},"a":1}', '{"b":{},"a":1}'],
    ['{"a":1,"constructor":2}', '{"a":1,"toString":2}'],
  ])('%s differs from %s', (left, right) => {
    expect(equal(read(left), read(right))).toBe(false);
    expect(equal(read(right), read(left))).toBe(false);
  });

  it.each([
    ['[1.0]', '[1.0]', true],
    ['9007199254740993', '9007199254740993', true],
    ['1.0', '1', false],
    ['1.0', '1.00', false],
    ['9007199254740993', '9007199254740992', false],
    ['9007199254740993', '"9007199254740993"', false],
    ['[1.0]', '[{"rawJSON":"1.0"}]', false],
    ['{"rawJSON":"1.0"}', '1.0', false],
    ['{"rawJSON":1.0}', '{"rawJSON":1.0}', true],
  ])('compares raw numbers by their text: %s and %s', (left, right, expected) => {
    expect(equal(readExactJson(left), readExactJson(right))).toBe(expected);
    expect(equal(readExactJson(right), readExactJson(left))).toBe(expected);
  });

  it('compares a nest of 100,000 levels', () => {
    expect(equal(nest(100_000, '1'), nest(100_000, '1'))).toBe(true);
    expect(equal(nest(100_000, '1'), nest(100_000, '2'))).toBe(false);
  });

  it('agrees with the texts of any two values', () => {
    const value = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>;
    fc.assert(
      fc.property(value, value, (left, right) => {
        expect(equal(left, clone(left))).toBe(true);
        expect(equal(left, right)).toBe(sortedText(left) === sortedText(right));
      }),
    );
  });
});

function sortedText(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) {
    return JSON.stringify(value);
  }
  return Array.isArray(value)
    ? `[${value.map(sortedText).join()}]`
    : `{${Object.entries(value)
        .map(([key, member]) => `${JSON.stringify(key)}:${sortedText(member)}`)
        .sort()
        .join()}}`;
}
