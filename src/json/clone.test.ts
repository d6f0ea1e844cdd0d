import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clone, equal, readExactJson, readJson, writeJson, type JsonValue } from './index.ts';

describe('clone()', () => {
  it('copies any value into one that is equal and shares no object or list', () => {
    fc.assert(
      fc.property(fc.jsonValue() as fc.Arbitrary<JsonValue>, (value) => {
        const copy = clone(value);
        expect(equal(copy, value)).toBe(true);
        const originals = new Set(containersIn(value));
        expect(containersIn(copy).some((container) => originals.has(container))).toBe(false);
      }),
    );
  });

  it('copies keys of every name as own members', () => {
    const text =
      '{"__proto__":{"polluted":{"x":1}},"constructor":{"prototype":{"polluted":1}},"":0,"hasOwnProperty":[]}';
    const original = readJson(text).value;
    const copy = clone(original);
    expect(JSON.stringify(copy)).toBe(text);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(containersIn(copy).every((container) => !containersIn(original).includes(container))).toBe(true);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('keeps raw numbers', () => {
    expect(JSON.stringify(clone(readExactJson('{"a":[1.0,9007199254740993]}')))).toBe('{"a":[1.0,9007199254740993]}');
  });

  it('copies a nest of 100,000 levels', () => {
    const text = `${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}`;
    expect(writeJson(clone(readJson(text).value))).toBe(text);
  });
});

function containersIn(value: JsonValue): JsonValue[] {
  return typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(containersIn)] : [];
}
